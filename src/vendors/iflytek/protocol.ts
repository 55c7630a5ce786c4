import type { Protocol } from "../spec.ts";
import { encode, probe } from "./encode.ts";
import { readError, readProbe } from "./errors.ts";
import { readPieces, SparkReader } from "./reader.ts";

/**
 * iFlytek's Spark: over a WebSocket whose address is signed, one frame that asks and many that answer; or, where the endpoint's
 * address is one of HTTP, by an interface that is nearly OpenAI's. Errors hide in frames and in a 200.
 *
 * Its embeddings are left out: how long their vectors are, and how they are spelled, could not be confirmed.
 */
export const iflytek: Protocol = {
  id: "iflytek",
  operations: ["chat"],
  encode,
  probe,
  readProbe,
  readError,
  readPieces,
  readStream: (options) => new SparkReader(options),
  isStream: ({ "content-type": type }) =>
    typeof type === "string" && /^(application\/x-ndjson|text\/event-stream)/.test(type),
};
