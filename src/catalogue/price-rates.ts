import { Fault } from "../base/faults.ts";
import { priceWords } from "../base/messages/prices.ts";
import { formatAmount, type Nano, parseAmount, parseDecimal } from "../base/money.ts";
import { INPUT_CLASSES, OUTPUT_CLASSES } from "../base/usage.ts";
import type { PriceRates } from "../config/settings.ts";

/** Rates by the million tokens, in the order in which costs are listed: the rate of a token class has its name. */
export const TOKEN_RATES = [...INPUT_CLASSES, ...OUTPUT_CLASSES] as const;
export type TokenRate = (typeof TOKEN_RATES)[number];

/** Rates by the piece. */
export const PIECE_RATES = ["perCall", "perImage", "perSecond", "perToolCall"] as const;
export type PieceRate = (typeof PIECE_RATES)[number];

export const RATE_NAMES = [...TOKEN_RATES, ...PIECE_RATES] as const;
export type RateName = TokenRate | PieceRate;

/** Nano-units per million tokens, or per piece. A rate that is not there is not charged. */
export type Rates = Readonly<Partial<Record<RateName, Nano>>>;

/** A billion units a million tokens: above it somebody has mistaken the unit. */
const MOST_RATE = 10n ** 18n;
const RATE_DIGITS = 9;

/** Reads the rates of a price or of one of its conditions. Throws `invalid_request` that names `where` is wrong. */
export function readRates(setting: PriceRates, where: string): Rates {
  const rates: Partial<Record<RateName, Nano>> = {};
  for (const name of RATE_NAMES) {
    const text = setting[name];
    if (text !== undefined) rates[name] = readRate(text, `${where}.${name}`);
  }
  if (Object.keys(rates).length === 0) throw new Fault("invalid_request", priceWords.noRates(where), { param: where });
  return rates;
}

function readRate(text: string, where: string): Nano {
  const rate = typeof text === "string" ? parseAmount(text) : undefined;
  if (rate !== undefined && rate >= 0n && rate <= MOST_RATE) return rate;
  throw new Fault("invalid_request", rateWords(text, rate, where), { param: where });
}

function rateWords(text: unknown, rate: Nano | undefined, where: string) {
  if (rate !== undefined && rate < 0n) return priceWords.negative(where, String(text));
  if (rate !== undefined) return priceWords.tooLarge(where, String(text), formatAmount(MOST_RATE));
  const tooFine = typeof text === "string" && parseDecimal(text, 18) !== undefined;
  return tooFine ? priceWords.tooFine(where, text, RATE_DIGITS) : priceWords.badDecimal(where, String(text));
}

/** The rates as decimal strings in a fixed order: the same rates always give the same text. */
export function writeRates(rates: Rates): PriceRates {
  const setting: Partial<Record<RateName, string>> = {};
  for (const name of RATE_NAMES) {
    const rate = rates[name];
    if (rate !== undefined) setting[name] = formatAmount(rate);
  }
  return setting;
}
