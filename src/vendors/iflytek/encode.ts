import type { RequestClamps } from "../clamps.ts";
import type { Conversation } from "../conversation.ts";
import { Fitting } from "../fitting.ts";
import { clean, lower } from "../openai/compose.ts";
import type { Changes, ModelRequest, Target, WireRequest } from "../spec.ts";
import { lowerCased } from "../wire-headers.ts";
import { basePath, DEFAULT_ADDRESS, isSocket, pathOf } from "./address.ts";
import { composeForHttp } from "./http-body.ts";
import { signAddress } from "./sign.ts";
import { composeForSocket } from "./socket-body.ts";

/** What the platform takes of every model. */
const BOUNDS: RequestClamps = {
  temperature: { min: 0, exclusiveMin: true, max: 1 },
  top_k: { min: 1, max: 6, step: 1 },
  top_p: { min: 0, exclusiveMin: true, max: 1 },
};

/** Over a WebSocket a call cannot be forced. */
const SOCKET_BOUNDS: RequestClamps = { ...BOUNDS, tool_choice: ["auto", "none"] };

/** The longest answer of each model that the platform takes as `max_tokens`. */
const MOST_TOKENS: Readonly<Record<string, number>> = {
  lite: 4096,
  general: 4096,
  generalv2: 8192,
  generalv3: 8192,
  "generalv3.5": 8192,
  "pro-128k": 4096,
  "max-32k": 32_768,
  "4.0Ultra": 32_768,
};

/** A chat: for the WebSocket, whose address carries the signature, or for the HTTP interface, as the address says. */
export function encode(request: ModelRequest, changes: Changes, target: Target, sentAt: number): WireRequest {
  const { baseUrl = DEFAULT_ADDRESS, credentials, quirks } = target;
  const { model, maxOutputTokens } = changes;
  const chat = request.content() as Conversation;
  const socket = isSocket(baseUrl);
  const most = MOST_TOKENS[model];
  const longestTaken = most !== undefined && { max_tokens: { min: 1, max: most } };
  const fitting = new Fitting({ ...(socket ? SOCKET_BOUNDS : BOUNDS), ...longestTaken }, quirks, model);
  const longest = lower(fitting.number("max_tokens", chat.maxOutputTokens), maxOutputTokens);
  const { appId = "" } = credentials;
  const compose = socket ? composeForSocket : composeForHttp;
  const body = compose({ chat, model, stream: request.stream, longest, fitting, appId });
  const { adjusted } = fitting;
  return { ...send(target, model, body, sentAt), ...(adjusted.length > 0 && { adjusted }) };
}

/**
 * The platform lists nothing that is free to ask for. This is a request without messages: it is refused before a model is asked,
 * and says first whether signature or key are right.
 */
export function probe(target: Target, sentAt: number): WireRequest {
  const { baseUrl = DEFAULT_ADDRESS, credentials } = target;
  const model = "lite";
  const body = isSocket(baseUrl)
    ? {
        header: clean({ app_id: credentials.appId }),
        parameter: { chat: { domain: model } },
        payload: { message: { text: [] } },
      }
    : { model, messages: [] };
  return send(target, model, body, sentAt);
}

function send(target: Target, model: string, document: object, sentAt: number): WireRequest {
  const { baseUrl = DEFAULT_ADDRESS, credentials } = target;
  const path = pathOf(target, model);
  const body = Buffer.from(JSON.stringify(document));
  const headers = lowerCased(target.headers);
  if (!isSocket(baseUrl)) {
    const key = passwordOf(credentials);
    const standard = {
      "content-type": "application/json",
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
    };
    return { method: "POST", path, headers: { ...standard, ...headers }, body };
  }
  const { apiKey = "", apiSecret = "" } = credentials;
  const signed = { method: "GET", host: new URL(baseUrl).host, path: `${basePath(baseUrl)}${path}` };
  const { query } = signAddress(signed, { apiKey, apiSecret }, new Date(sentAt).toUTCString());
  return { method: "GET", path: `${path}?${query}`, headers, body };
}

/** The HTTP interface takes a password of its own, or key and secret as one. */
function passwordOf({ apiPassword, apiKey, apiSecret }: Target["credentials"]): string | undefined {
  return apiPassword ?? (apiKey && apiSecret ? `${apiKey}:${apiSecret}` : apiKey);
}
