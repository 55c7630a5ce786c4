import type { Fault } from "../../base/faults.ts";
import type { Usage } from "../../base/usage.ts";
import type { AnswerPiece, FinishReason } from "../answer-pieces.ts";
import { type JsonObject, parseJson } from "../json-values.ts";
import type { ModelRequest, Naming, PieceWriter, ShownCost } from "../spec.ts";
import { askedOf, endOf, lastStatus, makeResponse, usageOf } from "./answer-shape.ts";
import { eventOf, failureEvents } from "./events.ts";
import { callItem, type ItemStatus, messageItem, reasoningItem, textPart } from "./items.ts";
import { Toolbox } from "./toolbox.ts";

type CallStart = AnswerPiece & { readonly type: "tool-call-start" };
type ThoughtEnd = AnswerPiece & { readonly type: "reasoning-end" };

/** A text, a thought or a call under way. */
interface Open {
  readonly kind: "message" | "reasoning" | "call";
  readonly id: string;
  /** Its place in the output. */
  readonly index: number;
  readonly start?: CallStart;
  text: string;
}

/**
 * A streamed answer as the events of a response. Texts and thoughts are closed where the next item begins, calls as soon as what came of
 * their arguments is whole: vendors may write several calls at once, a piece of each in turn.
 */
export class ResponseWriter implements PieceWriter {
  readonly #asked: JsonObject;
  readonly #naming: Naming;
  readonly #tools: Toolbox;
  /** Items that are closed, each in its place. */
  readonly #output: JsonObject[] = [];
  #items = 0;
  #response: JsonObject | undefined;
  #open: Open | undefined;
  readonly #calls = new Map<number, Open>();
  #number = 0;
  #finish: { readonly reason: FinishReason; readonly raw?: string | undefined } | undefined;
  #written: Buffer[] = [];

  constructor(request: ModelRequest, naming: Naming) {
    this.#asked = askedOf(request);
    this.#naming = naming;
    this.#tools = new Toolbox(this.#asked.tools);
  }

  write(piece: AnswerPiece): Buffer | undefined {
    if ("choice" in piece && piece.choice !== 0) return undefined;
    this.#begin(piece.type === "start" ? piece : undefined);
    switch (piece.type) {
      case "text-delta":
        this.#text(piece.text);
        break;
      case "reasoning-delta":
        this.#thought(piece.text);
        break;
      case "reasoning-end":
        this.#endThought(piece);
        break;
      case "tool-call-start":
        this.#calls.set(piece.index, this.#openItem("call", "fc", piece));
        break;
      case "tool-call-delta":
        this.#arguments(piece.index, piece.text);
        break;
      case "finish":
        this.#closeAll(lastStatus(piece.reason));
        this.#finish = piece;
        break;
    }
    return this.#take();
  }

  finish(usage: Usage | undefined, cost: ShownCost | undefined): Buffer {
    return this.#conclude(this.#finish ?? { reason: "error" }, usageOf(usage, cost));
  }

  error(fault: Fault, message: string): Buffer {
    this.#begin(undefined);
    const response = { ...this.#response, output: this.#output.filter(Boolean) };
    const begun = this.#take() ?? Buffer.alloc(0);
    return Buffer.concat([begun, failureEvents(fault, message, this.#number, response)]);
  }

  stop(usage: Usage | undefined): Buffer {
    return this.#conclude({ reason: "length" }, usageOf(usage, undefined));
  }

  #conclude(finish: { reason: FinishReason; raw?: string | undefined }, usage: JsonObject | null): Buffer {
    this.#begin(undefined);
    this.#closeAll(lastStatus(finish.reason));
    const end = endOf(finish.reason, finish.raw);
    const response = { ...this.#response, ...end, output: this.#output, usage };
    this.#emit(`response.${String(end.status)}`, { response });
    return this.#take()!;
  }

  #begin(start: (AnswerPiece & { type: "start" }) | undefined): void {
    if (this.#response) return;
    this.#response = makeResponse(this.#asked, start, this.#naming);
    this.#emit("response.created", { response: this.#response });
    this.#emit("response.in_progress", { response: this.#response });
  }

  #text(delta: string): void {
    const open = this.#open?.kind === "message" ? this.#open : this.#openItem("message", "msg");
    open.text += delta;
    this.#emitPart("response.output_text.delta", open, { content_index: 0, delta, logprobs: [] });
  }

  #thought(delta: string): void {
    const open = this.#open?.kind === "reasoning" ? this.#open : this.#openItem("reasoning", "rs");
    open.text += delta;
    this.#emitPart("response.reasoning_summary_text.delta", open, { summary_index: 0, delta });
  }

  #endThought(end: ThoughtEnd): void {
    const isSigned = end.signature !== undefined || end.redacted !== undefined;
    if (this.#open?.kind !== "reasoning") {
      if (!isSigned) return;
      this.#openItem("reasoning", "rs");
    }
    this.#closeText("completed", end);
  }

  /** A custom call is told when it is whole: only then is its text known. */
  #arguments(index: number, delta: string): void {
    const open = this.#calls.get(index);
    if (!open || delta === "") return;
    open.text += delta;
    if (this.#tools.toolOf(open.start!.name).custom) return;
    this.#emitPart("response.function_call_arguments.delta", open, { delta });
  }

  #openItem(kind: Open["kind"], prefix: string, start?: CallStart): Open {
    this.#closeText("completed");
    this.#closeWholeCalls();
    const index = this.#items;
    this.#items += 1;
    const id = `${prefix}_${this.#naming.call.replace(/^call_/, "")}_${index}`;
    const open: Open = { kind, id, index, text: "", ...(start && { start }) };
    if (start) {
      const item = callItem(id, start, "", this.#tools, "in_progress");
      this.#emit("response.output_item.added", { output_index: index, item });
      return open;
    }
    this.#open = open;
    if (kind === "message") {
      const item = { ...messageItem(id, "", "in_progress"), content: [] };
      this.#emit("response.output_item.added", { output_index: index, item });
      this.#emitPart("response.content_part.added", open, { content_index: 0, part: textPart("") });
    } else {
      this.#emit("response.output_item.added", { output_index: index, item: reasoningItem(id, "", {}) });
      this.#emitPart("response.reasoning_summary_part.added", open, { summary_index: 0, part: summaryPart("") });
    }
    return open;
  }

  /** The item that is written to last is as whole as the answer; those before it are whole. */
  #closeAll(last: ItemStatus): void {
    const calls = [...this.#calls];
    for (const [place, [index, open]] of calls.entries()) {
      this.#closeCall(index, open, !this.#open && place === calls.length - 1 ? last : "completed");
    }
    this.#closeText(last);
  }

  #closeText(status: ItemStatus, end: Partial<ThoughtEnd> = {}): void {
    const open = this.#open;
    if (!open) return;
    this.#open = undefined;
    const { kind, id, text } = open;
    if (kind === "message") {
      this.#emitPart("response.output_text.done", open, { content_index: 0, text, logprobs: [] });
      this.#emitPart("response.content_part.done", open, { content_index: 0, part: textPart(text) });
      this.#done(open, messageItem(id, text, status));
    } else {
      this.#emitPart("response.reasoning_summary_text.done", open, { summary_index: 0, text });
      this.#emitPart("response.reasoning_summary_part.done", open, { summary_index: 0, part: summaryPart(text) });
      this.#done(open, reasoningItem(id, text, end));
    }
  }

  #closeWholeCalls(): void {
    for (const [index, open] of this.#calls) {
      if (parseJson(open.text) !== undefined) this.#closeCall(index, open, "completed");
    }
  }

  #closeCall(index: number, open: Open, status: ItemStatus): void {
    this.#calls.delete(index);
    const item = callItem(open.id, open.start!, open.text, this.#tools, status);
    if (item.type === "custom_tool_call") {
      this.#emitPart("response.custom_tool_call_input.delta", open, { delta: item.input });
      this.#emitPart("response.custom_tool_call_input.done", open, { input: item.input });
    } else {
      const { name, arguments: given } = item;
      this.#emitPart("response.function_call_arguments.done", open, { name, arguments: given });
    }
    this.#done(open, item);
  }

  #done({ index }: Open, item: JsonObject): void {
    this.#output[index] = item;
    this.#emit("response.output_item.done", { output_index: index, item });
  }

  #emitPart(type: string, { id, index }: Open, more: object): void {
    this.#emit(type, { item_id: id, output_index: index, ...more });
  }

  #emit(type: string, more: object): void {
    this.#written.push(eventOf(type, { ...more, sequence_number: this.#number }));
    this.#number += 1;
  }

  #take(): Buffer | undefined {
    const written = this.#written;
    this.#written = [];
    return written.length > 0 ? Buffer.concat(written) : undefined;
  }
}

function summaryPart(text: string): JsonObject {
  return { type: "summary_text", text };
}
