import { dashscopeWords as words } from "../../base/messages/dashscope.ts";
import type { EmbeddingsInput, ImageOrder } from "../conversation.ts";
import { Fitting } from "../fitting.ts";
import { clean } from "../openai/compose.ts";
import type { Changes, ModelRequest, Target, WireRequest } from "../spec.ts";
import { unsupported } from "../translation/unsupported.ts";
import { lowerCased } from "../wire-headers.ts";
import { CLAMPS, composeChat, isMultimodal } from "./chat.ts";

const TEXT = "/services/aigc/text-generation/generation";
const MULTIMODAL = "/services/aigc/multimodal-generation/generation";
const EMBEDDINGS = "/services/embeddings/text-embedding/text-embedding";
const IMAGES = "/services/aigc/text2image/image-synthesis";
const PROBE = "/tasks/00000000-0000-0000-0000-000000000000";
const SMALL_BATCHES = /v[34]/i;

export function encode(request: ModelRequest, changes: Changes, target: Target): WireRequest {
  const fitting = new Fitting(CLAMPS, target.quirks, changes.model);
  const wire = compose(request, changes, target, fitting);
  return fitting.adjusted.length > 0 ? { ...wire, adjusted: fitting.adjusted } : wire;
}

function compose(request: ModelRequest, changes: Changes, target: Target, fitting: Fitting): WireRequest {
  const { quirks } = target;
  const content = request.content();
  const own = quirks.paths?.[request.operation];
  switch (content.operation) {
    case "embeddings":
      return send(own ?? EMBEDDINGS, composeEmbeddings(content, changes), target, request);
    case "images": {
      const order = composeImages(content, fitting);
      // The newest models draw at once, on the way of pictures: an endpoint that names it is not asked for a task.
      if (isPictureWay(own)) return send(own, { model: changes.model, ...asMessage(order) }, target, request);
      const headers = { "x-dashscope-async": "enable" };
      return send(own ?? IMAGES, { model: changes.model, ...order }, target, request, headers);
    }
    default: {
      const multimodal = own === undefined ? isMultimodal(content, changes.model) : isPictureWay(own);
      const body = composeChat(content, request.stream, changes, quirks, fitting, multimodal);
      const streaming: Record<string, string> = request.stream ? { "x-dashscope-sse": "enable" } : {};
      return send(own ?? (multimodal ? MULTIMODAL : TEXT), body, target, request, streaming);
    }
  }
}

function isPictureWay(path: string | undefined): path is string {
  return path?.includes("multimodal-generation") ?? false;
}

/** No models are listed here. A task that does not exist is `UNKNOWN` where address and key are right, and costs nothing. */
export function probe(target: Target): WireRequest {
  const headers = headersOf(target, "application/json", {});
  return { method: "GET", path: target.quirks.paths?.models ?? PROBE, headers, body: Buffer.alloc(0) };
}

function send(
  path: string,
  document: object,
  target: Target,
  { stream }: ModelRequest,
  more: Record<string, string> = {},
): WireRequest {
  return {
    method: "POST",
    path,
    headers: headersOf(target, stream ? "text/event-stream" : "application/json", more),
    body: Buffer.from(JSON.stringify(document)),
  };
}

function headersOf({ credentials, headers }: Target, accept: string, more: object): Record<string, string> {
  return {
    accept,
    "content-type": "application/json",
    ...(credentials.apiKey && { authorization: `Bearer ${credentials.apiKey}` }),
    ...more,
    ...lowerCased(headers),
  };
}

function composeEmbeddings({ inputs, dimensions, extra }: EmbeddingsInput, { model }: Changes): object {
  if (inputs.some((input) => typeof input !== "string")) throw unsupported(words.tokens(), "input");
  const most = SMALL_BATCHES.test(model) ? 10 : 25;
  if (inputs.length > most) throw unsupported(words.inputs(most), "input");
  const parameters = clean({ dimension: dimensions, text_type: extra.text_type });
  return { model, input: { texts: inputs }, parameters };
}

interface Order {
  readonly input: { readonly prompt?: unknown; readonly negative_prompt?: unknown };
  readonly parameters: object;
}

function composeImages({ prompt, count, size, quality, style, format, extra }: ImageOrder, fitting: Fitting): Order {
  if (format === "base64") throw unsupported(words.inline(), "response_format");
  fitting.leaveOut("quality", quality);
  // The styles of this platform stand in angle brackets, and are not those of others.
  const known = style?.startsWith("<") ? style : fitting.leaveOut("style", style);
  const input = clean({ prompt, negative_prompt: extra.negative_prompt });
  const parameters = clean({ n: count, size: size?.replace("x", "*"), style: known, seed: extra.seed });
  return { input, parameters };
}

function asMessage({ input: { prompt, negative_prompt }, parameters }: Order): object {
  return {
    input: { messages: [{ role: "user", content: [{ text: prompt }] }] },
    parameters: clean({ ...parameters, negative_prompt }),
  };
}
