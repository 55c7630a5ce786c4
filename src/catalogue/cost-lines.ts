import { formatAmount, type Nano } from "../base/money.ts";
import type { UsageClass } from "../base/usage.ts";
import type { PieceRate, TokenRate } from "./price-rates.ts";
import type { EffectiveRates } from "./rate-schedule.ts";

/** One line of the arithmetic of a cost. Lines with the same class differ in their unit price (tiers). */
export interface CostLine {
  readonly class: UsageClass | "call";
  readonly quantity: number;
  /** A decimal string in the cost's currency. */
  readonly unitPrice: string;
  readonly per: "1M tokens" | "call" | "image" | "second" | "tool call";
  /** This line's part of the rounded amount. */
  readonly amount: Nano;
}

/** A line before rounding: `exact` is in 10⁻⁶ nano-units. */
export interface Part {
  readonly class: CostLine["class"];
  readonly quantity: number;
  readonly unitPrice: string;
  readonly per: CostLine["per"];
  readonly exact: bigint;
}

const MICRO = 1_000_000n;

const PIECES: Readonly<Record<PieceRate, CostLine["per"]>> = {
  perCall: "call",
  perImage: "image",
  perSecond: "second",
  perToolCall: "tool call",
};

/** Adds the tokens of a class at its rate; none where there are none, or where the price has no rate for them. */
export function partOfTokens(
  parts: Part[],
  name: TokenRate,
  quantity: number | undefined,
  rates: EffectiveRates,
): void {
  const exact = exactTokens(name, quantity, rates);
  if (exact === undefined) return;
  parts.push({ class: name, quantity: quantity!, unitPrice: rates.texts[name]!, per: "1M tokens", exact });
}

/** What the tokens of a class cost; undefined where there are none, or where the price has no rate for them. */
export function exactTokens(name: TokenRate, quantity: number | undefined, rates: EffectiveRates): bigint | undefined {
  if (quantity === undefined || quantity === 0) return undefined;
  checkCount(name, quantity, Number.isSafeInteger(quantity));
  const rate = rates[name];
  return rate === undefined ? undefined : BigInt(quantity) * rate;
}

/** Adds pieces at their rate. Seconds may have a fraction, which counts to the microsecond. */
export function partOfPieces(
  parts: Part[],
  name: CostLine["class"],
  quantity: number | undefined,
  rates: EffectiveRates,
  rateName: PieceRate,
): void {
  const rate = rates[rateName];
  if (quantity === undefined || quantity === 0 || rate === undefined) return;
  checkCount(name, quantity, name === "seconds" ? Number.isFinite(quantity) : Number.isSafeInteger(quantity));
  const exact = Number.isSafeInteger(quantity)
    ? BigInt(quantity) * MICRO * rate
    : BigInt(Math.round(quantity * Number(MICRO))) * rate;
  parts.push({ class: name, quantity, unitPrice: rates.texts[rateName]!, per: PIECES[rateName], exact });
}

function checkCount(name: string, quantity: number, right: boolean): void {
  if (!right || quantity < 0) throw new RangeError(`usage of ${name} is no count: ${quantity}`);
}

/**
 * Shares a rounded amount among its parts by the largest remainder: each gets its whole nano-units, and the ones still
 * missing go to the parts that lost most by that, the earlier first. So the lines add up to the amount exactly.
 */
export function shareAmount(parts: readonly Part[], amount: Nano): CostLine[] {
  const lines: { -readonly [K in keyof CostLine]: CostLine[K] }[] = [];
  let missing = amount;
  for (const part of parts) {
    const whole = part.exact / MICRO;
    missing -= whole;
    const { quantity, unitPrice, per } = part;
    lines.push({ class: part.class, quantity, unitPrice, per, amount: whole });
  }
  if (missing === 0n) return lines;
  const order = parts.map((part, index) => ({ index, remainder: part.exact % MICRO }));
  order.sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1));
  for (const { index } of order.slice(0, Number(missing))) lines[index]!.amount += 1n;
  return lines;
}

/** A line as texts, for answers of the API. */
export function showLine(line: CostLine): Omit<CostLine, "amount"> & { readonly amount: string } {
  return { ...line, amount: formatAmount(line.amount) };
}
