import { Fault } from "../base/faults.ts";
import { reportWords } from "../base/messages/operators.ts";
import { type Currency, divideHalfEven, type Nano, type Ratio } from "../base/money.ts";

/** The exchange rate in force at an instant (milliseconds), exact; undefined where nobody has set one. */
export type RateLookup = (from: Currency, to: Currency, at: number) => { readonly ratio: Ratio } | undefined;

/** Throws `invalid_request`, naming the pair and the day, where there is no rate. */
export function requireRate(rateOf: RateLookup, from: Currency, to: Currency, at: number): Ratio {
  const rate = rateOf(from, to, at);
  if (rate) return rate.ratio;
  const day = new Date(at).toISOString().slice(0, 10);
  throw new Fault("invalid_request", reportWords.rateMissing(from, to, day), {
    param: "currency",
    details: { from, to, day },
  });
}

/**
 * A sum of amounts that were each made at a rate of their own: kept exact, and rounded once, half to even, when it is
 * read. Adding costs nothing in precision, however many amounts there are.
 */
export class ConvertedSum {
  readonly #amounts = new Map<string, { ratio: Ratio; amount: Nano }>();

  add(amount: Nano, ratio: Ratio): void {
    const key = `${ratio.numerator}/${ratio.denominator}`;
    const known = this.#amounts.get(key);
    if (known) known.amount += amount;
    else this.#amounts.set(key, { ratio, amount });
  }

  get rounded(): Nano {
    let numerator = 0n;
    let denominator = 1n;
    for (const { ratio, amount } of this.#amounts.values()) {
      numerator = numerator * ratio.denominator + amount * ratio.numerator * denominator;
      denominator *= ratio.denominator;
    }
    return divideHalfEven(numerator, denominator);
  }
}
