import { Fault } from "../../src/base/faults.ts";
import { readRequest as readMessages } from "../../src/vendors/anthropic/request.ts";
import { readRequest } from "../../src/vendors/openai/request.ts";
import { readRequest as readResponses } from "../../src/vendors/responses/request.ts";
import type { ModelRequest, Protocol, Target } from "../../src/vendors/spec.ts";
import type { FuzzTarget } from "./campaign.ts";
import { mutateBytes } from "./mutate-bytes.ts";
import { mutateJson } from "./mutate-json.ts";
import type { Random } from "./random.ts";
import { SURFACES, type SurfacePath } from "./requests-corpus.ts";

const BOUNDS = { bodyBytes: 1024 * 1024 };

const READERS: Readonly<Record<SurfacePath, (body: Buffer) => ModelRequest>> = {
  "/v1/chat/completions": (body) => readRequest("chat", body, BOUNDS),
  "/v1/messages": (body) => readMessages(body, BOUNDS, {}),
  "/v1/responses": (body) => readResponses(body, BOUNDS),
  "/v1/embeddings": (body) => readRequest("embeddings", body, BOUNDS),
  "/v1/images/generations": (body) => readRequest("images", body, BOUNDS),
};

export interface Spoken {
  readonly protocol: Protocol;
  readonly target: Target;
}

/** A request of a surface, changed in its JSON, in its bytes, or in both. */
export function makeRequest(path: SurfacePath, random: Random, model = "m"): Buffer {
  const request = { model, ...random.pick(SURFACES[path]) };
  if (random.once(5)) return mutateBytes(Buffer.from(JSON.stringify(request, undefined, random.pick([0, 1]))), random);
  const json = Buffer.from(mutateJson(request, random));
  return random.once(6) ? mutateBytes(json, random) : json;
}

/** The readers of the surfaces' requests, and what every protocol then makes of them for its vendor. */
export function requestTargets(spoken: readonly Spoken[], cases: number): FuzzTarget[] {
  return (Object.keys(SURFACES) as SurfacePath[]).map((path) => ({
    name: `requests ${path}`,
    cases,
    make: (random) => makeRequest(path, random),
    run: (body) => {
      const request = unlessFault(() => READERS[path](body));
      if (!request) return;
      checkRequest(request, body);
      unlessFault(() => request.content());
      for (const { protocol, target } of spoken) {
        if (!protocol.operations.includes(request.operation)) continue;
        for (const changes of [
          { model: "other", includeUsage: true },
          { model: "m", includeUsage: false, maxOutputTokens: 20 },
        ]) {
          const wire = unlessFault(() =>
            protocol.encode(request, { ...changes, unnamedOutputTokens: 30 }, target, SENT_AT),
          );
          if (wire && wire.body.length > body.length * 64 + 100_000) {
            throw new Error(`${protocol.id} makes ${wire.body.length} bytes of ${body.length}`);
          }
        }
      }
    },
  }));
}

const SENT_AT = Date.UTC(2026, 10, 24);

/** What the budget stands on must be a count. */
function checkRequest(request: ModelRequest, body: Buffer): void {
  const { inputTokens, choices, images, audioBytes, inputs, maxOutputTokens } = request;
  const counts = { ...inputTokens, choices, images, audioBytes, inputs, maxOutputTokens: maxOutputTokens ?? 0 };
  for (const [name, count] of Object.entries(counts)) {
    if (!Number.isSafeInteger(count) || count < 0) throw new Error(`${name} is ${count}`);
  }
  if (inputTokens.estimate > inputTokens.bound) throw new Error("the estimate is above the bound");
  if (choices < 1) throw new Error("no choice");
  JSON.parse(body.toString("utf8"));
}

/** The result; undefined where a fault that may be shown was thrown. Anything else that is thrown is a defect. */
export function unlessFault<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof Fault && error.code !== "internal_error") {
      error.text("zh");
      return undefined;
    }
    throw error;
  }
}
