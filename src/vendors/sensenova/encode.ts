import { sensenovaWords as words } from "../../base/messages/sensenova.ts";
import { type RequestClamps, withinBounds } from "../clamps.ts";
import type { Conversation, EmbeddingsInput, Message, UserPart } from "../conversation.ts";
import { Fitting } from "../fitting.ts";
import { clean, composeMessage, composeTool, composeToolChoice, lower } from "../openai/compose.ts";
import type { Changes, ModelRequest, Operation, Target, WireRequest } from "../spec.ts";
import { unsupported } from "../translation/unsupported.ts";
import { lowerCased } from "../wire-headers.ts";
import { tokenOf } from "./sign.ts";

const PATHS: Readonly<Partial<Record<Operation | "models", string>>> = {
  chat: "/v1/llm/chat-completions",
  embeddings: "/v1/llm/embeddings",
  models: "/v1/llm/models",
};
const MOST_CHOICES = 4;

/** What the platform takes, by its documentation. */
const CLAMPS: RequestClamps = {
  temperature: { min: 0, exclusiveMin: true, max: 2 },
  top_p: { min: 0, exclusiveMin: true, max: 1, exclusiveMax: true },
};
const REPETITION = { min: 0, exclusiveMin: true, max: 2 };

/** Top-level fields of the platform's own. */
const KNOWN_EXTRAS = ["know_ids", "plugins", "thinking", "user"];

export function encode(request: ModelRequest, changes: Changes, target: Target, sentAt: number): WireRequest {
  const fitting = new Fitting(CLAMPS, target.quirks, changes.model);
  const content = request.content();
  const body =
    content.operation === "embeddings"
      ? composeEmbeddings(content, changes)
      : composeChat(content as Conversation, request.stream, changes, fitting);
  const { adjusted } = fitting;
  return {
    method: "POST",
    path: pathOf(target, request.operation),
    headers: headersOf(target, sentAt, request.stream ? "text/event-stream" : "application/json"),
    body: Buffer.from(JSON.stringify(body)),
    ...(adjusted.length > 0 && { adjusted }),
  };
}

/** The list of models: free. */
export function probe(target: Target, sentAt: number): WireRequest {
  const headers = headersOf(target, sentAt, "application/json");
  return { method: "GET", path: pathOf(target, "models"), headers, body: Buffer.alloc(0) };
}

function pathOf({ quirks }: Target, operation: Operation | "models"): string {
  return quirks.paths?.[operation] ?? PATHS[operation]!;
}

/** A key of the newer kind is the token itself. */
function headersOf({ credentials, headers }: Target, sentAt: number, accept: string): Record<string, string> {
  const { apiKey, accessKeyId, accessKeySecret } = credentials;
  const token = accessKeyId && accessKeySecret ? tokenOf(accessKeyId, accessKeySecret, sentAt) : apiKey;
  return {
    accept,
    "content-type": "application/json",
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...lowerCased(headers),
  };
}

function composeChat(chat: Conversation, stream: boolean, changes: Changes, fitting: Fitting): object {
  if (chat.choices > MOST_CHOICES) throw unsupported(words.choices(MOST_CHOICES), "n");
  if (chat.format) throw unsupported(words.noFormat(), "response_format");
  fitting.leaveOut("presence_penalty", chat.presencePenalty);
  fitting.leaveOut("frequency_penalty", chat.frequencyPenalty);
  fitting.leaveOut("seed", chat.seed);
  fitting.leaveOut("top_k", chat.topK);
  const extras = Object.entries(chat.extra).filter(([name]) => KNOWN_EXTRAS.includes(name));
  const { repetition_penalty: repetition } = chat.extra;
  return clean({
    model: changes.model,
    messages: chat.messages.map(compose),
    max_new_tokens: lower(chat.maxOutputTokens, changes.maxOutputTokens),
    temperature: fitting.number("temperature", chat.temperature),
    top_p: fitting.number("top_p", chat.topP),
    repetition_penalty:
      typeof repetition === "number"
        ? fitting.change("repetition_penalty", repetition, withinBounds(repetition, REPETITION))
        : undefined,
    n: chat.choices > 1 ? chat.choices : undefined,
    stop: fitting.stop(chat.stop),
    stream,
    tools: chat.tools.length > 0 ? chat.tools.map(composeTool) : undefined,
    tool_choice: chat.tools.length > 0 ? composeToolChoice(fitting.toolChoice(chat.toolChoice)) : undefined,
    thinking: chat.reasoning && { enabled: chat.reasoning.effort !== "none" },
    ...Object.fromEntries(extras),
  });
}

/** A content is a text, or a list of parts in the platform's own words. */
function compose(message: Message): object {
  if (message.role === "user") return { role: "user", content: composeUser(message.parts) };
  const { reasoning_content: _, ...plain } = composeMessage(message);
  if (message.role === "tool") return { ...plain, content: composeUser(message.parts) };
  return { ...plain, content: plain.content ?? "" };
}

function composeUser(parts: readonly UserPart[]): string | object[] {
  if (parts.every((part) => part.type === "text")) return parts.map(({ text }) => text).join("");
  return parts.map((part) => {
    if (part.type === "text") return { type: "text", text: part.text };
    if (part.type !== "image") throw unsupported(words.noMedia(), "messages");
    if (part.base64 !== undefined) return { type: "image_base64", image_base64: part.base64 };
    return { type: "image_url", image_url: part.url };
  });
}

function composeEmbeddings({ inputs }: EmbeddingsInput, { model }: Changes): object {
  if (inputs.some((input) => typeof input !== "string")) throw unsupported(words.tokens(), "input");
  return { model, input: inputs };
}
