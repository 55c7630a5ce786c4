import type { Limits } from "../../base/limits.ts";
import { mustBe, readModelName, readRequestBody, wrongField } from "../request-body.ts";
import type { FieldSpan, ModelRequest, Operation } from "../spec.ts";
import { readContent } from "./content.ts";
import { openaiDialect } from "./dialect.ts";
import { IMAGE_COUNT_FIELDS, readImageOrder } from "./images.ts";
import {
  countInputs,
  countMessages,
  EMBEDDED_BOUND_TOKENS,
  guessJsonTokens,
  isRecord,
  MESSAGE_BOUND_TOKENS,
  REQUEST_BOUND_TOKENS,
  TOOLS_BOUND_TOKENS,
} from "./input-size.ts";

/** The fields that Maidan reads or changes. A vendor must not be able to read another value in one of them. */
const READ_FIELDS: ReadonlySet<string> = new Set([
  "model",
  "messages",
  "input",
  "stream",
  "stream_options",
  "max_tokens",
  "max_completion_tokens",
  ...IMAGE_COUNT_FIELDS,
]);
export const LENGTH_FIELDS = ["max_completion_tokens", "max_tokens"] as const;

/**
 * Reads a request in OpenAI's protocol. Only what Maidan itself must understand is checked; all else is the vendor's
 * business and passes as it came.
 *
 * Throws `invalid_request`, with the field in `param`, and `body_too_large`.
 */
export function readRequest(operation: Operation, body: Buffer, limits: Pick<Limits, "bodyBytes">): ModelRequest {
  const { document, fields } = readRequestBody(body, limits.bodyBytes, READ_FIELDS);
  const model = readModelName(document);
  if (operation === "embeddings") return readEmbeddings(document, body, fields, model);
  if (operation === "images") return readImageOrder(document, body, fields, model);
  return readChat(document, body, fields, model);
}

function readChat(
  document: Readonly<Record<string, unknown>>,
  body: Buffer,
  fields: ReadonlyMap<string, FieldSpan>,
  model: string,
): ModelRequest {
  const messages = readMessages(document);
  const stream = readBoolean(document, "stream");
  const length = readLength(document);
  const count = countMessages(messages);
  const tools = toolBytes(fields);
  const bound =
    body.length -
    count.payload +
    REQUEST_BOUND_TOKENS +
    messages.length * MESSAGE_BOUND_TOKENS +
    (tools > 0 ? tools + TOOLS_BOUND_TOKENS : 0);
  return {
    operation: "chat",
    dialect: openaiDialect,
    body,
    fields,
    model,
    stream,
    wantsUsage: stream && readStreamOptions(document),
    maxOutputTokens: length?.tokens,
    maxOutputField: length?.field,
    choices: readChoices(document),
    inputTokens: { bound, estimate: Math.min(bound, Math.ceil(count.tokens + guessJsonTokens(tools))) },
    images: count.images,
    audioBytes: count.audioBytes,
    inputs: 0,
    content: () => readContent("chat", body),
  };
}

function readEmbeddings(
  document: Readonly<Record<string, unknown>>,
  body: Buffer,
  fields: ReadonlyMap<string, FieldSpan>,
  model: string,
): ModelRequest {
  const count = countInputs(document.input);
  if (!count) throw wrongField(document, "input", "input");
  const bound = body.length + count.inputs * EMBEDDED_BOUND_TOKENS;
  return {
    operation: "embeddings",
    dialect: openaiDialect,
    body,
    fields,
    model,
    stream: false,
    wantsUsage: false,
    maxOutputTokens: undefined,
    maxOutputField: undefined,
    choices: 1,
    inputTokens: { bound, estimate: Math.min(bound, Math.ceil(count.tokens)) },
    images: 0,
    audioBytes: 0,
    inputs: count.inputs,
    content: () => readContent("embeddings", body),
  };
}

function readMessages(document: Readonly<Record<string, unknown>>): readonly object[] {
  const { messages } = document;
  if (!Array.isArray(messages) || messages.length === 0) throw wrongField(document, "messages", "messages");
  for (let index = 0; index < messages.length; index++) {
    if (!isRecord(messages[index])) throw mustBe(`messages[${index}]`, "message");
  }
  return messages;
}

function readBoolean(document: Readonly<Record<string, unknown>>, field: string): boolean {
  const value = document[field] ?? false;
  if (typeof value !== "boolean") throw mustBe(field, "boolean");
  return value;
}

function readStreamOptions(document: Readonly<Record<string, unknown>>): boolean {
  const options = document.stream_options ?? {};
  if (!isRecord(options)) throw mustBe("stream_options", "object");
  const wanted = options.include_usage ?? false;
  if (typeof wanted !== "boolean") throw mustBe("stream_options.include_usage", "boolean");
  return wanted;
}

function readChoices(document: Readonly<Record<string, unknown>>): number {
  const count = document.n ?? 1;
  if (!Number.isSafeInteger(count) || (count as number) < 1) throw mustBe("n", "count");
  return count as number;
}

/**
 * The longest answer asked for. Where both fields stand, the longer counts: which one the vendor heeds is not known
 * here. A negative length means "as long as it gets" to llama.cpp and LM Studio: as if none had been named. Zero means
 * that to Ollama and an error to others: refused.
 */
function readLength(
  document: Readonly<Record<string, unknown>>,
): { readonly field: string; readonly tokens: number } | undefined {
  let longest: { field: string; tokens: number } | undefined;
  let unlimited = false;
  for (const field of LENGTH_FIELDS) {
    const tokens = document[field] ?? undefined;
    if (tokens === undefined) continue;
    if (!Number.isSafeInteger(tokens) || tokens === 0) throw mustBe(field, "length");
    if ((tokens as number) < 0) unlimited = true;
    else if (!longest || (tokens as number) > longest.tokens) longest = { field, tokens: tokens as number };
  }
  return unlimited ? undefined : longest;
}

function toolBytes(fields: ReadonlyMap<string, FieldSpan>): number {
  let bytes = 0;
  for (const name of ["tools", "functions", "response_format"]) {
    const span = fields.get(name);
    if (span) bytes += span.end - span.start;
  }
  return bytes;
}
