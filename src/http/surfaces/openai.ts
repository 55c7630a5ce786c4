import type { IncomingMessage, ServerResponse } from "node:http";
import { Fault } from "../../base/faults.ts";
import { type Language, languageOfHeader } from "../../base/language.ts";
import { callWords } from "../../base/messages/call.ts";
import { Departure } from "../../call/departure.ts";
import { runCall } from "../../call/run-call.ts";
import type { CallEnvironment } from "../../call/spec.ts";
import { errorBody } from "../../vendors/openai/errors.ts";
import { readRequest } from "../../vendors/openai/request.ts";
import type { Operation } from "../../vendors/spec.ts";
import { VendorFault } from "../../vendors/vendor-fault.ts";
import { readBody } from "../body.ts";
import { encodeHeader, ResponseSink } from "../response-sink.ts";

/** The OpenAI surface: `/v1/chat/completions`, `/v1/embeddings`, `/v1/models`. */
export class OpenAiSurface {
  readonly #environment: CallEnvironment;
  readonly #language: Language;

  constructor(environment: CallEnvironment, language: Language) {
    this.#environment = environment;
    this.#language = language;
  }

  /** POST /v1/chat/completions, POST /v1/embeddings. */
  async call(operation: Operation, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const departure = new Departure();
    response.on("close", () => {
      if (!response.writableFinished) departure.leave();
    });
    try {
      const secret = secretOf(request);
      const { limits } = this.#environment;
      const body = await readBody(request, limits.bodyBytes);
      const outcome = await runCall(
        this.#environment,
        {
          request: readRequest(operation, body, limits),
          caller: { secret },
          idempotencyKey: (request.headers["idempotency-key"] as string | undefined) || undefined,
          departure,
        },
        new ResponseSink(response),
      );
      if (outcome.fault && !outcome.started) this.#showFault(outcome.fault, request, response, outcome);
    } catch (error) {
      this.#showFault(asFault(error), request, response, undefined);
    }
  }

  /** GET /v1/models: the routes and models that this key may call. */
  models(request: IncomingMessage, response: ServerResponse): void {
    try {
      const { payers, routes, catalogue } = this.#environment.snapshot();
      const identity = payers.identify(secretOf(request), this.#environment.clock.now());
      const items = routes.names().filter((name) => payers.mayCall(identity, name));
      const data = items.map((id) => ({ id, object: "model", created: 0, owned_by: ownerOf(id, catalogue) }));
      const body = Buffer.from(JSON.stringify({ object: "list", data }));
      response.writeHead(200, { "content-type": "application/json", "content-length": body.length });
      response.end(body);
    } catch (error) {
      this.#showFault(asFault(error), request, response, undefined);
    }
  }

  /** A fault in OpenAI's own shape, in the language that the client prefers. */
  #showFault(
    fault: Fault,
    request: IncomingMessage,
    response: ServerResponse,
    outcome: { readonly call: string; readonly model: string | undefined } | undefined,
  ): void {
    if (response.headersSent || response.destroyed) {
      response.end();
      return;
    }
    const language = languageOfHeader(request.headers["accept-language"], this.#language);
    const body = vendorBody(fault) ?? errorBody(fault, language);
    const headers = ["content-type", "application/json", "content-length", String(body.length)];
    headers.push("x-maidan-origin", fault.origin);
    if (outcome) headers.push("x-maidan-call", outcome.call);
    if (outcome?.model !== undefined) headers.push("x-maidan-model", encodeHeader(outcome.model));
    if (fault.retryAfterMs !== undefined) {
      headers.push("retry-after", String(Math.ceil(fault.retryAfterMs / 1000)));
      headers.push("retry-after-ms", String(Math.ceil(fault.retryAfterMs)));
    }
    if (NEVER_RETRIED.has(fault.code)) headers.push("x-should-retry", "false");
    if (!request.complete) headers.push("connection", "close");
    response.writeHead(fault.status, headers);
    response.end(body);
  }
}

/** Faults that a client's own retries cannot mend, though their status might suggest it. */
const NEVER_RETRIED = new Set(["budget_exhausted", "idempotency_conflict"]);

function secretOf(request: IncomingMessage): string {
  const header = request.headers.authorization;
  if (header !== undefined && /^bearer /i.test(header)) return header.slice(7).trim();
  const other = request.headers["x-api-key"];
  if (typeof other === "string" && other !== "") return other;
  throw new Fault("invalid_api_key", callWords.noKey());
}

/** The vendor's own words, where it speaks this protocol too and means what its status says. */
function vendorBody(fault: Fault): Buffer | undefined {
  if (!(fault instanceof VendorFault) || fault.status !== fault.vendorStatus || !fault.body) return undefined;
  try {
    const { error } = JSON.parse(fault.body.toString("utf8")) as { error?: unknown };
    return typeof error === "object" && error !== null ? fault.body : undefined;
  } catch {
    return undefined;
  }
}

function asFault(error: unknown): Fault {
  return error instanceof Fault ? error : new Fault("internal_error", callWords.internal(""), { cause: error });
}

function ownerOf(
  name: string,
  catalogue: { model(endpoint: string, model: string): { endpoint: { vendor?: string | undefined } } | undefined },
): string {
  const slash = name.indexOf("/");
  const model = slash > 0 ? catalogue.model(name.slice(0, slash), name.slice(slash + 1)) : undefined;
  return model?.endpoint.vendor ?? "maidan";
}
