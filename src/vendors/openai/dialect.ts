import type { Fault } from "../../base/faults.ts";
import type { Usage } from "../../base/usage.ts";
import type { AnswerPiece } from "../answer-pieces.ts";
import type { Dialect, ModelRequest, Naming, PieceWriter, ShownCost } from "../spec.ts";
import { callOf, finishFields, headOf, usageOf } from "./answer-shape.ts";
import { writeBody } from "./answer-writer.ts";
import { errorEvent } from "./errors.ts";

/** OpenAI's chat completions, embeddings and images, for clients whose vendor speaks something else. */
export const openaiDialect: Dialect = {
  id: "openai",
  writeAnswer: writeBody,
  writeStream: (request, naming) => new ChunkWriter(request, naming),
};

/** A streamed answer as `chat.completion.chunk` events. */
class ChunkWriter implements PieceWriter {
  readonly #request: ModelRequest;
  readonly #naming: Naming;
  #head: { readonly id: string; readonly created: number; readonly model: string };
  readonly #begun = new Set<number>();
  readonly #open = new Set<number>();

  constructor(request: ModelRequest, naming: Naming) {
    this.#request = request;
    this.#head = headOf(undefined, naming);
    for (let choice = 0; choice < request.choices; choice++) this.#open.add(choice);
    this.#naming = naming;
  }

  write(piece: AnswerPiece): Buffer | undefined {
    switch (piece.type) {
      case "start":
        this.#head = headOf(piece, this.#naming);
        return undefined;
      case "text-delta":
        return this.#delta(piece.choice, { content: piece.text });
      case "reasoning-delta":
        return this.#delta(piece.choice, { reasoning_content: piece.text });
      case "tool-call-start":
        return this.#delta(piece.choice, { tool_calls: [{ index: piece.index, ...callOf(piece, "") }] });
      case "tool-call-delta":
        return this.#delta(piece.choice, {
          tool_calls: [{ index: piece.index, function: { arguments: piece.text } }],
        });
      case "finish":
        this.#open.delete(piece.choice);
        return this.#chunk(piece.choice, this.#opening(piece.choice), finishFields(piece.reason, piece.raw));
      default:
        return undefined;
    }
  }

  finish(usage: Usage | undefined, cost: ShownCost | undefined): Buffer {
    const shown = this.#request.wantsUsage
      ? [event({ ...this.#object(), choices: [], usage: usageOf(usage, cost) })]
      : [];
    return Buffer.concat([...shown, DONE]);
  }

  error(fault: Fault, message: string): Buffer {
    return errorEvent(fault, message);
  }

  stop(_usage: Usage | undefined): Buffer {
    const ends = [...this.#open].map((choice) => this.#chunk(choice, {}, finishFields("length", undefined)));
    return Buffer.concat([...ends, DONE]);
  }

  #delta(choice: number, delta: object): Buffer {
    return this.#chunk(choice, { ...this.#opening(choice), ...delta }, { finish_reason: null });
  }

  /** The role, with a choice's first piece. */
  #opening(choice: number): object {
    if (this.#begun.has(choice)) return {};
    this.#begun.add(choice);
    return { role: "assistant" };
  }

  #chunk(index: number, delta: object, end: object): Buffer {
    return event({ ...this.#object(), choices: [{ index, delta, ...end }] });
  }

  #object(): object {
    const { id, created, model } = this.#head;
    return { id, object: "chat.completion.chunk", created, model };
  }
}

const DONE = Buffer.from("data: [DONE]\n\n");

function event(document: object): Buffer {
  return Buffer.from(`data: ${JSON.stringify(document)}\n\n`);
}
