import type { Protocol } from "../spec.ts";
import { encode, probe } from "./encode.ts";
import { readError } from "./errors.ts";
import { GeminiReader, readPieces } from "./reader.ts";

/** Google's Gemini API: `generateContent`, `batchEmbedContents`, and pictures of its image models. */
export const gemini: Protocol = {
  id: "gemini",
  operations: ["chat", "embeddings", "images"],
  encode,
  probe,
  readError,
  readPieces,
  readStream: (options) => new GeminiReader(options),
};
