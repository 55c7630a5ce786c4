import type { Protocol } from "../spec.ts";
import { encode, probe } from "./encode.ts";
import { readError, readPieces, SenseNovaReader } from "./reader.ts";

/**
 * SenseTime's own protocol from before its compatible one: texts stand bare in `message` and `delta`, all in an envelope called
 * `data`; an access key signs a token.
 */
export const sensenova: Protocol = {
  id: "sensenova",
  operations: ["chat", "embeddings"],
  encode,
  probe,
  readError,
  readPieces,
  readStream: (options) => new SenseNovaReader(options),
};
