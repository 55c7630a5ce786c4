import { Fault } from "../base/faults.ts";
import { reportWords } from "../base/messages/operators.ts";
import type { Currency, Ratio } from "../base/money.ts";
import { ConvertedSum } from "./conversion.ts";
import type { UsageRow } from "./usage.ts";
import type { UsageAsk, UsageKey } from "./usage-ask.ts";

/** What was used, in one currency. */
export interface UsageFigures {
  readonly calls: number;
  readonly attempts: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly estimated: number;
  readonly cost: bigint;
}

type Keys = Readonly<Partial<Record<UsageKey, string>>>;

/** A value of `by`, or several, that many rows have in common: kept once, so that rows are told apart by numbers. */
export interface Part {
  readonly number: number;
  readonly keys: Keys;
  readonly currency: Currency;
}

/** A row while it is summed: the sum itself is of its cost. */
class Sum extends ConvertedSum {
  readonly time: Part;
  readonly rest: Part;
  calls = 0;
  attempts = 0;
  inputTokens = 0;
  outputTokens = 0;
  estimated = 0;
  /** Something was taken out of it again. */
  wasReduced = false;

  constructor(time: Part, rest: Part) {
    super();
    this.time = time;
    this.rest = rest;
  }

  get isNothing(): boolean {
    const { calls, attempts, inputTokens, outputTokens, estimated } = this;
    return this.isZero && [calls, attempts, inputTokens, outputTokens, estimated].every((count) => count === 0);
  }
}

const NO_KEYS: Keys = {};
const TIME_KEYS: readonly UsageKey[] = ["hour", "day", "month"];
/** The rows of a report while they are summed. */
export class UsageSums {
  readonly #ask: UsageAsk;
  readonly #most: number;
  readonly #parts = new Map<string, Part>();
  /** By the numbers of time and rest. */
  readonly #sums: (Map<number, Sum> | undefined)[] = [];
  #size = 0;

  /** @param most rows of the report */
  constructor(ask: UsageAsk, most: number) {
    this.#ask = ask;
    this.#most = most;
  }

  /** The part of a row's keys that tells the time. */
  time(keys: Keys): Part {
    const { by } = this.#ask;
    return this.#part(
      by.filter((key) => TIME_KEYS.includes(key)),
      keys,
      "",
    );
  }

  /** All else: the other keys, and the currency in which the row is shown. */
  rest(keys: Keys, currency: Currency): Part {
    const { by, currency: shown } = this.#ask;
    return this.#part(
      by.filter((key) => !TIME_KEYS.includes(key)),
      keys,
      shown ?? currency,
    );
  }

  #part(names: readonly UsageKey[], keys: Keys, currency: Currency): Part {
    const name = JSON.stringify([names.map((key) => [key, keys[key]]), currency]);
    let part = this.#parts.get(name);
    if (!part) {
      const own: Partial<Record<UsageKey, string>> = {};
      for (const key of names) own[key] = keys[key]!;
      part = { number: this.#parts.size, keys: names.length > 0 ? own : NO_KEYS, currency };
      this.#parts.set(name, part);
    }
    return part;
  }

  /** @param sign 1 to count, -1 to take out what was counted too much */
  add(time: Part, rest: Part, figures: UsageFigures, ratio: Ratio, sign: 1 | -1 = 1): void {
    const ofTime = (this.#sums[time.number] ??= new Map());
    let sum = ofTime.get(rest.number);
    if (!sum) {
      ofTime.set(rest.number, (sum = new Sum(time, rest)));
      // Half of them may be taken out again.
      if (++this.#size > 2 * this.#most) throw this.#tooMany();
    }
    if (sign < 0) sum.wasReduced = true;
    sum.calls += sign * figures.calls;
    sum.attempts += sign * figures.attempts;
    sum.inputTokens += sign * figures.inputTokens;
    sum.outputTokens += sign * figures.outputTokens;
    sum.estimated += sign * figures.estimated;
    sum.add(sign === 1 ? figures.cost : -figures.cost, ratio);
  }

  /** Sorted by the keys, in the order of `by`. Throws `invalid_request` where they are too many. */
  rows(): UsageRow[] {
    let sums: Sum[] = [];
    for (const ofTime of this.#sums) {
      for (const sum of ofTime?.values() ?? []) if (!sum.wasReduced || !sum.isNothing) sums.push(sum);
    }
    if (sums.length > this.#most) throw this.#tooMany();
    // By what counts least first: each time, what stands in order already stays in it.
    for (const key of ["currency", ...this.#ask.by.toReversed()] as const) {
      const ranks = this.#ranks(key);
      sums = inOrder(sums, TIME_KEYS.includes(key as UsageKey) ? "time" : "rest", ranks);
    }
    return sums.map((sum) => {
      const { time, rest, calls, attempts, inputTokens, outputTokens, estimated } = sum;
      const keys = time.keys === NO_KEYS ? rest.keys : { ...rest.keys, ...time.keys };
      const { currency } = rest;
      return { keys, calls, attempts, inputTokens, outputTokens, estimated, cost: sum.rounded, currency };
    });
  }

  #tooMany(): Fault {
    return new Fault("invalid_request", reportWords.tooManyRows(this.#most), { param: "by" });
  }

  /** Where the value of a key stands among its like, by the numbers of the parts that have it. */
  #ranks(key: UsageKey | "currency"): Int32Array {
    const wordOf = (part: Part): string | undefined => (key === "currency" ? part.currency : part.keys[key]);
    const parts = [...this.#parts.values()].filter((part) => wordOf(part) !== undefined);
    const values = [...new Set(parts.map((part) => wordOf(part)!))];
    // The hour that daylight saving repeats is written twice, with two offsets: the earlier comes first.
    values.sort(key === "hour" ? (a, b) => Date.parse(a) - Date.parse(b) : undefined);
    const rankOf = new Map(values.map((value, rank) => [value, rank]));
    const ranks = new Int32Array(this.#parts.size);
    for (const part of parts) ranks[part.number] = rankOf.get(wordOf(part)!)!;
    return ranks;
  }
}

/** Sorts by counting: the ranks are few, and the sums many. */
function inOrder(sums: readonly Sum[], by: "time" | "rest", ranks: Int32Array): Sum[] {
  const places = new Int32Array(ranks.reduce((most, rank) => Math.max(most, rank), 0) + 2);
  for (const sum of sums) places[ranks[sum[by].number]! + 1]! += 1;
  for (let rank = 1; rank < places.length; rank++) places[rank]! += places[rank - 1]!;
  const sorted = Array<Sum>(sums.length);
  for (const sum of sums) {
    const rank = ranks[sum[by].number]!;
    const place = places[rank]!;
    sorted[place] = sum;
    places[rank] = place + 1;
  }
  return sorted;
}
