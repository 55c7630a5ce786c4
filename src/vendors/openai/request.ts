import { isUtf8 } from "node:buffer";
import { Fault } from "../../base/faults.ts";
import type { Limits } from "../../base/limits.ts";
import { type RequestShape, requestWords as words } from "../../base/messages/vendors.ts";
import { scanFields } from "../json-fields.ts";
import { findSyntaxError } from "../json-syntax.ts";
import type { FieldSpan, ModelRequest, Operation } from "../spec.ts";
import { readContent } from "./content.ts";
import { openaiDialect } from "./dialect.ts";
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
  "n",
]);
export const LENGTH_FIELDS = ["max_completion_tokens", "max_tokens"] as const;
const MODEL_CHARACTERS = 512;

/**
 * Reads a request in OpenAI's protocol. Only what Maidan itself must understand is checked; all else is the vendor's
 * business and passes as it came.
 *
 * Throws `invalid_request`, with the field in `param`, and `body_too_large`.
 */
export function readRequest(operation: Operation, body: Buffer, limits: Pick<Limits, "bodyBytes">): ModelRequest {
  const document = parseBody(body, limits.bodyBytes);
  const fields = scanFields(body, 0, refuseRepeated);
  refuseOtherSpellings(fields);
  const { model } = document;
  if (typeof model !== "string" || model.length === 0 || model.length > MODEL_CHARACTERS) {
    throw wrong(document, "model", "name");
  }
  return operation === "chat" ? readChat(document, body, fields, model) : readEmbeddings(document, body, fields, model);
}

function readChat(
  document: Record<string, unknown>,
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
  document: Record<string, unknown>,
  body: Buffer,
  fields: ReadonlyMap<string, FieldSpan>,
  model: string,
): ModelRequest {
  const count = countInputs(document.input);
  if (!count) throw wrong(document, "input", "input");
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

function parseBody(body: Buffer, limit: number): Record<string, unknown> {
  if (body.length > limit) throw new Fault("body_too_large", words.bodyTooLarge(body.length, limit));
  if (body.length === 0) throw new Fault("invalid_request", words.empty());
  // A stray byte would become three when the vendor reads it, and the bound of input tokens would not hold.
  if (!isUtf8(body)) throw new Fault("invalid_request", words.notUtf8());
  const text = body.toString("utf8");
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw malformed(text);
  }
  if (!isRecord(document)) throw new Fault("invalid_request", words.notObject());
  return document;
}

function malformed(text: string): Fault {
  const place = findSyntaxError(text) ?? { line: 1, column: 1, offset: 0 };
  const { line, column, offset } = place;
  const message = offset < text.length ? words.malformed(line, column) : words.cutShort(line, column);
  return new Fault("invalid_request", message, { details: { line, column, offset } });
}

function refuseRepeated(name: string): void {
  if (READ_FIELDS.has(name)) throw new Fault("invalid_request", words.repeated(name), { param: name });
}

/** Some vendors match names without regard to case: `"MAX_TOKENS"` would undo the limit that the budget stands on. */
function refuseOtherSpellings(fields: ReadonlyMap<string, FieldSpan>): void {
  for (const name of fields.keys()) {
    if (READ_FIELDS.has(name)) continue;
    const folded = name.toUpperCase().toLowerCase();
    if (READ_FIELDS.has(folded)) {
      throw new Fault("invalid_request", words.otherSpelling(name, folded), { param: name });
    }
  }
}

function readMessages(document: Record<string, unknown>): readonly object[] {
  const { messages } = document;
  if (!Array.isArray(messages) || messages.length === 0) throw wrong(document, "messages", "messages");
  for (let index = 0; index < messages.length; index++) {
    if (!isRecord(messages[index])) throw mustBe(`messages[${index}]`, "message");
  }
  return messages;
}

function readBoolean(document: Record<string, unknown>, field: string): boolean {
  const value = document[field] ?? false;
  if (typeof value !== "boolean") throw mustBe(field, "boolean");
  return value;
}

function readStreamOptions(document: Record<string, unknown>): boolean {
  const options = document.stream_options ?? {};
  if (!isRecord(options)) throw mustBe("stream_options", "object");
  const wanted = options.include_usage ?? false;
  if (typeof wanted !== "boolean") throw mustBe("stream_options.include_usage", "boolean");
  return wanted;
}

function readChoices(document: Record<string, unknown>): number {
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
  document: Record<string, unknown>,
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

function wrong(document: Record<string, unknown>, field: string, expected: RequestShape): Fault {
  if (document[field] !== undefined) return mustBe(field, expected);
  return new Fault("invalid_request", words.missing(field), { param: field });
}

function mustBe(field: string, expected: RequestShape): Fault {
  return new Fault("invalid_request", words.mustBe(field, expected), { param: field });
}
