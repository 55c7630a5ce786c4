import { anthropicWords as words } from "../../base/messages/anthropic.ts";
import type { AssistantPart, CacheMark, FilePart, ImagePart, Message, TextPart, UserPart } from "../conversation.ts";
import { wordOf } from "../json-values.ts";
import { isRecord } from "../openai/input-size.ts";
import { unsupported } from "../translation/unsupported.ts";
import { isMarked, readCallId, readCallSignature, readHidden, readSignature } from "./marks.ts";

type Json = Readonly<Record<string, unknown>>;

/** Content blocks as neutral parts. A block that only Anthropic's own tools make, or that nobody knows, is refused. */

/** How long a prompt shall be kept in the cache up to here. */
export function cacheMark(block: Json): { readonly cache?: CacheMark } {
  const control = block.cache_control;
  if (!isRecord(control)) return {};
  return { cache: control.ttl === "1h" ? "1h" : "5m" };
}

function blocksOf(content: unknown): readonly Json[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return Array.isArray(content) ? content.filter(isRecord) : [];
}

/** Texts only: instructions. Empty ones are nothing. */
export function textsOf(content: unknown, place: string): TextPart[] {
  return blocksOf(content).flatMap((block, index) =>
    readUserParts(block, `${place}[${index}]`).filter((part) => part.type === "text"),
  );
}

/**
 * A turn of the user: results of tools, one message each, then all else. Documents in a tool's result have no place in the
 * neutral form there: they follow it in the user's message.
 */
export function readTurnOfUser(content: unknown, place: string, names: ReadonlyMap<string, string>): Message[] {
  const results: Message[] = [];
  const parts: UserPart[] = [];
  for (const [index, block] of blocksOf(content).entries()) {
    const where = `${place}[${index}]`;
    if (block.type !== "tool_result") {
      parts.push(...readUserParts(block, where));
      continue;
    }
    const callId = readCallId(wordOf(block.tool_use_id));
    const given = blocksOf(block.content).flatMap((one, at) => readUserParts(one, `${where}.content[${at}]`));
    results.push({
      role: "tool",
      callId,
      name: names.get(callId),
      parts: given.filter((part) => part.type === "text" || part.type === "image"),
      ...(block.is_error === true && { failed: true }),
      ...cacheMark(block),
    });
    parts.push(...given.filter((part) => part.type !== "text" && part.type !== "image"));
  }
  return parts.length > 0 ? [...results, { role: "user", parts }] : results;
}

function readUserParts(block: Json, place: string): UserPart[] {
  switch (block.type) {
    case "text":
      return text(block.text, block);
    case "image":
      return readImage(block, place);
    case "document":
      return readDocument(block, place);
    case "search_result":
      return readSearchResult(block, place);
    // A pointer to a tool's definition, which stands among the tools.
    case "tool_reference":
      return text(block.tool_name, {});
    default:
      throw strangeBlock(block, place);
  }
}

/** What an assistant wrote in an earlier turn. Thinking that Anthropic signed loses its signature: nobody else can read it. */
export function readAssistantParts(content: unknown, place: string): AssistantPart[] {
  const signatures = new Map<string, string>();
  return blocksOf(content).flatMap((block, index): AssistantPart[] => {
    switch (block.type) {
      case "text":
        return text(block.text, block);
      case "thinking":
        return readThinking(block);
      case "redacted_thinking":
        return readRedacted(block, signatures);
      case "tool_use": {
        const id = readCallId(wordOf(block.id));
        const signature = signatures.get(id);
        const given = isRecord(block.input) ? JSON.stringify(block.input) : "{}";
        const name = wordOf(block.name);
        return [{ type: "tool-call", id, name, arguments: given, ...(signature !== undefined && { signature }) }];
      }
      default:
        throw strangeBlock(block, `${place}[${index}]`);
    }
  });
}

function readThinking(block: Json): AssistantPart[] {
  const thought = typeof block.thinking === "string" ? block.thinking : "";
  const signature = readSignature(block.signature);
  if (thought === "" && signature === undefined) return [];
  return [{ type: "reasoning", text: thought, ...(signature !== undefined && { signature }) }];
}

function readRedacted(block: Json, signatures: Map<string, string>): AssistantPart[] {
  if (!isMarked(block.data)) return [];
  const call = readCallSignature(block.data);
  if (call) {
    signatures.set(call.id, call.signature);
    return [];
  }
  const redacted = readHidden(block.data);
  return redacted === undefined ? [] : [{ type: "reasoning", text: "", redacted }];
}

function text(value: unknown, block: Json): TextPart[] {
  return typeof value === "string" && value !== "" ? [{ type: "text", text: value, ...cacheMark(block) }] : [];
}

function readImage(block: Json, place: string): ImagePart[] {
  const source = isRecord(block.source) ? block.source : {};
  const cache = cacheMark(block);
  if (source.type === "base64" && typeof source.data === "string") {
    const mediaType = typeof source.media_type === "string" ? source.media_type : "image/png";
    return [{ type: "image", base64: source.data, mediaType, ...cache }];
  }
  if (source.type === "url" && typeof source.url === "string") return [{ type: "image", url: source.url, ...cache }];
  throw unsupported(words.block(`image ${wordOf(source.type)}`), place);
}

/** A document of plain text becomes text, which every vendor can read. */
function readDocument(block: Json, place: string): UserPart[] {
  const source = isRecord(block.source) ? block.source : {};
  const titled = typeof block.title === "string" && block.title !== "" ? block.title : undefined;
  const rest = { ...(titled !== undefined && { name: titled }), ...cacheMark(block) };
  const file = (where: Pick<FilePart, "base64" | "url" | "id" | "mediaType">): FilePart[] => [
    { type: "file", ...where, ...rest },
  ];
  switch (source.type) {
    case "base64": {
      const mediaType = typeof source.media_type === "string" ? source.media_type : "application/pdf";
      return file({ base64: wordOf(source.data), mediaType });
    }
    case "url":
      return file({ url: wordOf(source.url) });
    case "file":
      return file({ id: wordOf(source.file_id) });
    case "text":
      return text(joined(titled, wordOf(source.data)), block);
    case "content":
      return [
        ...text(titled, {}),
        ...blocksOf(source.content).flatMap((one, at) => readUserParts(one, `${place}.source.content[${at}]`)),
      ];
    default:
      throw unsupported(words.block(`document ${wordOf(source.type)}`), place);
  }
}

function readSearchResult(block: Json, place: string): UserPart[] {
  const heading = [block.title, block.source].filter((one) => typeof one === "string" && one !== "").join("\n");
  const found = blocksOf(block.content).flatMap((one, at) => readUserParts(one, `${place}.content[${at}]`));
  return [...text(heading, {}), ...found];
}

function joined(title: string | undefined, content: string): string {
  return title === undefined ? content : `${title}\n${content}`;
}

/** Calls and results of tools that Anthropic runs: `server_tool_use`, `web_search_tool_result`, … */
const OF_SERVER_TOOLS = /^(server_tool_use|mcp_tool_use|container_upload|compaction|.*_tool_result)$/;

function strangeBlock({ type }: Json, place: string): Error {
  const name = wordOf(type);
  return unsupported(OF_SERVER_TOOLS.test(name) ? words.serverBlock(name) : words.block(name), place);
}
