import { anthropicWords as words } from "../../base/messages/anthropic.ts";
import type { AssistantPart, CacheMark, FilePart, ImagePart, Message, TextPart, UserPart } from "../conversation.ts";
import { parseJson } from "../json-values.ts";
import { isRecord } from "../openai/input-size.ts";
import { unsupported } from "../translation/unsupported.ts";
import { toNative } from "./marks.ts";

type Json = Record<string, unknown>;

export interface ComposedMessages {
  /** All instructions, wherever they stood: this protocol has them apart from the messages. */
  readonly system: string | readonly Json[] | undefined;
  readonly messages: readonly Json[];
}

/**
 * A conversation's messages as this protocol has them: users and assistants in turns, results of tools in the user's turn
 * before all else, ids that are well-formed and unique. Thinking goes along only with Anthropic's own signature.
 */
export function composeMessages(messages: readonly Message[]): ComposedMessages {
  const system = messages.flatMap((message) => (message.role === "system" ? message.parts : []));
  const turns: { readonly role: "user" | "assistant"; readonly content: Json[] }[] = [];
  const ids = new CallIds();
  for (const [index, message] of messages.entries()) {
    if (message.role === "system") continue;
    const role = message.role === "assistant" ? "assistant" : "user";
    const content = composeTurn(message, ids, `messages[${index}]`);
    if (content.length === 0) continue;
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else turns.push({ role, content });
  }
  // Nothing but instructions: then they are what is asked.
  if (turns.length === 0) return { system: undefined, messages: [{ role: "user", content: composeTexts(system) }] };
  return { system: composeSystem(system), messages: turns.map(simplified) };
}

function composeSystem(parts: readonly TextPart[]): ComposedMessages["system"] {
  const blocks = composeTexts(parts);
  if (blocks.length === 0) return undefined;
  if (blocks.some((block) => block.cache_control !== undefined)) return blocks;
  return blocks.map(({ text }) => text).join("\n");
}

function composeTexts(parts: readonly TextPart[]): Json[] {
  return parts.flatMap((part) => textBlock(part));
}

/** A turn of one plain text is spelled as a string. */
function simplified({ role, content }: { readonly role: string; readonly content: readonly Json[] }): Json {
  const [only] = content;
  const plain = content.length === 1 && only!.type === "text" && only!.cache_control === undefined;
  return { role, content: plain ? only!.text : content };
}

function composeTurn(message: Exclude<Message, { role: "system" }>, ids: CallIds, place: string): Json[] {
  switch (message.role) {
    case "user":
      return message.parts.flatMap((part) => composePart(part, place));
    case "assistant":
      return message.parts.flatMap((part) => composeAssistantPart(part, ids));
    case "tool": {
      const content = message.parts.flatMap((part) => composePart(part, place));
      return [
        {
          type: "tool_result",
          tool_use_id: ids.current(message.callId),
          ...(content.length > 0 && { content: isPlain(content) ? content[0]!.text : content }),
          ...(message.failed === true && { is_error: true }),
          ...cacheControl(message.cache),
        },
      ];
    }
  }
}

function isPlain(content: readonly Json[]): boolean {
  return content.length === 1 && content[0]!.type === "text" && content[0]!.cache_control === undefined;
}

function composeAssistantPart(part: AssistantPart, ids: CallIds): Json[] {
  switch (part.type) {
    case "text":
      return textBlock(part);
    case "reasoning": {
      const hidden = toNative(part.redacted);
      if (hidden !== undefined) return [{ type: "redacted_thinking", data: hidden }];
      const signature = toNative(part.signature);
      return signature === undefined ? [] : [{ type: "thinking", thinking: part.text, signature }];
    }
    case "tool-call":
      return [{ type: "tool_use", id: ids.next(part.id), name: part.name, input: argumentsOf(part.arguments) }];
  }
}

/** This protocol has arguments as an object. What a model wrote that is none goes along as a text. */
export function argumentsOf(given: string): Json {
  if (given.trim() === "") return {};
  const read = parseJson(given);
  if (read === undefined) return { text: given };
  return isRecord(read) ? read : { value: read };
}

function composePart(part: UserPart, place: string): Json[] {
  switch (part.type) {
    case "text":
      return textBlock(part);
    case "image":
      return [{ type: "image", source: imageSource(part), ...cacheControl(part.cache) }];
    case "file":
      return composeFile(part, place);
    case "audio":
      throw unsupported(words.audio(), place);
  }
}

/** Texts that are empty are refused by the vendor. */
function textBlock(part: TextPart): Json[] {
  return part.text === "" ? [] : [{ type: "text", text: part.text, ...cacheControl(part.cache) }];
}

function imageSource({ url, base64, mediaType = "image/png" }: ImagePart): Json {
  if (base64 === undefined) return { type: "url", url: url ?? "" };
  return { type: "base64", media_type: mediaType === "image/jpg" ? "image/jpeg" : mediaType, data: base64 };
}

function composeFile(part: FilePart, place: string): Json[] {
  const rest = { ...(part.name !== undefined && { title: part.name }), ...cacheControl(part.cache) };
  return [{ type: "document", source: fileSource(part, place), ...rest }];
}

function fileSource({ base64, url, id, mediaType = "application/pdf" }: FilePart, place: string): Json {
  if (id !== undefined) return { type: "file", file_id: id };
  if (base64 !== undefined) {
    if (!mediaType.startsWith("text/")) return { type: "base64", media_type: mediaType, data: base64 };
    return { type: "text", media_type: "text/plain", data: Buffer.from(base64, "base64").toString("utf8") };
  }
  if (url === undefined) throw unsupported(words.file(), place);
  return { type: "url", url };
}

export function cacheControl(cache: CacheMark | undefined): Json {
  if (cache === undefined) return {};
  return { cache_control: { type: "ephemeral", ...(cache === "1h" && { ttl: "1h" }) } };
}

/**
 * Ids as this protocol takes them: of letters, digits, `_` and `-`, and each once. Some vendors count their calls from zero in
 * every answer. A result belongs to the last call of its id.
 */
class CallIds {
  readonly #written = new Map<string, string>();
  readonly #taken = new Set<string>();

  next(id: string): string {
    const plain = id.replace(/[^a-zA-Z0-9_-]/g, "_") || "call";
    let unique = plain;
    for (let count = 2; this.#taken.has(unique); count++) unique = `${plain}_${count}`;
    this.#taken.add(unique);
    this.#written.set(id, unique);
    return unique;
  }

  current(id: string): string {
    return this.#written.get(id) ?? this.next(id);
  }
}
