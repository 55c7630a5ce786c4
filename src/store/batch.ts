import { USAGE_CLASSES } from "../base/usage.ts";
import { SHARE_MARK } from "./schema.ts";
import type { BudgetShare, EntryRow, JournalRow, KeptAnswerRow, Seat, Seated } from "./spec.ts";
import { PHASE } from "./spec.ts";

export type Value = string | number | null | Uint8Array;

/**
 * Rows on their way to the writer's thread: flat arrays, because copying those between threads costs half of what
 * objects cost. Most rows are plain holds and plain settlements, which travel and are written many at once; they come
 * before the others, which keep their order.
 */
export interface Batch {
  /** Circumstances that the writer has not heard of: number, facts, count of books, book and window of each. */
  readonly circumstances: Value[];
  /** Plain holds: `HOLD_FIELDS` values each. */
  readonly holds: Value[];
  /** Plain settlements: `SETTLEMENT_FIELDS` values each. */
  readonly settlements: Value[];
  /** All else: an operation and its values. */
  readonly others: Value[];
  /** The seat under which the batch is written, where nodes share the store: number, epoch. Checked before all else. */
  readonly seat: number[];
  /** What the seat's use of budgets has come to: book, window, settled, held. */
  readonly totals: Value[];
}

export function newBatch(): Batch {
  return { circumstances: [], holds: [], settlements: [], others: [], seat: [], totals: [] };
}

/** Values of one of `totals`. */
export const TOTAL_FIELDS = 4;

/** Says under which seat a batch is written, and what the seat's use of budgets has come to with it. */
export function sealBatch({ seat, totals }: Batch, seated: Seated): void {
  seat.push(seated.number, seated.epoch);
  for (const { book, window, settled, held } of seated.totals()) {
    totals.push(book, window, settled.toString(), held.toString());
  }
}

/** As circumstances name it. */
export function leaseOf({ number, epoch }: Seat): string {
  return `${number}.${epoch}`;
}

/** attempt, at, number of its circumstances, amount, held, detail. */
export const HOLD_FIELDS = 6;
/** The same, then basis and the plain classes of usage. */
export const SETTLEMENT_FIELDS = 11;
/** The classes of usage that a plain settlement may have. */
export const PLAIN_CLASSES = ["input", "cachedInput", "output", "reasoning"] as const;

const RARE_CLASSES = USAGE_CLASSES.filter((name) => !(PLAIN_CLASSES as readonly string[]).includes(name));

/** Amounts of plain rows are below this (1,099 units): they travel and are summed as numbers, exactly. */
const PLAIN_MOST = 1n << 40n;

export const OP = {
  /** attempt, phase, n, kind, at, circumstances, amount, held, basis, overrun, usage, detail, shares. */
  entry: 0,
  kept: 1,
  /** Kept only if the entry before it was new. */
  keptWithEntry: 2,
  forgetKept: 3,
  mark: 4,
} as const;

/** Places of an entry's values in `others`, after its operation: all of usage, detail and shares follow each other. */
export const ENTRY_HEAD = {
  attempt: 0,
  phase: 1,
  n: 2,
  kind: 3,
  at: 4,
  circumstances: 5,
  amount: 6,
  held: 7,
  basis: 8,
  overrun: 9,
  usage: 10,
  detail: 10 + USAGE_CLASSES.length,
} as const;
/** Values of an entry in `others`, its shares aside. */
export const ENTRY_FIELDS = ENTRY_HEAD.detail + 1;
/** Values of a kept answer in `others`. */
export const KEPT_FIELDS = 8;

/** Circumstances that are remembered on both sides, in the order in which they were met. */
export const CIRCUMSTANCES_KEPT = 10_000;

/** Puts rows into batches. One for each writer: it knows what that one has heard of. */
export class BatchEncoder {
  readonly #numbers = new Map<string, number>();
  #lastNumber = -1;
  /** The last entry of a key, and its number: the next one is mostly of the same circumstances. */
  readonly #latest = new Map<string, { readonly entry: EntryRow; readonly number: number }>();
  readonly #lease: string;

  constructor(seat?: Seat) {
    this.#lease = seat ? leaseOf(seat) : "";
  }

  add(batch: Batch, row: JournalRow): void {
    switch (row.op) {
      case "entry":
        if (row.kept || !this.#addPlain(batch, row.entry)) {
          this.#addEntry(batch, row.entry);
          if (row.kept) addKept(batch, OP.keptWithEntry, row.kept);
        }
        return;
      case "kept":
        addKept(batch, OP.kept, row.kept);
        return;
      case "forget-kept":
        batch.others.push(OP.forgetKept, row.id);
        return;
      case "mark":
        batch.others.push(OP.mark, row.name, row.value);
    }
  }

  /** The usual hold or settlement, in the short form; false where the entry is another. */
  #addPlain(batch: Batch, entry: EntryRow): boolean {
    const { phase, kind, attempt, at, amount, held, detail } = entry;
    if (entry.n !== 0 || amount >= PLAIN_MOST || amount < 0n || held >= PLAIN_MOST || held < 0n) return false;
    if (phase === PHASE.hold && kind === "hold") {
      if (!areAll(entry.shares, held) || hasUsage(entry)) return false;
      const number = this.#numberOf(batch, entry);
      batch.holds.push(attempt, at, number, Number(amount), Number(held), detail);
      return true;
    }
    if (phase !== PHASE.close || kind !== "settle" || entry.overrun || !attempt.endsWith(".1")) return false;
    if (!areAll(entry.shares, amount) || hasRareUsage(entry)) return false;
    const number = this.#numberOf(batch, entry);
    const { basis = null, input = null, cachedInput = null, output = null, reasoning = null } = entry;
    batch.settlements.push(attempt, at, number, Number(amount), Number(held), detail);
    batch.settlements.push(basis, input, cachedInput, output, reasoning);
    return true;
  }

  #addEntry({ circumstances, others }: Batch, entry: EntryRow): void {
    const number = this.#numberOf({ circumstances }, entry);
    const { attempt, phase, n, kind, at, amount, held, shares, basis, overrun, detail } = entry;
    // As text, because a bigint is dear to copy between threads.
    others.push(OP.entry, attempt, phase, n, kind, at, number, amount.toString(), held.toString());
    others.push(basis ?? null, overrun ? 1 : 0);
    for (const name of USAGE_CLASSES) others.push(entry[name] ?? null);
    others.push(detail);
    for (const share of shares) others.push(share.amount.toString());
  }

  #numberOf(batch: Pick<Batch, "circumstances">, entry: EntryRow): number {
    const latest = this.#latest.get(entry.key);
    if (latest && haveSameCircumstances(latest.entry, entry)) return latest.number;
    const { payer, key, route, model, currency, price, rates, shares } = entry;
    const name = JSON.stringify([payer, key, route, model, currency, price, rates, shares.map(placeOf)]);
    let number = this.#numbers.get(name);
    if (number === undefined) {
      if (this.#numbers.size === CIRCUMSTANCES_KEPT) {
        this.#numbers.clear();
        this.#latest.clear();
      }
      number = ++this.#lastNumber;
      this.#numbers.set(name, number);
      batch.circumstances.push(number, payer, key, route, model, currency, price, rates, this.#lease, shares.length);
      for (const { budget, window } of shares) batch.circumstances.push(budget, window);
    }
    this.#latest.set(entry.key, { entry, number });
    return number;
  }
}

function placeOf({ budget, window }: BudgetShare): readonly [string, number] {
  return [budget, window];
}

function haveSameCircumstances(a: EntryRow, b: EntryRow): boolean {
  if (a.key !== b.key || a.model !== b.model || a.route !== b.route || a.payer !== b.payer) return false;
  if (a.price !== b.price || a.currency !== b.currency || a.rates !== b.rates) return false;
  const { length } = a.shares;
  if (length !== b.shares.length) return false;
  for (let i = 0; i < length; i++) {
    if (a.shares[i]!.window !== b.shares[i]!.window || a.shares[i]!.budget !== b.shares[i]!.budget) return false;
  }
  return true;
}

/** Whether every share is this amount, and the circumstances can say so. */
function areAll(shares: readonly BudgetShare[], amount: bigint): boolean {
  for (const share of shares) if (share.amount !== amount || share.budget.includes(SHARE_MARK)) return false;
  return true;
}

function hasUsage(entry: EntryRow): boolean {
  for (const name of PLAIN_CLASSES) if (entry[name] !== undefined) return true;
  return entry.basis !== undefined || entry.overrun || hasRareUsage(entry);
}

function hasRareUsage(entry: EntryRow): boolean {
  for (const name of RARE_CLASSES) if (entry[name] !== undefined) return true;
  return false;
}

function addKept({ others }: Batch, op: number, kept: KeptAnswerRow): void {
  const { id, requestHash, call, state, at, status, headers, answer } = kept;
  others.push(op, id, requestHash, call, state, at, status, headers, answer ?? null);
}
