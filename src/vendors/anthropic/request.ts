import type { Limits } from "../../base/limits.ts";
import {
  guessJsonTokens,
  isRecord,
  MESSAGE_BOUND_TOKENS,
  REQUEST_BOUND_TOKENS,
  TOOLS_BOUND_TOKENS,
} from "../openai/input-size.ts";
import { mustBe, readModelName, readRequestBody, wrongField } from "../request-body.ts";
import type { FieldSpan, ModelRequest } from "../spec.ts";
import { readConversation } from "./content.ts";
import { anthropicDialect } from "./dialect.ts";
import { countBlocks, countDefinedTools, DEFINED_TOOL_BOUND_TOKENS, DEFINED_TOOL_TOKENS } from "./input-size.ts";

type Json = Readonly<Record<string, unknown>>;

/** The fields that Maidan reads or changes. */
const READ_FIELDS: ReadonlySet<string> = new Set([
  "model",
  "messages",
  "system",
  "max_tokens",
  "stream",
  "tools",
  "thinking",
]);

export interface ReadRequestOptions {
  /** The client's headers that belong to this protocol, to be passed on. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether only tokens are to be counted: then the longest answer need not be named. */
  readonly counting?: boolean;
}

/**
 * Reads a request in Anthropic's protocol. Only what Maidan itself must understand is checked; all else is the vendor's
 * business and passes as it came.
 *
 * Throws `invalid_request`, with the field in `param`, and `body_too_large`.
 */
export function readRequest(
  body: Buffer,
  limits: Pick<Limits, "bodyBytes">,
  { headers, counting = false }: ReadRequestOptions = {},
): ModelRequest {
  const { document, fields } = readRequestBody(body, limits.bodyBytes, READ_FIELDS);
  const messages = readMessages(document);
  const stream = readStream(document);
  const tools = readTools(document);
  checkSystem(document);
  checkThinking(document);
  const maxOutputTokens = counting && document.max_tokens === undefined ? undefined : readLength(document);
  return {
    operation: "chat",
    dialect: anthropicDialect,
    body,
    fields,
    model: readModelName(document),
    stream,
    // Every stream of this protocol tells its usage.
    wantsUsage: stream,
    maxOutputTokens,
    maxOutputField: "max_tokens",
    choices: 1,
    ...sizeOf(document, body, fields, messages, tools),
    audioBytes: 0,
    inputs: 0,
    ...(headers && { headers }),
    content: () => readConversation(body),
  };
}

function sizeOf(
  document: Json,
  body: Buffer,
  fields: ReadonlyMap<string, FieldSpan>,
  messages: readonly object[],
  tools: readonly object[],
): Pick<ModelRequest, "inputTokens" | "images"> {
  const count = countBlocks(document.system, messages);
  const toolBytes = bytesOf(fields, "tools") + bytesOf(fields, "output_config");
  const defined = countDefinedTools(tools);
  const bound =
    body.length -
    count.payload +
    REQUEST_BOUND_TOKENS +
    messages.length * MESSAGE_BOUND_TOKENS +
    (toolBytes > 0 ? toolBytes + TOOLS_BOUND_TOKENS : 0) +
    defined * DEFINED_TOOL_BOUND_TOKENS;
  const guess = count.tokens + guessJsonTokens(toolBytes) + defined * DEFINED_TOOL_TOKENS;
  return { inputTokens: { bound, estimate: Math.min(bound, Math.ceil(guess)) }, images: count.images };
}

function bytesOf(fields: ReadonlyMap<string, FieldSpan>, name: string): number {
  const span = fields.get(name);
  return span ? span.end - span.start : 0;
}

function readMessages(document: Json): readonly object[] {
  const { messages } = document;
  if (!Array.isArray(messages) || messages.length === 0) throw wrongField(document, "messages", "messages");
  for (const [index, message] of (messages as unknown[]).entries()) {
    if (!isRecord(message)) throw mustBe(`messages[${index}]`, "message");
    const { content } = message;
    if (typeof content !== "string" && !Array.isArray(content)) throw mustBe(`messages[${index}].content`, "blocks");
  }
  return messages as readonly object[];
}

function readStream(document: Json): boolean {
  const stream = document.stream ?? false;
  if (typeof stream !== "boolean") throw mustBe("stream", "boolean");
  return stream;
}

function readTools(document: Json): readonly object[] {
  const tools = document.tools ?? [];
  if (!Array.isArray(tools)) throw mustBe("tools", "objects");
  for (const [index, tool] of (tools as unknown[]).entries()) {
    if (!isRecord(tool)) throw mustBe(`tools[${index}]`, "object");
  }
  return tools as readonly object[];
}

function checkSystem({ system }: Json): void {
  if (system === undefined || system === null || typeof system === "string" || Array.isArray(system)) return;
  throw mustBe("system", "blocks");
}

function checkThinking({ thinking }: Json): void {
  if (thinking !== undefined && thinking !== null && !isRecord(thinking)) throw mustBe("thinking", "object");
}

/** Zero asks for no answer, only for the prompt to be kept in the cache. */
function readLength(document: Json): number {
  const tokens = document.max_tokens;
  if (Number.isSafeInteger(tokens) && (tokens as number) >= 0) return tokens as number;
  throw wrongField(document, "max_tokens", "lengthOrZero");
}
