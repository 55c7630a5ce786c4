import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { PriceRates, PriceSetting } from "../../config/settings.ts";
import { vendorById } from "./table.ts";

/**
 * What is shipped agrees, row by row, with the list of prices that the catalogue was begun from, where that list lies
 * beside the project.
 */

const LIST = new URL("../../../../shared/reference/prices.json", import.meta.url);

interface Rates {
  readonly input: number;
  readonly output: number;
  readonly cache_read?: number;
  readonly cache_write?: number;
}

interface Row extends Rates {
  readonly vendor: string;
  readonly model: string;
  readonly currency: string;
  readonly context?: number;
  readonly max_output?: number;
  readonly tiers?: readonly (Rates & { readonly above_tokens?: number; readonly above_output_tokens?: number })[];
  readonly peak?: Rates;
  readonly note?: string;
}

const rows: readonly Row[] = existsSync(LIST) ? JSON.parse(readFileSync(LIST, "utf8")).prices : [];

/** Not shipped: the list itself says that sources contradict each other. */
const DOUBTFUL = rows.filter(({ note }) => note?.startsWith("LOW confidence"));

/** The models of SenseTime's older platform have a row of their own here. */
function rowOf({ vendor, model }: Row) {
  if (vendor === "sensetime" && !model.startsWith("sensenova-6.8")) return vendorById("sensetime-legacy");
  return vendorById(vendor);
}

/** The rates of the list by the names that they have here; what it does not say is not compared. */
function ratesOf({ input, output, cache_read, cache_write }: Rates): Record<string, number> {
  return {
    input,
    output,
    ...(cache_read !== undefined && { cachedInput: cache_read }),
    ...(cache_write !== undefined && { cacheWrite5m: cache_write }),
  };
}

/** Of these the list has the lowest step only; the others are from the vendor's own page (table.test.ts holds them). */
const STEPPED: Readonly<Record<string, readonly string[]>> = {
  alibaba: [
    "qwen3.7-plus",
    "qwen3.6-flash",
    "qwen3.5-flash",
    "qwen-plus",
    "qwen-flash",
    "qwen3-coder-plus",
    "qwen3-vl-plus",
  ],
  "alibaba-intl": ["qwen3-max", "qwen-plus", "qwen-flash"],
};

function shipped(rates: PriceRates, names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, Number(rates[name as keyof PriceRates])]));
}

function priceOf(row: Row): PriceSetting | undefined {
  const vendor = rowOf(row);
  return row.model === "*"
    ? vendor?.price
    : (vendor?.models.find(({ id }) => id === row.model)?.price ?? vendor?.price);
}

describe.skipIf(rows.length === 0)("the list of prices (skipped where it does not lie beside the project)", () => {
  test("has rows", () => expect(rows.length).toBeGreaterThan(100));

  test.each(rows.filter((row) => !DOUBTFUL.includes(row)))("$vendor $model", (row) => {
    const price = priceOf(row);
    expect(price, "not shipped").toBeDefined();
    expect(price!.currency).toBe(row.currency);
    const base = ratesOf(row);
    expect(shipped(price!, Object.keys(base))).toEqual(base);
    for (const tier of row.tiers ?? []) {
      const of = tier.above_output_tokens === undefined ? "input" : "output";
      const same = price!.tiers?.find(
        (one) => one.above === (tier.above_tokens ?? tier.above_output_tokens) && (one.of ?? "input") === of,
      );
      const rates = ratesOf(tier);
      expect(same && shipped(same, Object.keys(rates))).toEqual(rates);
    }
    // More tiers than the list has, only where it says that its source has more, or where the vendor's own page has them.
    const further = row.note?.includes("more tiers") || STEPPED[row.vendor]?.includes(row.model);
    if (!further) expect(price!.tiers?.length ?? 0).toBe(row.tiers?.length ?? 0);
    expect(price!.hours !== undefined).toBe(row.peak !== undefined);
    for (const window of price!.hours ?? []) {
      const peak = ratesOf(row.peak!);
      expect(shipped(window, Object.keys(peak))).toEqual(peak);
    }
    if (row.model === "*") return;
    const model = rowOf(row)!.models.find(({ id }) => id === row.model)!;
    if (row.context !== undefined) expect(model.contextTokens).toBe(row.context);
    if (row.max_output !== undefined) expect(model.maxOutputTokens).toBe(row.max_output);
  });

  test.each(DOUBTFUL)("$vendor $model: in doubt, so not shipped as a price", (row) => {
    expect(priceOf(row)).toBeUndefined();
  });
});
