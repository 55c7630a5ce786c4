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
  /** Most sums know one rate only. */
  #ratio: Ratio | undefined;
  #amount: Nano = 0n;
  #others: Map<string, { ratio: Ratio; amount: Nano }> | undefined;

  add(amount: Nano, ratio: Ratio): void {
    this.#ratio ??= ratio;
    if (areSame(this.#ratio, ratio)) {
      this.#amount += amount;
      return;
    }
    const key = `${ratio.numerator}/${ratio.denominator}`;
    this.#others ??= new Map();
    const known = this.#others.get(key);
    if (known) known.amount += amount;
    else this.#others.set(key, { ratio, amount });
  }

  /** Whether nothing is left of what was added. */
  get isZero(): boolean {
    return this.#amount === 0n && [...(this.#others?.values() ?? [])].every(({ amount }) => amount === 0n);
  }

  get rounded(): Nano {
    if (!this.#ratio) return 0n;
    let numerator = this.#amount * this.#ratio.numerator;
    let { denominator } = this.#ratio;
    for (const { ratio, amount } of this.#others?.values() ?? []) {
      numerator = numerator * ratio.denominator + amount * ratio.numerator * denominator;
      denominator *= ratio.denominator;
    }
    return denominator === 1n ? numerator : divideHalfEven(numerator, denominator);
  }
}

function areSame(a: Ratio, b: Ratio): boolean {
  return a === b || (a.numerator === b.numerator && a.denominator === b.denominator);
}
