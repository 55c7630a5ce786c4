import type { Protocol } from "../spec.ts";
import { encode, probe } from "./encode.ts";
import { readError, readProbe } from "./errors.ts";
import { DashScopeReader, readPieces } from "./reader.ts";

/** Alibaba's DashScope as it was before its compatible interface, and still is: the newest models and all tasks are there first. */
export const dashscope: Protocol = {
  id: "dashscope",
  operations: ["chat", "embeddings", "images"],
  encode,
  probe,
  readProbe,
  readError,
  readPieces,
  readStream: (options) => new DashScopeReader(options),
};
