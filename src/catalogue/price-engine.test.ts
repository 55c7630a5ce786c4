import { describe, expect, test } from "vitest";
import { formatAmount, parseAmount } from "../base/money.ts";
import type { Usage } from "../base/usage.ts";
import type { PriceSetting } from "../config/settings.ts";
import { compilePrice } from "./price-document.ts";
import { boundCost, priceUsage, roundCost } from "./price-engine.ts";

interface Vector {
  readonly name: string;
  readonly price: Omit<PriceSetting, "currency">;
  readonly usage: Usage;
  readonly at?: string;
  readonly batch?: boolean;
  /** Worked out by hand; the arithmetic stands in `name` or beside it. */
  readonly cost: string;
}

const flat = { input: "2.5", cachedInput: "1.25", output: "10" };
const writes = { input: "3", cachedInput: "0.3", cacheWrite5m: "3.75", cacheWrite1h: "6", output: "15" };
const sound = { input: "2.5", inputAudio: "40", output: "10", outputAudio: "80" };
const whole = {
  input: "1.25",
  cachedInput: "0.125",
  output: "10",
  tiers: [{ above: 200_000, input: "2.5", cachedInput: "0.25", output: "15" }],
};
const threeSteps = {
  input: "2.5",
  output: "10",
  tiers: [
    { above: 32_000, input: "4", output: "16" },
    { above: 128_000, input: "7", output: "28" },
  ],
};
const excess = {
  input: "1",
  cachedInput: "0.1",
  output: "4",
  tiers: [
    { above: 1_000, applies: "excess" as const, input: "2", cachedInput: "0.2" },
    { above: 3_000, applies: "excess" as const, input: "3" },
    { above: 100, of: "output" as const, applies: "excess" as const, output: "6" },
  ],
};
const byAnswer = {
  input: "2",
  cachedInput: "0.4",
  output: "8",
  tiers: [
    { above: 200, of: "output" as const, input: "3", cachedInput: "0.6", output: "14" },
    { above: 32_000, input: "4", cachedInput: "0.8", output: "16" },
  ],
};
const peak = {
  input: "1",
  cachedInput: "0.02",
  output: "4",
  hours: [
    { from: "09:00", to: "12:00" },
    { from: "14:00", to: "18:00" },
  ].map((window) => ({
    ...window,
    timezone: "Asia/Shanghai",
    days: ["mon", "tue", "wed", "thu", "fri"] as const,
    except: ["2026-10-01"],
    input: "2",
    cachedInput: "0.04",
    output: "8",
  })),
};
const night = {
  input: "1",
  output: "2",
  hours: [
    {
      from: "22:00",
      to: "06:00",
      timezone: "Asia/Shanghai",
      days: ["fri"] as const,
      except: ["2026-11-13"],
      input: "0.5",
    },
  ],
};
const newYork = {
  input: "1",
  output: "2",
  hours: [{ from: "01:30", to: "02:30", timezone: "America/New_York", input: "9" }],
};
const million = { input: 1_000_000 };

const vectors: Vector[] = [
  { name: "nothing used costs nothing", price: flat, usage: {}, cost: "0" },
  { name: "1000 × 2.5 + 500 × 10", price: flat, usage: { input: 1000, output: 500 }, cost: "0.0075" },
  {
    name: "cached tokens once: 400 × 2.5 + 600 × 1.25 + 100 × 10",
    price: flat,
    usage: { input: 400, cachedInput: 600, output: 100 },
    cost: "0.00275",
  },
  {
    name: "cached tokens cost as input where they have no price: 1000 × 2.5",
    price: { input: "2.5", output: "10" },
    usage: { input: 400, cachedInput: 600 },
    cost: "0.0025",
  },
  {
    name: "writes: 10 × 3 + 100 × 0.3 + 1000 × 3.75 + 2000 × 6 + 1 × 15",
    price: writes,
    usage: { input: 10, cachedInput: 100, cacheWrite5m: 1000, cacheWrite1h: 2000, output: 1 },
    cost: "0.015825",
  },
  {
    name: "an hour's write costs as one of five minutes: 2000 × 3.75",
    price: { input: "3", cacheWrite5m: "3.75", output: "15" },
    usage: { cacheWrite1h: 2000 },
    cost: "0.0075",
  },
  { name: "any write costs as input", price: flat, usage: { cacheWrite5m: 100, cacheWrite1h: 100 }, cost: "0.0005" },
  {
    name: "reasoning adds to the answer: (300 + 700) × 10",
    price: flat,
    usage: { output: 300, reasoning: 700 },
    cost: "0.01",
  },
  {
    name: "reasoning at its own price: 300 × 1.2 + 700 × 4",
    price: { input: "0.4", output: "1.2", reasoning: "4" },
    usage: { output: 300, reasoning: 700 },
    cost: "0.00316",
  },
  {
    name: "audio: 100 × 2.5 + 200 × 40 + 10 × 10 + 300 × 80",
    price: sound,
    usage: { input: 100, inputAudio: 200, output: 10, outputAudio: 300 },
    cost: "0.03235",
  },
  {
    name: "audio costs as text where it has no price",
    price: flat,
    usage: { inputAudio: 200, outputAudio: 300 },
    cost: "0.0035",
  },
  {
    name: "pictures in: 85 × 5 + 15 × 2.5",
    price: { ...flat, inputImage: "5" },
    usage: { input: 15, inputImage: 85 },
    cost: "0.0004625",
  },
  {
    name: "pictures in cost as text where they have no price",
    price: flat,
    usage: { inputImage: 100 },
    cost: "0.00025",
  },
  { name: "at the threshold nothing reprices", price: whole, usage: { input: 200_000, output: 10 }, cost: "0.2501" },
  {
    name: "above it the whole request does: 200001 × 2.5 + 10 × 15",
    price: whole,
    usage: { input: 200_001, output: 10 },
    cost: "0.5001525",
  },
  {
    name: "cached tokens count for the length: 1 × 2.5 + 200000 × 0.25",
    price: whole,
    usage: { input: 1, cachedInput: 200_000 },
    cost: "0.0500025",
  },
  {
    name: "the answer does not count for the length of the input",
    price: whole,
    usage: { output: 300_000 },
    cost: "3",
  },
  { name: "the first of three steps", price: threeSteps, usage: { input: 32_000, output: 1_000 }, cost: "0.09" },
  { name: "the second of three steps", price: threeSteps, usage: { input: 128_000, output: 1_000 }, cost: "0.528" },
  { name: "the third of three steps", price: threeSteps, usage: { input: 128_001, output: 1_000 }, cost: "0.924007" },
  {
    name: "a tier that names only input leaves output alone",
    price: { input: "1", output: "4", tiers: [{ above: 10, input: "2" }] },
    usage: { input: 11, output: 1 },
    cost: "0.000026",
  },
  { name: "excess: at the threshold none", price: excess, usage: { input: 1_000, output: 100 }, cost: "0.0014" },
  {
    name: "excess: 1000 × 1 + 1 × 2, 100 × 4 + 1 × 6",
    price: excess,
    usage: { input: 1_001, output: 101 },
    cost: "0.001408",
  },
  {
    name: "excess over two thresholds: 1000 × 1 + 2000 × 2 + 500 × 3",
    price: excess,
    usage: { input: 3_500 },
    cost: "0.0065",
  },
  {
    name: "the excess is taken from fresh text first: 800 × 0.1 + 200 × 1 + 300 × 2",
    price: excess,
    usage: { input: 500, cachedInput: 800 },
    cost: "0.00088",
  },
  {
    name: "and from cached tokens last: 1000 × 0.1 + 2000 × 0.2 + 1000 × 0.2 + 100 × 3",
    price: excess,
    usage: { input: 100, cachedInput: 4_000 },
    cost: "0.001",
  },
  {
    name: "an answer is thought before it is written: 60 × 4 + 40 × 4 + 20 × 6",
    price: excess,
    usage: { reasoning: 60, output: 60 },
    cost: "0.00052",
  },
  { name: "by the answer's length: short", price: byAnswer, usage: { input: 1_000, output: 200 }, cost: "0.0036" },
  { name: "by the answer's length: long", price: byAnswer, usage: { input: 1_000, output: 201 }, cost: "0.005814" },
  {
    name: "reasoning counts for the answer's length",
    price: byAnswer,
    usage: { input: 1_000, output: 1, reasoning: 200 },
    cost: "0.005814",
  },
  {
    name: "a long input wins over a long answer",
    price: byAnswer,
    usage: { input: 32_001, output: 201 },
    cost: "0.13122",
  },
  { name: "a long input with a short answer", price: byAnswer, usage: { input: 32_001, output: 1 }, cost: "0.12802" },
  { name: "before the peak", price: peak, usage: million, at: "2026-11-02T08:59:59+08:00", cost: "1" },
  { name: "the peak begins", price: peak, usage: million, at: "2026-11-02T09:00:00+08:00", cost: "2" },
  { name: "the peak's last minute", price: peak, usage: million, at: "2026-11-02T11:59:59.999+08:00", cost: "2" },
  { name: "between the peaks", price: peak, usage: million, at: "2026-11-02T12:00:00+08:00", cost: "1" },
  { name: "the second peak", price: peak, usage: { cachedInput: 1_000_000 }, at: "2026-11-02T07:30:00Z", cost: "0.04" },
  { name: "no peak on a Saturday", price: peak, usage: million, at: "2026-11-07T10:00:00+08:00", cost: "1" },
  { name: "no peak on a holiday", price: peak, usage: million, at: "2026-10-01T10:00:00+08:00", cost: "1" },
  {
    name: "across midnight: Friday evening",
    price: night,
    usage: million,
    at: "2026-11-06T22:00:00+08:00",
    cost: "0.5",
  },
  {
    name: "across midnight: Saturday morning",
    price: night,
    usage: million,
    at: "2026-11-07T05:59:00+08:00",
    cost: "0.5",
  },
  { name: "across midnight: it ends at six", price: night, usage: million, at: "2026-11-07T06:00:00+08:00", cost: "1" },
  {
    name: "across midnight: Friday morning belongs to Thursday",
    price: night,
    usage: million,
    at: "2026-11-06T05:59:00+08:00",
    cost: "1",
  },
  {
    name: "across midnight: an excepted night has no morning",
    price: night,
    usage: million,
    at: "2026-11-14T05:00:00+08:00",
    cost: "1",
  },
  {
    name: "the zone decides the day: 15:00 UTC is 23:00 in Shanghai",
    price: night,
    usage: million,
    at: "2026-11-06T15:00:00Z",
    cost: "0.5",
  },
  {
    name: "clocks go back: 01:45 the first time",
    price: newYork,
    usage: million,
    at: "2026-11-01T05:45:00Z",
    cost: "9",
  },
  {
    name: "clocks go back: 01:15 the second time",
    price: newYork,
    usage: million,
    at: "2026-11-01T06:15:00Z",
    cost: "1",
  },
  {
    name: "clocks go back: 01:45 the second time",
    price: newYork,
    usage: million,
    at: "2026-11-01T06:45:00Z",
    cost: "9",
  },
  {
    name: "clocks go forward: 01:59, then 03:00",
    price: newYork,
    usage: million,
    at: "2026-03-08T06:59:00Z",
    cost: "9",
  },
  {
    name: "clocks go forward: 02:15 does not exist",
    price: newYork,
    usage: million,
    at: "2026-03-08T07:15:00Z",
    cost: "1",
  },
  {
    name: "hours lie over tiers",
    price: {
      input: "1",
      output: "1",
      tiers: [{ above: 10, input: "5", output: "3" }],
      hours: [{ from: "00:00", to: "12:00", timezone: "UTC", input: "2" }],
    },
    usage: { input: 11, output: 1 },
    at: "2026-11-01T00:00:00Z",
    cost: "0.000025",
  },
  {
    name: "a batch: 1000 × 1.25 + 100 × 5",
    price: { ...flat, batch: { input: "1.25", output: "5" } },
    usage: { input: 1_000, output: 100 },
    batch: true,
    cost: "0.00175",
  },
  {
    name: "what a batch's price does not name stays: 1000 × 1.25",
    price: { ...flat, batch: { input: "1.1", output: "5" } },
    usage: { cachedInput: 1_000 },
    batch: true,
    cost: "0.00125",
  },
  { name: "a batch where none is priced", price: flat, usage: { input: 1_000 }, batch: true, cost: "0.0025" },
  { name: "a call: 0.01 + 100 × 1", price: { input: "1", perCall: "0.01" }, usage: { input: 100 }, cost: "0.0101" },
  { name: "a call of which nothing is known", price: { perCall: "0.01" }, usage: {}, cost: "0.01" },
  { name: "pictures: 3 × 0.04", price: { perImage: "0.04" }, usage: { images: 3 }, cost: "0.12" },
  { name: "seconds: 90 × 0.0001", price: { perSecond: "0.0001" }, usage: { seconds: 90 }, cost: "0.009" },
  {
    name: "parts of a second: 12.345678 × 0.5",
    price: { perSecond: "0.5" },
    usage: { seconds: 12.345678 },
    cost: "6.172839",
  },
  {
    name: "tool calls: 2 × 0.03 + 10 × 5",
    price: { input: "5", perToolCall: "0.03" },
    usage: { input: 10, toolCalls: 2 },
    cost: "0.06005",
  },
  { name: "half a nano-unit rounds to even: 0.5 → 0", price: { input: "0.0005" }, usage: { input: 1 }, cost: "0" },
  {
    name: "half a nano-unit rounds to even: 1.5 → 2",
    price: { input: "0.0005" },
    usage: { input: 3 },
    cost: "0.000000002",
  },
  {
    name: "half a nano-unit rounds to even: 2.5 → 2",
    price: { input: "0.0005" },
    usage: { input: 5 },
    cost: "0.000000002",
  },
  {
    name: "rounded once: 0.5 + 0.5 → 1",
    price: { input: "0.0005", output: "0.0005" },
    usage: { input: 1, output: 1 },
    cost: "0.000000001",
  },
  {
    name: "the smallest rate: 500001 × 10⁻⁹",
    price: { input: "0.000000001" },
    usage: { input: 500_001 },
    cost: "0.000000001",
  },
  {
    name: "beyond 2⁵³ nano-units: 9007199254740991 × 100 / 10⁶",
    price: { input: "100" },
    usage: { input: Number.MAX_SAFE_INTEGER },
    cost: "900719925474.0991",
  },
  {
    name: "no price is not charged",
    price: { input: "1" },
    usage: { input: 1_000, output: 1_000, images: 4 },
    cost: "0.001",
  },
  { name: "free", price: { input: "0", output: "0" }, usage: { input: 1_000, output: 1_000 }, cost: "0" },
];

describe("golden vectors", () => {
  test.each(vectors)("$name", ({ price, usage, at, batch, cost }) => {
    const time = { at: Date.parse(at ?? "2026-11-01T12:00:00Z"), batch };
    const computed = priceUsage(compilePrice({ currency: "USD", ...price }, "price"), usage, time);
    expect(formatAmount(computed.amount)).toBe(cost);
    expect(computed.lines.reduce((sum, line) => sum + line.amount, 0n)).toBe(parseAmount(cost));
  });
});

describe("lines", () => {
  const time = { at: 0 };

  test("name class, quantity, unit price and unit", () => {
    const price = compilePrice({ currency: "CNY", ...excess, perCall: "0.5", perImage: "0.04" }, "price");
    const cost = priceUsage(price, { input: 1_500, cachedInput: 800, output: 7, images: 2 }, time);
    expect(cost.currency).toBe("CNY");
    expect(cost.lines).toEqual([
      { class: "input", quantity: 200, unitPrice: "1", per: "1M tokens", amount: 200_000n },
      { class: "input", quantity: 1_300, unitPrice: "2", per: "1M tokens", amount: 2_600_000n },
      { class: "cachedInput", quantity: 800, unitPrice: "0.1", per: "1M tokens", amount: 80_000n },
      { class: "output", quantity: 7, unitPrice: "4", per: "1M tokens", amount: 28_000n },
      { class: "images", quantity: 2, unitPrice: "0.04", per: "image", amount: 80_000_000n },
      { class: "call", quantity: 1, unitPrice: "0.5", per: "call", amount: 500_000_000n },
    ]);
  });

  test("the nano-unit that rounding adds goes to the line that lost most", () => {
    const price = compilePrice({ currency: "USD", input: "0.0003", output: "0.0006", reasoning: "0.0004" }, "price");
    const cost = priceUsage(price, { input: 1, output: 1, reasoning: 1 }, time); // 0.3 + 0.6 + 0.4 = 1.3
    expect(cost.lines.map((line) => line.amount)).toEqual([0n, 1n, 0n]);
  });

  test("a tier for the excess that leaves a class alone does not split it", () => {
    const price = compilePrice({ currency: "USD", ...excess }, "price");
    const { lines } = priceUsage(price, { cachedInput: 4_000 }, time);
    expect(lines.map((line) => [line.quantity, line.unitPrice])).toEqual([
      [1_000, "0.1"],
      [3_000, "0.2"],
    ]);
  });
});

test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])("a count of %d is refused", (count) => {
  for (const price of [flat, whole]) {
    const document = compilePrice({ currency: "USD", ...price }, "price");
    expect(() => priceUsage(document, { input: count }, { at: 0 })).toThrow(RangeError);
  }
});

test("roundCost rounds 10⁻⁶ nano-units half to even", () => {
  expect([499_999n, 500_000n, 500_001n, 1_500_000n].map(roundCost)).toEqual([0n, 0n, 1n, 2n]);
});

describe("bounds, worked out by hand", () => {
  const at = Date.parse("2026-11-02T10:00:00+08:00");
  const bounds: [string, Omit<PriceSetting, "currency">, Parameters<typeof boundCost>[1], string][] = [
    ["the dearest input is the write of an hour", writes, { inputTokens: 1_000, outputTokens: 100 }, "0.0075"],
    ["the dearest output is audio", sound, { inputTokens: 0, outputTokens: 100 }, "0.008"],
    ["no audio where there can be none", sound, { inputTokens: 100, outputTokens: 100, audio: false }, "0.00125"],
    ["a tier beyond reach", whole, { inputTokens: 200_000, outputTokens: 0 }, "0.25"],
    ["a tier within reach", whole, { inputTokens: 200_001, outputTokens: 1 }, "0.5000175"],
    ["excess: 1000 × 1 + 500 × 2, 100 × 4 + 50 × 6", excess, { inputTokens: 1_500, outputTokens: 150 }, "0.0027"],
    ["at the hour of the start", peak, { inputTokens: 1_000_000, outputTokens: 0 }, "2"],
    [
      "calls, pictures and tools",
      { perCall: "1", perImage: "2", perToolCall: "3" },
      { inputTokens: 9, outputTokens: 9, images: 1, toolCalls: 1 },
      "6",
    ],
    [
      "seconds beyond what a float counts in microseconds: 9007199254740991 × 2",
      { perSecond: "2" },
      { inputTokens: 0, outputTokens: 0, seconds: Number.MAX_SAFE_INTEGER },
      "18014398509481982",
    ],
    ["part of a nano-unit is rounded up", { input: "0.0001" }, { inputTokens: 1, outputTokens: 0 }, "0.000000001"],
  ];

  test.each(bounds)("%s", (_, price, bound, most) => {
    expect(formatAmount(boundCost(compilePrice({ currency: "CNY", ...price }, "price"), bound, at))).toBe(most);
  });
});
