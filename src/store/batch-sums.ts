import { USAGE_CLASSES, type UsageClass } from "../base/usage.ts";
import { ENTRY_HEAD, PLAIN_CLASSES, type Value } from "./batch.ts";
import { type Circumstances, KIN_COLUMNS } from "./circumstances.ts";
import { THIRD_MS } from "./schema.ts";
import { DAY_FIGURES, INPUT_COLUMNS, OUTPUT_COLUMNS, THIRDS, USAGE_COLUMNS } from "./usage-columns.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A number that is below this, and has a plain cost added, is exact yet. */
const EXACT_MOST = 2 ** 52;
export const PLAIN_PLACES = PLAIN_CLASSES.map((name) => USAGE_CLASSES.indexOf(name satisfies UsageClass));

/** The columns of `usage_hourly` that tell its rows apart, and those that are summed. */
export const HOURLY_KEY = ["hour", ...KIN_COLUMNS, "seat"] as const;
export const HOURLY_SUMS = ["calls", "attempts", "estimated", "cost", ...USAGE_COLUMNS] as const;
/** The same of `usage_days`: `DAY_FIGURES` of one third. */
export const DAY_KEY = ["day", "kin", "seat"] as const;
export const THIRD_SUMS = THIRDS.map((third) => DAY_FIGURES.map((figure) => `${figure}_${third}`));

/** What one batch adds to one row of `usage_hourly`, and to one of `usage_days`. */
export class HourlySum {
  readonly hour: number;
  readonly circumstances: Circumstances;
  calls = 0;
  attempts = 0;
  estimated = 0;
  cost = 0n;
  /** The same, of plain settlements: each book's share of it is the whole. */
  plainCost = 0n;
  #smallCosts = 0;
  readonly usage: number[] = Array<number>(USAGE_CLASSES.length).fill(0);

  constructor(hour: number, circumstances: Circumstances) {
    this.hour = hour;
    this.circumstances = circumstances;
  }

  /** @param cost below 2⁴⁰ nano-units */
  addPlainCost(cost: number): void {
    this.#smallCosts += cost;
    if (this.#smallCosts >= EXACT_MOST) this.finish();
  }

  /** Brings `plainCost` up to date. */
  finish(): void {
    this.plainCost += BigInt(this.#smallCosts);
    this.#smallCosts = 0;
  }

  /** payer, key, route, model, currency. */
  get facts(): readonly string[] {
    return this.circumstances.facts.slice(0, KIN_COLUMNS.length);
  }

  get third(): ThirdOfDay {
    return thirdOf(this.hour);
  }

  /** As `DAY_FIGURES`. */
  get dayFigures(): (number | bigint)[] {
    const cost = this.cost + this.plainCost;
    return [this.calls, this.attempts, this.estimated, cost, ...tokensOf(this.usage)];
  }

  /** As `HOURLY_SUMS`. */
  get sums(): (number | bigint)[] {
    return [this.calls, this.attempts, this.estimated, this.cost + this.plainCost, ...this.usage];
  }
}

/** What one batch adds to one row of `budget_windows`. */
export type WindowSum = readonly [book: string, window: number, amount: bigint];

/** The sums of budgets and of hours, gathered over a batch. */
export class BatchSums {
  readonly #windows = new Map<string, Map<number, bigint>>();
  #hours: HourlySum[] = [];

  addShare(book: string, window: number, amount: bigint): void {
    let windows = this.#windows.get(book);
    if (!windows) this.#windows.set(book, (windows = new Map()));
    windows.set(window, (windows.get(window) ?? 0n) + amount);
  }

  /** A plain settlement, whose values stand in `values` from `at` on. */
  addPlain(circumstances: Circumstances, values: readonly Value[], at: number): void {
    const sum = this.#hourOf(circumstances, values[at + 1] as number);
    sum.calls += 1; // A plain settlement is of its call's first attempt.
    sum.attempts += 1;
    if (values[at + 6] === "estimated") sum.estimated += 1;
    sum.addPlainCost(values[at + 3] as number);
    for (let place = 0; place < PLAIN_PLACES.length; place++) {
      sum.usage[PLAIN_PLACES[place]!]! += (values[at + 7 + place] as number | null) ?? 0;
    }
  }

  /** A settlement or an adjustment among the other entries. @param isFirst asked of settlements: see `isSurelyFirst` */
  addEntry(
    circumstances: Circumstances,
    entry: readonly Value[],
    amounts: readonly string[],
    isFirst: (attempt: string, phase: number) => boolean,
  ): void {
    const { books, windows } = circumstances;
    for (let i = 0; i < books.length; i++) this.addShare(books[i]!, windows[i]!, BigInt(amounts[i]!));
    const sum = this.#hourOf(circumstances, entry[ENTRY_HEAD.at] as number);
    sum.cost += BigInt(entry[ENTRY_HEAD.amount] as string);
    if (entry[ENTRY_HEAD.kind] !== "settle") return;
    sum.attempts += 1;
    if (entry[ENTRY_HEAD.basis] === "estimated") sum.estimated += 1;
    if (isFirst(entry[ENTRY_HEAD.attempt] as string, entry[ENTRY_HEAD.phase] as number)) sum.calls += 1;
    for (let i = 0; i < USAGE_CLASSES.length; i++) {
      sum.usage[i]! += (entry[ENTRY_HEAD.usage + i] as number | null) ?? 0;
    }
  }

  /** What was gathered; begins anew. */
  take(): { readonly hours: readonly HourlySum[]; readonly windows: readonly WindowSum[] } {
    const hours = this.#hours;
    this.#hours = [];
    for (const sum of hours) {
      sum.finish();
      const { circumstances, plainCost } = sum;
      const { books, windows } = circumstances;
      if (plainCost > 0n) for (let i = 0; i < books.length; i++) this.addShare(books[i]!, windows[i]!, plainCost);
      circumstances.sum = undefined;
    }
    const windows: WindowSum[] = [];
    for (const [book, amounts] of this.#windows)
      for (const [window, amount] of amounts) windows.push([book, window, amount]);
    this.#windows.clear();
    return { hours, windows };
  }

  /** The sum that an entry made at `at` (milliseconds) belongs to. */
  #hourOf(circumstances: Circumstances, at: number): HourlySum {
    const hour = Math.floor(at / HOUR_MS) * HOUR_MS;
    let { sum } = circumstances;
    if (sum?.hour !== hour) {
      sum = new HourlySum(hour, circumstances);
      circumstances.sum = sum;
      this.#hours.push(sum);
    }
    return sum;
  }
}

/**
 * A call is counted once, with the first of its attempts that is settled. That is this one where it is the call's first
 * attempt that ends; of any other the ledger must be asked.
 */
export function isSurelyFirst(attempt: string, phase: number): boolean {
  const dot = attempt.lastIndexOf(".");
  return phase === 1 && attempt.length === dot + 2 && attempt.endsWith("1");
}

export interface ThirdOfDay {
  /** Its start, UTC milliseconds. */
  readonly day: number;
  /** Its place among `THIRDS`. */
  readonly third: number;
}

/** @param at milliseconds */
export function thirdOf(at: number): ThirdOfDay {
  const day = Math.floor(at / DAY_MS) * DAY_MS;
  return { day, third: Math.floor((at - day) / THIRD_MS) };
}

const INPUT_PLACES = INPUT_COLUMNS.map((name) => USAGE_COLUMNS.indexOf(name));
const OUTPUT_PLACES = OUTPUT_COLUMNS.map((name) => USAGE_COLUMNS.indexOf(name));

/** All input, and all output. @param usage by the places of `USAGE_CLASSES` */
export function tokensOf(usage: readonly number[]): [input: number, output: number] {
  const sumOf = (places: readonly number[]): number => places.reduce((sum, place) => sum + usage[place]!, 0);
  return [sumOf(INPUT_PLACES), sumOf(OUTPUT_PLACES)];
}
