import { createHash } from "node:crypto";
import { skyworkWords as words } from "../../base/messages/skywork.ts";
import type { RequestClamps } from "../clamps.ts";
import type { Conversation, Message } from "../conversation.ts";
import { Fitting } from "../fitting.ts";
import { clean, lower } from "../openai/compose.ts";
import type { Changes, ModelRequest, Target, WireRequest } from "../spec.ts";
import { unsupported } from "../translation/unsupported.ts";
import { lowerCased } from "../wire-headers.ts";

const PATH = "/saas/api/v4/generate";

/** What the platform takes, the longest answer that it writes included. */
const BOUNDS: RequestClamps = {
  max_tokens: { min: 1, max: 2048 },
  temperature: { min: 0, max: 1 },
  top_k: { min: 3, max: 100 },
};
/** Parameters of the platform's own. */
const KNOWN_EXTRAS = ["repetition_penalty", "length_penalty", "min_len"] as const;

/** MD5 over key, secret and time, in hexadecimal: how the platform knows an account. `timestamp`: whole seconds. */
export function sign(appKey: string, appSecret: string, timestamp: string): string {
  return createHash("md5").update(`${appKey}${appSecret}${timestamp}`).digest("hex");
}

/** A chat in Skywork's protocol. Whether it is streamed stands in a header, not in the body. */
export function encode(request: ModelRequest, changes: Changes, target: Target, sentAt: number): WireRequest {
  const chat = request.content() as Conversation;
  refuse(chat);
  const fitting = new Fitting(BOUNDS, target.quirks, changes.model);
  const body = {
    messages: chat.messages.map(composeMessage),
    model: changes.model,
    param: composeParameters(chat, changes, fitting),
  };
  const { adjusted } = fitting;
  return {
    method: "POST",
    path: target.quirks.paths?.chat ?? PATH,
    headers: headersOf(target, sentAt, request.stream),
    body: Buffer.from(JSON.stringify(body)),
    ...(adjusted.length > 0 && { adjusted }),
  };
}

/**
 * The platform lists nothing that is free to ask for. This is a request without messages: it is refused before a model is asked,
 * and says first whether the signature is right.
 */
export function probe(target: Target, sentAt: number): WireRequest {
  const path = target.quirks.paths?.models ?? target.quirks.paths?.chat ?? PATH;
  return { method: "POST", path, headers: headersOf(target, sentAt, false), body: Buffer.from('{"messages":[]}') };
}

function headersOf({ credentials, headers }: Target, sentAt: number, stream: boolean): Record<string, string> {
  const { appKey = "", appSecret = "" } = credentials;
  const timestamp = String(Math.floor(sentAt / 1000));
  return {
    "content-type": "application/json",
    app_key: appKey,
    timestamp,
    sign: sign(appKey, appSecret, timestamp),
    stream: String(stream),
    ...lowerCased(headers),
  };
}

function refuse(chat: Conversation): void {
  if (chat.tools.length > 0 && chat.toolChoice !== "none") throw unsupported(words.noTools(), "tools");
  if (chat.choices > 1) throw unsupported(words.oneChoice(), "n");
  if (chat.format) throw unsupported(words.noFormat(), "response_format");
}

const ROLES = { system: "system", user: "user", assistant: "bot" } as const;

function composeMessage(message: Message): object {
  if (message.role === "tool") throw unsupported(words.noTools(), "messages");
  let content = "";
  for (const part of message.parts) {
    // What it thought before is no part of the conversation on this wire.
    if (part.type === "reasoning") continue;
    if (part.type === "tool-call") throw unsupported(words.noTools(), "messages");
    if (part.type !== "text") throw unsupported(words.noMedia(), "messages");
    content += part.text;
  }
  return { role: ROLES[message.role], content };
}

function composeParameters(chat: Conversation, changes: Changes, fitting: Fitting): object {
  for (const [name, value] of Object.entries({
    stop: chat.stop[0],
    seed: chat.seed,
    presence_penalty: chat.presencePenalty,
    frequency_penalty: chat.frequencyPenalty,
    reasoning_effort: chat.reasoning?.effort,
  })) {
    fitting.leaveOut(name, value);
  }
  const own = KNOWN_EXTRAS.map((name) => [name, chat.extra[name]]);
  return clean({
    generate_length: lower(fitting.number("max_tokens", chat.maxOutputTokens), changes.maxOutputTokens),
    temperature: fitting.number("temperature", chat.temperature),
    top_p: fitting.number("top_p", chat.topP),
    top_k: fitting.number("top_k", chat.topK),
    ...Object.fromEntries(own),
  });
}
