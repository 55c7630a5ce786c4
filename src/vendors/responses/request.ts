import { Fault } from "../../base/faults.ts";
import type { Limits } from "../../base/limits.ts";
import { responsesWords as words } from "../../base/messages/responses.ts";
import type { Conversation } from "../conversation.ts";
import { isObject, type JsonObject, listOf, objectAt, stringOf } from "../json-values.ts";
import {
  guessJsonTokens,
  guessTokens,
  MESSAGE_BOUND_TOKENS,
  REQUEST_BOUND_TOKENS,
  TOOLS_BOUND_TOKENS,
} from "../openai/input-size.ts";
import { mustBe, readModelName, readRequestBody, wrongField } from "../request-body.ts";
import type { FieldSpan, ModelRequest } from "../spec.ts";
import { readContent } from "./content.ts";
import { responsesDialect } from "./dialect.ts";

/** Fields that add to the input what the vendor keeps. */
const STORED_FIELDS = ["previous_response_id", "conversation", "prompt"] as const;

/** The fields that Maidan reads or changes. A vendor must not be able to read another value in one of them. */
const READ_FIELDS: ReadonlySet<string> = new Set([
  "model",
  "input",
  "instructions",
  "stream",
  "max_output_tokens",
  "tools",
  "background",
  ...STORED_FIELDS,
]);
const MESSAGE_TOKENS = 4;
/** Pages of a document whose bytes are not in the request. Each is read as a picture, too. */
const UNSEEN_PAGES = 20;

/**
 * Reads a request for a response. Only what Maidan itself must understand is checked; all else is the vendor's business.
 *
 * Throws `invalid_request`, with the field in `param`, and `body_too_large`.
 */
export function readRequest(body: Buffer, limits: Pick<Limits, "bodyBytes">): ModelRequest {
  const { document, fields } = readRequestBody(body, limits.bodyBytes, READ_FIELDS);
  const model = readModelName(document);
  const { input, instructions } = document;
  if (document.background === true) {
    throw new Fault("invalid_request", words.noBackground(), { param: "background" });
  }
  const isStored = STORED_FIELDS.some((field) => document[field] !== undefined && document[field] !== null);
  const isInput = typeof input === "string" ? input !== "" : Array.isArray(input) && input.length > 0;
  if (!isInput && (input !== undefined || !isStored)) throw wrongField(document, "input", "input");
  const stream = document.stream ?? false;
  if (typeof stream !== "boolean") throw mustBe("stream", "boolean");
  const length = readLength(document.max_output_tokens);
  const size = sizeOf(input, instructions);
  const tools = spanBytes(fields, "tools") + spanBytes(fields, "text");
  const bound =
    body.length -
    size.payload +
    REQUEST_BOUND_TOKENS +
    size.items * MESSAGE_BOUND_TOKENS +
    (tools > 0 ? tools + TOOLS_BOUND_TOKENS : 0);
  let content: Conversation | undefined;
  return {
    operation: "chat",
    dialect: responsesDialect,
    body,
    fields,
    model,
    stream,
    wantsUsage: stream,
    maxOutputTokens: length,
    maxOutputField: length === undefined ? undefined : "max_output_tokens",
    choices: 1,
    inputTokens: { bound, estimate: Math.min(bound, Math.ceil(size.tokens + guessJsonTokens(tools))) },
    images: size.images,
    audioBytes: size.audioBytes,
    inputs: 0,
    unseenInput: isStored,
    content: () => {
      content ??= readContent(body);
      return content;
    },
  };
}

function readLength(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Number.isSafeInteger(value) || (value as number) < 1) throw mustBe("max_output_tokens", "length");
  return value as number;
}

function spanBytes(fields: ReadonlyMap<string, FieldSpan>, name: string): number {
  const span = fields.get(name);
  return span ? span.end - span.start : 0;
}

interface Size {
  items: number;
  images: number;
  /** Bytes of audio, decoded from base64. */
  audioBytes: number;
  /** Characters of base64, which are no text. */
  payload: number;
  tokens: number;
}

/** Items and parts are walked through; a text that stands elsewhere in them is guessed by its bytes. */
function sizeOf(input: unknown, instructions: unknown): Size {
  const size: Size = { items: 1, images: 0, audioBytes: 0, payload: 0, tokens: 3 };
  if (typeof instructions === "string") size.tokens += guessTokens(instructions);
  if (typeof input === "string") {
    size.tokens += guessTokens(input);
    return size;
  }
  for (const [index, item] of listOf(input).entries()) {
    if (!isObject(item))
      throw new Fault("invalid_request", mustBe(`input[${index}]`, "message").text, { param: `input[${index}]` });
    size.items += 1;
    size.tokens += MESSAGE_TOKENS;
    sizeItem(item, size);
  }
  return size;
}

function sizeItem(item: JsonObject, size: Size): void {
  for (const name of ["content", "output", "arguments", "input", "name"]) {
    const value = item[name];
    if (typeof value === "string") size.tokens += guessTokens(value);
    else for (const part of listOf(value)) if (isObject(part)) sizePart(part, size);
  }
  for (const part of listOf(item.summary)) if (isObject(part)) sizePart(part, size);
}

function sizePart(part: JsonObject, size: Size): void {
  const text = stringOf(part.text);
  if (text !== undefined) size.tokens += guessTokens(text);
  if (part.type === "input_audio") {
    const data = stringOf(objectAt(part, "input_audio").data) ?? "";
    size.audioBytes += Math.ceil((data.length * 3) / 4);
    size.payload += data.length;
  }
  if (part.type === "input_file" && part.file_data === undefined) size.images += UNSEEN_PAGES;
  if (part.type !== "input_image") return;
  size.images += 1;
  const address = stringOf(part.image_url) ?? stringOf(objectAt(part, "image_url").url) ?? "";
  const comma = /^data:image\//i.test(address.slice(0, 11)) ? address.slice(0, 256).indexOf(",") : -1;
  if (comma >= 0) size.payload += address.length - comma - 1;
}
