import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inputTokens, outputTokens, USAGE_CLASSES } from "../../base/usage.ts";
import { readUsage } from "./usage.ts";

/** Only what is known. */
const known = (raw: unknown, operation: "chat" | "embeddings" = "chat"): unknown => {
  const { usage } = readUsage(raw, operation);
  return usage && JSON.parse(JSON.stringify(usage));
};

describe("the classes are disjoint", () => {
  test.each([
    [
      "OpenAI, nothing told but totals",
      { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
      { input: 10, output: 5 },
    ],
    [
      "OpenAI, all details",
      {
        prompt_tokens: 1000,
        completion_tokens: 500,
        total_tokens: 1500,
        prompt_tokens_details: { cached_tokens: 600, cache_write_tokens: 100, audio_tokens: 50, image_tokens: 30 },
        completion_tokens_details: { reasoning_tokens: 300, audio_tokens: 20, accepted_prediction_tokens: 7 },
      },
      {
        input: 220,
        cachedInput: 600,
        cacheWrite5m: 100,
        inputAudio: 50,
        inputImage: 30,
        output: 180,
        reasoning: 300,
        outputAudio: 20,
      },
    ],
    [
      "DeepSeek",
      {
        prompt_tokens: 17,
        completion_tokens: 9,
        total_tokens: 26,
        prompt_cache_hit_tokens: 12,
        prompt_cache_miss_tokens: 5,
      },
      { input: 5, cachedInput: 12, output: 9 },
    ],
    [
      "Kimi",
      { prompt_tokens: 17, completion_tokens: 9, cached_tokens: 12, cache_write_tokens: 4 },
      { input: 1, cachedInput: 12, cacheWrite5m: 4, output: 9 },
    ],
    [
      "Alibaba with both lifetimes",
      {
        prompt_tokens: 100,
        completion_tokens: 1,
        prompt_tokens_details: {
          cached_tokens: 10,
          cache_creation_input_tokens: 60,
          cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 40 },
        },
      },
      { input: 30, cachedInput: 10, cacheWrite5m: 20, cacheWrite1h: 40, output: 1 },
    ],
    [
      "xAI: reasoning beside completion",
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 115,
        completion_tokens_details: { reasoning_tokens: 100 },
      },
      { input: 10, output: 5, reasoning: 100 },
    ],
    [
      "Gemini: thoughts told nowhere",
      { prompt_tokens: 10, completion_tokens: 5, total_tokens: 115 },
      { input: 10, output: 5, reasoning: 100 },
    ],
    [
      "reports that exclude the cache from the prompt",
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 1115,
        cache_read_input_tokens: 1000,
        cache_creation_input_tokens: 100,
      },
      { input: 10, cachedInput: 1000, cacheWrite5m: 100, output: 5 },
    ],
    [
      "the newer names",
      { input_tokens: 8, output_tokens: 3, output_tokens_details: { reasoning_tokens: 2 } },
      { input: 8, output: 1, reasoning: 2 },
    ],
    [
      "numbers as strings",
      { prompt_tokens: "10", completion_tokens: "5", prompt_tokens_details: { cached_tokens: "4" } },
      { input: 6, cachedInput: 4, output: 5 },
    ],
    [
      "more cached than there was",
      { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 40, audio_tokens: 3 } },
      { input: 0, cachedInput: 10, inputAudio: 0, output: 5 },
    ],
    [
      "more reasoning than there was",
      { prompt_tokens: 10, completion_tokens: 5, completion_tokens_details: { reasoning_tokens: 9 } },
      { input: 10, output: 0, reasoning: 5 },
    ],
    [
      "negative parts",
      { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: -3 } },
      { input: 10, output: 5 },
    ],
    [
      "null details",
      { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: null },
      { input: 10, output: 5 },
    ],
    ["no completion but a total", { prompt_tokens: 10, total_tokens: 15 }, { input: 10, output: 5 }],
    ["no prompt but a total", { completion_tokens: 5, total_tokens: 15 }, { input: 10, output: 5 }],
    ["a prompt alone", { prompt_tokens: 10, total_tokens: 10 }, { input: 10 }],
    ["a completion alone", { completion_tokens: 5 }, { output: 5 }],
  ])("%s", (_case, raw, usage) => expect(known(raw)).toEqual(usage));

  test.each([
    [undefined],
    [null],
    [{}],
    ["10"],
    [[]],
    [{ total_tokens: 9 }],
    [{ prompt_tokens: -1 }],
    [{ prompt_tokens: 1e300 }],
  ])("%j is no report", (raw) => expect(known(raw)).toBeUndefined());

  test("embeddings use input alone", () => {
    expect(known({ prompt_tokens: 8, total_tokens: 8 }, "embeddings")).toEqual({ input: 8 });
    expect(known({ total_tokens: 8 }, "embeddings")).toEqual({ input: 8 });
    expect(known({ prompt_tokens: 8, completion_tokens: 0, total_tokens: 8 }, "embeddings")).toEqual({ input: 8 });
  });

  test("whatever the parts, they add up to the vendor's totals", () => {
    const count = fc.constantFrom(undefined, null, 0, 1, 7, 100, -5, "12", 1e9);
    const part = fc.record({
      cached_tokens: count,
      cache_write_tokens: count,
      cache_creation_input_tokens: count,
      audio_tokens: count,
      image_tokens: count,
      reasoning_tokens: count,
      cache_creation: fc.constantFrom(undefined, { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 50 }),
    });
    const raw = fc.record({
      prompt_tokens: fc.nat(500),
      completion_tokens: fc.nat(500),
      total: fc.constantFrom(undefined, 0, 1, 7, 12, 100, 57),
      prompt_tokens_details: part,
      completion_tokens_details: part,
      cached_tokens: count,
      prompt_cache_hit_tokens: count,
    });
    fc.assert(
      fc.property(raw, ({ total, ...rest }) => {
        const sum = rest.prompt_tokens + rest.completion_tokens;
        const usage = readUsage({ ...rest, total_tokens: total === undefined ? undefined : sum + total }, "chat")
          .usage!;
        expect(inputTokens(usage)! + outputTokens(usage)!).toBe(sum + (total ?? 0));
        if (total === undefined) expect(inputTokens(usage)).toBe(rest.prompt_tokens);
        for (const name of USAGE_CLASSES) expect(usage[name] ?? 0).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("what the vendor says it charged", () => {
  test.each([
    [0.000123, "0.000123"],
    [1e-7, "0.0000001"],
    [1.25e-9, "0.00000000125"],
    [0, "0"],
    ["0.50", "0.50"],
    [-1, undefined],
    ["about 5", undefined],
    [{ total: 1 }, undefined],
    [null, undefined],
    [Number.POSITIVE_INFINITY, undefined],
  ])("%j is %j", (cost, expected) => {
    expect(readUsage({ prompt_tokens: 1, completion_tokens: 1, cost }, "chat").vendorCost).toBe(expected);
  });

  test("an estimate of the vendor's is marked", () => {
    expect(readUsage({ prompt_tokens: 1, completion_tokens: 1, estimated: true }, "chat").usageEstimated).toBe(true);
    expect(readUsage({ prompt_tokens: 1, completion_tokens: 1 }, "chat").usageEstimated).toBeUndefined();
  });
});
