import { geminiWords as words } from "../../base/messages/gemini.ts";
import { vendorWords } from "../../base/messages/vendors.ts";
import { type AnswerPiece, type FinishReason, toolCallId } from "../answer-pieces.ts";
import { isObject, type JsonObject, listOf, objectAt, placeOf, stringOf } from "../json-values.ts";
import { strangeAnswer } from "../native-fault.ts";
import { VendorFault } from "../vendor-fault.ts";
import { errorIn, faultOf } from "./errors.ts";
import { readUsage } from "./usage.ts";

/** Ends that are no failure. All others are an `error`, and told in the vendor's own word. */
const REASONS: Readonly<Record<string, FinishReason>> = {
  STOP: "stop",
  MAX_TOKENS: "length",
  SAFETY: "content_filter",
  RECITATION: "content_filter",
  LANGUAGE: "content_filter",
  BLOCKLIST: "content_filter",
  PROHIBITED_CONTENT: "content_filter",
  SPII: "content_filter",
  IMAGE_SAFETY: "content_filter",
  IMAGE_PROHIBITED_CONTENT: "content_filter",
  IMAGE_RECITATION: "content_filter",
  MODEL_ARMOR: "content_filter",
};
/** Words that say no more than the neutral one. */
const PLAIN: ReadonlySet<string> = new Set(["STOP", "MAX_TOKENS"]);

interface Choice {
  calls: number;
  thinking: boolean;
  finished: boolean;
}

/** One answer: the documents of its stream one by one, or the only one there is. */
export class GeminiAnswer {
  readonly #choices = new Map<number, Choice>();
  #id = "";
  #started = false;
  #wrote = false;

  read(document: JsonObject): AnswerPiece[] {
    const error = errorIn(document);
    if (error) return [{ type: "fault", fault: faultOf(error, 200, {}, this.#wrote) }];
    const pieces = [
      ...this.#start(document),
      ...usagePieces(document),
      ...this.#blocked(document),
      ...listOf(document.candidates).flatMap((candidate, position) => this.#readCandidate(candidate, position)),
    ];
    this.#wrote ||= pieces.some(({ type }) => type.endsWith("-delta") || type === "tool-call-start");
    return pieces;
  }

  #start({ responseId: id, modelVersion: model }: JsonObject): AnswerPiece[] {
    if (this.#started) return [];
    this.#started = true;
    this.#id = stringOf(id) ?? "";
    return [{ type: "start", ...(typeof id === "string" && { id }), ...(typeof model === "string" && { model }) }];
  }

  /** The prompt itself was refused: there is no candidate. Its tokens may be charged, where some are told. */
  #blocked(document: JsonObject): AnswerPiece[] {
    const reason = stringOf(objectAt(document, "promptFeedback").blockReason);
    if (reason === undefined || listOf(document.candidates).length > 0) return [];
    const counted = readUsage(document.usageMetadata)?.input;
    return [{ type: "fault", fault: refused(words.blocked(reason), reason, counted ? "unknown" : "nothing") }];
  }

  #readCandidate(candidate: unknown, position: number): AnswerPiece[] {
    if (!isObject(candidate)) return [];
    const index = placeOf(candidate.index, position);
    const choice = this.#choices.get(index) ?? { calls: 0, thinking: false, finished: false };
    this.#choices.set(index, choice);
    const parts = listOf(objectAt(candidate, "content").parts).filter(isObject);
    return [
      ...parts.flatMap((part) => this.#readPart(part, index, choice)),
      ...finishPieces(stringOf(candidate.finishReason), index, choice),
    ];
  }

  #readPart(part: JsonObject, index: number, choice: Choice): AnswerPiece[] {
    const { text } = part;
    if (part.thought === true) {
      if (typeof text !== "string" || text === "") return [];
      choice.thinking = true;
      return [{ type: "reasoning-delta", choice: index, text }];
    }
    const written = isObject(part.functionCall)
      ? this.#readCall(part, part.functionCall, index, choice)
      : textPieces(typeof text === "string" ? text : pictureText(part.inlineData), index);
    if (written.length === 0 || !choice.thinking) return written;
    choice.thinking = false;
    return [{ type: "reasoning-end", choice: index }, ...written];
  }

  /** A call comes whole. Older models give it no id. */
  #readCall({ thoughtSignature }: JsonObject, call: JsonObject, index: number, choice: Choice): AnswerPiece[] {
    const at = choice.calls;
    choice.calls += 1;
    const id = stringOf(call.id) || toolCallId(this.#id, index, at);
    const name = stringOf(call.name) ?? "";
    const signature = typeof thoughtSignature === "string" ? { signature: thoughtSignature } : {};
    const text = JSON.stringify(isObject(call.args) ? call.args : {});
    return [
      { type: "tool-call-start", choice: index, index: at, id, name, ...signature },
      { type: "tool-call-delta", choice: index, index: at, text },
    ];
  }
}

function textPieces(text: string, choice: number): AnswerPiece[] {
  return text === "" ? [] : [{ type: "text-delta", choice, text }];
}

/** A picture in a chat, as a text that shows it: clients of chats have no other place for it. */
function pictureText(data: unknown): string {
  const picture = readPicture(data);
  return picture ? `![](data:${picture.mediaType};base64,${picture.base64})` : "";
}

function readPicture(data: unknown): { readonly base64: string; readonly mediaType: string } | undefined {
  if (!isObject(data) || typeof data.data !== "string") return undefined;
  return { base64: data.data, mediaType: stringOf(data.mimeType) ?? "image/png" };
}

/** Some models say how they stopped more than once. */
function finishPieces(raw: string | undefined, index: number, choice: Choice): AnswerPiece[] {
  if (raw === undefined || raw === "FINISH_REASON_UNSPECIFIED" || choice.finished) return [];
  choice.finished = true;
  const stopped = REASONS[raw] ?? "error";
  const reason = stopped === "stop" && choice.calls > 0 ? "tool_calls" : stopped;
  return [{ type: "finish", choice: index, reason, ...(!PLAIN.has(raw) && { raw }) }];
}

function usagePieces({ usageMetadata }: JsonObject): AnswerPiece[] {
  const usage = readUsage(usageMetadata);
  return usage ? [{ type: "usage", usage }] : [];
}

/** The vectors of a batch, in the order of its texts. Most models report no usage. */
export function readEmbeddings(document: JsonObject): AnswerPiece[] {
  const vectors = Array.isArray(document.embeddings) ? document.embeddings : [document.embedding];
  const pieces = (vectors as unknown[]).map((one, index): AnswerPiece => {
    const { values } = isObject(one) ? one : {};
    if (!Array.isArray(values)) throw strange();
    return { type: "embedding", index, vector: values as number[] };
  });
  const input = readUsage(document.usageMetadata)?.input;
  return [{ type: "start" }, ...pieces, ...(input === undefined ? [] : [{ type: "usage", usage: { input } } as const])];
}

/** The pictures among the parts of an answer. Throws where none was drawn. */
export function readDrawing(document: JsonObject): AnswerPiece[] {
  const candidates = listOf(document.candidates).filter(isObject);
  const parts = candidates.flatMap((candidate) => listOf(objectAt(candidate, "content").parts)).filter(isObject);
  const pictures = parts
    .filter(({ thought }) => thought !== true)
    .flatMap(({ inlineData }) => readPicture(inlineData) ?? []);
  if (pictures.length === 0) throw noPicture(document, candidates);
  const usage = { ...readUsage(document.usageMetadata), images: pictures.length };
  return [
    { type: "start", ...(typeof document.modelVersion === "string" && { model: document.modelVersion }) },
    ...pictures.map(({ base64 }, index): AnswerPiece => ({ type: "image", index, base64 })),
    { type: "usage", usage },
  ];
}

/** The prompt was blocked, or the picture: the answer says why. Tokens may be charged, where some are told. */
function noPicture(document: JsonObject, candidates: readonly JsonObject[]): VendorFault {
  const blocked = stringOf(objectAt(document, "promptFeedback").blockReason);
  const finish = candidates.map(({ finishReason }) => stringOf(finishReason)).find(Boolean);
  const charged = readUsage(document.usageMetadata) ? "unknown" : "nothing";
  if (blocked !== undefined) return refused(words.blocked(blocked), blocked, charged);
  if (finish !== undefined && REASONS[finish] === "content_filter") {
    return refused(words.noImage(finish), finish, charged);
  }
  return strange();
}

function refused(said: ReturnType<typeof words.blocked>, code: string, charged: "nothing" | "unknown"): VendorFault {
  return new VendorFault((language) => vendorWords.content_filter(said(language))(language), {
    errorClass: "content_filter",
    charged,
    vendorStatus: 200,
    vendorCode: code,
  });
}

export function strange(isJson = true): VendorFault {
  return strangeAnswer(isJson ? vendorWords.strangeAnswer() : vendorWords.notAnAnswer());
}
