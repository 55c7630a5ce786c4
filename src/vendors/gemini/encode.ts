import { geminiWords as words } from "../../base/messages/gemini.ts";
import type { EmbeddingsInput, RequestContent } from "../conversation.ts";
import { clean } from "../openai/compose.ts";
import type { Changes, ModelRequest, Operation, Target, WireRequest } from "../spec.ts";
import { unsupported } from "../translation/unsupported.ts";
import { lowerCased } from "../wire-headers.ts";
import { composeDrawing } from "./drawing.ts";
import { type Composed, composeGenerate } from "./generate.ts";

/** Where a model stands below the base address; what is asked of it follows behind a colon. A quirk may say another. */
const MODEL_PATH = "/models/{model}";
const LIST_PATH = "/models?pageSize=1";

export function encode(request: ModelRequest, changes: Changes, target: Target): WireRequest {
  const { operation, stream } = request;
  const { document, adjusted } = compose(request.content(), changes, target);
  const place = (target.quirks.paths?.[operation] ?? MODEL_PATH).replace("{model}", encodeModel(changes.model));
  return {
    method: "POST",
    path: `${place}:${methodOf(operation, stream)}`,
    headers: headersFor(target, stream ? "text/event-stream" : "application/json"),
    body: Buffer.from(JSON.stringify(document)),
    ...(adjusted.length > 0 && { adjusted }),
  };
}

/** A request that costs nothing: the first of the models. */
export function probe(target: Target): WireRequest {
  return {
    method: "GET",
    path: target.quirks.paths?.models ?? LIST_PATH,
    headers: headersFor(target, "application/json"),
    body: Buffer.alloc(0),
  };
}

function compose(content: RequestContent, changes: Changes, target: Target): Composed {
  switch (content.operation) {
    case "embeddings":
      return { document: composeEmbeddings(content, changes), adjusted: [] };
    case "images":
      return composeDrawing(content, changes, target.quirks);
    default:
      return composeGenerate(content, changes, target);
  }
}

/** `publishers/x/models/y` keeps its slashes; all else that an address reads otherwise is spelled out. */
function encodeModel(model: string): string {
  return model
    .replace(/^models\//, "")
    .split("/")
    .map(encodeURIComponent)
    .join("/");
}

function methodOf(operation: Operation, stream: boolean): string {
  if (operation === "embeddings") return "batchEmbedContents";
  return stream && operation === "chat" ? "streamGenerateContent?alt=sse" : "generateContent";
}

/** Headers that the operator set win over those of the protocol. */
function headersFor({ credentials, headers, quirks }: Target, accept: string): Record<string, string> {
  const { apiKey } = credentials;
  const keyHeader = (quirks.keyHeader ?? "x-goog-api-key").toLowerCase();
  return {
    accept,
    "content-type": "application/json",
    ...(apiKey && { [keyHeader]: keyHeader === "authorization" ? `Bearer ${apiKey}` : apiKey }),
    ...lowerCased(headers),
  };
}

function composeEmbeddings({ inputs, dimensions }: EmbeddingsInput, { model }: Changes): object {
  const requests = inputs.map((input) => {
    if (typeof input !== "string") throw unsupported(words.tokens(), "input");
    return clean({
      model: model.startsWith("models/") ? model : `models/${model}`,
      content: { parts: [{ text: input }] },
      outputDimensionality: dimensions,
    });
  });
  return { requests };
}
