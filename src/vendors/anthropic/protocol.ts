import type { Protocol } from "../spec.ts";
import { readAnswer, readTokenCount, transformAnswer } from "./answer.ts";
import { AnthropicDecoder } from "./decoder.ts";
import { encode, encodeCount, probe } from "./encode.ts";
import { readError } from "./errors.ts";
import { AnthropicReader, readPieces } from "./reader.ts";
import { AnthropicFollower } from "./stream.ts";

/** Anthropic's messages, as Anthropic serves them and as other vendors and servers do beside their own protocols. */
export const anthropic: Protocol = {
  id: "anthropic",
  operations: ["chat"],
  encode,
  probe,
  readError,
  readPieces: (_operation, body) => readPieces(body),
  readStream: (options) => new AnthropicReader(options),
  passage: {
    dialect: "anthropic",
    readAnswer: (_operation, body) => readAnswer(body),
    followStream: (options) => new AnthropicFollower(options),
    decodeStream: (options) => new AnthropicDecoder(options),
    transformAnswer,
    counter: { encode: encodeCount, read: readTokenCount },
  },
};
