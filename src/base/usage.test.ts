import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { INPUT_CLASSES, inputTokens, OUTPUT_CLASSES, outputTokens, readCount, USAGE_CLASSES } from "./usage.ts";

describe("usage", () => {
  test("unknown is not zero", () => {
    expect(inputTokens({ output: 3 })).toBeUndefined();
    expect(outputTokens({ input: 3 })).toBeUndefined();
    expect(inputTokens({ input: 0 })).toBe(0);
    expect(outputTokens({ reasoning: 0, output: undefined })).toBe(0);
  });

  test("every class is in exactly one group, and the groups add up", () => {
    expect(new Set(USAGE_CLASSES).size).toBe(USAGE_CLASSES.length);
    const counts = fc.record(
      Object.fromEntries([...INPUT_CLASSES, ...OUTPUT_CLASSES].map((name) => [name, fc.nat()])),
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(counts, (usage) => {
        const all = Object.values(usage).reduce((sum: number, count) => sum + (count ?? 0), 0);
        expect((inputTokens(usage) ?? 0) + (outputTokens(usage) ?? 0)).toBe(all);
      }),
    );
  });

  test.each([
    [0, 0],
    [17, 17],
    [-1, undefined],
    [1.5, undefined],
    [Number.NaN, undefined],
    [2 ** 53, undefined],
    ["17", undefined],
    [null, undefined],
    [undefined, undefined],
  ])("a reported count of %j is %j", (value, count) => {
    expect(readCount(value)).toBe(count);
  });
});
