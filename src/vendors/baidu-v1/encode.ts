import { baiduWords as words } from "../../base/messages/baidu.ts";
import { type RequestClamps, withinBounds } from "../clamps.ts";
import type { Conversation, EmbeddingsInput, ImageOrder, Tool } from "../conversation.ts";
import { Fitting } from "../fitting.ts";
import { clean, composeToolChoice, lower } from "../openai/compose.ts";
import type { Changes, ModelRequest, Operation, Target, WireRequest } from "../spec.ts";
import { unsupported } from "../translation/unsupported.ts";
import { lowerCased } from "../wire-headers.ts";
import { DEFAULT_ADDRESS, endpointOf } from "./addresses.ts";
import { composeTurns } from "./messages.ts";
import { authorizeBce, BCE_SECONDS, bceTime } from "./sign.ts";

const FOLDERS: Readonly<Record<Operation, string>> = {
  chat: "/chat/",
  embeddings: "/embeddings/",
  images: "/text2image/",
};
/** The headers that are signed. */
const SIGNED = ["host", "x-bce-date"] as const;

/** What the platform takes, by its documentation. */
const CLAMPS: RequestClamps = {
  temperature: { min: 0, exclusiveMin: true, max: 1 },
  top_p: { min: 0, max: 1 },
};
const PENALTY = { min: 1, max: 2 };

/** Fields of the platform's own, spelled as it spells them. */
const CHAT_EXTRAS: readonly string[] = ["disable_search", "enable_citation", "enable_trace", "user_id"];
const IMAGE_EXTRAS: readonly string[] = ["negative_prompt", "steps", "sampler_index", "seed", "cfg_scale", "user_id"];

export function encode(request: ModelRequest, changes: Changes, target: Target, sentAt: number): WireRequest {
  const fitting = new Fitting(CLAMPS, target.quirks, changes.model);
  const path = target.quirks.paths?.[request.operation] ?? FOLDERS[request.operation] + endpointOf(changes.model);
  const wire = send(path, compose(request, changes, fitting), target, sentAt);
  return fitting.adjusted.length > 0 ? { ...wire, adjusted: fitting.adjusted } : wire;
}

/**
 * A chat without a message: refused for that alone, after address and credentials were looked at. The platform lists no
 * models and counts no tokens here without a call that could be billed.
 */
export function probe(target: Target, sentAt: number): WireRequest {
  return send("/chat/completions", { messages: [] }, target, sentAt);
}

/**
 * Credentials `accessKey` and `secretKey` sign each request; with `apiKey` and `secretKey` the transport fetches a token,
 * which goes into the query.
 */
function send(path: string, document: object, target: Target, sentAt: number): WireRequest {
  const { baseUrl = DEFAULT_ADDRESS, credentials } = target;
  const own = lowerCased(target.headers);
  const headers: Record<string, string> = { "content-type": "application/json" };
  const { accessKey, secretKey = "" } = credentials;
  if (accessKey !== undefined) {
    const { host, pathname } = new URL(baseUrl);
    const timestamp = bceTime(sentAt);
    headers["x-bce-date"] = timestamp;
    const signed = { host: own.host ?? host, "x-bce-date": timestamp };
    const [plain, query] = path.split("?");
    const whole = pathname.replace(/\/+$/, "") + plain;
    headers.authorization = authorizeBce(
      { method: "POST", path: whole, query: Object.fromEntries(new URLSearchParams(query)), headers: signed },
      { accessKey, secretKey },
      timestamp,
      BCE_SECONDS,
      SIGNED,
    );
  }
  return { method: "POST", path, headers: { ...headers, ...own }, body: Buffer.from(JSON.stringify(document)) };
}

function compose(request: ModelRequest, changes: Changes, fitting: Fitting): object {
  const content = request.content();
  switch (content.operation) {
    case "embeddings":
      return composeEmbeddings(content, fitting);
    case "images":
      return composeImages(content, fitting);
    default:
      return composeChat(content, request.stream, changes, fitting);
  }
}

function composeChat(chat: Conversation, stream: boolean, changes: Changes, fitting: Fitting): object {
  if (chat.choices > 1) throw unsupported(words.oneChoice(), "n");
  if (chat.format?.type === "schema") throw unsupported(words.noSchema(), "response_format");
  const { system, messages, merged } = composeTurns(chat.messages);
  if (merged) fitting.adjusted.push("messages=merged");
  fitting.leaveOut("presence_penalty", chat.presencePenalty);
  fitting.leaveOut("frequency_penalty", chat.frequencyPenalty);
  fitting.leaveOut("top_k", chat.topK);
  fitting.leaveOut("seed", chat.seed);
  fitting.leaveOut("reasoning_effort", chat.reasoning?.effort === "none" ? undefined : chat.reasoning?.effort);
  const { penalty_score: penalty, ...extra } = chat.extra;
  return clean({
    messages,
    system,
    temperature: fitting.number("temperature", chat.temperature),
    top_p: fitting.number("top_p", chat.topP),
    penalty_score:
      typeof penalty === "number"
        ? fitting.change("penalty_score", penalty, withinBounds(penalty, PENALTY))
        : undefined,
    stream: stream ? true : undefined,
    stop: fitting.stop(chat.stop),
    max_output_tokens: lower(chat.maxOutputTokens, changes.maxOutputTokens),
    response_format: chat.format ? "json_object" : undefined,
    ...composeTools(chat, fitting),
    user_id: chat.user,
    ...pick(extra, CHAT_EXTRAS),
  });
}

/** Functions that must not be called are not shown. That any one of several must be called cannot be said. */
function composeTools({ tools, toolChoice }: Conversation, fitting: Fitting): object {
  if (tools.length === 0 || toolChoice === "none") return {};
  const functions = tools.map(composeFunction);
  const only = toolChoice === "required" && tools.length === 1 ? { tool: tools[0]!.name } : toolChoice;
  const choice = fitting.toolChoice(only);
  if (typeof choice === "object") return { functions, tool_choice: composeToolChoice(choice) };
  if (choice === "required") throw unsupported(words.forcedTool(), "tool_choice");
  return { functions };
}

/** Without a description it is refused. */
function composeFunction({ name, description, parameters }: Tool): object {
  return { name, description: description || name, parameters: parameters ?? { type: "object", properties: {} } };
}

function composeEmbeddings({ inputs, dimensions, user, extra }: EmbeddingsInput, fitting: Fitting): object {
  if (inputs.some((input) => typeof input !== "string")) throw unsupported(words.tokens(), "input");
  fitting.leaveOut("dimensions", dimensions);
  return clean({ input: inputs, user_id: user, ...pick(extra, ["user_id"]) });
}

/** Pictures come as bytes only. */
function composeImages(order: ImageOrder, fitting: Fitting): object {
  const { prompt, count, size, quality, style, format, user, extra } = order;
  fitting.leaveOut("quality", quality);
  fitting.leaveOut("style", style);
  if (format === "url") throw unsupported(words.noAddresses(), "response_format");
  return clean({ prompt, size, n: count > 1 ? count : undefined, user_id: user, ...pick(extra, IMAGE_EXTRAS) });
}

function pick(extra: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(extra).filter(([name]) => names.includes(name)));
}
