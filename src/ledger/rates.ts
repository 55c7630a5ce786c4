import {
  type ExchangeRate,
  inverse,
  multiplyRates,
  parseRate,
  type Ratio,
  reduceRate,
  UNIT_RATIO,
} from "../base/money.ts";

/** The rates of an entry as it writes them: `CNY:7.1,EUR:1/1.08`. */
export function writeRates(rates: ReadonlyMap<string, ExchangeRate>): string {
  let text = "";
  for (const [currency, rate] of rates) text += `${text ? "," : ""}${currency}:${rate.text}`;
  return text;
}

/** The same with one rate more. A rate that stands there already stays: entries were converted by it. */
export function addRate(text: string, currency: string, rate: ExchangeRate): string {
  if (rate.text === "" || readRates(text).has(currency)) return text;
  return `${text}${text ? "," : ""}${currency}:${rate.text}`;
}

/** Reads what `writeRates` wrote: currency → text. */
export function readRates(text: string): Map<string, string> {
  const rates = new Map<string, string>();
  for (const part of text.split(",")) {
    const colon = part.indexOf(":");
    if (colon > 0) rates.set(part.slice(0, colon), part.slice(colon + 1));
  }
  return rates;
}

/** Reads the text of an exchange rate: decimals with `*` and `/` between them (`7.1`, `1/7.1`, `7.1*0.92`). */
export function readRate(text: string): Ratio | undefined {
  let rate = UNIT_RATIO;
  let divide = false;
  for (const part of text.split(/([*/])/)) {
    if (part === "*" || part === "/") {
      divide = part === "/";
      continue;
    }
    const factor = parseRate(part.trim());
    if (!factor) return undefined;
    rate = multiplyRates(rate, divide ? inverse(factor) : factor);
  }
  return reduceRate(rate);
}
