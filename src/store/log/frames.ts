import { crc32 } from "node:zlib";
import { type Batch, newBatch, type Value } from "../batch.ts";

/**
 * A batch as it stands in the log: a head of 32 bytes (little-endian), then the batch as JSON in UTF-8.
 *
 * | at | bytes | |
 * | --: | --: | --- |
 * | 0 | 4 | the mark of a frame |
 * | 4 | 4 | bytes of the batch |
 * | 8 | 4 | CRC-32 of all that follows from 16 on |
 * | 16 | 8 | number of the first frame of this filling of the file: a file is written over again and again |
 * | 24 | 8 | number of this frame: each is one more than the one before, for as long as the store lives |
 */
export interface Frame {
  readonly since: number;
  readonly number: number;
  readonly batch: Batch;
  /** Where it begins and ends in the file, in bytes. */
  readonly from: number;
  readonly to: number;
}

const MARK = Buffer.from("MdnF", "latin1");
const HEAD_BYTES = 32;
const AT = { length: 4, crc: 8, summed: 16, number: 24 } as const;

/** @param since the number of the first frame of its file */
export function encodeFrame(batch: Batch, since: number, number: number): Buffer {
  const { circumstances, holds, settlements, others } = batch;
  const text = JSON.stringify([circumstances, holds, settlements, packed(others)]);
  const length = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(HEAD_BYTES + length);
  MARK.copy(frame);
  frame.writeUInt32LE(length, AT.length);
  frame.fill(0, 12, AT.summed);
  frame.writeDoubleLE(since, AT.summed);
  frame.writeDoubleLE(number, AT.number);
  frame.write(text, HEAD_BYTES);
  frame.writeUInt32LE(crc32(frame.subarray(AT.summed)), AT.crc);
  return frame;
}

/** The frame that begins at `at`; undefined where none does, or not all of it is there. */
export function frameAt(bytes: Buffer, at: number): Frame | undefined {
  const bodyAt = at + HEAD_BYTES;
  if (bodyAt > bytes.length || bytes.compare(MARK, 0, MARK.length, at, at + MARK.length) !== 0) return undefined;
  const to = bodyAt + bytes.readUInt32LE(at + AT.length);
  if (to > bytes.length) return undefined;
  if (crc32(bytes.subarray(at + AT.summed, to)) !== bytes.readUInt32LE(at + AT.crc)) return undefined;
  const batch = readBatch(bytes.toString("utf8", bodyAt, to));
  return { since: bytes.readDoubleLE(at + AT.summed), number: bytes.readDoubleLE(at + AT.number), batch, from: at, to };
}

/** The frames that follow each other from `at` on, all of one filling of the file. */
export function* framesFrom(bytes: Buffer, at = 0): Generator<Frame> {
  let frame = frameAt(bytes, at);
  const since = frame?.since;
  while (frame && frame.since === since) {
    yield frame;
    const next = frameAt(bytes, frame.to);
    frame = next?.number === frame.number + 1 ? next : undefined;
  }
}

/** Any whole frame with a number above `number`, wherever it begins at or behind `at`. */
export function frameAbove(bytes: Buffer, number: number, at: number): Frame | undefined {
  for (let place = bytes.indexOf(MARK, at); place >= 0; place = bytes.indexOf(MARK, place + 1)) {
    const isNewer = place + HEAD_BYTES <= bytes.length && bytes.readDoubleLE(place + AT.number) > number;
    const frame = isNewer ? frameAt(bytes, place) : undefined;
    if (frame) return frame;
  }
  return undefined;
}

/** Bytes are rare, and have no form of their own in JSON: a list of one, their base64. */
function packed(values: Value[]): unknown[] {
  if (!values.some((value) => value instanceof Uint8Array)) return values;
  return values.map((value) => (value instanceof Uint8Array ? [Buffer.from(value).toString("base64")] : value));
}

function readBatch(text: string): Batch {
  const [circumstances, holds, settlements, others] = JSON.parse(text) as [Value[], Value[], Value[], unknown[]];
  for (let i = 0; i < others.length; i++) {
    const value = others[i];
    if (Array.isArray(value)) others[i] = new Uint8Array(Buffer.from(value[0] as string, "base64"));
  }
  return { ...newBatch(), circumstances, holds, settlements, others: others as Value[] };
}
