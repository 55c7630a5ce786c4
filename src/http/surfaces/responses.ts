import type { IncomingMessage, ServerResponse } from "node:http";
import type { Language } from "../../base/language.ts";
import type { CallEnvironment } from "../../call/spec.ts";
import { errorBody } from "../../vendors/openai/errors.ts";
import { readRequest } from "../../vendors/responses/request.ts";
import { Surface, type SurfaceShape } from "./surface.ts";

const SHAPE: SurfaceShape = {
  errorBody,
  // Anthropic's envelope has an `error`, too.
  isOwnError: (document) => document.type !== "error",
};

/** OpenAI's newer surface: `/v1/responses`. What was answered is not kept. */
export class ResponsesSurface {
  readonly #surface: Surface;

  constructor(environment: CallEnvironment, language: Language) {
    this.#surface = new Surface(environment, language, SHAPE);
  }

  /** POST /v1/responses. */
  create(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { limits } = this.#surface.environment;
    return this.#surface.call(request, response, (body) => readRequest(body, limits));
  }
}
