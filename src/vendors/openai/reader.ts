import { vendorWords } from "../../base/messages/vendors.ts";
import { readCount } from "../../base/usage.ts";
import { type AnswerPiece, type FinishReason, toolCallId } from "../answer-pieces.ts";
import { EventReader } from "../event-reader.ts";
import { parseJson, placeOf, wordOf } from "../json-values.ts";
import type { Operation } from "../spec.ts";
import { eventName, payloadOf } from "../sse.ts";
import { VendorFault } from "../vendor-fault.ts";
import { isRecord } from "./input-size.ts";
import { argumentsOf, signatureOf } from "./message-parts.ts";
import { readUsage } from "./usage.ts";
import { findEnvelope, readError, readStreamError } from "./vendor-errors.ts";

type Json = Record<string, unknown>;

/** What the vendors of this protocol say at the end, in the neutral words; anything else is an `error`. */
const REASONS: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  normal: "stop",
  eos: "stop",
  end_turn: "stop",
  stop_sequence: "stop",
  length: "length",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  tool_calls: "tool_calls",
  tool_use: "tool_calls",
  function_call: "tool_calls",
  content_filter: "content_filter",
  sensitive: "content_filter",
};

export function finishReason(raw: string): FinishReason {
  return REASONS[raw] ?? "error";
}

/** Reads a streamed answer of chat completions into pieces. */
export class OpenAiReader extends EventReader {
  readonly #choices = new ChoiceReaders();
  #started = false;
  #wrote = false;

  protected override read(event: string): AnswerPiece[] {
    const payload = payloadOf(event)?.trim();
    if (payload === undefined) return [];
    if (payload === "[DONE]") return [{ type: "end" }];
    const document = parseJson(Buffer.from(payload, "latin1").toString("utf8"));
    if (!isRecord(document)) return [];
    const named = eventName(event) === "error" ? { error: document.error ?? document } : document;
    const fault = readStreamError(named, this.#wrote);
    if (fault) return [{ type: "fault", fault }];
    const pieces = [
      ...this.#start(document),
      ...this.#choices.read(document, "delta", false),
      ...usagePieces(document, "chat"),
    ];
    this.#wrote ||= pieces.some((piece) => piece.type.endsWith("-delta"));
    return pieces;
  }

  #start(document: Json): AnswerPiece[] {
    if (this.#started || !Array.isArray(document.choices)) return [];
    this.#started = true;
    return [startPiece(document)];
  }
}

/** Reads a buffered answer into pieces. Throws `VendorFault` where it is none. */
export function readPieces(operation: Operation, body: Buffer): AnswerPiece[] {
  const document = parseJson(body.toString("utf8"));
  if (document === undefined) throw strange(body, false);
  const items = isRecord(document) ? listIn(document, operation) : undefined;
  if (!isRecord(document) || !Array.isArray(items) || items.length === 0) {
    if (findEnvelope(document)) throw readError(200, {}, body);
    throw strange(body, true);
  }
  const usage = usagePieces(document, operation);
  if (operation === "embeddings") return [startPiece(document), ...items.flatMap(readEmbedding), ...usage];
  if (operation === "images") return readImages(document, items);
  return [startPiece(document), ...new ChoiceReaders().read(document, "message", true), ...usage, { type: "end" }];
}

/** The choices of an answer, each with its own calls and finish. */
export class ChoiceReaders {
  /** Calls that have begun, by choice and the vendor's index. */
  readonly #calls = new Map<string, number>();
  readonly #callsOfChoice = new Map<number, number>();
  readonly #thinking = new Set<number>();
  #answer = "";

  /** @param whole the answer is here at once, and no call in it goes on elsewhere */
  read(document: Json, holder: "delta" | "message", whole: boolean): AnswerPiece[] {
    if (typeof document.id === "string") this.#answer = document.id;
    if (!Array.isArray(document.choices)) return [];
    return (document.choices as unknown[]).flatMap((choice, position) =>
      isRecord(choice) ? this.#readChoice(choice, position, holder, whole) : [],
    );
  }

  #readChoice(choice: Json, position: number, holder: "delta" | "message", whole: boolean): AnswerPiece[] {
    const index = placeOf(choice.index, position);
    const written = isRecord(choice[holder]) ? choice[holder] : {};
    const pieces: AnswerPiece[] = [];
    const thought = written.reasoning_content ?? written.reasoning;
    if (typeof thought === "string" && thought !== "") {
      this.#thinking.add(index);
      pieces.push({ type: "reasoning-delta", choice: index, text: thought });
    }
    const said = [...textOf(written.content), ...textOf(written.refusal)];
    const calls = callsOf(written);
    if ((said.length > 0 || calls.length > 0) && this.#thinking.delete(index)) {
      pieces.push({ type: "reasoning-end", choice: index });
    }
    for (const text of said) pieces.push({ type: "text-delta", choice: index, text });
    for (const [at, call] of calls.entries()) pieces.push(...this.#readCall(index, call, at, whole));
    const raw = choice.finish_reason;
    if (typeof raw === "string" && raw !== "" && raw !== "null") pieces.push(this.#finish(index, raw, choice));
    return pieces;
  }

  #finish(choice: number, raw: string, said: Json): AnswerPiece {
    let reason = finishReason(raw);
    // Some vendors say "stop" though they call, and put what their rules struck into a flag.
    if (reason === "stop" && (this.#callsOfChoice.get(choice) ?? 0) > 0) reason = "tool_calls";
    if (typeof said.flag === "number" && said.flag !== 0) reason = "content_filter";
    return { type: "finish", choice, reason, ...(raw !== reason && { raw }) };
  }

  #readCall(choice: number, call: Json, position: number, whole: boolean): AnswerPiece[] {
    const called = isRecord(call.function) ? call.function : {};
    const given = argumentsOf(called.arguments);
    const key = `${choice} ${placeOf(call.index, position)}`;
    const pieces: AnswerPiece[] = [];
    let index = this.#calls.get(key);
    const named = typeof called.name === "string" && called.name !== "";
    if (index === undefined && !named && !whole) return [];
    if (index === undefined || whole) {
      index = this.#callsOfChoice.get(choice) ?? 0;
      this.#callsOfChoice.set(choice, index + 1);
      this.#calls.set(key, index);
      const id = typeof call.id === "string" && call.id !== "" ? call.id : toolCallId(this.#answer, choice, index);
      const signature = signatureOf(call);
      const name = wordOf(called.name);
      pieces.push({ type: "tool-call-start", choice, index, id, name, ...(signature !== undefined && { signature }) });
    }
    if (given !== "") pieces.push({ type: "tool-call-delta", choice, index, text: given });
    return pieces;
  }
}

function callsOf(written: Json): Json[] {
  const { tool_calls: calls, function_call: older } = written;
  // One vendor writes a single call as an object.
  const listed = Array.isArray(calls) ? calls : isRecord(calls) ? [calls] : [];
  const all = isRecord(older) ? [...listed, { index: 0, function: older }] : listed;
  return all.filter(isRecord);
}

/** A text, or the texts of a list of parts. */
function textOf(content: unknown): string[] {
  if (typeof content === "string") return content === "" ? [] : [content];
  if (!Array.isArray(content)) return [];
  return content.flatMap((part) => (isRecord(part) && typeof part.text === "string" && part.text ? [part.text] : []));
}

function usagePieces(document: Json, operation: Operation): AnswerPiece[] {
  const first: unknown = Array.isArray(document.choices) ? document.choices[0] : undefined;
  const raw = isRecord(document.usage) ? document.usage : isRecord(first) ? first.usage : undefined;
  const { usage, usageEstimated, vendorCost } = readUsage(raw, operation);
  if (!usage) return [];
  return [
    {
      type: "usage",
      usage,
      ...(usageEstimated && { estimated: true }),
      ...(vendorCost !== undefined && { vendorCost }),
    },
  ];
}

function startPiece({ id, model, created }: Json): AnswerPiece {
  return {
    type: "start",
    ...(typeof id === "string" && { id }),
    ...(typeof model === "string" && { model }),
    ...(typeof created === "number" && { created }),
  };
}

/** What an answer of this kind holds; SiliconFlow has its pictures in `images`. */
function listIn(document: Json, operation: Operation): unknown {
  if (operation === "chat") return document.choices;
  return document.data ?? (operation === "images" ? document.images : undefined);
}

/** A vector as numbers, or as base64 of 32-bit floats, little endian. */
function readEmbedding(item: unknown, position: number): AnswerPiece[] {
  if (!isRecord(item)) return [];
  const { embedding } = item;
  const index = placeOf(item.index, position);
  if (Array.isArray(embedding)) return [{ type: "embedding", index, vector: embedding as number[] }];
  if (typeof embedding !== "string") return [];
  const bytes = Buffer.from(embedding, "base64");
  const vector = Array.from({ length: bytes.length >> 2 }, (_, at) => bytes.readFloatLE(at * 4));
  return [{ type: "embedding", index, vector }];
}

/** Pictures are counted here, where the vendor does not say how many it has drawn: those that came. */
function readImages(document: Json, items: readonly unknown[]): AnswerPiece[] {
  const images = items.flatMap(readImage);
  const { usage, vendorCost } = readUsage(document.usage, "chat");
  const drawn = isRecord(document.usage) ? readCount(document.usage.generated_images) : undefined;
  return [
    startPiece(document),
    ...images,
    {
      type: "usage",
      usage: { ...usage, images: drawn ?? images.length },
      ...(vendorCost !== undefined && { vendorCost }),
    },
  ];
}

function readImage(item: unknown, index: number): AnswerPiece[] {
  if (!isRecord(item)) return [];
  const { url, b64_json: base64, revised_prompt: revisedPrompt } = item;
  // An error may stand in the place of one.
  if (typeof url !== "string" && typeof base64 !== "string") return [];
  return [
    {
      type: "image",
      index,
      ...(typeof url === "string" && { url }),
      ...(typeof base64 === "string" && { base64 }),
      ...(typeof revisedPrompt === "string" && { revisedPrompt }),
    },
  ];
}

function strange(body: Buffer, isJson: boolean): VendorFault {
  const text = isJson ? vendorWords.strangeAnswer() : vendorWords.notAnAnswer();
  const details = { answerBytes: body.length };
  return new VendorFault(text, { errorClass: "server_error", charged: "unknown", vendorStatus: 200, details });
}
