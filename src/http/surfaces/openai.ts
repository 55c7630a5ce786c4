import type { IncomingMessage, ServerResponse } from "node:http";
import type { Language } from "../../base/language.ts";
import type { CallEnvironment } from "../../call/spec.ts";
import { errorBody } from "../../vendors/openai/errors.ts";
import { readRequest } from "../../vendors/openai/request.ts";
import type { Operation } from "../../vendors/spec.ts";
import { Surface, type SurfaceShape, sendJson } from "./surface.ts";

const SHAPE: SurfaceShape = {
  errorBody,
  // Anthropic's envelope has an `error`, too.
  isOwnError: (document) => document.type !== "error",
};

/** The OpenAI surface: `/v1/chat/completions`, `/v1/embeddings`, `/v1/images/generations`, `/v1/models`. */
export class OpenAiSurface {
  readonly #surface: Surface;

  constructor(environment: CallEnvironment, language: Language) {
    this.#surface = new Surface(environment, language, SHAPE);
  }

  /** POST /v1/chat/completions, POST /v1/embeddings, POST /v1/images/generations. */
  call(operation: Operation, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { limits } = this.#surface.environment;
    return this.#surface.call(request, response, (body) => readRequest(operation, body, limits));
  }

  /** GET /v1/models: the routes and models that this key may call. */
  models(request: IncomingMessage, response: ServerResponse): void {
    try {
      const { catalogue } = this.#surface.environment.snapshot();
      const names = this.#surface.callable(request);
      const data = names.map((id) => ({ id, object: "model", created: 0, owned_by: ownerOf(id, catalogue) }));
      sendJson(response, { object: "list", data });
    } catch (error) {
      this.#surface.showFault(error, request, response);
    }
  }
}

function ownerOf(
  name: string,
  catalogue: { model(endpoint: string, model: string): { endpoint: { vendor?: string | undefined } } | undefined },
): string {
  const slash = name.indexOf("/");
  const model = slash > 0 ? catalogue.model(name.slice(0, slash), name.slice(slash + 1)) : undefined;
  return model?.endpoint.vendor ?? "maidan";
}
