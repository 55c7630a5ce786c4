import { vendorWords } from "../../base/messages/vendors.ts";
import { type AnswerPiece, type FinishReason, toolCallId } from "../answer-pieces.ts";
import { EventReader } from "../event-reader.ts";
import { isObject, type JsonObject, listOf, parseJson, placeOf, stringOf } from "../json-values.ts";
import { strangeAnswer } from "../native-fault.ts";
import { argumentsOf } from "../openai/message-parts.ts";
import { readUsage } from "../openai/usage.ts";
import type { Operation } from "../spec.ts";
import { payloadOf } from "../sse.ts";
import { faultOf } from "./errors.ts";

const REASONS: Readonly<Record<string, FinishReason>> = {
  "": "stop",
  normal: "stop",
  stop: "stop",
  length: "length",
  function_call: "tool_calls",
  content_filter: "content_filter",
};
/** What the platform says in the place of a reason when its rules have struck: the conversation must not go on. */
const CLEAR_HISTORY = "need_clear_history";

/** Reads a streamed answer: `data:` events, the last of which says `is_end`. There is no `[DONE]`. */
export class BaiduReader extends EventReader {
  readonly #answer = new AnswerReader();

  override end(): AnswerPiece[] {
    return [...super.end(), ...this.#answer.close()];
  }

  protected override read(event: string): AnswerPiece[] {
    const payload = payloadOf(event)?.trim();
    const document = payload === undefined ? undefined : parseJson(Buffer.from(payload, "latin1").toString("utf8"));
    if (!isObject(document)) return [];
    const fault = faultOf(document, 200, {}, this.#answer.wrote);
    if (fault) return [{ type: "fault", fault }];
    return this.#answer.read(document, document.is_end === true);
  }
}

/** Reads a whole answer. Throws `VendorFault` where it is an error, or none. */
export function readPieces(operation: Operation, body: Buffer): AnswerPiece[] {
  const document = parseJson(body.toString("utf8"));
  if (!isObject(document)) throw strangeAnswer(vendorWords.notAnAnswer());
  const fault = faultOf(document, 200, {}, false);
  if (fault) throw fault;
  if (operation === "chat") {
    if (stringOf(document.result) === undefined && !isObject(document.function_call)) throw strangeAnswer();
    return new AnswerReader().read(document, true);
  }
  const items = listOf(document.data).filter(isObject);
  if (items.length === 0) throw strangeAnswer();
  if (operation === "embeddings") {
    const { usage } = readUsage(document.usage, "embeddings");
    return [startOf(document), ...items.map(readEmbedding), { type: "usage", usage }];
  }
  const images = items.flatMap(readImage);
  if (images.length === 0) throw strangeAnswer();
  // The tokens that are told beside them are not what pictures are billed by.
  return [startOf(document), ...images, { type: "usage", usage: { images: images.length } }];
}

/** The one choice of an answer, piece by piece. */
class AnswerReader {
  /** Whether the model has written anything. */
  wrote = false;
  #started = false;
  #called: string | undefined;
  #truncated = false;
  #struck = false;
  #finished = false;

  read(document: JsonObject, last: boolean): AnswerPiece[] {
    const pieces: AnswerPiece[] = this.#started ? [] : [startOf(document)];
    this.#started = true;
    const text = stringOf(document.result) ?? "";
    if (text !== "") pieces.push({ type: "text-delta", choice: 0, text });
    if (isObject(document.function_call))
      pieces.push(...this.#call(document.function_call, stringOf(document.id) ?? ""));
    this.wrote ||= pieces.some(({ type }) => type.endsWith("-delta"));
    this.#truncated ||= document.is_truncated === true;
    this.#struck ||= document.need_clear_history === true;
    const { usage } = readUsage(document.usage, "chat");
    if (usage) pieces.push({ type: "usage", usage });
    if (last) pieces.push(...this.#finish(stringOf(document.finish_reason) ?? ""), { type: "end" });
    return pieces;
  }

  /** What the platform's rules have struck is over, whether it says so or not. */
  close(): AnswerPiece[] {
    return this.#struck ? this.#finish("") : [];
  }

  /** The call comes whole, with what the model thought about it; where it comes again, with more. */
  #call(call: JsonObject, answer: string): AnswerPiece[] {
    const pieces: AnswerPiece[] = [];
    const given = argumentsOf(call.arguments);
    if (this.#called === undefined) {
      const thoughts = stringOf(call.thoughts) ?? "";
      if (thoughts !== "") {
        pieces.push({ type: "reasoning-delta", choice: 0, text: thoughts }, { type: "reasoning-end", choice: 0 });
      }
      const name = stringOf(call.name) ?? "";
      pieces.push({ type: "tool-call-start", choice: 0, index: 0, id: toolCallId(answer, 0, 0), name });
    }
    const before = this.#called ?? "";
    const added = given.startsWith(before) ? given.slice(before.length) : given;
    this.#called = before + added;
    if (added !== "") pieces.push({ type: "tool-call-delta", choice: 0, index: 0, text: added });
    return pieces;
  }

  #finish(raw: string): AnswerPiece[] {
    if (this.#finished) return [];
    this.#finished = true;
    if (this.#struck) return [{ type: "finish", choice: 0, reason: "content_filter", raw: raw || CLEAR_HISTORY }];
    let reason = REASONS[raw] ?? "error";
    if (reason === "stop" && this.#called !== undefined) reason = "tool_calls";
    else if (reason === "stop" && this.#truncated) reason = "length";
    return [{ type: "finish", choice: 0, reason, ...(raw !== "" && raw !== reason && { raw }) }];
  }
}

function startOf({ id, created }: JsonObject): AnswerPiece {
  return {
    type: "start",
    ...(typeof id === "string" && { id }),
    ...(typeof created === "number" && { created }),
  };
}

function readEmbedding(item: JsonObject, position: number): AnswerPiece {
  const index = placeOf(item.index, position);
  return { type: "embedding", index, vector: listOf(item.embedding) as number[] };
}

function readImage({ b64_image: base64 }: JsonObject, index: number): AnswerPiece[] {
  return typeof base64 === "string" ? [{ type: "image", index, base64 }] : [];
}
