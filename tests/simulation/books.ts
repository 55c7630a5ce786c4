import { type BudgetShare, type EntryRow, type JournalRow, PHASE } from "../../src/store/spec.ts";
import { halfEven } from "../harness/arithmetic.ts";
import { YUAN_TENTHS } from "./settings.ts";
import { must } from "./violation.ts";

/** What one attempt has in the ledger. */
export interface AttemptBook {
  readonly attempt: string;
  readonly call: string;
  readonly hold: EntryRow;
  readonly topUps: EntryRow[];
  close: EntryRow | undefined;
  resolution: EntryRow | undefined;
  readonly adjustments: EntryRow[];
}

/** The sums of one window of one book of a budget, in its currency. */
export interface WindowBook {
  settled: bigint;
  /** Bounds of what is held and of what is in doubt. */
  bounds: bigint;
  /** The same as the ledger shows it: holds by their estimates. */
  held: bigint;
}

export type AttemptState = "held" | "settled" | "released" | "unsettled";

/**
 * The ledger, kept a second time from the rows alone and apart from the product. One of these follows what is durable,
 * another what a process has queued. Rows that cannot follow each other are violations.
 */
export class Books {
  readonly attempts = new Map<string, AttemptBook>();
  readonly byCall = new Map<string, AttemptBook[]>();
  readonly windows = new Map<string, WindowBook>();
  /** The latest window of each book that any row named. */
  readonly latestWindow = new Map<string, number>();
  /** Books of budgets that operators took away or changed: what was in doubt in them need not be told of its end. */
  gone = new Set<string>();

  clone(): Books {
    const copy = new Books();
    copy.gone = this.gone;
    for (const book of this.attempts.values()) {
      const attempt = { ...book, topUps: [...book.topUps], adjustments: [...book.adjustments] };
      copy.attempts.set(book.attempt, attempt);
      copy.#addToCall(attempt);
    }
    for (const [name, window] of this.windows) copy.windows.set(name, { ...window });
    for (const [book, window] of this.latestWindow) copy.latestWindow.set(book, window);
    return copy;
  }

  /** Adds a row of the journal. Tells the entry, where it is one. */
  add(row: JournalRow): EntryRow | undefined {
    if (row.op !== "entry") return undefined;
    const { entry } = row;
    for (const { budget, window } of entry.shares) {
      if (window > (this.latestWindow.get(budget) ?? -1)) this.latestWindow.set(budget, window);
    }
    if (entry.phase === PHASE.hold) this.#addHold(entry);
    else if (entry.phase === PHASE.close) this.#addClose(entry);
    else if (entry.phase === PHASE.resolve) this.#addResolution(entry);
    else this.#addAdjustment(entry);
    return entry;
  }

  window(book: string, start: number): WindowBook {
    const name = `${book} ${start}`;
    let window = this.windows.get(name);
    if (!window) this.windows.set(name, (window = { settled: 0n, bounds: 0n, held: 0n }));
    return window;
  }

  *open(): Iterable<AttemptBook> {
    for (const book of this.attempts.values()) if (!book.close) yield book;
  }

  *inDoubt(): Iterable<AttemptBook> {
    for (const book of this.attempts.values()) if (book.close?.kind === "unsettled" && !book.resolution) yield book;
  }

  #addHold(entry: EntryRow): void {
    const known = this.attempts.get(entry.attempt);
    if (entry.n === 0) {
      must(!known, "I3", () => `${entry.attempt} is held twice`);
      const call = entry.attempt.slice(0, entry.attempt.lastIndexOf("."));
      const book: AttemptBook = {
        attempt: entry.attempt,
        call,
        hold: entry,
        topUps: [],
        close: undefined,
        resolution: undefined,
        adjustments: [],
      };
      this.attempts.set(entry.attempt, book);
      this.#addToCall(book);
    } else {
      must(known !== undefined && !known.close, "I3", () => `${entry.attempt} is topped up, though it is not held`);
      must(entry.n === known.topUps.length + 1, "I3", () => `${entry.attempt}: top-up ${entry.n} out of turn`);
      known.topUps.push(entry);
    }
    for (const { budget, window, amount } of entry.shares) {
      const sums = this.window(budget, window);
      sums.bounds += amount;
      sums.held += inCurrency(entry.amount, entry.currency, currencyOf(entry, amount));
    }
  }

  #addClose(entry: EntryRow): void {
    const book = this.attempts.get(entry.attempt);
    must(book !== undefined, "I2", () => `${entry.attempt} is closed without a hold`);
    must(!book.close, "I3", () => `${entry.attempt} is closed twice: ${book.close?.kind}, then ${entry.kind}`);
    book.close = entry;
    const bound = boundOf(book);
    must(entry.held === bound, "I3", () => `${entry.attempt} gives back ${entry.held} of ${bound}`);
    this.#giveBack(book);
    const held = sharesOf(book);
    if (entry.kind === "release") {
      must(entry.amount === 0n && entry.shares.length === 0, "I3", () => `${entry.attempt}: a release costs something`);
    } else if (entry.kind === "unsettled") {
      must(entry.amount === bound, "I8", () => `${entry.attempt} is in doubt at ${entry.amount}, not at ${bound}`);
      sameShares(entry, held, (share, other) => share === other);
      for (const { budget, window, amount } of entry.shares) {
        const sums = this.window(budget, window);
        sums.bounds += amount;
        sums.held += amount;
      }
    } else {
      this.#settle(book, entry, bound);
    }
  }

  #addResolution(entry: EntryRow): void {
    const book = this.attempts.get(entry.attempt);
    const doubt = book?.close;
    must(
      book !== undefined && doubt?.kind === "unsettled",
      "I3",
      () => `${entry.attempt} is resolved, but not in doubt`,
    );
    must(!book.resolution, "I3", () => `${entry.attempt} is resolved twice`);
    book.resolution = entry;
    must(entry.held === doubt.amount, "I3", () => `${entry.attempt}: a doubt of ${doubt.amount} clears ${entry.held}`);
    for (const { budget, window, amount } of doubt.shares) {
      const sums = this.window(budget, window);
      sums.bounds -= amount;
      sums.held -= amount;
    }
    if (entry.kind === "settle") this.#settle(book, entry, doubt.amount);
  }

  #addAdjustment(entry: EntryRow): void {
    const book = this.attempts.get(entry.attempt);
    must(book !== undefined && stateOf(book) !== "held" && stateOf(book) !== "unsettled", "I3", () => {
      return `${entry.attempt} is adjusted, but not closed`;
    });
    must(entry.n === book.adjustments.length, "I3", () => `${entry.attempt}: adjustment ${entry.n} out of turn`);
    book.adjustments.push(entry);
    must(costOf(book) >= 0n, "I3", () => `${entry.attempt} costs less than nothing`);
    for (const { budget, window, amount } of entry.shares) this.window(budget, window).settled += amount;
  }

  #settle(book: AttemptBook, entry: EntryRow, bound: bigint): void {
    must(entry.overrun === entry.amount > bound, "I1", () => `${entry.attempt}: ${entry.amount} of ${bound}, unmarked`);
    const late = book.close !== entry;
    const held = late ? book.close!.shares : sharesOf(book);
    sameShares(entry, late ? held.filter(({ budget }) => !this.gone.has(budget)) : held, () => true);
    for (const { budget, window, amount } of entry.shares) {
      const bounded = held.find((share) => share.budget === budget && share.window === window)?.amount;
      // A budget that was opened while the attempt was in flight holds more than the rows of it tell.
      const told = late || book.hold.shares.some((share) => share.budget === budget);
      const fits = !told || entry.overrun || bounded === undefined || amount <= bounded;
      must(fits, "I1", () => `${entry.attempt} charges ${budget} ${amount}, and held ${bounded}`);
      this.window(budget, window).settled += amount;
    }
  }

  #giveBack(book: AttemptBook): void {
    for (const entry of [book.hold, ...book.topUps]) {
      for (const { budget, window, amount } of entry.shares) {
        const sums = this.window(budget, window);
        sums.bounds -= amount;
        sums.held -= inCurrency(entry.amount, entry.currency, currencyOf(entry, amount));
      }
    }
  }

  #addToCall(book: AttemptBook): void {
    const others = this.byCall.get(book.call);
    if (others) others.push(book);
    else this.byCall.set(book.call, [book]);
  }
}

/** The currency of a share: which one tells what it makes of the entry's bound. */
function currencyOf(entry: EntryRow, share: bigint): string {
  return share === entry.held ? entry.currency : entry.currency === "USD" ? "CNY" : "USD";
}

export function stateOf({ close, resolution }: AttemptBook): AttemptState {
  const last = resolution ?? close;
  if (!last) return "held";
  if (last.kind === "settle") return "settled";
  return last.kind === "release" ? "released" : "unsettled";
}

/** What an attempt costs so far, corrections included. */
export function costOf({ close, resolution, adjustments }: AttemptBook): bigint {
  let cost = 0n;
  for (const entry of [close, resolution, ...adjustments]) {
    if (entry?.kind === "settle" || entry?.kind === "adjust") cost += entry.amount;
  }
  return cost;
}

export function boundOf({ hold, topUps }: AttemptBook): bigint {
  return topUps.reduce((sum, entry) => sum + entry.held, hold.held);
}

function sharesOf({ hold, topUps }: AttemptBook): BudgetShare[] {
  const sums = new Map<string, BudgetShare>();
  for (const { shares } of [hold, ...topUps]) {
    for (const { budget, window, amount } of shares) {
      const name = `${budget} ${window}`;
      sums.set(name, { budget, window, amount: (sums.get(name)?.amount ?? 0n) + amount });
    }
  }
  return [...sums.values()];
}

/** Every budget in whose window something was held is told of the end, in that very window. (One that was opened meanwhile may be, too.) */
function sameShares(
  entry: EntryRow,
  held: readonly BudgetShare[],
  same: (one: bigint, other: bigint) => boolean,
): void {
  for (const { budget, window, amount } of held) {
    const share = entry.shares.find((other) => other.budget === budget && other.window === window);
    must(share !== undefined && same(share.amount, amount), "I1", () => {
      return `${entry.attempt}: ${entry.kind} of ${entry.amount} tells ${budget} ${share?.amount ?? "nothing"}, which held ${amount} in window ${window}`;
    });
  }
}

/** A held amount in another currency, rounded up. */
export function inCurrency(amount: bigint, from: string, to: string): bigint {
  if (from === to) return amount;
  const [numerator, denominator] = from === "USD" ? [YUAN_TENTHS, 10n] : [10n, YUAN_TENTHS];
  return (amount * numerator + denominator - 1n) / denominator;
}

/** A settled amount in another currency, rounded half to even. */
export function charged(amount: bigint, from: string, to: string): bigint {
  if (from === to) return amount;
  const [numerator, denominator] = from === "USD" ? [YUAN_TENTHS, 10n] : [10n, YUAN_TENTHS];
  return halfEven(amount * numerator, denominator);
}
