import type { AnswerPiece } from "./answer-pieces.ts";
import { readRequest } from "./openai/request.ts";
import type { Changes, ModelRequest, Operation, Protocol, Target, WireRequest } from "./spec.ts";

/** What the tests of native protocols share: asking in OpenAI's words, and reading what comes in any cuts. */

/** A fixed instant, for signatures: 2023-11-14T22:13:20Z. */
export const NOW = 1_700_000_000_000;

/** A client's request on OpenAI's surface. */
export function asked(fields: object, operation: Operation = "chat"): ModelRequest {
  const body = { model: "m", messages: [{ role: "user", content: "hi" }], ...fields };
  return readRequest(operation, Buffer.from(JSON.stringify(body)), { bodyBytes: 100_000 });
}

export interface Sent {
  readonly wire: WireRequest;
  // biome-ignore lint/suspicious/noExplicitAny: a body is looked at as its vendor would
  readonly body: any;
}

/** What a protocol makes of a request on OpenAI's surface. */
export function sender(protocol: Protocol, target: Target, model: string) {
  return (fields: object, changes: Partial<Changes> = {}, operation: Operation = "chat"): Sent => {
    const wire = protocol.encode(asked(fields, operation), { model, includeUsage: true, ...changes }, target, NOW);
    return { wire, body: JSON.parse(wire.body.toString() || "null") };
  };
}

/** The pieces of a stream that comes in these chunks. */
export function readChunks(protocol: Protocol, chunks: readonly Buffer[]): AnswerPiece[] {
  const reader = protocol.readStream({ eventBytes: 100_000 });
  return [...chunks.flatMap((chunk) => reader.push(chunk)), ...reader.end()];
}

/** The pieces of a stream at every cut in two, and byte by byte: each reading once. */
export function readAtEveryCut(protocol: Protocol, stream: Buffer): AnswerPiece[][] {
  const readings = [
    readChunks(
      protocol,
      Array.from(stream, (byte) => Buffer.from([byte])),
    ),
  ];
  for (let at = 0; at <= stream.length; at++) {
    readings.push(readChunks(protocol, [stream.subarray(0, at), stream.subarray(at)]));
  }
  return readings;
}

export const UNSUPPORTED = { errorClass: "unsupported", charged: "nothing" } as const;
