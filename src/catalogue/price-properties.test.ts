import fc from "fast-check";
import { DateTime } from "luxon";
import { describe, expect, test } from "vitest";
import { divideHalfEven, formatAmount, parseAmount } from "../base/money.ts";
import { INPUT_CLASSES, inputTokens, OUTPUT_CLASSES, outputTokens, type Usage } from "../base/usage.ts";
import type { PriceHours, PriceRates, PriceSetting, PriceTier } from "../config/settings.ts";
import { compilePrice, parsePriceDocument } from "./price-document.ts";
import {
  affordableOutput,
  boundCost,
  costOfUsage,
  MOST_OUTPUT_TOKENS,
  priceUsage,
  type UsageBound,
} from "./price-engine.ts";
import { PIECE_RATES, RATE_NAMES, type RateName } from "./price-rates.ts";

/** Prices of every kind, usage, and when. Lengths are small, so that a naive pricing can go token by token. */
const rate = fc.oneof(
  fc.bigInt({ min: 0n, max: 10n ** 12n }),
  fc.bigInt({ min: 0n, max: 3_000_000n }), // around a nano-unit a token: ties
);
const ratesOf = (names: readonly RateName[]): fc.Arbitrary<PriceRates> =>
  fc
    .dictionary(fc.constantFrom(...names), rate, { minKeys: 1, maxKeys: names.length })
    .map((rates) => Object.fromEntries(Object.entries(rates).map(([name, value]) => [name, formatAmount(value)])));
const anyRates = ratesOf(RATE_NAMES);

const tiersOf = (of: "input" | "output", applies: "request" | "excess"): fc.Arbitrary<PriceTier[]> => {
  const names = applies === "request" ? RATE_NAMES : of === "input" ? INPUT_CLASSES : OUTPUT_CLASSES;
  return fc
    .uniqueArray(fc.nat(40), { maxLength: 3 })
    .chain((lengths) =>
      fc.tuple(
        ...lengths
          .sort((a, b) => a - b)
          .map((above) => ratesOf(names).map((rates): PriceTier => ({ above, of, applies, ...rates }))),
      ),
    );
};

/** Tiers of all kinds, each kind in its order, the kinds mixed. */
const tiers = fc
  .tuple(
    tiersOf("input", "request"),
    tiersOf("output", "request"),
    tiersOf("input", "excess"),
    tiersOf("output", "excess"),
    fc.infiniteStream(fc.nat(3)),
  )
  .map(([a, b, c, d, turns]) => {
    const queues = [[...a], [...b], [...c], [...d]];
    const mixed: PriceTier[] = [];
    while (queues.some((queue) => queue.length > 0)) {
      const queue = queues[turns.next().value as number]!;
      if (queue.length > 0) mixed.push(queue.shift()!);
    }
    return mixed;
  });

const clockTime = fc
  .nat(24 * 60 - 1)
  .map((minute) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`);
const WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const day = fc
  .integer({ min: 0, max: 20 })
  .map((days) => new Date(Date.UTC(2026, 9, 20 + days)).toISOString().slice(0, 10));
const hours: fc.Arbitrary<PriceHours[]> = fc.array(
  fc
    .record({
      from: clockTime,
      to: clockTime,
      timezone: fc.constantFrom(
        "UTC",
        "Asia/Shanghai",
        "America/New_York",
        "Europe/Berlin",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
      ),
      days: fc.option(fc.subarray([...WEEK], { minLength: 1 }), { nil: undefined }),
      except: fc.option(fc.array(day, { maxLength: 3 }), { nil: undefined }),
      rates: anyRates,
    })
    .map(({ rates, ...window }) => ({ ...window, ...rates })),
  { maxLength: 3 },
);

/** Two weeks around the end of daylight saving in Europe and America, and its beginning in Australia before. */
const instant = fc.integer({ min: Date.UTC(2026, 9, 20), max: Date.UTC(2026, 10, 10) });

const setting: fc.Arbitrary<PriceSetting> = fc
  .record({
    rates: anyRates,
    tiers: fc.option(tiers, { nil: undefined }),
    hours: fc.option(hours, { nil: undefined }),
    batch: fc.option(anyRates, { nil: undefined }),
  })
  .map(({ rates, ...conditions }) => ({ currency: "CNY", ...rates, ...conditions }));

const counts = {
  input: fc.nat(25),
  cachedInput: fc.nat(25),
  cacheWrite5m: fc.nat(9),
  cacheWrite1h: fc.nat(9),
  inputAudio: fc.nat(9),
  inputImage: fc.nat(9),
  output: fc.nat(25),
  reasoning: fc.nat(25),
  outputAudio: fc.nat(9),
  images: fc.nat(5),
  seconds: fc.nat(100),
  toolCalls: fc.nat(5),
};
const usage: fc.Arbitrary<Usage> = fc.record(counts, { requiredKeys: [] });

/** The definition, word for word and token by token: slow, and written without the engine's parts. */
function naiveCost(price: PriceSetting, used: Usage, at: number, batch: boolean): bigint {
  const length = { input: inputTokens(used) ?? 0, output: outputTokens(used) ?? 0 };
  const open = (price.hours ?? []).filter((window) => {
    const local = DateTime.fromMillis(at, { zone: window.timezone });
    const time = local.toFormat("HH:mm");
    const across = window.to <= window.from;
    const began = across && time < window.to && time < window.from ? local.minus({ days: 1 }) : local;
    const inside = across ? time >= window.from || time < window.to : time >= window.from && time < window.to;
    const allowed = (window.days ?? WEEK).includes(WEEK[began.weekday - 1]!);
    return inside && allowed && !(window.except ?? []).includes(began.toISODate()!);
  });
  const rateAt = (names: RateName[], place: { input: number; output: number }): bigint => {
    const matching = (price.tiers ?? []).filter(
      ({ above, of = "input", applies = "request" }) => (applies === "request" ? length : place)[of] > above,
    );
    const layers: PriceRates[] = [price, ...matching, ...open, ...(batch && price.batch ? [price.batch] : [])];
    for (const name of names) {
      const found = layers.findLast((layer) => layer[name] !== undefined)?.[name];
      if (found !== undefined) return parseAmount(found)!;
    }
    return 0n;
  };
  const chains: [keyof Usage, RateName[]][] = [
    ["cachedInput", ["cachedInput", "input"]],
    ["cacheWrite1h", ["cacheWrite1h", "cacheWrite5m", "input"]],
    ["cacheWrite5m", ["cacheWrite5m", "input"]],
    ["inputAudio", ["inputAudio", "input"]],
    ["inputImage", ["inputImage", "input"]],
    ["input", ["input"]],
    ["reasoning", ["reasoning", "output"]],
    ["output", ["output"]],
    ["outputAudio", ["outputAudio", "output"]],
  ];
  const place = { input: 0, output: 0 };
  let exact = 0n;
  for (const [name, rates] of chains) {
    const side = (INPUT_CLASSES as readonly string[]).includes(name) ? "input" : "output";
    for (let token = 0; token < (used[name] ?? 0); token++) {
      place[side]++;
      exact += rateAt(rates, place);
    }
  }
  const none = { input: 0, output: 0 };
  const pieces = [1, used.images ?? 0, used.seconds ?? 0, used.toolCalls ?? 0];
  PIECE_RATES.forEach((name, index) => {
    exact += BigInt(pieces[index]!) * rateAt([name], none) * 1_000_000n;
  });
  return divideHalfEven(exact, 1_000_000n);
}

describe("priceUsage", () => {
  test("is the definition, for every price, usage and time", () => {
    fc.assert(
      fc.property(setting, usage, instant, fc.boolean(), (price, used, at, batch) => {
        const document = compilePrice(price, "price");
        const { amount, lines } = priceUsage(document, used, { at, batch });
        expect(costOfUsage(document, used, { at, batch })).toBe(amount);
        expect(amount).toBe(naiveCost(price, used, at, batch));
        expect(lines.reduce((sum, line) => sum + line.amount, 0n)).toBe(amount);
        for (const line of lines) {
          const micro =
            BigInt(line.quantity) * parseAmount(line.unitPrice)! * (line.per === "1M tokens" ? 1n : 1_000_000n);
          expect(line.amount * 1_000_000n - micro).toBeLessThan(1_000_000n);
          expect(micro - line.amount * 1_000_000n).toBeLessThan(1_000_000n);
        }
      }),
      { numRuns: 400 },
    );
  });

  test("no token is billed twice: every token is in exactly one line, or has no price", () => {
    fc.assert(
      fc.property(setting, usage, instant, (price, used, at) => {
        const { lines } = priceUsage(compilePrice({ ...price, input: "1", output: "1" }, "price"), used, { at });
        for (const name of [...INPUT_CLASSES, ...OUTPUT_CLASSES]) {
          const listed = lines.filter((line) => line.class === name).reduce((sum, line) => sum + line.quantity, 0);
          expect(listed).toBe(used[name] ?? 0);
        }
      }),
    );
  });
});

const slack = fc.nat(30);

describe("boundCost", () => {
  test("is never less than the cost of any usage within it", () => {
    fc.assert(
      fc.property(setting, usage, instant, fc.boolean(), slack, slack, (price, used, at, batch, more, longer) => {
        const document = compilePrice(price, "price");
        const bound: UsageBound = {
          inputTokens: (inputTokens(used) ?? 0) + more,
          outputTokens: (outputTokens(used) ?? 0) + longer,
          images: used.images,
          seconds: used.seconds,
          toolCalls: used.toolCalls,
          batch,
          audio: (used.inputAudio ?? 0) + (used.outputAudio ?? 0) > 0,
          pictures: (used.inputImage ?? 0) > 0,
        };
        const { amount } = priceUsage(document, used, { at, batch });
        expect(boundCost(document, bound, at)).toBeGreaterThanOrEqual(amount);
        expect(boundCost(document, { ...bound, audio: undefined, pictures: undefined }, at)).toBeGreaterThanOrEqual(
          amount,
        );
      }),
      { numRuns: 500 },
    );
  });

  test("of a price without tiers it is met by some usage: it is no larger than it must be", () => {
    const plain = setting.map((price) => ({ ...price, tiers: undefined }));
    fc.assert(
      fc.property(plain, instant, fc.nat(50), fc.nat(50), (price, at, input, output) => {
        const document = compilePrice(price, "price");
        const bound = boundCost(document, { inputTokens: input, outputTokens: output }, at);
        const met = INPUT_CLASSES.flatMap((one) =>
          OUTPUT_CLASSES.map((other) => priceUsage(document, { [one]: input, [other]: output }, { at }).amount),
        ).some((amount) => bound - amount <= 1n); // one is rounded up, the other to the nearest
        expect(met).toBe(true);
      }),
    );
  });

  test("rises with every length", () => {
    fc.assert(
      fc.property(setting, instant, fc.nat(60), fc.nat(60), slack, slack, (price, at, input, output, more, longer) => {
        const document = compilePrice(price, "price");
        const small = boundCost(document, { inputTokens: input, outputTokens: output }, at);
        const large = boundCost(document, { inputTokens: input + more, outputTokens: output + longer }, at);
        expect(large).toBeGreaterThanOrEqual(small);
      }),
      { numRuns: 300 },
    );
  });
});

test("affordableOutput is the longest answer whose bound fits", () => {
  const left = fc.bigInt({ min: -5n, max: 10n ** 9n });
  fc.assert(
    fc.property(setting, instant, fc.nat(60), left, (price, at, inputTokens, amount) => {
      const document = compilePrice(price, "price");
      const bound = (outputTokens: number) => boundCost(document, { inputTokens, outputTokens }, at);
      const longest = affordableOutput(document, amount, { inputTokens, outputTokens: 0 }, at);
      if (longest >= 0) expect(bound(longest)).toBeLessThanOrEqual(amount);
      if (longest < MOST_OUTPUT_TOKENS) expect(bound(longest + 1)).toBeGreaterThan(amount);
    }),
    { numRuns: 500 },
  );
});

test("a document written and read is the same document", () => {
  fc.assert(
    fc.property(setting, usage, instant, (price, used, at) => {
      const document = compilePrice(price, "price");
      const again = parsePriceDocument(document.json, document.id);
      expect(again.json).toBe(document.json);
      expect(priceUsage(again, used, { at })).toEqual(priceUsage(document, used, { at }));
    }),
  );
});
