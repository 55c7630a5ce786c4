import { vendorWords } from "../../base/messages/vendors.ts";
import { type AnswerPiece, type FinishReason, toolCallId } from "../answer-pieces.ts";
import { EventReader } from "../event-reader.ts";
import {
  isObject,
  type JsonObject,
  listOf,
  numberOf,
  objectAt,
  parseJson,
  placeOf,
  stringOf,
  wordOf,
} from "../json-values.ts";
import { nativeFault, strangeAnswer } from "../native-fault.ts";
import { classify } from "../openai/error-classes.ts";
import { argumentsOf } from "../openai/message-parts.ts";
import { readUsage } from "../openai/usage.ts";
import type { AnswerHeaders, Operation, VendorErrorClass } from "../spec.ts";
import { payloadOf } from "../sse.ts";
import type { VendorFault } from "../vendor-fault.ts";

const REASONS: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  length: "length",
  context: "length",
  sensitive: "content_filter",
  tool_calls: "tool_calls",
};

/** The codes of gRPC, and two more of the platform's own. */
const CODES: Readonly<Record<number, VendorErrorClass>> = {
  1: "timeout",
  2: "server_error",
  3: "invalid_request",
  4: "timeout",
  5: "not_found",
  7: "permission",
  8: "rate_limit",
  9: "invalid_request",
  11: "invalid_request",
  13: "server_error",
  14: "overloaded",
  16: "auth",
  17: "context_length",
  18: "content_filter",
};

/** Reads a streamed answer: `{"data":{"choices":[{"delta":"text"}]},"status":{"code":0}}` events, then `[DONE]`. */
export class SenseNovaReader extends EventReader {
  readonly #calls = new CallReader();
  #started = false;
  #wrote = false;

  protected override read(event: string): AnswerPiece[] {
    const payload = payloadOf(event)?.trim();
    if (payload === undefined) return [];
    if (payload === "[DONE]") return [{ type: "end" }];
    const document = parseJson(Buffer.from(payload, "latin1").toString("utf8"));
    if (!isObject(document)) return [];
    const fault = faultOf(document, 200, {}, this.#wrote);
    if (fault) return [{ type: "fault", fault }];
    const answer = objectAt(document, "data");
    const pieces = this.#started ? [] : [startOf(answer)];
    this.#started = true;
    pieces.push(...piecesOf(answer, "delta", this.#calls));
    this.#wrote ||= pieces.some(({ type }) => type.endsWith("-delta"));
    return pieces;
  }
}

/** Reads a whole answer. Throws `VendorFault` where it is an error, or none. */
export function readPieces(operation: Operation, body: Buffer): AnswerPiece[] {
  const document = parseJson(body.toString("utf8"));
  if (!isObject(document)) throw strangeAnswer(vendorWords.notAnAnswer());
  const fault = faultOf(document, 200, {}, false);
  if (fault) throw fault;
  if (operation === "embeddings") return readEmbeddings(document);
  const answer = objectAt(document, "data");
  if (listOf(answer.choices).length === 0) throw strangeAnswer();
  return [startOf(answer), ...piecesOf(answer, "message", new CallReader()), { type: "end" }];
}

function startOf({ id }: JsonObject): AnswerPiece {
  return { type: "start", ...(typeof id === "string" && { id }) };
}

function piecesOf(answer: JsonObject, holder: "delta" | "message", calls: CallReader): AnswerPiece[] {
  const pieces: AnswerPiece[] = [];
  for (const [position, choice] of listOf(answer.choices).entries()) {
    if (!isObject(choice)) continue;
    const index = placeOf(choice.index, position);
    const thought = stringOf(choice.reasoning_content) ?? "";
    if (thought !== "") pieces.push({ type: "reasoning-delta", choice: index, text: thought });
    const text = stringOf(choice[holder]) ?? "";
    if (text !== "") pieces.push({ type: "text-delta", choice: index, text });
    pieces.push(...calls.read(wordOf(answer.id), index, choice, holder));
    const raw = stringOf(choice.finish_reason) ?? "";
    if (raw !== "") {
      const reason = REASONS[raw] ?? "error";
      pieces.push({ type: "finish", choice: index, reason, ...(raw !== reason && { raw }) });
    }
  }
  const { usage } = readUsage(answer.usage, "chat");
  if (usage) pieces.push({ type: "usage", usage });
  return pieces;
}

/** Calls stand beside a choice's text, in OpenAI's shape. */
class CallReader {
  readonly #begun = new Set<string>();

  read(answer: string, choice: number, from: JsonObject, holder: "delta" | "message"): AnswerPiece[] {
    return listOf(from.tool_calls).flatMap((call, position): AnswerPiece[] => {
      if (!isObject(call)) return [];
      const index = holder === "delta" ? placeOf(call.index, position) : position;
      const called = objectAt(call, "function");
      const pieces: AnswerPiece[] = [];
      const key = `${choice} ${index}`;
      if (!this.#begun.has(key)) {
        this.#begun.add(key);
        const id = stringOf(call.id) || toolCallId(answer, choice, index);
        pieces.push({ type: "tool-call-start", choice, index, id, name: stringOf(called.name) ?? "" });
      }
      const text = argumentsOf(called.arguments);
      if (text !== "") pieces.push({ type: "tool-call-delta", choice, index, text });
      return pieces;
    });
  }
}

function readEmbeddings(document: JsonObject): AnswerPiece[] {
  const list = listOf(document.embeddings);
  if (list.length === 0) throw strangeAnswer();
  const vectors = list.flatMap((item, position): AnswerPiece[] => {
    if (!isObject(item)) return [];
    const index = placeOf(item.index, position);
    return [{ type: "embedding", index, vector: listOf(item.embedding) as number[] }];
  });
  const { usage } = readUsage(document.usage, "embeddings");
  return [{ type: "start" }, ...vectors, { type: "usage", usage }];
}

/** `{"error":{"code","message"}}`, or a stream's `status` whose code is not 0. */
function faultOf(
  document: JsonObject,
  status: number,
  headers: AnswerHeaders,
  wrote: boolean,
): VendorFault | undefined {
  const error = isObject(document.error) ? document.error : undefined;
  const said = error ?? objectAt(document, "status");
  if (!error && (typeof said.code !== "number" || said.code === 0)) return undefined;
  const code = numberOf(said.code);
  const message = stringOf(said.message) ?? "";
  const errorClass = CODES[code] ?? classify(status, { message, type: "", code: "", param: undefined });
  const charged = wrote ? "unknown" : "nothing";
  return nativeFault({ errorClass, status, code: wordOf(said.code), message, headers, charged });
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
