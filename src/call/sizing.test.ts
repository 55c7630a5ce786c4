import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import type { ModelOffer } from "../catalogue/catalogue.ts";
import { compilePrice } from "../catalogue/price-document.ts";
import { priceUsage } from "../catalogue/price-engine.ts";
import type { PriceSetting } from "../config/settings.ts";
import { readRequest } from "../vendors/openai/request.ts";
import { AttemptSize, longestOutput } from "./sizing.ts";

const AT = Date.parse("2026-11-24T06:00:00Z");
const FLAT: PriceSetting = { currency: "USD", input: "1", output: "10" };
const TIERED: PriceSetting = {
  ...FLAT,
  reasoning: "25",
  tiers: [{ above: 100, input: "2", output: "30" }],
  perCall: "0.001",
};

function ask(fields: Record<string, unknown>, content: unknown = "Hello?") {
  const body = { model: "lab/mini", messages: [{ role: "user", content }], ...fields };
  return readRequest("chat", Buffer.from(JSON.stringify(body)), DEFAULT_LIMITS);
}

const offer = (facts: Partial<ModelOffer>): ModelOffer => facts as ModelOffer;
const size = (
  request: ReturnType<typeof ask>,
  price: PriceSetting,
  facts: Partial<ModelOffer> = { maxOutputTokens: 4_096 },
) => new AttemptSize(request, offer(facts), compilePrice(price, "price"), DEFAULT_LIMITS, AT);

describe("the longest answer", () => {
  test.each([
    [{}, { maxOutputTokens: 4_096 }, 4_096],
    [{ max_tokens: 100 }, { maxOutputTokens: 4_096 }, 100],
    [{ max_tokens: 9_000 }, { maxOutputTokens: 4_096 }, 4_096],
    [{ max_tokens: 90_000 }, {}, 90_000],
    [{}, { contextTokens: 8_000 }, 8_000],
    [{}, {}, DEFAULT_LIMITS.unknownOutputTokens],
  ])("of %j at a model of %j is %i", (fields, facts, expected) => {
    expect(longestOutput(ask(fields), offer(facts), DEFAULT_LIMITS)).toBe(expected);
  });
});

describe("what is set aside", () => {
  test("is at least what any usage within the request's bounds costs", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", maxLength: 300 }),
        fc.integer({ min: 1, max: 2_000 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(FLAT, TIERED),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (text, tokens, n, price, inputPart, reasoningPart) => {
          const request = ask({ max_tokens: tokens, n }, text);
          const { full, step } = size(request, price);
          const reasoning = Math.floor(tokens * n * reasoningPart);
          const usage = {
            input: Math.floor(request.inputTokens.bound * inputPart),
            output: tokens * n - reasoning,
            reasoning,
          };
          const cost = priceUsage(compilePrice(price, "price"), usage, { at: AT }).amount;
          expect(full.bound).toBeGreaterThanOrEqual(cost);
          expect(full.amount).toBeLessThanOrEqual(full.bound);
          expect(step.bound).toBeLessThanOrEqual(full.bound);
        },
      ),
    );
  });

  test("made smaller fits in what is left, and is the longest answer that does", () => {
    fc.assert(
      fc.property(
        fc.bigInt(0n, 60_000_000n),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom(FLAT, TIERED),
        (left, n, price) => {
          const request = ask({ n });
          const sized = size(request, price);
          const smaller = sized.shrink(left);
          if (!smaller) return;
          expect(smaller.bound).toBeLessThanOrEqual(left);
          expect(smaller.outputTokens).toBeGreaterThanOrEqual(DEFAULT_LIMITS.usefulOutputTokens);
          if (smaller.outputTokens === 4_096) return;
          const longer = size(ask({ n, max_tokens: smaller.outputTokens + 1 }), price).full;
          // The request itself is longer by its max_tokens, and by the bound of its input so.
          expect(longer.bound).toBeGreaterThan(left);
        },
      ),
    );
  });

  test("grows by steps to exactly the whole", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom(FLAT, TIERED),
        (tokens, n, price) => {
          const sized = size(ask({ max_tokens: tokens, n }), price, {});
          let bound = sized.step.bound;
          let held = Math.min(tokens, DEFAULT_LIMITS.stepOutputTokens) * n;
          while (held < sized.outputTokens) {
            const next = Math.min(held + 777, sized.outputTokens);
            bound += sized.growth(held, next).bound;
            held = next;
          }
          expect(bound).toBe(sized.full.bound);
        },
      ),
    );
  });

  test("counts pictures and sound", () => {
    const picture = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
    const sound = { type: "input_audio", input_audio: { format: "wav", data: "A".repeat(5_000) } };
    const plain = size(ask({}, [{ type: "text", text: "x" }]), FLAT).full;
    const seen = size(ask({}, [{ type: "text", text: "x" }, picture]), FLAT, {
      maxOutputTokens: 4_096,
      imageTokens: 1_000,
    }).full;
    expect(seen.amount - plain.amount).toBeGreaterThanOrEqual(1_000_000n);
    const unknown = size(ask({}, [{ type: "text", text: "x" }, picture]), FLAT).full;
    expect(unknown.amount).toBeGreaterThan(seen.amount);
    const heard = size(ask({}, [{ type: "text", text: "x" }, sound]), FLAT).full;
    expect(heard.bound).toBeGreaterThan(plain.bound);
  });
});
