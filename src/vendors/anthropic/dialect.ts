import type { Fault } from "../../base/faults.ts";
import type { Usage } from "../../base/usage.ts";
import type { AnswerPiece } from "../answer-pieces.ts";
import type { Dialect, ModelRequest, Naming, PieceWriter, ShownCost } from "../spec.ts";
import { writtenBytes } from "../translation/written-bytes.ts";
import { type Guess, guessOutput, messageOf, reasonFields, usageFields } from "./answer-shape.ts";
import { writeMessage } from "./answer-writer.ts";
import { BlockWriter } from "./block-writer.ts";
import { errorEvent } from "./errors.ts";
import { writeEvent } from "./events.ts";

type Start = AnswerPiece & { readonly type: "start" };
type Finish = AnswerPiece & { readonly type: "finish" };

/** Anthropic's messages, for clients whose vendor speaks something else. */
export const anthropicDialect: Dialect = {
  id: "anthropic",
  writeAnswer: writeMessage,
  writeStream: (request, naming) => new MessageWriter(request, naming),
};

/** A streamed answer as this protocol's events. It gives one answer: pieces of others are left out. */
class MessageWriter implements PieceWriter {
  readonly #request: ModelRequest;
  readonly #naming: Naming;
  readonly #blocks = new BlockWriter();
  #start: Start | undefined;
  #begun = false;
  #finish: Finish | undefined;
  #pieces = 0;
  #bytes = 0;

  constructor(request: ModelRequest, naming: Naming) {
    this.#request = request;
    this.#naming = naming;
  }

  write(piece: AnswerPiece): Buffer | undefined {
    if (piece.type === "start") {
      this.#start = piece;
      return undefined;
    }
    if (!("choice" in piece) || piece.choice !== 0) return undefined;
    this.#count(piece);
    const written = this.#writePiece(piece);
    return written.length === 0 ? undefined : Buffer.concat([...this.#begin(), ...written]);
  }

  finish(usage: Usage | undefined, cost: ShownCost | undefined): Buffer {
    return this.#end(this.#finish, usage, cost);
  }

  error(fault: Fault, message: string): Buffer {
    return errorEvent(fault, message);
  }

  stop(usage: Usage | undefined): Buffer {
    return this.#end(this.#finish ?? { type: "finish", choice: 0, reason: "length" }, usage, undefined);
  }

  #writePiece(piece: AnswerPiece): Buffer[] {
    switch (piece.type) {
      case "text-delta":
        return piece.text === "" ? [] : this.#blocks.text(piece.text);
      case "reasoning-delta":
        return piece.text === "" ? [] : this.#blocks.thinking(piece.text);
      case "reasoning-end":
        return this.#blocks.endThinking(piece);
      case "tool-call-start":
        return this.#blocks.startCall(piece);
      case "tool-call-delta":
        return piece.text === "" ? [] : this.#blocks.addArguments(piece.index, piece.text);
      case "finish":
        this.#finish = piece;
        return this.#blocks.close();
      default:
        return [];
    }
  }

  #begin(): Buffer[] {
    if (this.#begun) return [];
    this.#begun = true;
    // What the vendor counts is known at the end: until then the client sees about how much it asked.
    const usage = usageFields(undefined, { input: this.#request.inputTokens.estimate, output: 0 });
    return [writeEvent("message_start", { message: messageOf(this.#start, this.#naming, usage) })];
  }

  #end(finish: Finish | undefined, usage: Usage | undefined, cost: ShownCost | undefined): Buffer {
    const guess: Guess = {
      input: this.#request.inputTokens.estimate,
      output: guessOutput(this.#pieces, this.#bytes),
    };
    return Buffer.concat([
      ...this.#begin(),
      ...this.#blocks.close(),
      writeEvent("message_delta", { delta: reasonFields(finish), usage: usageFields(usage, guess, cost) }),
      writeEvent("message_stop", {}),
    ]);
  }

  #count(piece: AnswerPiece): void {
    const bytes = writtenBytes(piece);
    if (bytes === 0) return;
    this.#pieces += 1;
    this.#bytes += bytes;
  }
}
