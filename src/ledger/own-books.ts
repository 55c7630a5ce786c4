import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/faults.ts";
import type { Text } from "../base/language.ts";
import { ledgerWords } from "../base/messages/ledger.ts";
import type { Roster } from "../base/roster.ts";
import type { BudgetSetting } from "../config/settings.ts";
import { type BudgetShare, OPEN_SINCE, type Store } from "../store/spec.ts";
import { adjustAttempt } from "./adjustments.ts";
import { type AttemptHold, settleShares } from "./attempt-hold.ts";
import type { BookKeeping, DoubtReason } from "./book-keeping.ts";
import type { BudgetAccount } from "./budget-account.ts";
import type { BudgetBooks } from "./budget-books.ts";
import { BudgetChanges } from "./budget-changes.ts";
import { type DoubtShare, Doubts, sharesOfDoubt } from "./doubts.ts";
import { LeaseOffice } from "./leases/lease-office.ts";
import { CRASH, closeCrashed, factsOf, loadBooks, loadDoubts, readOpenSince } from "./recovery.ts";
import { resolutionEntry } from "./resolution.ts";
import type { Adjustment, BudgetState, LedgerWorld, RecoveryReport, Resolution, UnsettledAttempt } from "./spec.ts";

/** The books of a process that has the store alone: all of them are in memory, and every change is also in the journal. */
export class OwnBooks implements BookKeeping {
  readonly isShared = false;
  readonly openSince = OPEN_SINCE;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #books: BudgetBooks;
  readonly #doubts = new Doubts();
  readonly #changes: BudgetChanges;
  readonly #roll: (account: BudgetAccount) => void;
  #world: LedgerWorld;
  #adjusting: Promise<unknown> = Promise.resolve();

  /** @param roll moves an account on to the window that is open now */
  constructor(
    store: Store,
    clock: Clock,
    books: BudgetBooks,
    holds: Roster<AttemptHold>,
    world: LedgerWorld,
    roll: (account: BudgetAccount) => void,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#books = books;
    this.#world = world;
    this.#roll = roll;
    this.#changes = new BudgetChanges(store, books, this.#doubts, holds);
  }

  async open(budgets: readonly BudgetSetting[], world: LedgerWorld): Promise<RecoveryReport> {
    const { query } = this.#store;
    const now = this.#clock.now();
    const problems: Text[] = [];
    // Workers that shared the store before, and are gone: nobody but this process has it now.
    const left = await new LeaseOffice(this.#store).endGone(undefined, CRASH, now);
    const crashed = [...left, ...(await closeCrashed(this.#store, await readOpenSince(query), now))];
    const unread = await loadBooks(query, this.#books, budgets, now);
    await loadDoubts(query, this.#books, this.#doubts, problems);
    this.#world = world;
    await this.#changes.set(budgets, world, now, { unread, problems });
    return { crashed, unsettled: this.#doubts.size, problems };
  }

  setBudgets(budgets: readonly BudgetSetting[], world: LedgerWorld): Promise<BudgetAccount[]> {
    this.#world = world;
    return this.#changes.set(budgets, world, this.#clock.now());
  }

  /** There is no elsewhere. */
  seek(): void {}

  doubtRefusal(): boolean {
    return false;
  }

  used(): void {}

  isLost(): boolean {
    return false;
  }

  leave(hold: AttemptHold, { reason, since, estimate }: DoubtReason): BudgetShare[] {
    const shares: DoubtShare[] = hold.shares.map(({ window, ratio, bound }) => ({ window, ratio, bound }));
    const { heldAt, bound, rates } = hold;
    this.#doubts.add({ facts: factsOf(hold.ask), bound, heldAt, since, reason, estimate, rates, shares });
    return sharesOfDoubt(shares);
  }

  async resolve(attempt: string, resolution: Resolution, at: number): Promise<BudgetAccount[]> {
    const doubt = this.#doubts.get(attempt);
    if (!doubt) throw new Fault("not_found", ledgerWords.notInDoubt(attempt), { details: { attempt } });
    this.#doubts.remove(doubt);
    const shares = resolution.action === "settle" ? settleShares(doubt.shares, resolution.cost) : [];
    const entry = resolutionEntry(doubt, resolution, shares, at);
    await this.#store.journal.append({ op: "entry", entry });
    return doubt.shares.map(({ window }) => window.account);
  }

  adjust(adjustment: Adjustment, at: number): Promise<BudgetAccount[]> {
    const done = this.#adjusting.then(() => adjustAttempt(this.#store, this.#books, this.#world, adjustment, at));
    // One after the other: each looks at what the attempt cost so far.
    this.#adjusting = done.catch(() => {});
    return done;
  }

  budgets(): BudgetState[] {
    return Array.from(this.#books.inForce(), (account) => {
      this.#roll(account);
      return account.state;
    });
  }

  unsettled(): UnsettledAttempt[] {
    return this.#doubts.list();
  }

  async readBudgets(): Promise<BudgetState[]> {
    return this.budgets();
  }

  async readUnsettled(): Promise<UnsettledAttempt[]> {
    return this.unsettled();
  }

  async close(): Promise<void> {}
}
