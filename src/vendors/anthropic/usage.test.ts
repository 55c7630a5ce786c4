import { describe, expect, test } from "vitest";
import { joinUsage, readUsage } from "./usage.ts";

describe("usage in Anthropic's protocol", () => {
  test.each([
    [
      { input_tokens: 10, output_tokens: 5 },
      { input: 10, output: 5 },
    ],
    [
      { input_tokens: 10, cache_read_input_tokens: 90, cache_creation_input_tokens: 30, output_tokens: 5 },
      { input: 10, cachedInput: 90, cacheWrite5m: 30, output: 5 },
    ],
    [
      {
        input_tokens: 1,
        cache_creation_input_tokens: 30,
        cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
        output_tokens: 5,
      },
      { input: 1, cacheWrite5m: 10, cacheWrite1h: 20, output: 5 },
    ],
    [
      { input_tokens: 1, output_tokens: 9, output_tokens_details: { thinking_tokens: 7 } },
      { input: 1, output: 2, reasoning: 7 },
    ],
    [
      { input_tokens: 1, output_tokens: 2, output_tokens_details: { thinking_tokens: 7 } },
      { input: 1, output: 0, reasoning: 2 },
    ],
    [
      { input_tokens: 1, output_tokens: 2, server_tool_use: { web_search_requests: 3, web_fetch_requests: 1 } },
      { input: 1, output: 2, toolCalls: 3 },
    ],
    // A server that has not counted: unknown, never zero.
    [{ input_tokens: 0, output_tokens: 2 }, { output: 2 }],
    [{ input_tokens: null, cache_read_input_tokens: null, output_tokens: 4 }, { output: 4 }],
    [{ input_tokens: 4, output_tokens: -1 }, { input: 4 }],
    [{}, undefined],
    [null, undefined],
    ["12", undefined],
  ])("%j is %j", (raw, usage) => expect(readUsage(raw)).toEqual(usage));

  test("a stream's beginning knows the input only", () => {
    expect(joinUsage({ input_tokens: 9, cache_read_input_tokens: 3, output_tokens: 1 }, undefined)).toEqual({
      input: 9,
      cachedInput: 3,
    });
    expect(joinUsage({ input_tokens: 0, output_tokens: 0 }, undefined)).toBeUndefined();
  });

  test("its end has the last word, where it has one", () => {
    const start = {
      input_tokens: 9,
      cache_creation_input_tokens: 30,
      cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
    };
    const first = { input: 9, cacheWrite5m: 10, cacheWrite1h: 20 };
    expect(joinUsage(start, { output_tokens: 5 })).toEqual({ ...first, output: 5 });
    expect(joinUsage(start, { input_tokens: 9, cache_creation_input_tokens: 30, output_tokens: 5 })).toEqual({
      ...first,
      output: 5,
    });
    // Zeros at the end take nothing back.
    expect(joinUsage(start, { input_tokens: 0, cache_creation_input_tokens: 0, output_tokens: 5 })).toEqual({
      ...first,
      output: 5,
    });
    // The vendor's own tools read more as they go.
    expect(joinUsage({ input_tokens: 9 }, { input_tokens: 900, output_tokens: 5 })).toEqual({ input: 900, output: 5 });
    // Some count only at the end, and all of it from a cache.
    expect(joinUsage({ input_tokens: 9 }, { input_tokens: 0, cache_read_input_tokens: 9, output_tokens: 5 })).toEqual({
      input: 0,
      cachedInput: 9,
      output: 5,
    });
  });
});
