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
/** More parts than a report has rows. */
const PARTS = 2 ** 26;

/** The rows of a report while they are summed. */
export class UsageSums {
  readonly #ask: UsageAsk;
  readonly #most: number;
  readonly #parts = new Map<string, Part>();
  readonly #sums = new Map<number, Sum>();

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
    const name = time.number * PARTS + rest.number;
    let sum = this.#sums.get(name);
    if (!sum) {
      sum = {
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
      this.#sums.set(name, sum);
      // Half of them may be taken out again.
      if (this.#sums.size > 2 * this.#most) throw this.#tooMany();
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
    const sums = [...this.#sums.values()].filter((sum) => !sum.wasReduced || !isNothing(sum));
    if (sums.length > this.#most) throw this.#tooMany();
    const placed = sums.map((sum) => ({
      sum,
      place: by.map((key) => ranks.get(key)!.get((TIME_KEYS.includes(key) ? sum.time : sum.rest).keys[key]!)!),
    }));
    placed.sort((a, b) => {
      for (let i = 0; i < a.place.length; i++) if (a.place[i] !== b.place[i]) return a.place[i]! - b.place[i]!;
      const [left, right] = [a.sum.rest.currency, b.sum.rest.currency];
      return left < right ? -1 : left > right ? 1 : 0;
    });
    return placed.map(({ sum }) => {
      const { time, rest, calls, attempts, inputTokens, outputTokens, estimated, cost } = sum;
      const keys = time.keys === NO_KEYS ? rest.keys : { ...rest.keys, ...time.keys };
      const { currency } = rest;
      return { keys, calls, attempts, inputTokens, outputTokens, estimated, cost: cost.rounded, currency };
    });
  }

  #tooMany(): Fault {
    return new Fault("invalid_request", reportWords.tooManyRows(this.#most), { param: "by" });
  }

  /** Where each value of each key stands among its like. */
  #ranks(): Map<UsageKey, Map<string, number>> {
    const values = new Map<UsageKey, Set<string>>(this.#ask.by.map((key) => [key, new Set()]));
    for (const { keys } of this.#parts.values()) {
      for (const key of this.#ask.by) if (keys[key] !== undefined) values.get(key)!.add(keys[key]);
    }
    const ranks = new Map<UsageKey, Map<string, number>>();
    for (const [key, set] of values) {
      // The hour that daylight saving repeats is written twice, with two offsets: the earlier comes first.
      const compare = key === "hour" ? (a: string, b: string) => Date.parse(a) - Date.parse(b) : undefined;
      ranks.set(key, new Map([...set].sort(compare).map((value, place) => [value, place])));
    }
    return ranks;
  }
}

function isNothing({ calls, attempts, inputTokens, outputTokens, estimated, cost }: Sum): boolean {
  return calls === 0 && attempts === 0 && inputTokens === 0 && outputTokens === 0 && estimated === 0 && cost.isZero;
}
