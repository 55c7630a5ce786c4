import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Usage } from "../../base/usage.ts";
import type { PriceRates, PriceSetting } from "../../config/settings.ts";
import { compilePrice } from "../price-document.ts";
import { boundCost, priceUsage } from "../price-engine.ts";
import { VENDORS } from "./table.ts";
import type { Vendor } from "./vendor.ts";

interface Priced {
  readonly ref: string;
  readonly vendor: Vendor;
  readonly price: PriceSetting;
}

/** Every price that is shipped, whatever protocol its model is sold by. */
const PRICES: readonly Priced[] = VENDORS.filter(({ sameAs }) => sameAs === undefined).flatMap((vendor) => {
  const models = [...vendor.models, ...(vendor.also ?? []).flatMap((way) => way.models ?? [])];
  const of = models.flatMap(({ id, price, prices = [] }) =>
    [price, ...prices].flatMap((one) => (one ? [{ ref: `${vendor.id}/${id}`, vendor, price: one }] : [])),
  );
  return [...of, ...(vendor.price ? [{ ref: vendor.id, vendor, price: vendor.price }] : [])];
});

const TOKENS = [
  "input",
  "cachedInput",
  "cacheWrite5m",
  "cacheWrite1h",
  "inputAudio",
  "inputImage",
  "output",
  "reasoning",
  "outputAudio",
] as const satisfies readonly (keyof Usage)[];
const PIECES = { perCall: 1, perImage: "images", perSecond: "seconds", perToolCall: "toolCalls" } as const;

/** What rates cost that are not named: as the documentation says. */
const INSTEAD: Partial<Record<(typeof TOKENS)[number], (typeof TOKENS)[number]>> = {
  cachedInput: "input",
  cacheWrite5m: "input",
  cacheWrite1h: "cacheWrite5m",
  inputAudio: "input",
  inputImage: "input",
  reasoning: "output",
  outputAudio: "output",
};

const exact = (text: string): bigint => {
  const [whole = "0", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(9, "0"));
};

/** The same arithmetic, written a second time and simply: nano-units, rounded once, half to even. */
function costOf(price: PriceSetting, usage: Usage, isPeak: boolean): bigint {
  let rates: PriceRates = price;
  const long = (names: readonly (keyof Usage)[]) => names.reduce((sum, name) => sum + (usage[name] ?? 0), 0);
  const [input, output] = [long(TOKENS.slice(0, 6)), long(TOKENS.slice(6))];
  for (const { above, of, applies, ...tier } of price.tiers ?? []) {
    expect(applies ?? "request").toBe("request"); // no vendor of the catalogue bills the excess alone
    if ((of === "output" ? output : input) > above) rates = { ...rates, ...tier };
  }
  if (isPeak)
    for (const { from, to, timezone, days, except, ...hours } of price.hours ?? []) rates = { ...rates, ...hours };
  const rateOf = (name: (typeof TOKENS)[number]): string => {
    const rate = rates[name];
    return rate ?? (INSTEAD[name] === undefined ? "0" : rateOf(INSTEAD[name]));
  };
  let millionths = 0n;
  for (const name of TOKENS) millionths += BigInt(usage[name] ?? 0) * exact(rateOf(name));
  for (const [name, of] of Object.entries(PIECES)) {
    const count = of === 1 ? 1 : (usage[of] ?? 0);
    millionths += BigInt(count) * exact(rates[name as keyof PriceRates] ?? "0") * 1_000_000n;
  }
  const [down, rest] = [millionths / 1_000_000n, millionths % 1_000_000n];
  return down + (rest > 500_000n || (rest === 500_000n && down % 2n === 1n) ? 1n : 0n);
}

/** In Shanghai: a Tuesday at eleven, and a Sunday. */
const PEAK = Date.parse("2026-11-24T11:00:00+08:00");
const QUIET = Date.parse("2026-11-22T11:00:00+08:00");

const usages = fc.record(
  {
    input: fc.nat(600_000),
    cachedInput: fc.nat(300_000),
    cacheWrite5m: fc.nat(100_000),
    cacheWrite1h: fc.nat(100_000),
    inputAudio: fc.nat(10_000),
    inputImage: fc.nat(10_000),
    output: fc.nat(100_000),
    reasoning: fc.nat(50_000),
    outputAudio: fc.nat(10_000),
    images: fc.nat(9),
    seconds: fc.nat(60),
    toolCalls: fc.nat(9),
  },
  { requiredKeys: [] },
);

describe.each(PRICES)("$ref", ({ ref, vendor, price }) => {
  test("computes, on both sides of every condition, to what its rates say", () => {
    const document = compilePrice(price, ref);
    const edges = (price.tiers ?? []).flatMap(({ above, of }): Usage[] =>
      [above, above + 1].map((tokens) =>
        of === "output" ? { input: 10, output: tokens } : { input: tokens, output: 10 },
      ),
    );
    const check = (usage: Usage): void => {
      expect(priceUsage(document, usage, { at: PEAK }).amount).toBe(costOf(price, usage, true));
      expect(priceUsage(document, usage, { at: QUIET }).amount).toBe(costOf(price, usage, false));
    };
    for (const usage of [{}, { input: 1 }, { output: 1 }, { images: 1 }, ...edges]) check(usage);
    fc.assert(fc.property(usages, check), { numRuns: 20 });
  });

  test("is never held for less than it costs", () => {
    const document = compilePrice(price, ref);
    for (const { above } of [{ above: 1_000 }, ...(price.tiers ?? [])]) {
      const tokens = above + 1;
      const most = boundCost(document, { inputTokens: tokens, outputTokens: tokens }, PEAK);
      for (const side of ["input", "cachedInput", "cacheWrite5m", "cacheWrite1h"] as const) {
        for (const other of ["output", "reasoning"] as const) {
          const cost = priceUsage(document, { [side]: tokens, [other]: tokens }, { at: PEAK }).amount;
          expect(most).toBeGreaterThanOrEqual(cost);
        }
      }
    }
  });

  test("is in the vendor's own currency, with its source", () => {
    const inside = vendor.protocol === "practice" || vendor.protocol === "recorded";
    expect(price.currency).toBe(inside ? "USD" : vendor.currency);
    expect(price.source).toBeTruthy();
  });
});

/** What a price is made of, rates of tokens in and out aside. */
function shapeOf(price: PriceSetting): string[] {
  const plain = ["input", "output", "currency", "source", "checked", "since", "tiers", "hours", "batch"];
  const rates = (one: object) => Object.keys(one).filter((name) => !plain.includes(name));
  return [
    ...rates(price),
    ...(price.tiers ?? []).map(({ of = "input", applies = "request" }) => `tier of ${of}, ${applies}`),
    ...(price.hours ?? []).map(({ days, except }) => `hours${days ? ", days" : ""}${except ? ", except" : ""}`),
    ...(price.batch ? ["batch"] : []),
  ];
}

/** Worked by hand from the vendors' lists: for every shape of a price that is found, one that has it. */
const GOLDEN: Readonly<Record<string, readonly [ref: string, usage: Usage, at: number, cost: string]>> = {
  cachedInput: ["openai/gpt-4o-mini", { input: 1_000, cachedInput: 1_000, output: 100 }, QUIET, "0.000285"],
  cacheWrite5m: ["alibaba/qwen3-max", { cacheWrite5m: 1_000_000 }, QUIET, "8.75"],
  cacheWrite1h: ["moonshot/kimi-k3", { cacheWrite1h: 500_000, cacheWrite5m: 500_000 }, QUIET, "30"],
  reasoning: ["alibaba-intl/qwen-plus", { reasoning: 1_000_000, output: 1_000_000 }, QUIET, "5.2"],
  inputAudio: ["gemini/gemini-2.5-flash", { inputAudio: 1_000_000, input: 1_000_000 }, QUIET, "1.3"],
  perImage: ["practice/image", { input: 1_000, images: 2 }, QUIET, "0.0021"],
  perToolCall: ["baichuan/Baichuan-M3-Plus", { input: 1_000_000, toolCalls: 2 }, QUIET, "5.06"],
  "tier of input, request": ["baidu/ernie-5.0", { input: 32_001, output: 1_000 }, QUIET, "0.36001"],
  "tier of output, request": ["zhipu/glm-4.7", { input: 1_000, output: 201 }, QUIET, "0.005814"],
  "hours, days, except": ["deepseek/deepseek-flash", { input: 1_000_000, output: 1_000_000 }, PEAK, "10"],
};

describe("golden vectors", () => {
  const shapes = [...new Set(PRICES.flatMap(({ price }) => shapeOf(price)))];
  test.each(shapes)("%s", (shape) => {
    const vector = GOLDEN[shape];
    expect(vector, "a shape without a golden vector").toBeDefined();
    const [ref, usage, at, cost] = vector!;
    const { price } = PRICES.find((one) => one.ref === ref)!;
    expect(shapeOf(price)).toContain(shape);
    expect(priceUsage(compilePrice(price, ref), usage, { at }).amount).toBe(exact(cost));
  });
});
