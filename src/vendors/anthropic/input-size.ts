import { guessJsonTokens, guessTokens, isRecord } from "../openai/input-size.ts";

/**
 * How many input tokens a request can be; see `openai/input-size.ts` for the reasoning. What differs: pictures and documents are
 * blocks with a `source`, also inside the results of tools, and a tool that Anthropic defines is a name here and a long
 * description there.
 */

/** What a tool of Anthropic's own adds to a prompt, at the most and about. */
export const DEFINED_TOOL_BOUND_TOKENS = 8_192;
export const DEFINED_TOOL_TOKENS = 700;
/** Pages of a document whose bytes are not in the request. Each is read as a picture, too. */
const UNSEEN_PAGES = 20;
/** Bytes of base64 of a PDF for one token, about: most of it is fonts and pictures. */
const DOCUMENT_BYTES_A_TOKEN = 40;
const MESSAGE_TOKENS = 4;

export interface BlockCount {
  images: number;
  /** Characters of the body that are base64 of pictures, and so no text. */
  payload: number;
  /** Tokens of text, guessed. */
  tokens: number;
}

/** Counts the system's instructions and all messages. */
export function countBlocks(system: unknown, messages: readonly object[]): BlockCount {
  const count: BlockCount = { images: 0, payload: 0, tokens: 3 };
  countContent(system, count);
  for (const message of messages as readonly Record<string, unknown>[]) {
    count.tokens += MESSAGE_TOKENS;
    countContent(message.content, count);
  }
  return count;
}

function countContent(content: unknown, count: BlockCount): void {
  if (typeof content === "string") count.tokens += guessTokens(content);
  else if (Array.isArray(content)) for (const block of content) countBlock(block, count);
}

function countBlock(block: unknown, count: BlockCount): void {
  if (!isRecord(block)) return;
  for (const name of ["text", "thinking", "title", "context", "name"]) {
    const text = block[name];
    if (typeof text === "string") count.tokens += guessTokens(text);
  }
  if (block.type === "image") {
    count.images += 1;
    count.payload += base64Of(block.source).length;
  } else if (block.type === "document") countDocument(block.source, count);
  else if (isRecord(block.input)) {
    count.tokens += MESSAGE_TOKENS + guessJsonTokens(Buffer.byteLength(JSON.stringify(block.input)));
  }
  // Results of tools, and of searches.
  if (block.content !== undefined) countContent(block.content, count);
}

function countDocument(source: unknown, count: BlockCount): void {
  if (!isRecord(source)) return;
  if (source.type === "url" || source.type === "file") count.images += UNSEEN_PAGES;
  else if (source.type === "content") countContent(source.content, count);
  else if (source.type === "text" && typeof source.data === "string") count.tokens += guessTokens(source.data);
  else count.tokens += base64Of(source).length / DOCUMENT_BYTES_A_TOKEN;
}

function base64Of(source: unknown): string {
  return isRecord(source) && source.type === "base64" && typeof source.data === "string" ? source.data : "";
}

/** Tools that Anthropic defines: their descriptions are not in the request. */
export function countDefinedTools(tools: readonly object[]): number {
  return (tools as readonly Record<string, unknown>[]).filter(isDefinedTool).length;
}

/** Whether a tool is one of Anthropic's own: named by a `type`, without a schema. */
export function isDefinedTool(tool: Readonly<Record<string, unknown>>): boolean {
  return typeof tool.type === "string" && tool.type !== "custom";
}
