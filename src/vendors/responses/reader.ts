import { vendorWords } from "../../base/messages/vendors.ts";
import type { AnswerPiece, FinishReason } from "../answer-pieces.ts";
import { EventReader } from "../event-reader.ts";
import { isObject, type JsonObject, listOf, objectAt, parseJson, stringOf } from "../json-values.ts";
import { strangeAnswer } from "../native-fault.ts";
import { readUsage } from "../openai/usage.ts";
import { findEnvelope, readError, readStreamError } from "../openai/vendor-errors.ts";
import type { Operation } from "../spec.ts";
import { payloadOf } from "../sse.ts";
import type { VendorFault } from "../vendor-fault.ts";
import { argumentsOfInput } from "./toolbox.ts";

/** Reads a streamed response event by event. */
export class ResponsesReader extends EventReader {
  /** Calls by the place of their items, each with whether its arguments came in pieces. */
  readonly #calls = new Map<unknown, { readonly index: number; streamed: boolean }>();
  #started = false;
  #wrote = false;

  protected override read(event: string): AnswerPiece[] {
    const payload = payloadOf(event);
    const document = payload === undefined ? undefined : parseJson(Buffer.from(payload, "latin1").toString("utf8"));
    if (!isObject(document)) return [];
    const pieces = this.#readEvent(document);
    this.#wrote ||= pieces.some(({ type }) => type.endsWith("-delta"));
    return pieces;
  }

  #readEvent(event: JsonObject): AnswerPiece[] {
    const delta = stringOf(event.delta) ?? "";
    switch (event.type) {
      case "response.created":
      case "response.in_progress":
        return this.#start(objectAt(event, "response"));
      case "response.output_text.delta":
      case "response.refusal.delta":
        return delta === "" ? [] : [{ type: "text-delta", choice: 0, text: delta }];
      case "response.reasoning_summary_text.delta":
      case "response.reasoning_text.delta":
        return delta === "" ? [] : [{ type: "reasoning-delta", choice: 0, text: delta }];
      case "response.output_item.added":
        return this.#openItem(event);
      case "response.function_call_arguments.delta":
        return this.#arguments(event, delta);
      case "response.output_item.done":
        return this.#closeItem(event);
      case "response.completed":
      case "response.incomplete":
        return [...finishPieces(objectAt(event, "response"), this.#calls.size), { type: "end" }];
      case "response.failed":
      case "error":
        return [{ type: "fault", fault: faultOf(event, this.#wrote) }];
      default:
        return this.#faultOf(event);
    }
  }

  #start(response: JsonObject): AnswerPiece[] {
    if (this.#started) return [];
    this.#started = true;
    return [startOf(response)];
  }

  #openItem({ output_index: place, item }: JsonObject): AnswerPiece[] {
    if (!isObject(item) || (item.type !== "function_call" && item.type !== "custom_tool_call")) return [];
    const index = this.#calls.size;
    this.#calls.set(place, { index, streamed: false });
    return [callStart(item, index)];
  }

  #arguments({ output_index: place }: JsonObject, text: string): AnswerPiece[] {
    const call = this.#calls.get(place);
    if (!call || text === "") return [];
    call.streamed = true;
    return [{ type: "tool-call-delta", choice: 0, index: call.index, text }];
  }

  #closeItem({ output_index: place, item }: JsonObject): AnswerPiece[] {
    if (!isObject(item)) return [];
    if (item.type === "reasoning") return [{ type: "reasoning-end", choice: 0 }];
    const call = this.#calls.get(place);
    const text = call && !call.streamed ? argumentsOf(item) : "";
    return text === "" ? [] : [{ type: "tool-call-delta", choice: 0, index: call!.index, text }];
  }

  /** An error in the shape of other interfaces, without a type of this one's. */
  #faultOf(event: JsonObject): AnswerPiece[] {
    const fault = event.type === undefined ? readStreamError(event, this.#wrote) : undefined;
    return fault ? [{ type: "fault", fault }] : [];
  }
}

/** The error of a response that failed, or of an `error` event, whose fields stand in it or in its `error`. */
export function faultOf(event: JsonObject, wrote: boolean): VendorFault {
  const response = objectAt(event, "response");
  const error = isObject(response.error) ? response.error : isObject(event.error) ? event.error : event;
  const { message, code, param } = error;
  const said = {
    message: stringOf(message) ?? "",
    code: stringOf(code) ?? "server_error",
    type: "server_error",
    param,
  };
  return readStreamError({ error: said }, wrote)!;
}

/** Reads a whole response. Throws `VendorFault` where it failed, or is none. */
export function readPieces(_operation: Operation, body: Buffer): AnswerPiece[] {
  const document = parseJson(body.toString("utf8"));
  if (!isObject(document)) throw strangeAnswer(vendorWords.notAnAnswer());
  if (isObject(document.error) || document.status === "failed") {
    throw document.object === "response" ? faultOf({ response: document }, false) : readError(200, {}, body);
  }
  if (!Array.isArray(document.output)) {
    if (findEnvelope(document)) throw readError(200, {}, body);
    throw strangeAnswer();
  }
  const pieces: AnswerPiece[] = [startOf(document)];
  let calls = 0;
  for (const item of document.output.filter(isObject)) {
    pieces.push(...itemPieces(item, calls));
    if (item.type === "function_call" || item.type === "custom_tool_call") calls += 1;
  }
  return [...pieces, ...finishPieces(document, calls), { type: "end" }];
}

function itemPieces(item: JsonObject, calls: number): AnswerPiece[] {
  if (item.type === "message") {
    return listOf(item.content).flatMap((part): AnswerPiece[] => {
      const text = isObject(part) ? (stringOf(part.text) ?? stringOf(part.refusal) ?? "") : "";
      return text === "" ? [] : [{ type: "text-delta", choice: 0, text }];
    });
  }
  if (item.type === "reasoning") {
    const shown = [...listOf(item.summary), ...listOf(item.content)].filter(isObject);
    const text = shown.map((part) => stringOf(part.text) ?? "").join("");
    return text === ""
      ? []
      : [
          { type: "reasoning-delta", choice: 0, text },
          { type: "reasoning-end", choice: 0 },
        ];
  }
  if (item.type !== "function_call" && item.type !== "custom_tool_call") return [];
  const text = argumentsOf(item);
  const start = callStart(item, calls);
  return text === "" ? [start] : [start, { type: "tool-call-delta", choice: 0, index: calls, text }];
}

function argumentsOf(item: JsonObject): string {
  if (item.type === "custom_tool_call") return argumentsOfInput(stringOf(item.input) ?? "");
  return stringOf(item.arguments) ?? "";
}

function callStart(item: JsonObject, index: number): AnswerPiece {
  const id = stringOf(item.call_id) ?? stringOf(item.id) ?? "";
  return { type: "tool-call-start", choice: 0, index, id, name: stringOf(item.name) ?? "" };
}

function startOf({ id, model, created_at: created }: JsonObject): AnswerPiece {
  return {
    type: "start",
    ...(typeof id === "string" && { id }),
    ...(typeof model === "string" && { model }),
    ...(typeof created === "number" && { created: Math.floor(created) }),
  };
}

function finishPieces(response: JsonObject, calls: number): AnswerPiece[] {
  const raw = stringOf(objectAt(response, "incomplete_details").reason);
  let reason: FinishReason = calls > 0 ? "tool_calls" : "stop";
  const status = stringOf(response.status) ?? "completed";
  if (status !== "completed") {
    reason = raw === "max_output_tokens" ? "length" : raw === "content_filter" ? "content_filter" : "error";
  }
  const finish: AnswerPiece = { type: "finish", choice: 0, reason, ...(reason === "error" && { raw: raw ?? status }) };
  const { usage, vendorCost } = readUsage(response.usage, "chat");
  return usage ? [{ type: "usage", usage, ...(vendorCost !== undefined && { vendorCost }) }, finish] : [finish];
}
