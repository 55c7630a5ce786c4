import { probe } from "../openai/encode.ts";
import { readError } from "../openai/vendor-errors.ts";
import type { Protocol } from "../spec.ts";
import { readAnswer } from "./answer.ts";
import { ResponsesDecoder } from "./decoder.ts";
import { encode } from "./encode.ts";
import { ResponsesReader, readPieces } from "./reader.ts";
import { transformAnswer } from "./response-texts.ts";
import { ResponsesFollower } from "./stream.ts";

/** OpenAI's Responses, as OpenAI and a few others serve them: items in and out, events with names. */
export const responses: Protocol = {
  id: "responses",
  operations: ["chat"],
  encode,
  probe: (target) => probe(target),
  readError,
  readPieces,
  readStream: (options) => new ResponsesReader(options),
  passage: {
    dialect: "responses",
    readAnswer,
    followStream: (options) => new ResponsesFollower(options),
    decodeStream: (options) => new ResponsesDecoder(options),
    transformAnswer,
  },
};
