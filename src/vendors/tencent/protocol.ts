import type { Protocol } from "../spec.ts";
import { encode, probe } from "./encode.ts";
import { readError, readProbe } from "./errors.ts";
import { readPieces, TencentReader } from "./reader.ts";

/**
 * Tencent's Hunyuan as an API of Tencent Cloud: signed by TC3, names in PascalCase, errors in a 200, streams without an end of
 * their own. It has no field for the longest answer.
 */
export const tencent: Protocol = {
  id: "tencent",
  operations: ["chat", "embeddings"],
  limitsOutput: false,
  encode,
  probe,
  readProbe,
  readError,
  readPieces,
  readStream: (options) => new TencentReader(options),
};
