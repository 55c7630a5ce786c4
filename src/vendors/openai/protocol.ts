import type { Protocol } from "../spec.ts";
import { readAnswer } from "./answer.ts";
import { OpenAiDecoder } from "./decoder.ts";
import { encode, probe } from "./encode.ts";
import { OpenAiReader, readPieces } from "./reader.ts";
import { OpenAiFollower } from "./stream.ts";
import { transformAnswer } from "./texts.ts";
import { readError } from "./vendor-errors.ts";

/**
 * OpenAI's chat completions, embeddings and images, as OpenAI serves them and as most other vendors and servers do: their small
 * differences are `Quirks` of the endpoint, and the readings below accept every known spelling.
 */
export const openai: Protocol = {
  id: "openai",
  operations: ["chat", "embeddings", "images"],
  encode,
  probe,
  readError,
  readPieces,
  readStream: (options) => new OpenAiReader(options),
  passage: {
    dialect: "openai",
    readAnswer,
    followStream: (options) => new OpenAiFollower(options),
    decodeStream: (options) => new OpenAiDecoder(options),
    transformAnswer,
  },
};
