import type { IncomingMessage, ServerResponse } from "node:http";
import { Fault } from "../../base/faults.ts";
import { type Language, languageOfHeader } from "../../base/language.ts";
import { callWords } from "../../base/messages/call.ts";
import { Departure } from "../../call/departure.ts";
import { runCall } from "../../call/run-call.ts";
import type { CallEnvironment, CallOutcome } from "../../call/spec.ts";
import type { ModelRequest } from "../../vendors/spec.ts";
import { VendorFault } from "../../vendors/vendor-fault.ts";
import { readBody } from "../body.ts";
import { encodeHeader, ResponseSink } from "../response-sink.ts";

/** What one surface says in its own way; all else is the same on every one of them. */
export interface SurfaceShape {
  /** A fault in the surface's own shape. `call`: its id, where there was a call. */
  errorBody(fault: Fault, language: Language, call: string | undefined): Buffer;
  /** Whether a vendor's error has that very shape, so that its own words can be passed on. */
  isOwnError(document: Readonly<Record<string, unknown>>): boolean;
  /** The header in which its clients look for the id of a request, beside `x-maidan-call`. */
  readonly idHeader?: string;
}

/** Answers clients' calls on one surface. */
export class Surface {
  readonly environment: CallEnvironment;
  readonly #language: Language;
  readonly #shape: SurfaceShape;

  constructor(environment: CallEnvironment, language: Language, shape: SurfaceShape) {
    this.environment = environment;
    this.#language = language;
    this.#shape = shape;
  }

  /** A call of a model, from its request to the end of its answer. `read` makes sense of the body. */
  async call(request: IncomingMessage, response: ServerResponse, read: (body: Buffer) => ModelRequest): Promise<void> {
    const departure = new Departure();
    response.on("close", () => {
      if (!response.writableFinished) departure.leave();
    });
    try {
      const secret = secretOf(request);
      const body = await readBody(request, this.environment.limits.bodyBytes);
      const outcome = await runCall(
        this.environment,
        {
          request: read(body),
          caller: { secret },
          idempotencyKey: (request.headers["idempotency-key"] as string | undefined) || undefined,
          departure,
        },
        new ResponseSink(response, this.#shape.idHeader),
      );
      if (outcome.fault && !outcome.started) this.showFault(outcome.fault, request, response, outcome);
    } catch (error) {
      this.showFault(error, request, response);
    }
  }

  /** Names of the routes and models that the client's key may call. */
  callable(request: IncomingMessage): string[] {
    const { payers, routes } = this.environment.snapshot();
    const identity = payers.identify(secretOf(request), this.environment.clock.now());
    return routes.names().filter((name) => payers.mayCall(identity, name));
  }

  /** A fault in the surface's own shape, in the language that the client prefers. */
  showFault(
    error: unknown,
    request: IncomingMessage,
    response: ServerResponse,
    outcome?: Pick<CallOutcome, "call" | "model">,
  ): void {
    if (!(error instanceof Fault)) this.environment.observer.broke(error);
    if (response.headersSent || response.destroyed) {
      // What was begun cannot be ended well: the client must not take it for whole.
      if (!response.writableEnded) response.destroy();
      return;
    }
    const fault =
      error instanceof Fault ? error : new Fault("internal_error", callWords.internal(""), { cause: error });
    const language = languageOfHeader(request.headers["accept-language"], this.#language);
    const body = this.#vendorBody(fault) ?? this.#shape.errorBody(fault, language, outcome?.call);
    const headers = ["content-type", "application/json", "content-length", String(body.length)];
    headers.push("x-maidan-origin", fault.origin);
    if (outcome) headers.push("x-maidan-call", outcome.call);
    if (outcome && this.#shape.idHeader !== undefined) headers.push(this.#shape.idHeader, outcome.call);
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

  /** The vendor's own words, where it speaks this surface's protocol too and means what its status says. */
  #vendorBody(fault: Fault): Buffer | undefined {
    if (!(fault instanceof VendorFault) || fault.status !== fault.vendorStatus || !fault.body) return undefined;
    try {
      const document = JSON.parse(fault.body.toString("utf8")) as Record<string, unknown>;
      const { error } = document;
      return typeof error === "object" && error !== null && this.#shape.isOwnError(document) ? fault.body : undefined;
    } catch {
      return undefined;
    }
  }
}

/** Faults that a client's own retries cannot mend, though their status might suggest it. */
const NEVER_RETRIED = new Set(["budget_exhausted", "idempotency_conflict"]);

/** The key that a client calls with. */
export function secretOf(request: IncomingMessage): string {
  const header = request.headers.authorization;
  if (header !== undefined && /^bearer /i.test(header)) return header.slice(7).trim();
  const other = request.headers["x-api-key"];
  if (typeof other === "string" && other !== "") return other;
  throw new Fault("invalid_api_key", callWords.noKey());
}

export function sendJson(response: ServerResponse, document: object, headers: Record<string, string> = {}): void {
  const body = Buffer.from(JSON.stringify(document));
  response.writeHead(200, { "content-type": "application/json", "content-length": body.length, ...headers });
  response.end(body);
}
