import type { Fault } from "../../base/faults.ts";
import type { Usage } from "../../base/usage.ts";
import type { AnswerPiece, FinishReason } from "../answer-pieces.ts";
import { type JsonObject, objectAt, parseJson } from "../json-values.ts";
import type { ModelRequest, Naming, PieceWriter, ShownCost } from "../spec.ts";
import { endOf, makeResponse, usageOf } from "./answer-shape.ts";
import { customNames } from "./custom-tools.ts";
import { errorEvent, eventOf } from "./events.ts";
import { callItem, messageItem, reasoningItem, textPart } from "./items.ts";

type CallStart = AnswerPiece & { readonly type: "tool-call-start" };

/** An item under way. */
interface Open {
  readonly kind: "message" | "reasoning" | "call";
  readonly id: string;
  readonly index: number;
  readonly start?: CallStart;
  text: string;
}

/** A streamed answer as the events of a response: items are opened, written and closed one after the other. */
export class ResponseWriter implements PieceWriter {
  readonly #request: ModelRequest;
  readonly #naming: Naming;
  readonly #custom: ReadonlySet<string>;
  readonly #output: JsonObject[] = [];
  #response: JsonObject | undefined;
  #open: Open | undefined;
  #number = 0;
  #finish: { readonly reason: FinishReason; readonly raw?: string | undefined } | undefined;
  #written: Buffer[] = [];

  constructor(request: ModelRequest, naming: Naming) {
    this.#request = request;
    this.#naming = naming;
    this.#custom = customNames(objectAt({ body: parseJson(request.body.toString("utf8")) }, "body").tools);
  }

  write(piece: AnswerPiece): Buffer | undefined {
    if ("choice" in piece && piece.choice !== 0) return undefined;
    if (piece.type === "start") this.#begin(piece);
    else this.#begin(undefined);
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
        this.#openItem("call", "fc", piece);
        break;
      case "tool-call-delta":
        this.#arguments(piece.text);
        break;
      case "finish":
        this.#close();
        this.#finish = piece;
        break;
    }
    return this.#take();
  }

  finish(usage: Usage | undefined, cost: ShownCost | undefined): Buffer {
    return this.#conclude(this.#finish ?? { reason: "error" }, usageOf(usage, cost));
  }

  error(fault: Fault, message: string): Buffer {
    return errorEvent(fault, message, this.#number);
  }

  stop(usage: Usage | undefined): Buffer {
    return this.#conclude({ reason: "length" }, usageOf(usage, undefined));
  }

  #conclude(finish: { reason: FinishReason; raw?: string | undefined }, usage: JsonObject | null): Buffer {
    this.#begin(undefined);
    this.#close();
    const end = endOf(finish.reason, finish.raw);
    const response = { ...this.#response, ...end, output: this.#output, usage };
    this.#emit(`response.${String(end.status)}`, { response });
    return this.#take() ?? Buffer.alloc(0);
  }

  #begin(start: (AnswerPiece & { type: "start" }) | undefined): void {
    if (this.#response) return;
    this.#response = makeResponse(this.#request, start, this.#naming);
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

  #endThought(end: AnswerPiece & { type: "reasoning-end" }): void {
    const signed = end.signature !== undefined || end.redacted !== undefined;
    if (this.#open?.kind !== "reasoning") {
      if (!signed) return;
      this.#openItem("reasoning", "rs");
    }
    this.#close(end);
  }

  /** A custom call is told when it is whole: only then is its text known. */
  #arguments(delta: string): void {
    const open = this.#open!;
    open.text += delta;
    if (this.#custom.has(open.start!.name)) return;
    this.#emitPart("response.function_call_arguments.delta", open, { delta });
  }

  #openItem(kind: Open["kind"], prefix: string, start?: CallStart): Open {
    this.#close();
    const index = this.#output.length;
    const id = `${prefix}_${this.#naming.call.replace(/^call_/, "")}_${index}`;
    const open: Open = { kind, id, index, text: "", ...(start && { start }) };
    this.#open = open;
    if (kind === "message") {
      const item = { id, type: "message", role: "assistant", status: "in_progress", content: [] };
      this.#emit("response.output_item.added", { output_index: index, item });
      this.#emitPart("response.content_part.added", open, { content_index: 0, part: textPart("") });
    } else if (kind === "reasoning") {
      this.#emit("response.output_item.added", { output_index: index, item: { id, type: "reasoning", summary: [] } });
      this.#emitPart("response.reasoning_summary_part.added", open, { summary_index: 0, part: summaryPart("") });
    } else {
      const item = callItem(id, start!, "", this.#custom, "in_progress");
      this.#emit("response.output_item.added", { output_index: index, item });
    }
    return open;
  }

  /** Ends the item that is open. */
  #close(end: Partial<AnswerPiece & { type: "reasoning-end" }> = {}): void {
    const open = this.#open;
    if (!open) return;
    this.#open = undefined;
    const { kind, id, text } = open;
    let item: JsonObject;
    if (kind === "message") {
      this.#emitPart("response.output_text.done", open, { content_index: 0, text, logprobs: [] });
      this.#emitPart("response.content_part.done", open, { content_index: 0, part: textPart(text) });
      item = messageItem(id, text);
    } else if (kind === "reasoning") {
      this.#emitPart("response.reasoning_summary_text.done", open, { summary_index: 0, text });
      this.#emitPart("response.reasoning_summary_part.done", open, { summary_index: 0, part: summaryPart(text) });
      item = reasoningItem(id, text, end);
    } else {
      item = callItem(id, open.start!, text, this.#custom);
      this.#endCall(open, item);
    }
    this.#output.push(item);
    this.#emit("response.output_item.done", { output_index: open.index, item });
  }

  #endCall(open: Open, item: JsonObject): void {
    if (item.type === "custom_tool_call") {
      this.#emitPart("response.custom_tool_call_input.delta", open, { delta: item.input });
      this.#emitPart("response.custom_tool_call_input.done", open, { input: item.input });
    } else {
      const { name } = open.start!;
      this.#emitPart("response.function_call_arguments.done", open, { name, arguments: open.text });
    }
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
