import { vendorWords } from "../../base/messages/vendors.ts";
import { type AnswerPiece, type FinishReason, type PieceReader, toolCallId } from "../answer-pieces.ts";
import { isObject, type JsonObject, listOf, objectAt, parseJson, placeOf, stringOf } from "../json-values.ts";
import { LineSplitter } from "../lines.ts";
import { strangeAnswer } from "../native-fault.ts";
import { argumentsOf } from "../openai/message-parts.ts";
import { finishReason } from "../openai/reader.ts";
import { readUsage } from "../openai/usage.ts";
import type { Operation, ReadOptions } from "../spec.ts";
import { errorOf, faultOf, type SparkError, sidOf } from "./errors.ts";
import { choicesOf, endsAnswer } from "./frames.ts";

/** Reads a streamed answer: the frames of a WebSocket, one a line, or the events of the HTTP interface, which are one line each. */
export class SparkReader implements PieceReader {
  readonly #lines: LineSplitter;
  readonly #answer = new AnswerReader();

  constructor(options: ReadOptions) {
    this.#lines = new LineSplitter(options.eventBytes);
  }

  push(chunk: Buffer): AnswerPiece[] {
    return this.#lines.push(chunk).flatMap((line) => this.#answer.readLine(line));
  }

  end(): AnswerPiece[] {
    return [...this.#lines.end().flatMap((line) => this.#answer.readLine(line)), ...this.#answer.close()];
  }
}

/** Reads a whole answer: all frames of a WebSocket, or one document. Throws `VendorFault` where it is an error, or none. */
export function readPieces(_operation: Operation, body: Buffer): AnswerPiece[] {
  const text = body.toString("utf8");
  const document = parseJson(text);
  const answer = new AnswerReader();
  const pieces = isObject(document)
    ? [...answer.read(document), ...(isObject(document.header) ? [] : answer.finish())]
    : text.split("\n").flatMap((line) => answer.readLine(line));
  for (const piece of pieces) if (piece.type === "fault") throw piece.fault;
  if (!answer.answered)
    throw strangeAnswer(isObject(document) ? vendorWords.strangeAnswer() : vendorWords.notAnAnswer());
  if (!answer.finished) throw strangeAnswer();
  return pieces;
}

class AnswerReader {
  /** Something of an answer came. */
  answered = false;
  finished = false;
  #wrote = false;
  #thinking = false;
  #sid = "";
  #ended = false;
  /** The vendor's own word for the end, where it says one. */
  #reason: string | undefined;
  readonly #calls = new Set<number>();

  readLine(line: string): AnswerPiece[] {
    const payload = line.startsWith("data:") ? line.slice("data:".length).trim() : line.trim();
    if (payload === "[DONE]") return this.finish();
    const document = parseJson(payload);
    return isObject(document) ? this.read(document) : [];
  }

  read(document: JsonObject): AnswerPiece[] {
    if (this.#ended) return [];
    const error = errorOf(document);
    if (error) return this.#fail(error, document);
    const pieces = [...this.#start(document), ...this.#readTexts(document), ...usagePieces(document)];
    return endsAnswer(document) ? [...pieces, ...this.finish()] : pieces;
  }

  /** Ends the answer. Only calls are told apart: the platform has no word for an answer that became too long. */
  finish(reason: FinishReason = this.#endOf(), raw = this.#reason): AnswerPiece[] {
    if (this.#ended || !this.answered) return [];
    this.#ended = true;
    this.finished = true;
    return [
      { type: "finish", choice: 0, reason, ...(raw !== undefined && raw !== reason && { raw }) },
      { type: "end" },
    ];
  }

  /** The connection's end is an answer's end only where the vendor had said that it was done. */
  close(): AnswerPiece[] {
    return this.#reason === undefined ? [] : this.finish();
  }

  #endOf(): FinishReason {
    const said = this.#reason === undefined ? "stop" : finishReason(this.#reason);
    return said === "stop" && this.#calls.size > 0 ? "tool_calls" : said;
  }

  /** What was written before moderation struck stays; an error of another kind is one. */
  #fail(error: SparkError, document: JsonObject): AnswerPiece[] {
    if (error.errorClass === "content_filter" && this.#wrote) {
      return [...usagePieces(document), ...this.finish("content_filter", error.code)];
    }
    this.#ended = true;
    // An answer that was moderated away had been written.
    const charged = this.#wrote || error.code === OUTPUT_MODERATED;
    return [{ type: "fault", fault: faultOf(error, 200, {}, charged) }];
  }

  #start(document: JsonObject): AnswerPiece[] {
    if (this.answered || !(isObject(document.payload) || Array.isArray(document.choices))) return [];
    this.answered = true;
    this.#sid = sidOf(document) ?? "";
    const id = stringOf(document.id) ?? (this.#sid === "" ? undefined : this.#sid);
    const { created } = document;
    return [
      {
        type: "start",
        ...(id !== undefined && { id }),
        ...(typeof created === "number" && created > 0 && { created }),
      },
    ];
  }

  #readTexts(document: JsonObject): AnswerPiece[] {
    const framed = listOf(choicesOf(document).text).filter(isObject);
    if (framed.length > 0) return framed.flatMap((text) => this.#readText(text));
    return listOf(document.choices)
      .filter(isObject)
      .flatMap((choice) => {
        this.#reason ??= stringOf(choice.finish_reason) || undefined;
        return this.#readText(isObject(choice.delta) ? choice.delta : objectAt(choice, "message"));
      });
  }

  #readText(written: JsonObject): AnswerPiece[] {
    // What a search found is no part of the answer.
    if (written.role === "tool") return [];
    const pieces: AnswerPiece[] = [];
    const thought = stringOf(written.reasoning_content) ?? "";
    if (thought !== "") pieces.push({ type: "reasoning-delta", choice: 0, text: thought });
    this.#thinking ||= thought !== "";
    const text = stringOf(written.content) ?? "";
    const calls = callsOf(written);
    if (this.#thinking && (text !== "" || calls.length > 0)) {
      this.#thinking = false;
      pieces.push({ type: "reasoning-end", choice: 0 });
    }
    if (text !== "") pieces.push({ type: "text-delta", choice: 0, text });
    for (const [position, call] of calls.entries()) pieces.push(...this.#readCall(call, position));
    this.#wrote ||= pieces.some(({ type }) => type !== "reasoning-end");
    return pieces;
  }

  #readCall(call: JsonObject, position: number): AnswerPiece[] {
    const called = isObject(call.function) ? call.function : call;
    const index = placeOf(call.index, position);
    const pieces: AnswerPiece[] = [];
    const name = stringOf(called.name) ?? "";
    if (!this.#calls.has(index)) {
      if (name === "") return [];
      this.#calls.add(index);
      const id = stringOf(call.id) || toolCallId(this.#sid, 0, index);
      pieces.push({ type: "tool-call-start", choice: 0, index, id, name });
    }
    const text = argumentsOf(called.arguments);
    if (text !== "") pieces.push({ type: "tool-call-delta", choice: 0, index, text });
    return pieces;
  }
}

const OUTPUT_MODERATED = "10014";

/** A list, or a single object where nothing asked for a list; a frame has one `function_call`. */
function callsOf({ tool_calls: calls, function_call: one }: JsonObject): JsonObject[] {
  const listed = Array.isArray(calls) ? calls.filter(isObject) : isObject(calls) ? [calls] : [];
  return isObject(one) && listed.length === 0 ? [one] : listed;
}

function usagePieces(document: JsonObject): AnswerPiece[] {
  const { usage } = readUsage(document.usage ?? objectAt(objectAt(document, "payload"), "usage").text, "chat");
  return usage ? [{ type: "usage", usage }] : [];
}
