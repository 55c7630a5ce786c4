import { blocked, documentOf, questionOf, usageOf } from "./gemini-documents.ts";
import { refuseAs } from "./gemini-errors.ts";
import { PIXEL, vectorOf } from "./openai-wire.ts";
import type { Reply } from "./spec.ts";

// biome-ignore lint/suspicious/noExplicitAny: a request is read as far as its scene needs it
type Loose = any;

export function batch(model: string, body: Loose, reply: Reply): void {
  const requests: Loose[] = body.requests ?? [];
  if (requests.length === 0 || requests.some((one) => one.model !== `models/${model}`)) {
    refuseAs(reply, "invalid_request", "* BatchEmbedContentsRequest.requests: model is not specified");
    return;
  }
  reply.send(200, { embeddings: embed(model, requests, reply) });
}

/** As most models of vectors, it tells no usage. */
export function embed(model: string, requests: readonly Loose[], reply: Reply): object[] {
  const texts: string[] = requests.map(({ content }) => content.parts.map(({ text }: Loose) => text).join(""));
  const tokens = texts.reduce((sum, text) => sum + [...text].length, 0);
  reply.log.add({ model, stream: false, usage: { input: tokens }, whole: true });
  return texts.map((text) => ({ values: vectorOf(text) }));
}

const PICTURE_TOKENS = 1290;

export function draw(model: string, body: Loose, reply: Reply): void {
  const { texts, last } = questionOf(body);
  if (last.startsWith("#moderated")) {
    reply.send(200, blocked(model, questionOf(body)));
    return;
  }
  const input = texts.reduce((sum, text) => sum + [...text].length, 0);
  const usage = { input, output: PICTURE_TOKENS, cachedInput: 0, reasoning: 0 };
  reply.log.add({
    model,
    stream: false,
    usage: { input, output: PICTURE_TOKENS, images: 1 },
    whole: true,
  });
  const content = { parts: [{ inlineData: { mimeType: "image/png", data: PIXEL } }], role: "model" };
  reply.send(200, documentOf(model, { content, finishReason: "STOP" }, usageOf(usage)));
}
