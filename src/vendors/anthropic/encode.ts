import { type Splice, splice } from "../json-fields.ts";
import { isRecord } from "../openai/input-size.ts";
import type { Changes, ModelRequest, Target, WireRequest } from "../spec.ts";
import { compose } from "./compose.ts";
import { withoutOthersThinking } from "./others-thinking.ts";
import { LEAST_BUDGET } from "./thinking.ts";

/** The version of the protocol that is spoken where the client names none. */
export const PROTOCOL_VERSION = "2023-06-01";
const MESSAGES = "/v1/messages";
const MODELS = "/v1/models";
const NO_BODY = Buffer.alloc(0);

/** The request as the vendor shall have it: of a client that speaks this protocol, its own bytes but for what must be changed. */
export function encode(request: ModelRequest, changes: Changes, target: Target): WireRequest {
  const path = target.quirks.paths?.chat ?? MESSAGES;
  const accept = request.stream ? "text/event-stream" : "application/json";
  if (request.dialect.id === "anthropic") {
    const { body, adjusted } = applyChanges(request, changes);
    return { method: "POST", path, headers: headersFor(target, accept, request.headers), body, adjusted };
  }
  const { body, adjusted, betas } = compose(request.content(), request.stream, changes, target.quirks);
  const own = betas.length > 0 ? { "anthropic-beta": betas.join(",") } : {};
  return { method: "POST", path, headers: headersFor(target, accept, own), body, adjusted };
}

/** A request for the number of its input tokens, of a client that speaks this protocol. It costs nothing. */
export function encodeCount(request: ModelRequest, model: string, target: Target): WireRequest {
  const { body } = applyChanges(request, { model, includeUsage: false });
  return {
    method: "POST",
    path: `${target.quirks.paths?.chat ?? MESSAGES}/count_tokens`,
    headers: headersFor(target, "application/json", request.headers),
    body,
  };
}

/** A request that costs nothing: the list of models. */
export function probe(target: Target): WireRequest {
  const headers = headersFor(target, "application/json", undefined);
  delete headers["content-type"];
  return { method: "GET", path: target.quirks.paths?.models ?? MODELS, headers, body: NO_BODY };
}

/** Headers that the operator set win over those of the client and of the protocol. */
function headersFor(
  target: Target,
  accept: string,
  client: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {
    accept,
    "content-type": "application/json",
    "anthropic-version": PROTOCOL_VERSION,
    ...client,
  };
  const { apiKey } = target.credentials;
  const { keyHeader = "x-api-key" } = target.quirks;
  if (apiKey) {
    if (keyHeader.toLowerCase() === "authorization") headers.authorization = `Bearer ${apiKey}`;
    else headers[keyHeader.toLowerCase()] = apiKey;
  }
  for (const name in target.headers) headers[name.toLowerCase()] = target.headers[name]!;
  return headers;
}

interface Changed {
  readonly body: Buffer;
  readonly adjusted: readonly string[];
}

function applyChanges(request: ModelRequest, changes: Changes): Changed {
  const pieces: Splice[] = [];
  const adjusted: string[] = [];
  if (changes.model !== request.model) {
    pieces.push({ ...request.fields.get("model")!, text: JSON.stringify(changes.model) });
  }
  const { maxOutputTokens: most } = changes;
  const asked = request.maxOutputTokens;
  if (most !== undefined && asked !== undefined && asked > most) {
    pieces.push({ ...request.fields.get("max_tokens")!, text: String(most) });
  }
  const history = withoutOthersThinking(request);
  pieces.push(...history.pieces);
  adjusted.push(...history.adjusted);
  const thinking = thinkingWithin(request, most, history.lostLast);
  if (thinking) {
    pieces.push({ ...request.fields.get("thinking")!, text: thinking.text });
    adjusted.push(thinking.adjusted);
  }
  return { body: splice(request.body, pieces), adjusted };
}

/**
 * The vendor takes a budget of thinking only below the longest answer, and none where the turn that goes on has lost its
 * thinking.
 */
function thinkingWithin(
  request: ModelRequest,
  most: number | undefined,
  lostLast: boolean,
): { readonly text: string; readonly adjusted: string } | undefined {
  const span = request.fields.get("thinking");
  if (!span || (most === undefined && !lostLast)) return undefined;
  const thinking = JSON.parse(request.body.toString("utf8", span.start, span.end)) as unknown;
  if (!isRecord(thinking) || thinking.type !== "enabled") return undefined;
  const off = { text: '{"type":"disabled"}', adjusted: "thinking=disabled" };
  if (lostLast) return off;
  const { budget_tokens: budget } = thinking;
  if (typeof budget !== "number" || budget < most!) return undefined;
  if (most! <= LEAST_BUDGET) return off;
  const lowered = most! - 1;
  return {
    text: JSON.stringify({ ...thinking, budget_tokens: lowered }),
    adjusted: `thinking.budget_tokens=${lowered}`,
  };
}
