import type { Protocol } from "../spec.ts";
import { encode, probe } from "./encode.ts";
import { OllamaReader, readError, readPieces } from "./reader.ts";

/** Ollama's own protocol: a line of JSON a piece, pictures as bytes, arguments as objects. */
export const ollama: Protocol = {
  id: "ollama",
  operations: ["chat", "embeddings"],
  encode,
  probe,
  readError,
  readPieces,
  readStream: (options) => new OllamaReader(options),
  // An error in the place of a stream is a line like any other.
  isStream: () => true,
};
