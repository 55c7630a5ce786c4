import { Fault } from "../base/faults.ts";
import { priceWords } from "../base/messages/prices.ts";
import {
  type Currency,
  type ExchangeRate,
  formatDecimal,
  inverse,
  multiplyRates,
  parseDecimal,
  parseRate,
  type Ratio,
  reduceRate,
  UNIT_RATIO,
} from "../base/money.ts";
import { instantOf } from "../config/formats.ts";
import type { RateSetting } from "../config/settings.ts";

const RATE_DIGITS = 18;
const SAME: ExchangeRate = { ratio: UNIT_RATIO, text: "1" };

/** A rate that somebody set, and its inverse. */
interface Quote {
  readonly since: number;
  readonly rate: ExchangeRate;
}

/** What was found for a pair of currencies, and from when to when it holds. */
interface Found {
  readonly from: number;
  readonly until: number;
  readonly rate: ExchangeRate | undefined;
}

/** Pairs of currencies whose rate is remembered: more than any installation has. */
const MOST_REMEMBERED = 1_024;

/**
 * Exchange rates, effective-dated. A pair is looked for as it was set, then the other way round, then by way of one
 * other currency: the reports' own first, then by name. Of several rates of a pair the one that began last holds, of
 * those that began at once the one set last.
 */
export class ExchangeTable {
  /** By `from>to`, latest first; a rate that was set stands before the inverse of another. */
  readonly #quotes = new Map<string, Quote[]>();
  readonly #pivots: readonly Currency[];
  /** All instants at which any rate begins, ascending. */
  readonly #changes: readonly number[];
  readonly #remembered = new Map<string, Found>();

  /** Throws `invalid_request` where a rate is no rate. */
  constructor(settings: readonly RateSetting[], home: Currency) {
    const own = new Set<string>();
    settings.forEach((setting, index) => {
      const { since, ratio, decimal } = readRateSetting(setting, `rates[${index}]`);
      const pair = `${setting.from}>${setting.to}`;
      if (!own.has(pair)) this.#quotes.delete(pair); // only inverses so far
      own.add(pair);
      this.#add(pair, { since, rate: { ratio, text: decimal } });
      const back = `${setting.to}>${setting.from}`;
      if (!own.has(back)) this.#add(back, { since, rate: { ratio: inverse(ratio), text: `1/${decimal}` } });
    });
    for (const quotes of this.#quotes.values()) quotes.reverse().sort((a, b) => b.since - a.since);
    const currencies = new Set(settings.flatMap(({ from, to }) => [from, to]));
    const others = [...currencies].filter((currency) => currency !== home).sort();
    this.#pivots = currencies.has(home) ? [home, ...others] : others;
    const changes = [...this.#quotes.values()].flat().map((quote) => quote.since);
    this.#changes = [...new Set(changes)].sort((a, b) => a - b);
  }

  /** The rate in force at an instant (milliseconds), exact; undefined where no rate leads from one to the other. */
  rate(from: Currency, to: Currency, at: number): ExchangeRate | undefined {
    if (from === to) return SAME;
    const pair = `${from}>${to}`;
    const known = this.#remembered.get(pair);
    if (known && at >= known.from && at < known.until) return known.rate;
    const next = this.#changes.findIndex((change) => change > at);
    const found: Found = {
      from: (next < 0 ? this.#changes.at(-1) : this.#changes[next - 1]) ?? Number.NEGATIVE_INFINITY,
      until: this.#changes[next] ?? Number.POSITIVE_INFINITY,
      rate: this.#direct(from, to, at) ?? this.#pivoted(from, to, at),
    };
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(pair, found);
    return found.rate;
  }

  #add(pair: string, quote: Quote): void {
    const quotes = this.#quotes.get(pair);
    if (quotes) quotes.push(quote);
    else this.#quotes.set(pair, [quote]);
  }

  #direct(from: Currency, to: Currency, at: number): ExchangeRate | undefined {
    return this.#quotes.get(`${from}>${to}`)?.find((quote) => quote.since <= at)?.rate;
  }

  #pivoted(from: Currency, to: Currency, at: number): ExchangeRate | undefined {
    for (const pivot of this.#pivots) {
      const first = this.#direct(from, pivot, at);
      const second = first && this.#direct(pivot, to, at);
      if (!second) continue;
      const text = second.text.startsWith("1/") ? second.text.slice(1) : `*${second.text}`;
      return { ratio: multiplyRates(first.ratio, second.ratio), text: first.text + text };
    }
    return undefined;
  }
}

function readRateSetting(setting: RateSetting, where: string): { since: number; ratio: Ratio; decimal: string } {
  const ratio = parseRate(setting.rate);
  if (!ratio) throw fault(priceWords.badRate(`${where}.rate`, String(setting.rate)), `${where}.rate`);
  if (setting.from === setting.to) throw fault(priceWords.sameCurrency(where, setting.from), where);
  const since = instantOf(setting.since);
  if (since === undefined) throw fault(priceWords.badInstant(`${where}.since`, setting.since), `${where}.since`);
  const decimal = formatDecimal(parseDecimal(setting.rate, RATE_DIGITS)!, RATE_DIGITS);
  return { since, ratio: reduceRate(ratio), decimal };
}

function fault(text: ReturnType<typeof priceWords.badRate>, param: string): Fault {
  return new Fault("invalid_request", text, { param });
}

const RATE_TEXT = /^(\d[\d.]*)((?:[*/]\d[\d.]*){0,2})$/;

/**
 * The rate that a text of `ExchangeTable` identifies, or undefined where it is none: decimals joined by `*` and `/`
 * from left to right, as `7.1` (set so), `1/7.1` (the other way round), `7.1*0.12` or `7.1/8.2` (by another currency).
 */
export function parseRateText(text: string): Ratio | undefined {
  const match = RATE_TEXT.exec(text);
  const first = match && parseRate(match[1]!);
  if (!match || !first) return undefined;
  let ratio = reduceRate(first);
  for (const [, operator, decimal] of match[2]!.matchAll(/([*/])([\d.]+)/g)) {
    const next = parseRate(decimal!);
    if (!next) return undefined;
    ratio = multiplyRates(ratio, operator === "*" ? next : inverse(next));
  }
  return ratio;
}
