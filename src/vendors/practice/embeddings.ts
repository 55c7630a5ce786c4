import { createHash } from "node:crypto";
import { writeUsage } from "../inside/chat-answer.ts";
import { countPieces } from "../inside/pieces.ts";
import { readJson, readModel, UnreadableRequest } from "../inside/question.ts";

const DEFAULT_DIMENSIONS = 64;
const MOST_DIMENSIONS = 4_096;
const MOST_INPUTS = 2_048;

/** An embeddings request in the `openai` protocol. */
export interface EmbeddingsQuestion {
  readonly model: string;
  readonly inputs: readonly string[];
  readonly inputTokens: number;
  readonly dimensions: number;
  readonly base64: boolean;
}

/** Throws `UnreadableRequest`. */
export function readEmbeddings(body: Buffer): EmbeddingsQuestion {
  const json = readJson(body);
  const listed = listInputs(json.input);
  if (listed.length === 0 || listed.length > MOST_INPUTS) {
    throw new UnreadableRequest(`input must be from 1 to ${MOST_INPUTS} texts or token lists`, "input");
  }
  const dimensions = json.dimensions ?? DEFAULT_DIMENSIONS;
  if (
    typeof dimensions !== "number" ||
    !Number.isInteger(dimensions) ||
    dimensions < 1 ||
    dimensions > MOST_DIMENSIONS
  ) {
    throw new UnreadableRequest(`dimensions must be a whole number from 1 to ${MOST_DIMENSIONS}`, "dimensions");
  }
  const counted = listed.map((input) => (typeof input === "string" ? countPieces(input) : input.length));
  return {
    model: readModel(json),
    inputs: listed.map((input) => (typeof input === "string" ? input : input.join(" "))),
    inputTokens: counted.reduce((sum, count) => sum + count, 0),
    dimensions,
    base64: json.encoding_format === "base64",
  };
}

export function writeEmbeddings(question: EmbeddingsQuestion, reportUsage: boolean): Buffer {
  const rows = question.inputs.map((input, index) => {
    const vector = embed(input, question.dimensions);
    const shown = question.base64
      ? `"${Buffer.from(vector.buffer).toString("base64")}"`
      : `[${Array.from(vector, (value) => Number(value.toPrecision(8))).join(",")}]`;
    return `{"object":"embedding","index":${index},"embedding":${shown}}`;
  });
  const usage = writeUsage({ input: question.inputTokens, cachedInput: 0, output: 0, reasoning: 0 });
  const shownUsage = reportUsage ? `,"usage":${usage.replace('"completion_tokens":0,', "")}` : "";
  return Buffer.from(
    `{"object":"list","data":[${rows.join(",")}],"model":${JSON.stringify(question.model)}${shownUsage}}`,
  );
}

/** A vector of length one that depends on nothing but the text: equal texts, equal vectors; it knows no meaning. */
export function embed(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  const seed = createHash("sha256").update(text).digest();
  let squares = 0;
  for (let i = 0, block = seed; i < dimensions; i++) {
    if (i > 0 && i % 8 === 0) block = createHash("sha256").update(block).digest();
    const value = block.readInt32LE((i % 8) * 4) / 2 ** 31;
    vector[i] = value;
    squares += value * value;
  }
  const length = Math.sqrt(squares);
  for (let i = 0; i < dimensions; i++) vector[i] = vector[i]! / length;
  return vector;
}

function listInputs(input: unknown): (string | number[])[] {
  if (typeof input === "string") return [input];
  if (!Array.isArray(input))
    throw new UnreadableRequest("input must be a text, a list of texts or token lists", "input");
  if (isTokenList(input)) return [input];
  return input.map((one) => {
    if (typeof one === "string" || isTokenList(one)) return one;
    throw new UnreadableRequest("input must be a text, a list of texts or token lists", "input");
  });
}

function isTokenList(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((token) => Number.isInteger(token));
}
