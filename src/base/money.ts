/**
 * Amounts are whole nano-units (10⁻⁹) of one currency, as `bigint`. 2⁶³ nano-units are nine billion units.
 * Never a float: a decimal string is read exactly, and what does not fit is refused.
 */
export type Nano = bigint;

/** An ISO 4217 code, or any three to eight capital letters an operator chooses. */
export type Currency = string;

const NANO_DIGITS = 9;
const DECIMAL = /^(-?)(\d{1,18})(?:\.(\d{1,18}))?$/;

/** Reads a decimal string (`"5"`, `"0.15"`) as a whole number of 10⁻ᵈⁱᵍⁱᵗˢ, or undefined where it is none or too fine. */
export function parseDecimal(text: string, digits: number): bigint | undefined {
  const match = DECIMAL.exec(text);
  if (!match) return undefined;
  const [, sign, whole, fraction = ""] = match;
  const significant = fraction.replace(/0+$/, "");
  if (significant.length > digits) return undefined;
  const magnitude = BigInt(whole! + significant.padEnd(digits, "0"));
  return sign ? -magnitude : magnitude;
}

/** Reads an amount (`"5.00"`) as nano-units, or undefined where it is no decimal of at most nine places. */
export function parseAmount(text: string): Nano | undefined {
  return parseDecimal(text, NANO_DIGITS);
}

/** Writes a whole number of 10⁻ᵈⁱᵍⁱᵗˢ as the shortest decimal: `1500000000n` → `"1.5"`, `0n` → `"0"`. */
export function formatDecimal(value: bigint, digits: number): string {
  const negative = value < 0n;
  const text = (negative ? -value : value).toString().padStart(digits + 1, "0");
  const point = text.length - digits;
  const whole = text.slice(0, point);
  const fraction = text.slice(point).replace(/0+$/, "");
  return (negative ? "-" : "") + (fraction ? `${whole}.${fraction}` : whole);
}

/** Writes nano-units as the shortest decimal: `123000n` → `"0.000123"`. */
export function formatAmount(amount: Nano): string {
  if (amount < 0n || amount > MOST_QUICK) return formatDecimal(amount, NANO_DIGITS);
  const nano = Number(amount);
  const whole = Math.floor(nano / NANO);
  const fraction = nano - whole * NANO;
  if (fraction === 0) return String(whole);
  const digits = String(fraction + NANO);
  let end = digits.length;
  while (digits.charCodeAt(end - 1) === ZERO) end -= 1;
  return `${whole}.${digits.slice(1, end)}`;
}

const NANO = 1e9;
const ZERO = 0x30;
/** Up to here a quotient by 10⁹ is exact enough in floating point for its whole part to be right. */
const MOST_QUICK = 10n ** 15n;

/** numerator / denominator to the nearest whole, a half to the even neighbour. denominator > 0. */
export function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  let quotient = numerator / denominator;
  let remainder = numerator % denominator;
  if (remainder < 0n) {
    remainder += denominator;
    quotient -= 1n;
  }
  const twice = remainder * 2n;
  if (twice > denominator || (twice === denominator && (quotient & 1n) === 1n)) quotient += 1n;
  return quotient;
}

/** numerator / denominator to the next whole at or above it. denominator > 0. */
export function divideUp(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  return numerator % denominator > 0n ? quotient + 1n : quotient;
}

/** An exchange rate as an exact fraction: one unit of `from` is `numerator / denominator` units of `to`. */
export interface Ratio {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export const UNIT_RATIO: Ratio = { numerator: 1n, denominator: 1n };

/** A rate, and the text that identifies it exactly (`7.1`, `1/7.1`), so that a conversion can be made again. */
export interface ExchangeRate {
  readonly ratio: Ratio;
  readonly text: string;
}

/** A settled amount in another currency: rounded once, half to even. */
export function convert(amount: Nano, rate: Ratio): Nano {
  return rate === UNIT_RATIO ? amount : divideHalfEven(amount * rate.numerator, rate.denominator);
}

/** A held amount in another currency: rounded up, so that the settled amount never exceeds it. */
export function convertUp(amount: Nano, rate: Ratio): Nano {
  return rate === UNIT_RATIO ? amount : divideUp(amount * rate.numerator, rate.denominator);
}

/** Reads an exchange rate (`"7.10"`) as an exact fraction, or undefined where it is no positive decimal. */
export function parseRate(text: string): Ratio | undefined {
  const numerator = parseDecimal(text, 18);
  return numerator !== undefined && numerator > 0n ? { numerator, denominator: 10n ** 18n } : undefined;
}

/** The other direction of an exchange rate: exact. */
export function inverse(rate: Ratio): Ratio {
  return { numerator: rate.denominator, denominator: rate.numerator };
}

/** One rate after the other, in lowest terms: exact. */
export function multiplyRates(first: Ratio, second: Ratio): Ratio {
  return reduceRate({
    numerator: first.numerator * second.numerator,
    denominator: first.denominator * second.denominator,
  });
}

/** The same rate in lowest terms: small numbers make conversions quick. */
export function reduceRate(rate: Ratio): Ratio {
  let a = rate.numerator;
  let b = rate.denominator;
  while (b > 0n) [a, b] = [b, a % b];
  return { numerator: rate.numerator / a, denominator: rate.denominator / a };
}
