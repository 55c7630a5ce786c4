import { type Currency, divideHalfEven, divideUp, type Nano } from "../base/money.ts";
import type { Usage } from "../base/usage.ts";
import { type CostLine, exactTokens, type Part, partOfPieces, partOfTokens, shareAmount } from "./cost-lines.ts";
import type { PriceDocument } from "./price-document.ts";
import { TOKEN_RATES } from "./price-rates.ts";
import { boundTiers, inputLength, outputLength, requestTiers, splitTokens } from "./price-tiers.ts";
import { type EffectiveRates, MEDIA } from "./rate-schedule.ts";

/**
 * What usage costs, what a request can cost at the most, and how long an answer an amount buys.
 *
 * Exact amounts are whole numbers of 10⁻⁶ nano-units ("micro-nano"): tokens × nano-units per million tokens, or
 * pieces × nano-units per piece × 10⁶. An amount is the sum of these, rounded once, by `roundCost`.
 */

export const MICRO = 1_000_000n;

/** A cost and how it comes about. The lines add up to the amount exactly. */
export interface Cost {
  readonly amount: Nano;
  readonly currency: Currency;
  readonly lines: readonly CostLine[];
}

/** When a request started (milliseconds: the hours of a price are asked of this instant), and whether as a batch. */
export interface PriceTime {
  readonly at: number;
  readonly batch?: boolean | undefined;
}

/** How large a request can be. What is not said of a class of pieces is taken as none. */
export interface UsageBound {
  /** Input tokens of all classes, and output tokens of all classes (reasoning too). */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly images?: number | undefined;
  readonly seconds?: number | undefined;
  readonly toolCalls?: number | undefined;
  readonly batch?: boolean | undefined;
  /** False: no token, in or out, can be one of audio. Default: any can. */
  readonly audio?: boolean | undefined;
  /** False: no token of the input can be one of a picture. Default: any can. */
  readonly pictures?: boolean | undefined;
}

/** The one place where a cost is rounded: micro-nano to nano-units, a half to the even neighbour. */
export function roundCost(exact: bigint): Nano {
  return divideHalfEven(exact, MICRO);
}

/**
 * The cost of `usage`: Σ tokens of a class × its rate + Σ pieces × their rates + the rate of the call. A class that is
 * unknown, or that the price does not name (itself or by its fallback), adds nothing.
 *
 * @throws RangeError where a count is negative or no number
 *
 * @example
 * const price = compilePrice({ currency: "USD", input: "2.5", cachedInput: "1.25", output: "10" }, "price");
 * priceUsage(price, { input: 400, cachedInput: 600, output: 100 }, { at: Date.now() }).amount; // 2_750_000n
 */
export function priceUsage(document: PriceDocument, usage: Usage, time: PriceTime): Cost {
  const { schedule } = document;
  const conditions = schedule.conditions(time.at, time.batch === true);
  const parts: Part[] = [];
  let rates: EffectiveRates;
  if (schedule.tiered) {
    const key = conditions + requestTiers(schedule, inputLength(usage), outputLength(usage));
    rates = schedule.rates(key);
    splitTokens(schedule, key, usage, parts);
  } else {
    rates = schedule.rates(conditions);
    addTokens(parts, usage, rates);
  }
  addPieces(parts, usage, rates);
  let exact = 0n;
  for (const part of parts) exact += part.exact;
  const amount = roundCost(exact);
  return { amount, currency: document.currency, lines: shareAmount(parts, amount) };
}

/** The amount of `priceUsage` alone, without its lines: for the path of every call. */
export function costOfUsage(document: PriceDocument, usage: Usage, time: PriceTime): Nano {
  const { schedule } = document;
  const pieces = (usage.images ?? 0) !== 0 || (usage.seconds ?? 0) !== 0 || (usage.toolCalls ?? 0) !== 0;
  if (schedule.tiered || pieces) return priceUsage(document, usage, time).amount;
  const rates = schedule.rates(schedule.conditions(time.at, time.batch === true));
  let exact = rates.perCall === undefined ? 0n : rates.perCall * MICRO;
  for (const name of TOKEN_RATES) exact += exactTokens(name, usage[name], rates) ?? 0n;
  return roundCost(exact);
}

function addTokens(parts: Part[], usage: Usage, rates: EffectiveRates): void {
  partOfTokens(parts, "input", usage.input, rates);
  partOfTokens(parts, "cachedInput", usage.cachedInput, rates);
  partOfTokens(parts, "cacheWrite5m", usage.cacheWrite5m, rates);
  partOfTokens(parts, "cacheWrite1h", usage.cacheWrite1h, rates);
  partOfTokens(parts, "inputAudio", usage.inputAudio, rates);
  partOfTokens(parts, "inputImage", usage.inputImage, rates);
  partOfTokens(parts, "output", usage.output, rates);
  partOfTokens(parts, "reasoning", usage.reasoning, rates);
  partOfTokens(parts, "outputAudio", usage.outputAudio, rates);
}

function addPieces(parts: Part[], usage: Usage, rates: EffectiveRates): void {
  partOfPieces(parts, "images", usage.images, rates, "perImage");
  partOfPieces(parts, "seconds", usage.seconds, rates, "perSecond");
  partOfPieces(parts, "toolCalls", usage.toolCalls, rates, "perToolCall");
  partOfPieces(parts, "call", 1, rates, "perCall");
}

/**
 * The most that a request within `bound` can cost if it starts at `at` (milliseconds): every token at the dearest rate
 * that a token in its place may be billed at, over all lengths up to the bound. Never less than `priceUsage` of any
 * usage within the bound with the same `at`: a call is priced by the hour at which it started, so only that hour counts.
 */
export function boundCost(document: PriceDocument, bound: UsageBound, at: number): Nano {
  return divideUp(exactBound(document, bound, bound.outputTokens, at), MICRO);
}

function exactBound(document: PriceDocument, bound: UsageBound, outputTokens: number, at: number): bigint {
  const { schedule } = document;
  const conditions = schedule.conditions(at, bound.batch === true);
  const media = mediaOf(bound);
  if (schedule.tiered) {
    return boundTiers(schedule, conditions, bound.inputTokens, outputTokens, media, (rates) =>
      exactPieces(bound, rates),
    );
  }
  const rates = schedule.rates(conditions);
  return (
    BigInt(Math.ceil(bound.inputTokens)) * rates.dearestInput[media]! +
    BigInt(Math.ceil(outputTokens)) * rates.dearestOutput[media]! +
    exactPieces(bound, rates)
  );
}

function exactPieces(bound: UsageBound, rates: EffectiveRates): bigint {
  let exact = rates.perCall === undefined ? 0n : rates.perCall * MICRO;
  if (bound.images && rates.perImage !== undefined) exact += BigInt(Math.ceil(bound.images)) * rates.perImage * MICRO;
  if (bound.toolCalls && rates.perToolCall !== undefined) {
    exact += BigInt(Math.ceil(bound.toolCalls)) * rates.perToolCall * MICRO;
  }
  if (bound.seconds && rates.perSecond !== undefined) {
    // Whole seconds exactly: a product above 2⁵³ may come out below what `priceUsage` charges.
    const micro = Number.isSafeInteger(bound.seconds)
      ? BigInt(bound.seconds) * MICRO
      : BigInt(Math.ceil(bound.seconds * Number(MICRO)));
    exact += micro * rates.perSecond;
  }
  return exact;
}

function mediaOf(bound: UsageBound): number {
  return (bound.audio === false ? 0 : MEDIA.audio) | (bound.pictures === false ? 0 : MEDIA.images);
}

/** No answer is longer: what free output is said to buy. */
export const MOST_OUTPUT_TOKENS = 2 ** 31 - 1;

/**
 * The longest answer, in tokens, that `left` pays for beside the rest of `bound` (whose `outputTokens` is not read):
 * the most n with `boundCost({ …bound, outputTokens: n }, at) ≤ left`, up to `MOST_OUTPUT_TOKENS`; −1 where not even
 * the input is paid for.
 */
export function affordableOutput(document: PriceDocument, left: Nano, bound: UsageBound, at: number): number {
  const exactLeft = left * MICRO; // ⌈x / 10⁶⌉ ≤ left exactly where x ≤ left × 10⁶
  const fits = (outputTokens: number): boolean => exactBound(document, bound, outputTokens, at) <= exactLeft;
  if (!fits(0)) return -1;
  if (!document.schedule.tiered) {
    const rates = document.schedule.rates(document.schedule.conditions(at, bound.batch === true));
    const rate = rates.dearestOutput[mediaOf(bound)]!;
    if (rate === 0n) return MOST_OUTPUT_TOKENS;
    const most = (exactLeft - exactBound(document, bound, 0, at)) / rate;
    return most < BigInt(MOST_OUTPUT_TOKENS) ? Number(most) : MOST_OUTPUT_TOKENS;
  }
  let low = 0;
  let high = MOST_OUTPUT_TOKENS;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
