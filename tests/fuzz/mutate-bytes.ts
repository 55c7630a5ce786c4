import type { Random } from "./random.ts";
import { scrapBytes } from "./scraps.ts";

/** Inputs stay shorter than this, however they grow. */
export const LONGEST_INPUT = 256 * 1024;

type Change = (bytes: Buffer, random: Random) => Buffer;

const CHANGES: readonly Change[] = [
  // a bit
  (bytes, random) => {
    const changed = Buffer.from(bytes);
    if (changed.length > 0) changed[random.below(changed.length)]! ^= 1 << random.below(8);
    return changed;
  },
  // a byte, or a few
  (bytes, random) =>
    replaced(bytes, random.below(bytes.length + 1), random.between(0, 4), random.bytes(random.between(0, 4))),
  // something known to be odd, put in or over
  (bytes, random) => replaced(bytes, random.below(bytes.length + 1), random.pick([0, 0, 1, 8]), scrapBytes(random)),
  // the end is missing
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  // the beginning is missing
  (bytes, random) => bytes.subarray(random.below(Math.min(bytes.length, 40) + 1)),
  // a piece is missing
  (bytes, random) => replaced(bytes, random.below(bytes.length + 1), random.between(1, 64), Buffer.alloc(0)),
  // a piece stands twice, or very often
  (bytes, random) => {
    const from = random.below(bytes.length + 1);
    const piece = bytes.subarray(from, from + random.between(1, 200));
    const times = random.once(6) ? random.between(2, 300) : 1;
    return replaced(bytes, random.below(bytes.length + 1), 0, Buffer.concat(Array(times).fill(piece)));
  },
  // lines end in another way
  (bytes, random) =>
    Buffer.from(bytes.toString("latin1").replaceAll(/\r\n|\n/g, random.pick(["\r\n", "\r", "\n", "\n\r"])), "latin1"),
  // two lines change places
  (bytes, random) => swapLines(bytes, random),
  // a number is another
  (bytes, random) => {
    const text = bytes.toString("latin1");
    const numbers = [...text.matchAll(/\d+/g)];
    if (numbers.length === 0) return bytes;
    const found = random.pick(numbers);
    const other = random.pick([
      "0",
      "-1",
      "1e999",
      "9".repeat(30),
      "0x7f",
      "ffffffffffffffff",
      "1.5",
      "",
      String(random.next()),
    ]);
    return replaced(bytes, found.index, found[0].length, Buffer.from(other));
  },
];

function replaced(bytes: Buffer, at: number, length: number, by: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(Math.min(at + length, bytes.length))]);
}

function swapLines(bytes: Buffer, random: Random): Buffer {
  const lines = bytes.toString("latin1").split("\n");
  const [one, other] = [random.below(lines.length), random.below(lines.length)];
  [lines[one], lines[other]] = [lines[other]!, lines[one]!];
  return Buffer.from(lines.join("\n"), "latin1");
}

/** Bytes with a few things changed. */
export function mutateBytes(bytes: Buffer, random: Random): Buffer {
  let changed = bytes;
  for (let times = random.pick([1, 1, 1, 2, 3, 6]); times > 0; times--) changed = random.pick(CHANGES)(changed, random);
  return changed.subarray(0, LONGEST_INPUT);
}
