import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/faults.ts";
import type { Limits } from "../base/limits.ts";
import { ledgerWords } from "../base/messages/ledger.ts";
import { convertUp, formatAmount, type Nano } from "../base/money.ts";
import { Roster } from "../base/roster.ts";
import type { BudgetSetting } from "../config/settings.ts";
import { type BudgetShare, PHASE, type Store } from "../store/spec.ts";
import { AttemptHold } from "./attempt-hold.ts";
import { audit } from "./audit.ts";
import type { BookKeeping } from "./book-keeping.ts";
import type { BudgetAccount } from "./budget-account.ts";
import { BudgetBooks } from "./budget-books.ts";
import { decide, mayGrow, type Places, reserveFor, type Verdict } from "./decision.ts";
import { makeEntry, settlementEntry } from "./entries.ts";
import { exhausted } from "./exhausted.ts";
import { orLate, releaseLate, settleLate } from "./late.ts";
import { SharedBooks, type Sharing } from "./leases/shared-books.ts";
import { OwnBooks } from "./own-books.ts";
import { readLastAttempt } from "./recovery.ts";
import type {
  Adjustment,
  BudgetState,
  Hold,
  HoldAsk,
  HoldSize,
  LedgerAudit,
  LedgerWorld,
  RecoveryReport,
  Resolution,
  Settlement,
  UnsettledAttempt,
} from "./spec.ts";
import { WaitingCalls } from "./waiting-calls.ts";

export interface LedgerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly limits: Pick<Limits, "holdWaitMs" | "holdWaiters" | "nodeSilenceMs">;
  readonly budgets: readonly BudgetSetting[];
  readonly world: LedgerWorld;
  /** Set where nodes share the store. */
  readonly sharing?: Sharing | undefined;
}

type Detail = Readonly<Record<string, unknown>>;

const LEAST_PATIENCE_MS = 2_000;
/** After so many closes the start of the next recovery's search is moved on. */
const CLOSES_BETWEEN_MARKS = 4_096;

/**
 * Who pays, and how much is left. What is set aside and settled lives in memory, where a call asks it without waiting;
 * every step is also an entry in the store, from which all of it can be built again.
 *
 * An attempt is held, perhaps topped up, and then settled, released or left unsettled: exactly one of these, once.
 *
 * @example
 * const hold = await ledger.hold(ask);      // throws budget_exhausted
 * await hold.durable;                       // only now may the vendor see the request
 * await ledger.settle(hold, settlement);    // durable when it resolves
 */
export class Ledger {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #books = new BudgetBooks();
  readonly #waiting: WaitingCalls;
  readonly #open = new Roster<AttemptHold>();
  readonly #keeping: BookKeeping;
  #openSince = "";
  #lastAttempt: string | undefined;
  #closes = 0;
  #recovery: RecoveryReport = { crashed: [], unsettled: 0, problems: [] };

  /**
   * Opens the ledger of a store: attempts that a crash left open become unsettled, and budgets stand where they stood.
   * Throws `invalid_request` where a budget's setting is wrong.
   */
  static async open(options: LedgerOptions): Promise<Ledger> {
    const ledger = new Ledger(options);
    await ledger.#recover(options);
    return ledger;
  }

  private constructor(options: LedgerOptions) {
    const { store, clock, limits, world, sharing } = options;
    this.#store = store;
    this.#clock = clock;
    this.#waiting = new WaitingCalls({
      // A call that may find room at another node waits at least until it has been asked for.
      patienceMs: sharing ? Math.max(limits.holdWaitMs, LEAST_PATIENCE_MS) : limits.holdWaitMs,
      most: limits.holdWaiters,
      now: () => clock.now(),
      placesOf: (ask) => this.#placesOf(ask, clock.now()),
      grant: (ask, places, verdict) => this.#grant(ask, places, verdict, clock.now()),
      refuse: (ask, at) => exhausted(ask, at),
      seeks: () => this.#keeping.seek(),
      doubtRefusal: (places) => this.#keeping.doubtRefusal(places),
    });
    const roll = (account: BudgetAccount): void => this.#roll(account, clock.now());
    if (!sharing) {
      this.#keeping = new OwnBooks(store, clock, this.#books, this.#open, world, roll);
      return;
    }
    this.#keeping = new SharedBooks({
      store,
      clock,
      limits,
      sharing,
      books: this.#books,
      holds: this.#open,
      waiting: this.#waiting,
      serve: (account) => this.#serve(account),
      roll,
      reseated: () => void this.#mark(this.#lastAttempt ?? ""),
    });
  }

  /** The newest attempt that the store held when the ledger was opened, or that was held since. */
  get lastAttempt(): string | undefined {
    return this.#lastAttempt;
  }

  /** What was found and done when the ledger was opened. */
  get recovery(): RecoveryReport {
    return this.#recovery;
  }

  /** Attempts in flight, and calls that wait for room. */
  get inFlight(): { readonly holds: number; readonly waiting: number } {
    return { holds: this.#open.size, waiting: this.#waiting.size };
  }

  /**
   * Sets aside what an attempt may cost on every budget from its payer to the root, all or none: at once where it fits,
   * else when what is in flight has made room, shortened where the rest buys no more.
   * Throws (or rejects with) `budget_exhausted`, `unpriced_model` where a budget's currency has no rate, `overloaded`
   * where the disk does not keep up, and `timeout` where the caller went away while it waited.
   */
  hold(ask: HoldAsk): Hold | Promise<Hold> {
    if (this.#store.journal.full) throw new Fault("overloaded", ledgerWords.diskBehind(), { retryAfterMs: 1_000 });
    const now = this.#clock.now();
    const places = this.#placesOf(ask, now);
    const mood = this.#waiting.open ? "patient" : "last";
    let verdict = decide(ask, places, Number.POSITIVE_INFINITY, mood);
    if (verdict.kind === "refuse" && mood === "patient" && this.#keeping.doubtRefusal(places)) {
      verdict = decide(ask, places, Number.POSITIVE_INFINITY, mood);
    }
    if (verdict.kind === "wait") return this.#waiting.wait(ask, verdict.at);
    if (verdict.kind === "refuse") throw exhausted(ask, verdict.at);
    return this.#grant(ask, places, verdict, now);
  }

  /** Sets more aside for a stream that goes on. False where some budget has no room for it: then the stream must stop. */
  topUp(hold: Hold, more: HoldSize): boolean {
    const held = this.#own(hold);
    if (held.closed || this.#store.journal.full || this.#keeping.isLost(held)) return false;
    if (!mayGrow(held.shares, more)) {
      this.#keeping.used(held.shares.map(({ window }) => window.account));
      return false;
    }
    held.add(more);
    this.#append(held, "top-up", PHASE.hold, ++held.topUps, more.amount, more.bound, held.tell(), "{}");
    return true;
  }

  /** Replaces a hold by its true cost, in full even where that is more than was held (`overrun`). Again changes nothing. */
  settle(hold: Hold, settlement: Settlement): Promise<void> {
    const held = this.#own(hold);
    if (held.closed) return held.closed;
    if (this.#keeping.isLost(held)) return (held.closed = this.#settleLate(held, settlement));
    const { cost, kept } = settlement;
    const shares = held.settleShares(cost);
    learn(held, cost);
    const entry = settlementEntry(held, settlement, shares, this.#clock.now());
    const durable = this.#store.journal.append({ op: "entry", entry, kept });
    held.closed = this.#keeping.isShared ? orLate(durable, () => this.#settleLate(held, settlement)) : durable;
    this.#closed(held);
    return held.closed;
  }

  #settleLate({ attempt }: AttemptHold, settlement: Settlement): Promise<void> {
    return settleLate(this.#keeping, attempt, settlement, this.#clock.now());
  }

  /** Gives a hold back: the attempt surely cost nothing. Again changes nothing. */
  release(hold: Hold, reason: string, detail: Detail): Promise<void> {
    const held = this.#own(hold);
    if (held.closed) return held.closed;
    const late = () => releaseLate(this.#keeping, held.attempt, reason, this.#clock.now());
    if (this.#keeping.isLost(held)) return (held.closed = late());
    held.giveBack();
    const text = JSON.stringify({ ...detail, reason });
    const durable = this.#append(held, "release", PHASE.close, 0, 0n, held.bound, [], text);
    held.closed = this.#keeping.isShared ? orLate(durable, late) : durable;
    this.#closed(held);
    return held.closed;
  }

  /** The attempt may have been served: it goes on counting at its bound until it is resolved. Again changes nothing. */
  leaveUnsettled(hold: Hold, reason: string, detail: Detail, estimate?: Nano): Promise<void> {
    const held = this.#own(hold);
    if (held.closed) return held.closed;
    if (this.#keeping.isLost(held)) return (held.closed = Promise.resolve());
    held.giveBack();
    const { bound } = held;
    const shares = this.#keeping.leave(held, { reason, since: this.#clock.now(), estimate });
    const known = estimate === undefined ? {} : { estimate: formatAmount(estimate) };
    const text = JSON.stringify({ ...detail, ...known, reason });
    const durable = this.#append(held, "unsettled", PHASE.close, 0, bound, bound, shares, text);
    // Whoever took the seat away has left the attempt in doubt.
    held.closed = this.#keeping.isShared ? orLate(durable, () => Promise.resolve()) : durable;
    this.#closed(held);
    return held.closed;
  }

  /**
   * Says what became of an attempt in doubt. Durable when it resolves.
   * Throws `not_found` where the attempt is not in doubt (any more).
   */
  async resolve(attempt: string, resolution: Resolution, at = this.#clock.now()): Promise<void> {
    for (const account of await this.#keeping.resolve(attempt, resolution, at)) this.#serve(account);
  }

  /**
   * Corrects what a settled (or released) attempt cost, by an entry beside the others. Durable when it resolves.
   * Throws `not_found` for an attempt that is not closed, `invalid_request` where the currency is another, or the cost
   * would fall below zero.
   */
  async adjust(adjustment: Adjustment): Promise<void> {
    for (const account of await this.#keeping.adjust(adjustment, this.#clock.now())) this.#serve(account);
  }

  /** All budgets as this process knows them: where nodes share them, as they were a second ago. */
  budgets(): readonly BudgetState[] {
    return this.#keeping.budgets();
  }

  budget(id: string): BudgetState | undefined {
    return this.budgets().find(({ setting }) => setting.id === id);
  }

  /** All budgets as they stand now, over all nodes that share them. */
  readBudgets(): Promise<readonly BudgetState[]> {
    return this.#keeping.readBudgets();
  }

  /** Attempts in doubt, oldest first, as this process knows them. */
  unsettled(): readonly UnsettledAttempt[] {
    return this.#keeping.unsettled();
  }

  readUnsettled(): Promise<readonly UnsettledAttempt[]> {
    return this.#keeping.readUnsettled();
  }

  /**
   * Puts budgets into force: new ones, changed ones, and no longer those that are missing. A new limit holds at once. A
   * new budget, or one with another payer, currency, window or zone, counts what the payers below it have spent in its
   * window so far; until that is read the earlier one stays in force.
   * Throws `invalid_request`, and changes nothing, where a budget is wrong or a rate for it is missing.
   */
  async setBudgets(budgets: readonly BudgetSetting[], world: LedgerWorld): Promise<void> {
    for (const account of await this.#keeping.setBudgets(budgets, world)) this.#serve(account);
  }

  /** Ends what runs beside the calls, and gives back what this node has leased. Before the store is closed. */
  close(): Promise<void> {
    return this.#keeping.close();
  }

  /** Whether the books balance: every entry by its own row, and every total by its entries. */
  audit(): Promise<LedgerAudit> {
    return audit(this.#store.query);
  }

  async #recover({ budgets, world }: LedgerOptions): Promise<void> {
    this.#recovery = await this.#keeping.open(budgets, world);
    this.#lastAttempt = await readLastAttempt(this.#store.query);
    await this.#mark(this.#lastAttempt ?? "");
  }

  #grant(ask: HoldAsk, places: Places, verdict: Verdict, now: number): AttemptHold {
    const smaller = verdict.kind === "smaller" ? verdict.size : undefined;
    const stepped = verdict.kind === "step";
    const size = smaller ?? (stepped ? ask.step! : ask.full);
    const hold = new AttemptHold(ask, now, places.rates, smaller?.outputTokens, stepped);
    hold.amount = size.amount;
    hold.bound = size.bound;
    const { accounts, ratios } = places;
    const reserve = stepped ? reserveFor(ask, places) : 0n;
    for (let i = 0; i < accounts.length; i++) {
      hold.join(accounts[i]!.window, ratios[i]!, stepped ? convertUp(reserve, ratios[i]!) : 0n);
    }
    this.#keeping.used(accounts);
    const { attempt } = ask;
    this.#open.add(hold);
    if (attempt < this.#openSince) void this.#mark(attempt);
    if (this.#lastAttempt === undefined || attempt > this.#lastAttempt) this.#lastAttempt = attempt;
    const detail = smaller ? { ...ask.detail, outputTokens: smaller.outputTokens } : ask.detail;
    hold.durable = this.#append(hold, "hold", PHASE.hold, 0, size.amount, size.bound, hold.tell(), writeDetail(detail));
    if (this.#keeping.isShared) hold.durable.catch(() => this.#drop(hold));
    return hold;
  }

  /** A hold that never became durable: nothing was sent, and nothing is held. */
  #drop(hold: AttemptHold): void {
    if (hold.closed || this.#keeping.isLost(hold)) return;
    hold.closed = Promise.resolve();
    hold.giveBack();
    if (this.#open.at(hold.place) === hold) this.#open.remove(hold);
  }

  #append(
    hold: AttemptHold,
    kind: "hold" | "top-up" | "release" | "unsettled",
    phase: number,
    n: number,
    amount: Nano,
    held: Nano,
    shares: readonly BudgetShare[],
    detail: string,
  ): Promise<void> {
    const at = kind === "hold" ? hold.heldAt : this.#clock.now();
    const content = { phase, n, kind, at, amount, held, shares, rates: hold.rates, detail };
    const kept = kind === "hold" ? hold.ask.kept : undefined;
    return this.#store.journal.append({ op: "entry", entry: makeEntry(hold.ask, content), kept });
  }

  #closed(hold: AttemptHold): void {
    this.#open.remove(hold);
    if (++this.#closes % CLOSES_BETWEEN_MARKS === 0) this.#moveMark();
    for (const { window } of hold.shares) this.#serve(window.account);
  }

  /** Recovery searches from the oldest attempt that is open: all before it are closed. */
  #moveMark(): void {
    let oldest: string | undefined;
    for (const { attempt } of this.#open) if (oldest === undefined || attempt < oldest) oldest = attempt;
    void this.#mark(oldest ?? this.#lastAttempt ?? "");
  }

  /** Queued before the entry of any older attempt, so that it never says too much. */
  #mark(attempt: string): Promise<void> {
    this.#openSince = attempt;
    return this.#store.journal.append({ op: "mark", name: this.#keeping.openSince, value: attempt });
  }

  #placesOf(ask: HoldAsk, now: number): Places {
    const places = this.#books.placesOf(ask);
    for (const account of places.accounts) this.#roll(account, now);
    return places;
  }

  #roll(account: BudgetAccount, now: number): void {
    if (now >= account.window.end && account.roll(now) && account.line) queueMicrotask(() => this.#serve(account));
  }

  #serve(account: BudgetAccount): void {
    if (account.line?.first) this.#waiting.serve(account);
  }

  #own(hold: Hold): AttemptHold {
    if (!(hold instanceof AttemptHold)) throw new TypeError("this hold was not made by the ledger");
    return hold;
  }
}

/** What part of the whole bound was used. A shortened answer that used up its hold might have used more. */
function learn({ ask, shares, bound, outputTokens }: AttemptHold, cost: Nano): void {
  const whole = Number(ask.full.bound);
  if (whole <= 0) return;
  const cut = outputTokens !== undefined && cost * 10n >= bound * 9n;
  const part = (Number(cost) / whole) * (cut ? 2 : 1);
  for (const { window } of shares) window.account.learn(part);
}

/** As JSON, once for a detail that never changes. */
function writeDetail(detail: Detail): string {
  let text = WRITTEN.get(detail);
  if (text !== undefined) return text;
  text = JSON.stringify(detail);
  if (Object.isFrozen(detail)) WRITTEN.set(detail, text);
  return text;
}

const WRITTEN = new WeakMap<Detail, string>();
