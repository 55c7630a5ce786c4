import type { IncomingMessage, ServerResponse } from "node:http";
import type { Language } from "../../base/language.ts";
import { countTokens } from "../../call/count-tokens.ts";
import type { CallEnvironment } from "../../call/spec.ts";
import { errorBody } from "../../vendors/anthropic/errors.ts";
import { readRequest } from "../../vendors/anthropic/request.ts";
import { readBody } from "../body.ts";
import { encodeHeader } from "../response-sink.ts";
import { Surface, type SurfaceShape, secretOf, sendJson } from "./surface.ts";

const SHAPE: SurfaceShape = {
  errorBody,
  isOwnError: (document) => document.type === "error",
  idHeader: "request-id",
};

/** Anthropic's surface: `/v1/messages`, `/v1/messages/count_tokens`, and `/v1/models` for clients that name its version. */
export class AnthropicSurface {
  readonly #surface: Surface;

  constructor(environment: CallEnvironment, language: Language) {
    this.#surface = new Surface(environment, language, SHAPE);
  }

  /** POST /v1/messages. */
  messages(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { limits } = this.#surface.environment;
    const headers = passedOn(request);
    return this.#surface.call(request, response, (body) => readRequest(body, limits, { headers }));
  }

  /** POST /v1/messages/count_tokens: free, and nothing is held for it. */
  async countTokens(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { environment } = this.#surface;
      const { limits } = environment;
      const caller = { secret: secretOf(request) };
      const body = await readBody(request, limits.bodyBytes);
      const counted = readRequest(body, limits, { headers: passedOn(request), counting: true });
      const { tokens, estimated, model } = await countTokens(environment, { request: counted, caller });
      const marks = { "x-maidan-model": encodeHeader(model), ...(estimated && { "x-maidan-estimated": "true" }) };
      sendJson(response, { input_tokens: tokens }, marks);
    } catch (error) {
      this.#surface.showFault(error, request, response);
    }
  }

  /** GET /v1/models: the routes and models that this key may call, all on one page. */
  models(request: IncomingMessage, response: ServerResponse): void {
    try {
      const names = this.#surface.callable(request);
      const data = names.map((id) => ({ type: "model", id, display_name: id, created_at: NO_DAY }));
      const ends = { first_id: names[0] ?? null, last_id: names.at(-1) ?? null };
      sendJson(response, { data, has_more: false, ...ends });
    } catch (error) {
      this.#surface.showFault(error, request, response);
    }
  }
}

/** What clients of this protocol read where a model's day is not known. */
const NO_DAY = "1970-01-01T00:00:00Z";

/** Of the client's headers, those that belong to the protocol and go on to a vendor that speaks it. */
function passedOn(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of ["anthropic-version", "anthropic-beta"]) {
    const value = request.headers[name];
    if (typeof value === "string" && value !== "") headers[name] = value;
  }
  return headers;
}
