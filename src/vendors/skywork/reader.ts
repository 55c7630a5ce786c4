import { vendorWords } from "../../base/messages/vendors.ts";
import type { AnswerPiece, PieceReader } from "../answer-pieces.ts";
import { isObject, type JsonObject, objectAt, parseJson, stringOf, wordOf } from "../json-values.ts";
import { LineSplitter } from "../lines.ts";
import { nativeFault, strangeAnswer } from "../native-fault.ts";
import { classify } from "../openai/error-classes.ts";
import { readUsage } from "../openai/usage.ts";
import type { AnswerHeaders, Operation, ReadOptions } from "../spec.ts";
import type { VendorFault } from "../vendor-fault.ts";

/** `status`: 1 writing, 2 out of time, 3 done, 4 not allowed. `finish_reason`: 1 done, 2 as long as it may be. */
const STATUS = { timeout: 2, done: 3, sensitive: 4 } as const;
const FINISH_LENGTH = 2;
const OK = 200;

/** Reads the lines of a streamed answer. */
export class SkyworkReader implements PieceReader {
  readonly #lines: LineSplitter;
  #started = false;
  #wrote = false;

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
    const fault = faultOf(document, 200, {}, this.#wrote);
    if (fault) return [{ type: "fault", fault }];
    const pieces = this.#started ? piecesOf(document) : [startOf(document), ...piecesOf(document)];
    this.#started = true;
    this.#wrote ||= pieces.some(({ type }) => type === "text-delta");
    return pieces;
  }
}

/** Reads a whole answer. Throws `VendorFault` where it is an error, or none. */
export function readPieces(_operation: Operation, body: Buffer): AnswerPiece[] {
  const document = parseJson(body.toString("utf8"));
  if (!isObject(document)) throw strangeAnswer(vendorWords.notAnAnswer());
  const fault = faultOf(document, 200, {}, false);
  if (fault) throw fault;
  if (!isObject(document.resp_data)) throw strangeAnswer();
  return [startOf(document), ...piecesOf(document)];
}

function startOf({ trace_id: id }: JsonObject): AnswerPiece {
  return { type: "start", ...(typeof id === "string" && { id }) };
}

function piecesOf(document: JsonObject): AnswerPiece[] {
  const answer = objectAt(document, "resp_data");
  const pieces: AnswerPiece[] = [];
  const text = stringOf(answer.reply) ?? "";
  if (text !== "") pieces.push({ type: "text-delta", choice: 0, text });
  const { usage } = readUsage(answer.usage, "chat");
  if (usage) pieces.push({ type: "usage", usage });
  const { status, finish_reason: reason } = answer;
  if (status === STATUS.timeout) pieces.push({ type: "finish", choice: 0, reason: "error", raw: "timeout" });
  if (status === STATUS.sensitive)
    pieces.push({ type: "finish", choice: 0, reason: "content_filter", raw: "sensitive" });
  if (status === STATUS.done) {
    pieces.push({ type: "finish", choice: 0, reason: reason === FINISH_LENGTH ? "length" : "stop" });
  }
  if (pieces.at(-1)?.type === "finish") pieces.push({ type: "end" });
  return pieces;
}

/** No table of codes is published: the message and the status say what it is. */
function faultOf(
  document: JsonObject,
  status: number,
  headers: AnswerHeaders,
  wrote: boolean,
): VendorFault | undefined {
  const { code } = document;
  if (code === undefined || code === OK) return undefined;
  const message = stringOf(document.code_msg) ?? stringOf(document.message) ?? "";
  const spelled = wordOf(code);
  // A code that is a status means what the status means.
  const meant = status === OK && /^[45]\d\d$/.test(spelled) ? Number(spelled) : status;
  const errorClass = classify(meant, { message, type: "", code: spelled, param: undefined });
  return nativeFault({ errorClass, status, code: spelled, message, headers, charged: wrote ? "unknown" : "nothing" });
}

export function readError(status: number, headers: AnswerHeaders, body: Buffer): VendorFault {
  const document = parseJson(body.toString("utf8"));
  const fault = isObject(document) ? faultOf(document, status, headers, false) : undefined;
  if (fault) return fault;
  const message = body.toString("utf8", 0, 200);
  return nativeFault({ errorClass: classify(status, undefined), status, message, headers });
}

/** What a request without messages is answered with: refused for the signature, or for having no messages. */
export function readProbe(headers: AnswerHeaders, body: Buffer): VendorFault | undefined {
  const document = parseJson(body.toString("utf8"));
  const fault = isObject(document) ? faultOf(document, 200, headers, false) : undefined;
  return fault?.errorClass === "invalid_request" ? undefined : fault;
}
