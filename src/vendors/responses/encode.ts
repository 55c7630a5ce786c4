import type { Conversation } from "../conversation.ts";
import { type Splice, skipSpace, splice } from "../json-fields.ts";
import { probe as probeOpenAi } from "../openai/encode.ts";
import type { Changes, ModelRequest, Target, WireRequest } from "../spec.ts";
import { compose } from "./compose.ts";

const PATH = "/responses";

/** The request as the vendor shall have it: of a client that speaks this protocol, its own bytes but for `changes`. */
export function encode(request: ModelRequest, changes: Changes, target: Target): WireRequest {
  const { accept: _, ...headers } = probeOpenAi(target).headers;
  const written =
    request.dialect.id === "responses"
      ? { body: changed(request, changes), adjusted: [] }
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

function changed(request: ModelRequest, changes: Changes): Buffer {
  const { body, fields } = request;
  const pieces: Splice[] = [];
  if (changes.model !== request.model) {
    pieces.push({ ...fields.get("model")!, text: JSON.stringify(changes.model) });
  }
  const most = changes.maxOutputTokens;
  if (most !== undefined && (request.maxOutputTokens === undefined || request.maxOutputTokens > most)) {
    const span = fields.get("max_output_tokens");
    if (span) pieces.push({ ...span, text: String(most) });
    else {
      const place = skipSpace(body, 0) + 1;
      pieces.push({ start: place, end: place, text: `"max_output_tokens":${most},` });
    }
  }
  return splice(body, pieces);
}
