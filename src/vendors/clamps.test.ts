import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clampsFor, type NumberBounds, withinBounds } from "./clamps.ts";

describe("withinBounds", () => {
  test.each<[number, NumberBounds, number]>([
    [0.7, { min: 0, max: 2 }, 0.7],
    [2, { min: 0, max: 2, exclusiveMax: true }, 1.99],
    [0, { min: 0, max: 1, exclusiveMin: true }, 0.01],
    [0.004, { min: 0, max: 1, exclusiveMin: true }, 0.004],
    [1.7, { min: 0, max: 1, exclusiveMin: true }, 1],
    [0.123456, { min: 0, max: 1, step: 0.01 }, 0.12],
    [0.3, { min: 0.95, max: 1 }, 0.95],
    [0.6, { min: 0.01, max: 1, scale: 0.5 }, 0.3],
    [0.1 + 0.2, { min: 0, max: 1 }, 0.1 + 0.2],
    [9, {}, 9],
  ])("%d within %j is %d", (value, bounds, clamped) => expect(withinBounds(value, bounds)).toBe(clamped));

  test("what comes out is always taken, and is what came in wherever that is taken", () => {
    const bounds = fc.record({ min: fc.integer({ min: 0, max: 1 }), max: fc.integer({ min: 2, max: 5 }) });
    fc.assert(
      fc.property(
        fc.double({ min: -10, max: 10, noNaN: true }),
        bounds,
        fc.boolean(),
        fc.boolean(),
        (value, range, low, high) => {
          const clamped = withinBounds(value, { ...range, exclusiveMin: low, exclusiveMax: high });
          expect(low ? clamped > range.min : clamped >= range.min).toBe(true);
          expect(high ? clamped < range.max : clamped <= range.max).toBe(true);
          if (value > range.min && value < range.max) expect(clamped).toBe(value);
        },
      ),
    );
  });
});

test("the rules of a model go before those of all, field by field, and the later row before the earlier", () => {
  const clamps = {
    temperature: { max: 1 },
    n: { max: 1 },
    byModel: [
      { models: ["kimi-*"], omit: ["temperature"], n: { max: 2 } },
      { models: ["kimi-k3", "other"], n: { max: 3 } },
    ],
  };
  expect(clampsFor(undefined, "a")).toBeUndefined();
  expect(clampsFor({ n: { max: 1 } }, "a")).toEqual({ n: { max: 1 } });
  expect(clampsFor(clamps, "a")).toEqual({ temperature: { max: 1 }, n: { max: 1 } });
  expect(clampsFor(clamps, "kimi-k2")).toEqual({ temperature: { max: 1 }, omit: ["temperature"], n: { max: 2 } });
  expect(clampsFor(clamps, "kimi-k3")).toEqual({ temperature: { max: 1 }, omit: ["temperature"], n: { max: 3 } });
});
