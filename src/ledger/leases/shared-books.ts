import type { Clock } from "../../base/clock.ts";
import type { Limits } from "../../base/limits.ts";
import type { Roster } from "../../base/roster.ts";
import type { BudgetSetting } from "../../config/settings.ts";
import { type BudgetShare, openSinceOf, type Store } from "../../store/spec.ts";
import type { AttemptHold } from "../attempt-hold.ts";
import type { BookKeeping, DoubtReason } from "../book-keeping.ts";
import type { BudgetAccount } from "../budget-account.ts";
import type { BudgetBooks } from "../budget-books.ts";
import type { Places } from "../decision.ts";
import { CRASH } from "../recovery.ts";
import type {
  Adjustment,
  BudgetState,
  LedgerWorld,
  RecoveryReport,
  Resolution,
  Settlement,
  UnsettledAttempt,
} from "../spec.ts";
import type { WaitingCalls } from "../waiting-calls.ts";
import { correct, listDoubts, resolveDoubt } from "./corrections.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import { LeaseOffice, type Outlook } from "./lease-office.ts";
import { SharedBudgets } from "./shared-budgets.ts";
import { readStates } from "./states.ts";

/** How this process shares its store with others. */
export interface Sharing {
  /** The same at every start on one data folder, whose lock says that the one before is gone. For people too. */
  readonly name: string;
  /** The version of the settings in force here, as the store counts them. */
  readonly settingsVersion: () => number;
  /** Told of the version of the settings that the store holds, each time it was looked at. */
  readonly onSettings?: (version: number) => void;
  /** What went wrong, and is tried again. */
  readonly onTrouble?: (cause: unknown) => void;
}

export interface SharedBooksOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly limits: Pick<Limits, "nodeSilenceMs">;
  readonly sharing: Sharing;
  readonly books: BudgetBooks;
  readonly holds: Roster<AttemptHold>;
  readonly waiting: WaitingCalls;
  readonly serve: (account: BudgetAccount) => void;
  readonly roll: (account: BudgetAccount) => void;
  /** This node has a new seat. */
  readonly reseated: () => void;
}

/** What other nodes may have freed since is asked for again after this. */
const STALE_MS = 250;
/** How old what this node shows of all nodes may be. */
const READ_MS = 1_000;

/** The books of a node that shares its store: it keeps what it has leased, the store keeps the rest. See docs/leases.md. */
export class SharedBooks implements BookKeeping {
  readonly isShared = true;
  readonly #options: SharedBooksOptions;
  readonly #office: LeaseOffice;
  readonly #keeper: LeaseKeeper;
  readonly #budgets: SharedBudgets;
  /** Holds of a seat that was taken away: they are in doubt, whatever this node knows of them. */
  readonly #lost = new WeakSet<AttemptHold>();
  #world: LedgerWorld | undefined;
  #reseating: Promise<void> | undefined;
  #closed = false;
  #readAt = performance.now();
  #states: readonly BudgetState[] = [];
  #doubts: readonly UnsettledAttempt[] = [];

  constructor(options: SharedBooksOptions) {
    const { store, clock, limits, sharing, books, waiting, serve, holds } = options;
    this.#options = options;
    this.#office = new LeaseOffice(store);
    this.#keeper = new LeaseKeeper({
      office: this.#office,
      journal: store.journal,
      clock,
      limits,
      books,
      waiting,
      serve,
      fenced: () => this.#reseat(),
      looked: (outlook) => this.#looked(outlook),
      settingsVersion: () => this.#budgets.acknowledged,
      troubled: (cause) => sharing.onTrouble?.(cause),
    });
    this.#budgets = new SharedBudgets(store, books, holds, this.#keeper, this.#office, sharing.settingsVersion);
  }

  get openSince(): string {
    return openSinceOf(this.#keeper.seat.number);
  }

  async open(budgets: readonly BudgetSetting[], world: LedgerWorld): Promise<RecoveryReport> {
    const { sharing, clock } = this.#options;
    this.#world = world;
    const crashed = [
      ...(await this.#office.endGone(sharing.name, CRASH, clock.now())),
      ...(await this.#office.endAlone(CRASH, clock.now())),
    ];
    this.#keeper.sit(await this.#office.join(sharing.name, clock.now()));
    await this.#budgets.set(budgets, world, clock.now(), { isStart: true });
    await this.#keeper.look();
    this.#keeper.start();
    await this.#read();
    return { crashed, unsettled: this.#doubts.length, problems: [] };
  }

  async setBudgets(budgets: readonly BudgetSetting[], world: LedgerWorld): Promise<readonly BudgetAccount[]> {
    this.#world = world;
    const touched = await this.#budgets.set(budgets, world, this.#options.clock.now());
    this.#keeper.draw();
    return touched;
  }

  seek(): void {
    this.#keeper.draw();
  }

  doubtRefusal({ accounts }: Places): boolean {
    const since = performance.now() - STALE_MS;
    let forgotten = false;
    for (const { window } of accounts) forgotten = window.lease?.forget(since) || forgotten;
    return forgotten;
  }

  used(accounts: readonly BudgetAccount[]): void {
    for (const { window, refuses } of accounts) {
      if (refuses && window.lease && window.room < window.lease.rate / 2n) {
        this.#keeper.draw();
        return;
      }
    }
  }

  isLost(hold: AttemptHold): boolean {
    return this.#lost.has(hold);
  }

  leave(hold: AttemptHold, _doubt: DoubtReason): BudgetShare[] {
    return hold.shares.map(({ window, bound }) => {
      window.lease?.leave(bound);
      return { budget: window.account.book, window: window.start, amount: bound };
    });
  }

  async resolve(
    attempt: string,
    resolution: Resolution,
    at: number,
    kept?: Settlement["kept"],
  ): Promise<readonly BudgetAccount[]> {
    const { store, books } = this.#options;
    await resolveDoubt({ store, books, world: this.#world! }, attempt, resolution, at, kept);
    this.#keeper.draw();
    return [];
  }

  async adjust(adjustment: Adjustment, at: number): Promise<readonly BudgetAccount[]> {
    const { store, books } = this.#options;
    await correct({ store, books, world: this.#world! }, adjustment, at);
    this.#keeper.draw();
    return [];
  }

  budgets(): readonly BudgetState[] {
    return this.#states;
  }

  unsettled(): readonly UnsettledAttempt[] {
    return this.#doubts;
  }

  async readBudgets(): Promise<readonly BudgetState[]> {
    const { books, roll, store } = this.#options;
    const accounts = [...books.inForce(), ...this.#budgets.pending];
    for (const account of accounts) roll(account);
    return (this.#states = await readStates(store.query, accounts));
  }

  async readUnsettled(): Promise<readonly UnsettledAttempt[]> {
    return (this.#doubts = await listDoubts(this.#options.store.query));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#keeper.stop();
    await this.#reseating;
    await this.#office.end(this.#keeper.seat, "stopped", this.#options.clock.now());
  }

  async #read(): Promise<void> {
    this.#readAt = performance.now();
    await Promise.all([this.readBudgets(), this.readUnsettled()]);
  }

  async #looked(outlook: Outlook): Promise<void> {
    const { sharing, clock } = this.#options;
    sharing.onSettings?.(outlook.settingsVersion);
    await this.#budgets.openPending(outlook.nodes, this.#world!, clock.now());
    if (performance.now() - this.#readAt > READ_MS) await this.#read();
  }

  /** Another node took the seat: what was in flight is in doubt, and this node begins anew under another one. */
  #reseat(): void {
    if (this.#closed || this.#reseating) return;
    const { clock, books, holds, sharing, reseated } = this.#options;
    for (const hold of holds) this.#lost.add(hold);
    while (holds.at(0)) holds.remove(holds.at(0)!);
    const again = async (): Promise<void> => {
      await this.#office.endGone(sharing.name, CRASH, clock.now());
      this.#keeper.sit(await this.#office.join(sharing.name, clock.now()));
      for (const account of [...books.inForce(), ...this.#budgets.pending]) {
        account.renew(clock.now(), this.#keeper.touched);
      }
      reseated();
    };
    this.#reseating = again()
      .catch((cause) => sharing.onTrouble?.(cause))
      .finally(() => {
        this.#reseating = undefined;
      });
  }
}
