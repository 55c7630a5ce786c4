import { inputTokens, outputTokens, type Usage } from "../../base/usage.ts";
import type { AnswerPiece } from "../answer-pieces.ts";
import type { ModelRequest, Naming } from "../spec.ts";
import { callOf, finishFields, headOf, usageOf } from "./answer-shape.ts";

type ToolCallStart = AnswerPiece & { readonly type: "tool-call-start" };

interface Choice {
  text: string;
  reasoning: string;
  readonly calls: Map<number, { readonly start: ToolCallStart; given: string }>;
  end: object;
}

/** A buffered answer in OpenAI's shape: `chat.completion`, a list of embeddings, or images. */
export function writeBody(request: ModelRequest, pieces: readonly AnswerPiece[], naming: Naming): Buffer {
  const usage = pieces.findLast((piece) => piece.type === "usage")?.usage;
  const head = headOf(
    pieces.find((piece) => piece.type === "start"),
    naming,
  );
  switch (request.operation) {
    case "embeddings":
      return json(embeddings(request, pieces, head.model, usage));
    case "images":
      return json({ created: head.created, data: images(pieces), usage: usageOfImages(usage) });
    default: {
      const { id, created, model } = head;
      const object = "chat.completion";
      return json({ id, object, created, model, choices: choices(pieces), usage: usageOf(usage, undefined) });
    }
  }
}

function choices(pieces: readonly AnswerPiece[]): object[] {
  const all = new Map<number, Choice>();
  const of = (index: number): Choice => {
    let choice = all.get(index);
    if (!choice) {
      choice = { text: "", reasoning: "", calls: new Map(), end: finishFields("error", undefined) };
      all.set(index, choice);
    }
    return choice;
  };
  for (const piece of pieces) {
    if (piece.type === "text-delta") of(piece.choice).text += piece.text;
    else if (piece.type === "reasoning-delta") of(piece.choice).reasoning += piece.text;
    else if (piece.type === "tool-call-start") of(piece.choice).calls.set(piece.index, { start: piece, given: "" });
    else if (piece.type === "tool-call-delta") of(piece.choice).calls.get(piece.index)!.given += piece.text;
    else if (piece.type === "finish") of(piece.choice).end = finishFields(piece.reason, piece.raw);
  }
  return inOrder(all).map(([index, { text, reasoning, calls, end }]) => {
    const called = inOrder(calls).map(([, { start, given }]) => callOf(start, given));
    const message = {
      role: "assistant",
      content: text === "" && called.length > 0 ? null : text,
      ...(reasoning !== "" && { reasoning_content: reasoning }),
      ...(called.length > 0 && { tool_calls: called }),
    };
    return { index, message, logprobs: null, ...end };
  });
}

/** By the vendor's own count, which may leave places out, a billion of them too. */
function inOrder<T>(all: ReadonlyMap<number, T>): [number, T][] {
  return [...all].sort(([one], [other]) => one - other);
}

function embeddings(
  request: ModelRequest,
  pieces: readonly AnswerPiece[],
  model: string,
  usage: Usage | undefined,
): object {
  const content = request.content();
  const asBase64 = content.operation === "embeddings" && content.encoding === "base64";
  const data = pieces.flatMap((piece) => {
    if (piece.type !== "embedding") return [];
    const embedding = asBase64 ? base64Of(piece.vector) : piece.vector;
    return { object: "embedding", index: piece.index, embedding };
  });
  const { prompt_tokens, total_tokens } = (usageOf(usage, undefined) ?? {}) as Record<string, number>;
  return { object: "list", data, model, usage: { prompt_tokens, total_tokens } };
}

function base64Of(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString("base64");
}

function images(pieces: readonly AnswerPiece[]): object[] {
  return pieces.flatMap((piece) =>
    piece.type === "image" ? { url: piece.url, b64_json: piece.base64, revised_prompt: piece.revisedPrompt } : [],
  );
}

/** Tokens of pictures, by the names that they have here; undefined where the vendor counts none. */
function usageOfImages(usage: Usage = {}): object | undefined {
  const [input, output] = [inputTokens(usage), outputTokens(usage)];
  if (input === undefined && output === undefined) return undefined;
  const { inputImage = 0 } = usage;
  return {
    input_tokens: input ?? 0,
    input_tokens_details: { text_tokens: (input ?? 0) - inputImage, image_tokens: inputImage },
    output_tokens: output ?? 0,
    total_tokens: (input ?? 0) + (output ?? 0),
  };
}

function json(document: object): Buffer {
  return Buffer.from(JSON.stringify(document));
}
