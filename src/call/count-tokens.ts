import type { ModelOffer } from "../catalogue/catalogue.ts";
import { orderByHealth } from "../routing/routes.ts";
import type { AnswerHeaders, ModelRequest, SendBounds, TokenCounter } from "../vendors/spec.ts";
import { identify, limitedNodes, route } from "./run-call.ts";
import { type CallEnvironment, type CallRequest, type Connection, connectionFor } from "./spec.ts";

/** How many input tokens a request has. */
export interface TokenCount {
  readonly tokens: number;
  /** Counted by Maidan's own guess, because the vendor does not count for free, or did not answer. */
  readonly estimated: boolean;
  /** `endpoint/model` */
  readonly model: string;
}

const BOUNDS: SendBounds = { connectMs: 5_000, firstByteMs: 15_000, betweenBytesMs: 5_000 };
const ANSWER_BYTES = 64 * 1024;
/** A picture of usual size, where the catalogue says nothing of a model's pictures. */
const TOKENS_OF_AN_IMAGE = 1_600;

/**
 * Counts a request's input tokens: by its vendor where that speaks the client's protocol and counts for free, else by a guess.
 * Nothing is held or billed; the limits of calls a minute and at once hold here, too.
 *
 * Throws what identifying, routing and admission throw, and the vendor's fault where it refuses the request itself.
 */
export async function countTokens(
  environment: CallEnvironment,
  { request, caller }: Pick<CallRequest, "request" | "caller">,
): Promise<TokenCount> {
  const snapshot = environment.snapshot();
  const identity = identify(environment, snapshot, { caller });
  const plan = route(snapshot, identity, request.model);
  const admission = environment.gate.enter(limitedNodes(snapshot, identity), 0);
  try {
    const [offer] = orderByHealth(plan.models, environment.health);
    const connection = connectionFor(snapshot.connections.get(offer!.endpoint.id)!, request, offer!.upstream);
    const { passage } = connection.protocol;
    const counter = passage?.dialect === request.dialect.id ? passage.counter : undefined;
    const counted = counter && (await askVendor(environment, request, offer!, connection, counter));
    const estimate = request.inputTokens.estimate + request.images * (offer!.imageTokens ?? TOKENS_OF_AN_IMAGE);
    return { tokens: counted ?? estimate, estimated: counted === undefined, model: offer!.ref };
  } finally {
    admission.leave(0);
  }
}

/** The vendor's count; undefined where it has none to give. Throws where the request itself is at fault. */
async function askVendor(
  environment: CallEnvironment,
  request: ModelRequest,
  offer: ModelOffer,
  { protocol, transport, target = offer.endpoint }: Connection,
  counter: TokenCounter,
): Promise<number | undefined> {
  const wire = counter.encode(request, offer.upstream, target, environment.clock.now());
  const answer = await new Promise<{ status: number; headers: AnswerHeaders; body: Buffer } | undefined>((resolve) => {
    let status = 0;
    let headers: AnswerHeaders = {};
    const chunks: Buffer[] = [];
    let bytes = 0;
    const exchange = transport.send(
      wire,
      {
        onHead(code, answerHeaders) {
          status = code;
          headers = answerHeaders;
        },
        onChunk(chunk) {
          bytes += chunk.length;
          if (bytes <= ANSWER_BYTES) chunks.push(chunk);
          else {
            exchange.abort();
            resolve(undefined);
          }
        },
        onEnd: () => resolve({ status, headers, body: Buffer.concat(chunks) }),
        onFail: () => resolve(undefined),
      },
      BOUNDS,
    );
  });
  if (!answer) return undefined;
  const { status, headers, body } = answer;
  if (status >= 200 && status < 300) return counter.read(body);
  const fault = protocol.readError(status, headers, body);
  if (OF_THE_REQUEST.has(fault.errorClass)) throw fault;
  return undefined;
}

const OF_THE_REQUEST: ReadonlySet<string> = new Set(["invalid_request", "context_length", "content_filter"]);
