import type { AnswerPiece } from "../answer-pieces.ts";
import { EventReader } from "../event-reader.ts";
import { isObject, parseJson } from "../json-values.ts";
import type { Operation } from "../spec.ts";
import { payloadOf } from "../sse.ts";
import { GeminiAnswer, readDrawing, readEmbeddings, strange } from "./answer.ts";
import { errorIn, faultOf } from "./errors.ts";

/** Reads a streamed answer: a document an event. The stream has no end of its own; the connection's close is it. */
export class GeminiReader extends EventReader {
  readonly #answer = new GeminiAnswer();

  protected override read(event: string): AnswerPiece[] {
    const payload = payloadOf(event);
    const document = payload === undefined ? undefined : parseJson(Buffer.from(payload, "latin1").toString("utf8"));
    return isObject(document) ? this.#answer.read(document) : [];
  }
}

/** Reads a buffered answer. Throws `VendorFault` where it is none. */
export function readPieces(operation: Operation, body: Buffer): AnswerPiece[] {
  const document = parseJson(body.toString("utf8"));
  const error = errorIn(document);
  if (error) throw faultOf(error, 200, {}, false);
  if (!isObject(document)) throw strange(false);
  if (operation === "embeddings") return readEmbeddings(document);
  if (operation === "images") return readDrawing(document);
  const pieces = new GeminiAnswer().read(document);
  for (const piece of pieces) if (piece.type === "fault") throw piece.fault;
  if (!Array.isArray(document.candidates)) throw strange();
  return [...pieces, { type: "end" }];
}
