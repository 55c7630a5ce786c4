import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Batch, newBatch, type Value } from "../batch.ts";
import { encodeFrame, frameAbove, frameAt, framesFrom } from "./frames.ts";

const value: fc.Arbitrary<Value> = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constant(null),
  fc.uint8Array().map((bytes) => new Uint8Array(bytes)),
);
const plain = value.filter((one) => !(one instanceof Uint8Array));
const batches: fc.Arbitrary<Batch> = fc
  .record({
    circumstances: fc.array(plain),
    holds: fc.array(plain),
    settlements: fc.array(plain),
    others: fc.array(value),
  })
  .map((parts) => ({ ...newBatch(), ...parts }));

const written = (list: readonly Batch[], since: number): Buffer =>
  Buffer.concat(list.map((batch, i) => encodeFrame(batch, since, since + i)));

describe("frames of the log", () => {
  test("give back the batches that were written, and where each stands", () => {
    fc.assert(
      fc.property(fc.array(batches, { maxLength: 5 }), fc.integer({ min: 1, max: 2 ** 50 }), (list, since) => {
        const bytes = written(list, since);
        const frames = [...framesFrom(bytes)];
        expect(frames.map(({ batch }) => batch)).toEqual(list);
        expect(frames.map(({ number }) => number)).toEqual(list.map((_, i) => since + i));
        expect(frames.at(-1)?.to ?? 0).toBe(bytes.length);
      }),
    );
  });

  test("are whole or not there: one bit that is wrong is noticed", () => {
    fc.assert(
      fc.property(batches, fc.nat(), (batch, place) => {
        const bytes = written([batch], 7);
        const bit = place % (bytes.length * 8);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        const says = bit >> 3 < 12 || bit >> 3 >= 16;
        expect(frameAt(bytes, 0) === undefined).toBe(says);
      }),
    );
  });

  test("of an earlier filling of the file do not follow those of this one", () => {
    const one = { ...newBatch(), others: ["x"] };
    const earlier = written([one, one, one, one], 1);
    const bytes = Buffer.concat([written([one, one], 5), earlier.subarray(0, earlier.length)]);
    expect(Array.from(framesFrom(bytes), ({ number }) => number)).toEqual([5, 6]);
    expect(frameAbove(bytes, 6, 0)).toBeUndefined();
    expect(frameAbove(bytes, 5, 0)?.number).toBe(6);
  });
});
