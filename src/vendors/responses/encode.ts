import type { Conversation } from "../conversation.ts";
import { type Splice, skipSpace, splice } from "../json-fields.ts";
import { probe as probeOpenAi } from "../openai/encode.ts";
import type { Changes, ModelRequest, Quirks, Target, WireRequest } from "../spec.ts";
import { compose } from "./compose.ts";

const PATH = "/responses";

/** The request as the vendor shall have it: of a client that speaks this protocol, its own bytes but for `changes`. */
export function encode(request: ModelRequest, changes: Changes, target: Target): WireRequest {
  const { accept: _, ...headers } = probeOpenAi(target).headers;
  const written =
    request.dialect.id === "responses"
      ? { body: changed(request, changes, target.quirks), adjusted: [] }
      : compose(request.content() as Conversation, request.stream, changes, target.quirks);
  return {
    method: "POST",
    path: target.quirks.paths?.chat ?? PATH,
    headers: {
      accept: request.stream ? "text/event-stream" : "application/json",
      "content-type": "application/json",
      ...headers,
    },
    body: written.body,
    ...(written.adjusted.length > 0 && { adjusted: written.adjusted }),
  };
}

function changed(request: ModelRequest, changes: Changes, { defaults = {} }: Quirks): Buffer {
  const { body, fields } = request;
  const pieces: Splice[] = [];
  const first = skipSpace(body, 0) + 1;
  const insert = (name: string, value: unknown): void => {
    pieces.push({ start: first, end: first, text: `${JSON.stringify(name)}:${JSON.stringify(value)},` });
  };
  if (changes.model !== request.model) {
    pieces.push({ ...fields.get("model")!, text: JSON.stringify(changes.model) });
  }
  const most = changes.maxOutputTokens;
  if (most !== undefined && (request.maxOutputTokens === undefined || request.maxOutputTokens > most)) {
    const span = fields.get("max_output_tokens");
    if (span) pieces.push({ ...span, text: String(most) });
    else insert("max_output_tokens", most);
  }
  for (const [name, value] of Object.entries(defaults)) if (!fields.has(name)) insert(name, value);
  return splice(body, pieces);
}
