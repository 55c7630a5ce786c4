import { createHash } from "node:crypto";
import { Fault } from "../base/faults.ts";
import type { Text } from "../base/language.ts";
import { priceWords } from "../base/messages/prices.ts";
import type { Currency } from "../base/money.ts";
import { FORMATS, instantOf } from "../config/formats.ts";
import type { PriceSetting, PriceTier } from "../config/settings.ts";
import { readHours, writeHours } from "./price-hours.ts";
import { type RateName, readRates, writeRates } from "./price-rates.ts";
import { isRateOf, MOST_HOURS, MOST_TIERS, RateSchedule, type Tier } from "./rate-schedule.ts";

/** A price, ready to compute with. It never changes: another price is another document. */
export interface PriceDocument {
  /** `price_` and a hash of `json`: the same content has the same id everywhere. */
  readonly id: string;
  readonly currency: Currency;
  /** From when it holds, milliseconds; undefined: always. */
  readonly since: number | undefined;
  readonly source: string | undefined;
  readonly checked: string | undefined;
  readonly schedule: RateSchedule;
  /** The setting in a fixed order and spelling, from which `parsePriceDocument` makes the same document again. */
  readonly json: string;
}

const ID_CHARACTERS = 20; // 80 bits: no two prices of one installation meet

/**
 * Reads a price as an operator writes it.
 *
 * @param where the path of the setting, for messages: `endpoints[lab].models[mini].price`
 * @throws Fault `invalid_request` that names the field and says what is wrong with it
 *
 * @example compilePrice({ currency: "USD", input: "0.15", output: "0.60" }, "price").id // "price_…"
 */
export function compilePrice(setting: PriceSetting, where: string): PriceDocument {
  check(
    FORMATS.currency(setting.currency),
    priceWords.badCurrency(`${where}.currency`, String(setting.currency)),
    where,
  );
  const rates = readRates(setting, where);
  const tiers = readTiers(setting.tiers ?? [], where);
  checkLength(setting.hours, MOST_HOURS, `${where}.hours`);
  const hours = (setting.hours ?? []).map((window, index) => readHours(window, `${where}.hours[${index}]`));
  const batch = setting.batch && readRates(setting.batch, `${where}.batch`);
  const since = readInstant(setting.since, `${where}.since`);
  const canonical: PriceSetting = {
    currency: setting.currency,
    ...writeRates(rates),
    ...(tiers.length > 0 && { tiers: tiers.map(writeTier) }),
    ...(hours.length > 0 && { hours: hours.map(writeHours) }),
    ...(batch && { batch: writeRates(batch) }),
    ...(since !== undefined && { since: new Date(since).toISOString() }),
    ...(setting.source !== undefined && { source: setting.source }),
    ...(setting.checked !== undefined && { checked: setting.checked }),
  };
  const json = JSON.stringify(canonical);
  return Object.freeze({
    id: `price_${createHash("sha256").update(json).digest("hex").slice(0, ID_CHARACTERS)}`,
    currency: setting.currency,
    since,
    source: setting.source,
    checked: setting.checked,
    schedule: new RateSchedule(rates, tiers, hours, batch),
    json,
  });
}

/**
 * The document that the store keeps under `id`.
 *
 * @throws Fault `internal_error` where the text is none, or not the one that `id` was made of
 */
export function parsePriceDocument(json: string, id?: string): PriceDocument {
  let document: PriceDocument;
  try {
    document = compilePrice(JSON.parse(json) as PriceSetting, id ?? "price");
  } catch (cause) {
    throw new Fault("internal_error", priceWords.badDocument(id ?? ""), { cause });
  }
  if (id !== undefined && document.id !== id) throw new Fault("internal_error", priceWords.badDocument(id));
  return document;
}

function readTiers(settings: readonly PriceTier[], where: string): Tier[] {
  checkLength(settings, MOST_TIERS, `${where}.tiers`);
  const before = new Map<string, number>();
  return settings.map((setting, index) => {
    const path = `${where}.tiers[${index}]`;
    const tier: Tier = {
      above: setting.above,
      of: setting.of ?? "input",
      applies: setting.applies ?? "request",
      rates: readRates(setting, path),
    };
    const { above, of, applies } = tier;
    check(Number.isSafeInteger(above) && above >= 0, priceWords.badAbove(`${path}.above`, String(above)), path);
    const last = before.get(`${of} ${applies}`);
    check(
      last === undefined || above > last,
      priceWords.tiersNotAscending(`${path}.above`, above, last ?? 0),
      `${path}.above`,
    );
    before.set(`${of} ${applies}`, above);
    const foreign = Object.keys(tier.rates).find((name) => applies === "excess" && !isRateOf(name as RateName, of));
    check(foreign === undefined, priceWords.excessRate(path, foreign ?? "", of), path);
    return tier;
  });
}

function writeTier(tier: Tier): PriceTier {
  return { above: tier.above, of: tier.of, applies: tier.applies, ...writeRates(tier.rates) };
}

function readInstant(text: string | undefined, where: string): number | undefined {
  if (text === undefined) return undefined;
  const instant = instantOf(text);
  check(instant !== undefined, priceWords.badInstant(where, text), where);
  return instant;
}

function checkLength(list: readonly unknown[] | undefined, most: number, where: string): void {
  check((list?.length ?? 0) <= most, priceWords.tooMany(where, most), where);
}

function check(right: boolean, text: Text, param: string): void {
  if (!right) throw new Fault("invalid_request", text, { param });
}
