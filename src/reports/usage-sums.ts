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

interface Sum {
  readonly time: Part;
  readonly rest: Part;
  readonly cost: ConvertedSum;
  calls: number;
  attempts: number;
  inputTokens: number;
  outputTokens: number;
  estimated: number;
  /** Something was taken out of it again. */
  wasReduced: boolean;
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
      ofTime.set(rest.number, (sum = newSum(time, rest)));
      // Half of them may be taken out again.
      if (++this.#size > 2 * this.#most) throw this.#tooMany();
    }
    if (sign < 0) sum.wasReduced = true;
    sum.calls += sign * figures.calls;
    sum.attempts += sign * figures.attempts;
    sum.inputTokens += sign * figures.inputTokens;
    sum.outputTokens += sign * figures.outputTokens;
    sum.estimated += sign * figures.estimated;
    sum.cost.add(sign === 1 ? figures.cost : -figures.cost, ratio);
  }

  /** Sorted by the keys, in the order of `by`. Throws `invalid_request` where they are too many. */
  rows(): UsageRow[] {
    const { by } = this.#ask;
    const ranks = this.#ranks();
    const sums: Sum[] = [];
    for (const ofTime of this.#sums) {
      for (const sum of ofTime?.values() ?? []) if (!sum.wasReduced || !isNothing(sum)) sums.push(sum);
    }
    if (sums.length > this.#most) throw this.#tooMany();
    const places = by.map((key) => ({ isTime: TIME_KEYS.includes(key), ranks: ranks.get(key)! }));
    sums.sort((a, b) => {
      for (const { isTime, ranks: own } of places) {
        const difference = own[(isTime ? a.time : a.rest).number]! - own[(isTime ? b.time : b.rest).number]!;
        if (difference !== 0) return difference;
      }
      const [left, right] = [a.rest.currency, b.rest.currency];
      return left < right ? -1 : left > right ? 1 : 0;
    });
    return sums.map(({ time, rest, calls, attempts, inputTokens, outputTokens, estimated, cost }) => {
      const keys = time.keys === NO_KEYS ? rest.keys : { ...rest.keys, ...time.keys };
      const { currency } = rest;
      return { keys, calls, attempts, inputTokens, outputTokens, estimated, cost: cost.rounded, currency };
    });
  }

  #tooMany(): Fault {
    return new Fault("invalid_request", reportWords.tooManyRows(this.#most), { param: "by" });
  }

  /** Where the value of each key stands among its like, by the numbers of the parts that have it. */
  #ranks(): Map<UsageKey, Int32Array> {
    const ranks = new Map<UsageKey, Int32Array>();
    for (const key of this.#ask.by) {
      const parts = [...this.#parts.values()].filter(({ keys }) => keys[key] !== undefined);
      const values = [...new Set(parts.map(({ keys }) => keys[key]!))];
      // The hour that daylight saving repeats is written twice, with two offsets: the earlier comes first.
      values.sort(key === "hour" ? (a, b) => Date.parse(a) - Date.parse(b) : undefined);
      const rankOf = new Map(values.map((value, rank) => [value, rank]));
      const own = new Int32Array(this.#parts.size);
      for (const { number, keys } of parts) own[number] = rankOf.get(keys[key]!)!;
      ranks.set(key, own);
    }
    return ranks;
  }
}

function newSum(time: Part, rest: Part): Sum {
  return {
    time,
    rest,
    cost: new ConvertedSum(),
    calls: 0,
    attempts: 0,
    inputTokens: 0,
    outputTokens: 0,
    estimated: 0,
    wasReduced: false,
  };
}

function isNothing({ calls, attempts, inputTokens, outputTokens, estimated, cost }: Sum): boolean {
  return calls === 0 && attempts === 0 && inputTokens === 0 && outputTokens === 0 && estimated === 0 && cost.isZero;
}
