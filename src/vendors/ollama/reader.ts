import { vendorWords } from "../../base/messages/vendors.ts";
import { readCount, type Usage } from "../../base/usage.ts";
import { type AnswerPiece, type FinishReason, type PieceReader, toolCallId } from "../answer-pieces.ts";
import { isObject, type JsonObject, listOf, objectAt, parseJson, stringOf, wordOf } from "../json-values.ts";
import { LineSplitter } from "../lines.ts";
import { nativeFault, strangeAnswer } from "../native-fault.ts";
import { classify } from "../openai/error-classes.ts";
import { argumentsOf } from "../openai/message-parts.ts";
import type { AnswerHeaders, Operation, ReadOptions } from "../spec.ts";
import type { VendorFault } from "../vendor-fault.ts";

/** `load` and `unload` answer requests that only load a model. */
const REASONS: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  length: "length",
  load: "stop",
  unload: "stop",
};

/** Reads a streamed answer: a JSON object a line, the last with `done: true`. */
export class OllamaReader implements PieceReader {
  readonly #lines: LineSplitter;
  readonly #answer = new AnswerReader();

  constructor(options: ReadOptions) {
    this.#lines = new LineSplitter(options.eventBytes);
  }

  push(chunk: Buffer): AnswerPiece[] {
    return this.#lines.push(chunk).flatMap((line) => this.#read(line));
  }

  end(): AnswerPiece[] {
    return this.#lines.end().flatMap((line) => this.#read(line));
  }

  #read(line: string): AnswerPiece[] {
    const document = parseJson(line);
    if (!isObject(document)) return [];
    const fault = faultOf(document, 200, {}, this.#answer.wrote);
    return fault ? [{ type: "fault", fault }] : this.#answer.read(document);
  }
}

/** Reads a whole answer. Throws `VendorFault` where it is an error, or none. */
export function readPieces(operation: Operation, body: Buffer): AnswerPiece[] {
  const document = parseJson(body.toString("utf8"));
  if (!isObject(document)) throw strangeAnswer(vendorWords.notAnAnswer());
  const fault = faultOf(document, 200, {}, false);
  if (fault) throw fault;
  if (operation === "embeddings") return readEmbeddings(document);
  if (!isObject(document.message)) throw strangeAnswer();
  return new AnswerReader().read(document);
}

/** The lines of one answer. */
class AnswerReader {
  wrote = false;
  #started = false;
  #thinking = false;
  #calls = 0;

  read(document: JsonObject): AnswerPiece[] {
    const pieces: AnswerPiece[] = [];
    if (!this.#started) pieces.push(startOf(document));
    this.#started = true;
    const message = objectAt(document, "message");
    const thought = stringOf(message.thinking) ?? "";
    if (thought !== "") pieces.push({ type: "reasoning-delta", choice: 0, text: thought });
    this.#thinking ||= thought !== "";
    const text = stringOf(message.content) ?? "";
    const calls = listOf(message.tool_calls);
    if (this.#thinking && (text !== "" || calls.length > 0)) {
      this.#thinking = false;
      pieces.push({ type: "reasoning-end", choice: 0 });
    }
    if (text !== "") pieces.push({ type: "text-delta", choice: 0, text });
    for (const call of calls) pieces.push(...this.#readCall(call, document));
    this.wrote ||= pieces.some(({ type }) => type.endsWith("-delta"));
    if (document.done === true) pieces.push(...this.#end(document));
    return pieces;
  }

  /** A call comes whole, without an id, its arguments an object. */
  #readCall(call: unknown, document: JsonObject): AnswerPiece[] {
    const called = objectAt(call, "function");
    const index = this.#calls;
    this.#calls += 1;
    const id = toolCallId(wordOf(document.created_at), 0, index);
    const text = argumentsOf(called.arguments);
    return [
      { type: "tool-call-start", choice: 0, index, id, name: stringOf(called.name) ?? "" },
      ...(text === "" ? [] : [{ type: "tool-call-delta", choice: 0, index, text } as const]),
    ];
  }

  #end(document: JsonObject): AnswerPiece[] {
    const raw = stringOf(document.done_reason) ?? "stop";
    let reason = REASONS[raw] ?? "error";
    if (reason === "stop" && this.#calls > 0) reason = "tool_calls";
    const finish: AnswerPiece = { type: "finish", choice: 0, reason, ...(raw !== reason && { raw }) };
    return [finish, { type: "usage", usage: usageOf(document) }, { type: "end" }];
  }
}

/** A prompt that stands in the server's cache whole is counted as none, or not told at all. */
function usageOf(document: JsonObject): Usage | undefined {
  const input = readCount(document.prompt_eval_count);
  const output = readCount(document.eval_count);
  return input === undefined && output === undefined ? undefined : { input, output };
}

function startOf({ model, created_at: at }: JsonObject): AnswerPiece {
  const created = typeof at === "string" ? Math.floor(Date.parse(at) / 1000) : Number.NaN;
  return {
    type: "start",
    ...(typeof model === "string" && { model }),
    ...(Number.isFinite(created) && { created }),
  };
}

function readEmbeddings(document: JsonObject): AnswerPiece[] {
  const vectors = listOf(document.embeddings);
  if (vectors.length === 0) throw strangeAnswer();
  const pieces = vectors.map(
    (vector, index): AnswerPiece => ({ type: "embedding", index, vector: listOf(vector) as number[] }),
  );
  return [startOf(document), ...pieces, { type: "usage", usage: usageOf(document) }];
}

/** `{"error":"text"}`, with any status, or as a line of a stream. */
function faultOf(
  document: JsonObject,
  status: number,
  headers: AnswerHeaders,
  wrote: boolean,
): VendorFault | undefined {
  const message = stringOf(document.error) ?? stringOf(objectAt(document, "error").message);
  if (message === undefined) return undefined;
  const charged = wrote ? "unknown" : "nothing";
  const errorClass = classify(status, { message, type: "", code: "", param: undefined });
  return nativeFault({ errorClass, status, message, headers, charged });
}

export function readError(status: number, headers: AnswerHeaders, body: Buffer): VendorFault {
  const document = parseJson(body.toString("utf8"));
  const fault = isObject(document) ? faultOf(document, status, headers, false) : undefined;
  if (fault) return fault;
  return nativeFault({
    errorClass: classify(status, undefined),
    status,
    message: body.toString("utf8", 0, 200),
    headers,
  });
}
