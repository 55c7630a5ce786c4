import { tencentWords as words } from "../../base/messages/tencent.ts";
import type { RequestClamps } from "../clamps.ts";
import type {
  AssistantPart,
  Conversation,
  EmbeddingsInput,
  Message,
  TextPart,
  Tool,
  UserPart,
} from "../conversation.ts";
import { Fitting } from "../fitting.ts";
import { clean, imageUrl } from "../openai/compose.ts";
import type { Changes, ModelRequest, Target, WireRequest } from "../spec.ts";
import { unsupported } from "../translation/unsupported.ts";
import { lowerCased } from "../wire-headers.ts";
import { authorize } from "./sign.ts";

const VERSION = "2023-09-01";
const SERVICE = "hunyuan";
const CONTENT_TYPE = "application/json; charset=utf-8";
const MOST_MESSAGES = 40;
const MOST_INPUTS = 50;

/** What the platform takes. */
const BOUNDS: RequestClamps = { temperature: { min: 0, max: 2 }, top_p: { min: 0, max: 1 } };

/** Fields of the platform's own that clients may send along, in its own spelling. */
const KNOWN_EXTRAS: ReadonlySet<string> = new Set([
  "EnableEnhancement",
  "SearchInfo",
  "Citation",
  "EnableSpeedSearch",
  "EnableMultimedia",
  "EnableDeepSearch",
  "ForceSearchEnhancement",
  "EnableRecommendedQuestions",
  "EnableThinking",
  "StreamModeration",
  "WebSearchOptions",
]);

export function encode(request: ModelRequest, changes: Changes, target: Target, sentAt: number): WireRequest {
  const content = request.content();
  const fitting = new Fitting(BOUNDS, target.quirks, changes.model);
  const body =
    content.operation === "embeddings"
      ? composeEmbeddings(content, fitting)
      : composeChat(content as Conversation, request.stream, changes, fitting);
  const action = content.operation === "embeddings" ? "GetEmbedding" : "ChatCompletions";
  const { adjusted } = fitting;
  return { ...send(action, body, target, sentAt), ...(adjusted.length > 0 && { adjusted }) };
}

/** Counts the tokens of a word: free, and signed like everything else. */
export function probe(target: Target, sentAt: number): WireRequest {
  return send("GetTokenCount", { Prompt: "." }, target, sentAt);
}

/** Every action goes to the same address; its name stands in a header. */
function send(action: string, document: object, target: Target, sentAt: number): WireRequest {
  const { baseUrl = "https://hunyuan.tencentcloudapi.com", credentials, headers } = target;
  const { host, pathname } = new URL(baseUrl);
  const body = Buffer.from(JSON.stringify(document));
  const seconds = Math.floor(sentAt / 1000);
  const { secretId = "", secretKey = "", token } = credentials;
  const path = `${pathname.replace(/\/+$/, "")}/`;
  const signed = { method: "POST", path, host, contentType: CONTENT_TYPE, action, body };
  return {
    method: "POST",
    path: "/",
    headers: {
      authorization: authorize(signed, { secretId, secretKey }, SERVICE, seconds),
      "content-type": CONTENT_TYPE,
      "x-tc-action": action,
      "x-tc-version": VERSION,
      "x-tc-timestamp": String(seconds),
      ...(token !== undefined && { "x-tc-token": token }),
      ...lowerCased(headers),
    },
    body,
  };
}

function composeChat(chat: Conversation, stream: boolean, changes: Changes, fitting: Fitting): object {
  refuse(chat);
  const { maxOutputTokens, presencePenalty, frequencyPenalty, topK, reasoning } = chat;
  for (const [name, value] of Object.entries({
    max_tokens: maxOutputTokens,
    presence_penalty: presencePenalty,
    frequency_penalty: frequencyPenalty,
    top_k: topK,
    reasoning_effort: reasoning?.effort === "none" ? undefined : reasoning?.effort,
  })) {
    fitting.leaveOut(name, value);
  }
  const extras = Object.entries(chat.extra).filter(([name]) => KNOWN_EXTRAS.has(name));
  return clean({
    Model: changes.model,
    Messages: systemFirst(chat.messages).map(composeMessage),
    Stream: stream,
    Temperature: fitting.number("temperature", chat.temperature),
    TopP: fitting.number("top_p", chat.topP),
    Seed: chat.seed,
    Stop: fitting.stop(chat.stop),
    ...composeTools(chat),
    ...(reasoning?.effort === "none" && { EnableThinking: false }),
    ...Object.fromEntries(extras),
  });
}

function refuse(chat: Conversation): void {
  if (chat.choices > 1) throw unsupported(words.oneChoice(), "n");
  if (chat.format) throw unsupported(words.noFormat(), "response_format");
  if (systemFirst(chat.messages).length > MOST_MESSAGES) throw unsupported(words.messages(MOST_MESSAGES), "messages");
}

/** One system message, and it is the first. */
function systemFirst(messages: readonly Message[]): Message[] {
  const parts: TextPart[] = [];
  const others: Message[] = [];
  for (const message of messages) {
    if (message.role !== "system") others.push(message);
    else parts.push(...message.parts);
  }
  return parts.length > 0 ? [{ role: "system", parts }, ...others] : others;
}

function composeMessage(message: Message): object {
  switch (message.role) {
    case "system":
      return { Role: "system", Content: message.parts.map(({ text }) => text).join("\n") };
    case "user":
      return { Role: "user", ...composeUser(message.parts) };
    case "assistant":
      return composeAssistant(message.parts);
    case "tool":
      return { Role: "tool", ToolCallId: message.callId, ...composeUser(message.parts) };
  }
}

function composeUser(parts: readonly UserPart[]): object {
  if (parts.every((part) => part.type === "text")) return { Content: parts.map(({ text }) => text).join("") };
  return {
    Contents: parts.map((part) => {
      if (part.type === "text") return { Type: "text", Text: part.text };
      if (part.type !== "image") throw unsupported(words.noMedia(), "messages");
      return { Type: "image_url", ImageUrl: { Url: imageUrl(part) } };
    }),
  };
}

/** What the model thought is not to be played back. */
function composeAssistant(parts: readonly AssistantPart[]): object {
  let text = "";
  const calls: object[] = [];
  for (const part of parts) {
    if (part.type === "text") text += part.text;
    if (part.type !== "tool-call") continue;
    const called = { Name: part.name, Arguments: part.arguments || "{}" };
    calls.push({ Id: part.id, Type: "function", Function: called, Index: calls.length });
  }
  return { Role: "assistant", Content: text, ...(calls.length > 0 && { ToolCalls: calls }) };
}

function composeTools({ tools, toolChoice }: Conversation): object {
  if (tools.length === 0) return {};
  const named = typeof toolChoice === "object" ? tools.find(({ name }) => name === toolChoice.tool) : undefined;
  const forced = named ?? (toolChoice === "required" && tools.length === 1 ? tools[0] : undefined);
  if (toolChoice === "required" && !forced) throw unsupported(words.forcedTool(), "tool_choice");
  const Tools = tools.map(composeTool);
  if (forced) return { Tools, ToolChoice: "custom", CustomTool: composeTool(forced) };
  return clean({ Tools, ToolChoice: typeof toolChoice === "string" ? toolChoice : undefined });
}

/** The schema is a text here. */
function composeTool({ name, description, parameters }: Tool): object {
  const schema = JSON.stringify(parameters ?? { type: "object", properties: {} });
  return { Type: "function", Function: clean({ Name: name, Parameters: schema, Description: description }) };
}

/** All vectors are of one length. */
function composeEmbeddings({ inputs, dimensions }: EmbeddingsInput, fitting: Fitting): object {
  fitting.leaveOut("dimensions", dimensions);
  if (inputs.some((input) => typeof input !== "string")) throw unsupported(words.tokens(), "input");
  if (inputs.length > MOST_INPUTS) throw unsupported(words.inputs(MOST_INPUTS), "input");
  return { InputList: inputs };
}
