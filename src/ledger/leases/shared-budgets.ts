import { Fault } from "../../base/faults.ts";
import { ledgerWords } from "../../base/messages/ledger.ts";
import { type ExchangeRate, parseAmount, UNIT_RATIO } from "../../base/money.ts";
import type { Roster } from "../../base/roster.ts";
import type { BudgetSetting } from "../../config/settings.ts";
import type { Store } from "../../store/spec.ts";
import type { AttemptHold } from "../attempt-hold.ts";
import { BudgetAccount, type WindowSums } from "../budget-account.ts";
import { type BudgetBooks, configurationOf } from "../budget-books.ts";
import { readBase } from "../budget-opening.ts";
import { addRate } from "../rates.ts";
import type { LedgerWorld } from "../spec.ts";
import { closeBooks, closeStaleBooks, openBook } from "./book-register.ts";
import type { LeaseKeeper } from "./lease-keeper.ts";
import type { LeaseOffice, NodeSight } from "./lease-office.ts";
import { deed, lockWindows } from "./windows.ts";

/** A budget that comes into force once all nodes name it in their entries, and its past is known. */
interface Pending {
  readonly account: BudgetAccount;
  /** The version of the settings that brought it. */
  readonly version: number;
}

/** How long a change waits for the other nodes; after that they follow while it is in force here. */
const FOLLOW_MS = 5_000;
const LOOK_AGAIN_MS = 25;
const BEAT_MS = 500;
/** The row of `meta` that says when budgets were last opened. */
const LAST_OPENING = "last-opening";

/** Puts budgets into force on this node, while other nodes do the same. */
export class SharedBudgets {
  readonly #store: Store;
  readonly #books: BudgetBooks;
  readonly #holds: Roster<AttemptHold>;
  readonly #keeper: LeaseKeeper;
  readonly #office: LeaseOffice;
  readonly #settingsVersion: () => number;
  #pending: Pending[] = [];
  #acknowledged = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    store: Store,
    books: BudgetBooks,
    holds: Roster<AttemptHold>,
    keeper: LeaseKeeper,
    office: LeaseOffice,
    settingsVersion: () => number,
  ) {
    this.#store = store;
    this.#books = books;
    this.#holds = holds;
    this.#keeper = keeper;
    this.#office = office;
    this.#settingsVersion = settingsVersion;
  }

  /** The version of the settings whose budgets every entry of this node names from now on. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Budgets that are not in force yet. */
  get pending(): readonly BudgetAccount[] {
    return this.#pending.map(({ account }) => account);
  }

  /** Returns the accounts in which something may have changed. One change after the other. */
  set(
    budgets: readonly BudgetSetting[],
    world: LedgerWorld,
    now: number,
    options: { readonly isStart?: boolean } = {},
  ): Promise<BudgetAccount[]> {
    const done = this.#last.then(() => this.#set(budgets, world, now, options.isStart === true));
    this.#last = done.catch(() => {});
    return done;
  }

  async #set(
    budgets: readonly BudgetSetting[],
    world: LedgerWorld,
    now: number,
    isStart: boolean,
  ): Promise<BudgetAccount[]> {
    const version = this.#settingsVersion();
    const live = [...this.#books.inForce(), ...this.#pending.map(({ account }) => account)];
    const known = new Map(live.map((account) => [configurationOf(account.setting), account]));
    const staying = new Set<BudgetAccount>();
    const fresh: BudgetSetting[] = [];
    for (const setting of budgets) {
      checkAmount(setting);
      const account = known.get(configurationOf(setting));
      if (!account) fresh.push(setting);
      else {
        staying.add(account);
        configure(account, setting);
      }
    }
    const opened: Pending[] = [];
    for (const setting of fresh) opened.push({ account: await this.#open(setting, now), version });
    this.#pending.push(...opened);
    const leaving = live.filter((account) => !staying.has(account));
    for (const account of leaving) this.#remove(account);
    await closeBooks(
      this.#store.query,
      leaving.map(({ book }) => book),
      now,
    );
    if (isStart) await closeStaleBooks(this.#store.query, new Set(budgets.map(configurationOf)), version, now);
    // Entries queued until here do not name the new books, entries from here on do.
    await this.#store.journal.append({ op: "mark", name: LAST_OPENING, value: String(now) });
    this.#acknowledged = version;
    if (opened.length > 0) await this.#follow(opened, world, now);
    return [...this.#books.inForce(), ...leaving];
  }

  /** Waits until the new budgets are in force, as long as the other nodes are quick about it. */
  async #follow(opened: readonly Pending[], world: LedgerWorld, now: number): Promise<void> {
    const { seat } = this.#keeper;
    const until = performance.now() + FOLLOW_MS;
    let beatAt = Number.NEGATIVE_INFINITY;
    do {
      // While the ledger opens, nothing else shows that this node lives.
      if (performance.now() - beatAt > BEAT_MS) {
        beatAt = performance.now();
        await this.#office.beat(seat, this.#acknowledged);
      }
      const { nodes } = await this.#office.look(seat.number);
      try {
        await this.openPending(nodes, world, now);
      } catch (error) {
        // Only what can never be known takes a book away: other nodes may have it in force.
        if (!(error instanceof Fault)) return;
        for (const { account } of opened) this.#remove(account);
        await closeBooks(
          this.#store.query,
          opened.map(({ account }) => account.book),
          now,
        );
        throw error;
      }
      if (!opened.some((one) => this.#pending.includes(one))) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    } while (performance.now() < until);
  }

  /** Puts those into force whose past can be known by now. Rejects with `invalid_request` where it cannot be converted. */
  async openPending(nodes: readonly NodeSight[], world: LedgerWorld, now: number): Promise<void> {
    for (const pending of [...this.#pending]) {
      const { account, version } = pending;
      const named = nodes.every(({ settingsVersion }) => settingsVersion >= version);
      if (!(await this.#knowsPast(account, named, world, now))) continue;
      if (!this.#pending.includes(pending)) continue;
      this.#pending = this.#pending.filter((other) => other !== pending);
      this.#books.putInForce(account);
      this.#keeper.draw();
    }
  }

  /** Reads the past of a budget, where no node did yet and all of them name it. */
  async #knowsPast(account: BudgetAccount, named: boolean, world: LedgerWorld, now: number): Promise<boolean> {
    const { book } = account;
    const found = await this.#store.query
      .selectFrom("budget_books")
      .select(["base", "base_window"])
      .where("book", "=", book)
      .executeTakeFirst();
    if (!found) return false;
    if (found.base !== null) return true;
    if (!named) return false;
    const window = account.windowFrom(found.base_window, new Map());
    await deed(this.#store.query, async (transaction) => {
      await lockWindows(this.#store, transaction, [{ book, window: window.start }]);
      const again = await transaction
        .selectFrom("budget_books")
        .select("base")
        .where("book", "=", book)
        .executeTakeFirst();
      if (again?.base !== null) return;
      const base = await readBase(transaction, account, window, world, now);
      await transaction.updateTable("budget_books").set({ base }).where("book", "=", book).execute();
      await transaction
        .updateTable("budget_windows")
        .set(({ eb }) => ({ settled: eb("settled", "+", base) }))
        .where("book", "=", book)
        .where("window", "=", window.start)
        .execute();
    });
    return true;
  }

  /** Calls are told of it from now on. It refuses nobody before its past is known. */
  async #open(setting: BudgetSetting, now: number): Promise<BudgetAccount> {
    const account = new BudgetAccount("", setting, now, this.#keeper.touched);
    const book = await openBook(this.#store.query, setting, account.window.start, now);
    const named = new BudgetAccount(book, setting, now, this.#keeper.touched);
    this.#join(named, named.window);
    this.#books.add(named);
    return named;
  }

  #remove(account: BudgetAccount): void {
    this.#books.remove(account);
    this.#pending = this.#pending.filter((pending) => pending.account !== account);
  }

  /** What is in flight here below a budget, and was held in its window, counts in it too. All or nothing. */
  #join(account: BudgetAccount, window: WindowSums): void {
    const { payer, currency, id } = account.setting;
    const joins: (() => void)[] = [];
    for (const hold of this.#holds) {
      const { ask, heldAt } = hold;
      if (heldAt < window.start || heldAt >= window.end || !ask.path.includes(payer)) continue;
      const rate = currency === ask.currency ? SAME : ask.rateTo(currency);
      if (!rate) throw new Fault("invalid_request", ledgerWords.noRateForBudget(id, ask.currency, currency));
      joins.push(() => {
        hold.rates = addRate(hold.rates, currency, rate);
        hold.join(window, rate.ratio, 0n);
      });
    }
    for (const join of joins) join();
  }
}

const SAME: ExchangeRate = { ratio: UNIT_RATIO, text: "" };

function checkAmount({ id, amount }: BudgetSetting): void {
  if (parseAmount(amount) === undefined) {
    throw new Fault("invalid_request", ledgerWords.badAmount(id, amount), { param: "amount" });
  }
}

/** A new limit holds at once. Under a lower one nothing is kept that is not in use: it is drawn anew. */
function configure(account: BudgetAccount, setting: BudgetSetting): void {
  const before = account.limit;
  account.configure(setting);
  const { lease, room } = account.window;
  if (lease && account.limit < before && room > 0n) lease.granted -= room;
  lease?.forget(Number.POSITIVE_INFINITY);
}
