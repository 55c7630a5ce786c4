import type { Protocol } from "../spec.ts";
import { encode, probe } from "./encode.ts";
import { readError, readProbe } from "./errors.ts";
import { BaiduReader, readPieces } from "./reader.ts";

/**
 * Baidu's Wenxin Workshop, the platform's first interface: a path for each model, strict turns, errors in a 200, one text
 * called `result`. It is entered with a token (credentials `apiKey` and `secretKey`) or with signed requests
 * (`accessKey` and `secretKey`).
 */
export const baiduV1: Protocol = {
  id: "baidu-v1",
  operations: ["chat", "embeddings", "images"],
  encode,
  probe,
  readProbe,
  readError,
  readPieces,
  readStream: (options) => new BaiduReader(options),
};
