import type { AnswerPiece } from "../answer-pieces.ts";
import { writeEvent } from "./events.ts";
import { writeCallId, writeCallSignature, writeHidden, writeSignature } from "./marks.ts";

type ToolCallStart = AnswerPiece & { readonly type: "tool-call-start" };
type ReasoningEnd = AnswerPiece & { readonly type: "reasoning-end" };

interface WaitingCall {
  readonly start: ToolCallStart;
  given: string;
}

/**
 * Writes pieces as content blocks, which this protocol has strictly one after the other. Where a vendor begins a call before
 * the one before it is whole, the later one waits.
 */
export class BlockWriter {
  #index = 0;
  #open: "text" | "thinking" | "call" | undefined;
  /** Of the open call: which one, and its arguments so far. */
  #call: WaitingCall | undefined;
  readonly #waiting = new Map<number, WaitingCall>();

  text(text: string): Buffer[] {
    const before = this.#open === "text" ? [] : [...this.close(), this.#begin("text", { type: "text", text: "" })];
    return [...before, this.#delta({ type: "text_delta", text })];
  }

  thinking(thinking: string): Buffer[] {
    return [...this.#beginThinking(), this.#delta({ type: "thinking_delta", thinking })];
  }

  /** Thinking is over: with its vendor's signature, which clients of this protocol give back. */
  endThinking({ signature, redacted }: ReasoningEnd): Buffer[] {
    const written: Buffer[] = [];
    if (this.#open === "thinking" || signature !== undefined) {
      written.push(...this.#beginThinking(), ...this.#endThinking(signature));
    }
    if (redacted !== undefined) written.push(...this.#hidden(writeHidden(redacted)));
    return written;
  }

  startCall(start: ToolCallStart): Buffer[] {
    const call: WaitingCall = { start, given: "" };
    if (this.#open === "call" && !isWhole(this.#call!.given)) {
      this.#waiting.set(start.index, call);
      return [];
    }
    return [...this.#endOpen(), ...this.#beginCall(call)];
  }

  addArguments(index: number, given: string): Buffer[] {
    const waiting = this.#waiting.get(index);
    if (waiting) {
      waiting.given += given;
      return [];
    }
    if (this.#open !== "call" || this.#call!.start.index !== index) return [];
    this.#call!.given += given;
    const written = [this.#delta({ type: "input_json_delta", partial_json: given })];
    if (this.#waiting.size > 0 && isWhole(this.#call!.given)) written.push(...this.#endOpen(), ...this.#next());
    return written;
  }

  /** Ends the block that is open, and writes the calls that wait. */
  close(): Buffer[] {
    const written = this.#endOpen();
    while (this.#waiting.size > 0) written.push(...this.#next(), ...this.#endOpen());
    return written;
  }

  /** The first of the calls that wait, as far as it has come. */
  #next(): Buffer[] {
    const [index, call] = this.#waiting.entries().next().value!;
    this.#waiting.delete(index);
    const { given } = call;
    const written = this.#beginCall(call);
    if (given !== "") written.push(this.#delta({ type: "input_json_delta", partial_json: given }));
    if (this.#waiting.size > 0 && isWhole(given)) written.push(...this.#endOpen(), ...this.#next());
    return written;
  }

  #beginCall(call: WaitingCall): Buffer[] {
    const { id, name, signature } = call.start;
    const written = signature === undefined ? [] : this.#hidden(writeCallSignature(id, signature));
    this.#call = call;
    written.push(this.#begin("call", { type: "tool_use", id: writeCallId(id), name, input: {} }));
    return written;
  }

  #beginThinking(): Buffer[] {
    if (this.#open === "thinking") return [];
    return [...this.close(), this.#begin("thinking", { type: "thinking", thinking: "", signature: "" })];
  }

  #endThinking(signature: string | undefined): Buffer[] {
    const signed = this.#delta({ type: "signature_delta", signature: writeSignature(signature) });
    return [signed, this.#stop()];
  }

  #hidden(data: string): Buffer[] {
    return [...this.#endOpen(), this.#begin(undefined, { type: "redacted_thinking", data }), this.#stop()];
  }

  #endOpen(): Buffer[] {
    if (this.#open === undefined) return [];
    return this.#open === "thinking" ? this.#endThinking(undefined) : [this.#stop()];
  }

  #begin(open: "text" | "thinking" | "call" | undefined, block: object): Buffer {
    this.#open = open;
    return writeEvent("content_block_start", { index: this.#index, content_block: block });
  }

  #delta(delta: object): Buffer {
    return writeEvent("content_block_delta", { index: this.#index, delta });
  }

  #stop(): Buffer {
    this.#open = undefined;
    const stopped = writeEvent("content_block_stop", { index: this.#index });
    this.#index += 1;
    return stopped;
  }
}

/** Whether a call's arguments are all there. */
function isWhole(given: string): boolean {
  if (!given.trimEnd().endsWith("}")) return false;
  try {
    JSON.parse(given);
    return true;
  } catch {
    return false;
  }
}
