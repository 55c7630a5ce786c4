import { ollamaWords as words } from "../../base/messages/ollama.ts";
import { argumentsOf } from "../anthropic/compose-messages.ts";
import type { AssistantPart, Conversation, EmbeddingsInput, Message, UserPart } from "../conversation.ts";
import { isObject } from "../json-values.ts";
import { clean, composeTool, lower } from "../openai/compose.ts";
import type { Changes, ModelRequest, Operation, Target, WireRequest } from "../spec.ts";
import { unsupported } from "../translation/unsupported.ts";
import { lowerCased } from "../wire-headers.ts";

const PATHS: Readonly<Partial<Record<Operation | "models", string>>> = {
  chat: "/api/chat",
  embeddings: "/api/embed",
  models: "/api/tags",
};

/** Fields of Ollama's own that clients may send along, and options of its models. */
const KNOWN_FIELDS = ["keep_alive", "truncate"];
const KNOWN_OPTIONS = ["num_ctx", "min_p", "repeat_penalty", "repeat_last_n", "num_keep", "typical_p", "num_gpu"];

export function encode(request: ModelRequest, changes: Changes, target: Target): WireRequest {
  const content = request.content();
  const adjusted: string[] = [];
  const body =
    content.operation === "embeddings"
      ? composeEmbeddings(content, changes)
      : composeChat(content as Conversation, request.stream, changes, adjusted);
  return {
    method: "POST",
    path: pathOf(target, request.operation),
    headers: headersOf(target, request.stream ? "application/x-ndjson" : "application/json"),
    body: Buffer.from(JSON.stringify(body)),
    ...(adjusted.length > 0 && { adjusted }),
  };
}

/** The list of models: free. */
export function probe(target: Target): WireRequest {
  const headers = headersOf(target, "application/json");
  return { method: "GET", path: pathOf(target, "models"), headers, body: Buffer.alloc(0) };
}

function pathOf({ quirks }: Target, operation: Operation | "models"): string {
  return quirks.paths?.[operation] ?? PATHS[operation]!;
}

/** Ollama itself has no keys; one that stands behind a proxy may want a bearer. */
function headersOf({ credentials, headers }: Target, accept: string): Record<string, string> {
  return {
    accept,
    "content-type": "application/json",
    ...(credentials.apiKey && { authorization: `Bearer ${credentials.apiKey}` }),
    ...lowerCased(headers),
  };
}

function composeChat(chat: Conversation, stream: boolean, changes: Changes, adjusted: string[]): object {
  if (chat.choices > 1) throw unsupported(words.oneChoice(), "n");
  const { toolChoice } = chat;
  if (toolChoice === "required" || typeof toolChoice === "object") {
    throw unsupported(words.noForcedTool(), "tool_choice");
  }
  const tools = toolChoice === "none" ? [] : chat.tools;
  return clean({
    model: changes.model,
    messages: inOrderOfCalls(chat.messages).map(composeMessage),
    stream,
    tools: tools.length > 0 ? tools.map(composeTool) : undefined,
    think: thinkOf(chat.reasoning, adjusted),
    format: chat.format && (chat.format.type === "json" ? "json" : chat.format.schema),
    options: optionsOf(chat, changes),
    ...pick(chat.extra, KNOWN_FIELDS),
  });
}

function optionsOf(chat: Conversation, changes: Changes): object | undefined {
  const options = clean({
    num_predict: lower(chat.maxOutputTokens, changes.maxOutputTokens),
    temperature: chat.temperature,
    top_p: chat.topP,
    top_k: chat.topK,
    seed: chat.seed,
    stop: chat.stop.length > 0 ? chat.stop : undefined,
    presence_penalty: chat.presencePenalty,
    frequency_penalty: chat.frequencyPenalty,
    ...(isObject(chat.extra.options) && chat.extra.options),
    ...pick(chat.extra, KNOWN_OPTIONS),
  });
  return Object.keys(options).length > 0 ? options : undefined;
}

/** Thinking is on, off, or of three strengths that some models know. */
function thinkOf(wish: Conversation["reasoning"], adjusted: string[]): boolean | string | undefined {
  if (!wish) return undefined;
  const { effort } = wish;
  if (effort === undefined) return wish.budgetTokens !== 0;
  if (effort === "none") return false;
  if (effort === "low" || effort === "medium" || effort === "high") return effort;
  const nearest = effort === "minimal" ? "low" : "high";
  adjusted.push(`reasoning_effort=${nearest}`);
  return nearest;
}

/** Results carry no ids on this wire: of several calls at once, the order tells them apart. */
function inOrderOfCalls(messages: readonly Message[]): readonly Message[] {
  const ordered: Message[] = [];
  let calls: readonly string[] = [];
  let results: (Message & { role: "tool" })[] = [];
  const flush = (): void => {
    const place = ({ callId }: { readonly callId: string }): number => calls.indexOf(callId);
    ordered.push(...results.sort((one, other) => place(one) - place(other)));
    results = [];
  };
  for (const message of messages) {
    if (message.role === "tool") {
      results.push(message);
      continue;
    }
    flush();
    ordered.push(message);
    if (message.role === "assistant") {
      calls = message.parts.flatMap((part) => (part.type === "tool-call" ? part.id : []));
    }
  }
  flush();
  return ordered;
}

function composeMessage(message: Message): object {
  switch (message.role) {
    case "system":
      return { role: "system", content: message.parts.map(({ text }) => text).join("\n") };
    case "user":
      return { role: "user", ...composeUser(message.parts) };
    case "assistant":
      return composeAssistant(message.parts);
    case "tool":
      return clean({ role: "tool", ...composeUser(message.parts), tool_name: message.name });
  }
}

function composeUser(parts: readonly UserPart[]): object {
  let content = "";
  const images: string[] = [];
  for (const part of parts) {
    if (part.type === "text") content += part.text;
    else if (part.type !== "image") throw unsupported(words.noMedia(), "messages");
    else if (part.base64 === undefined) throw unsupported(words.imageAddress(), "messages");
    else images.push(part.base64);
  }
  return { content, ...(images.length > 0 && { images }) };
}

/** Arguments are objects on this wire, and calls have no ids. */
function composeAssistant(parts: readonly AssistantPart[]): object {
  let content = "";
  let thinking = "";
  const calls: object[] = [];
  for (const part of parts) {
    if (part.type === "text") content += part.text;
    else if (part.type === "reasoning") thinking += part.text;
    else calls.push({ function: { name: part.name, arguments: argumentsOf(part.arguments) } });
  }
  return {
    role: "assistant",
    content,
    ...(thinking !== "" && { thinking }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function composeEmbeddings({ inputs, dimensions, extra }: EmbeddingsInput, { model }: Changes): object {
  if (inputs.some((input) => typeof input !== "string")) throw unsupported(words.tokens(), "input");
  return clean({ model, input: inputs, dimensions, ...pick(extra, KNOWN_FIELDS) });
}

function pick(fields: Readonly<Record<string, unknown>>, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)));
}
