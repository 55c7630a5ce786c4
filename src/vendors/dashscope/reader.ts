import { dashscopeWords as words } from "../../base/messages/dashscope.ts";
import { vendorWords } from "../../base/messages/vendors.ts";
import { readCount } from "../../base/usage.ts";
import type { AnswerPiece } from "../answer-pieces.ts";
import { EventReader } from "../event-reader.ts";
import { isObject, type JsonObject, listOf, objectAt, parseJson, placeOf, stringOf } from "../json-values.ts";
import { strangeAnswer } from "../native-fault.ts";
import { ChoiceReaders } from "../openai/reader.ts";
import { readUsage } from "../openai/usage.ts";
import type { Operation, ReadOptions } from "../spec.ts";
import { eventName, payloadOf } from "../sse.ts";
import { VendorFault } from "../vendor-fault.ts";
import { Deltas } from "./deltas.ts";
import { faultOf } from "./errors.ts";

/** Models whose every frame repeats the whole text, whatever was asked. */
const CUMULATIVE_MODELS = /^qwen-mt-(plus|turbo)/;

/** Reads a streamed answer. Nothing but the last `finish_reason` ends it. */
export class DashScopeReader extends EventReader {
  readonly #choices = new ChoiceReaders();
  readonly #deltas: Deltas | undefined;
  /** The choices that have begun and not ended. */
  readonly #open = new Set<number>();
  #started = false;
  #wrote = false;

  constructor(options: ReadOptions) {
    super(options);
    const { model = "" } = options;
    if (CUMULATIVE_MODELS.test(model)) this.#deltas = new Deltas();
  }

  protected override read(event: string): AnswerPiece[] {
    const payload = payloadOf(event);
    const document = payload === undefined ? undefined : parseJson(Buffer.from(payload, "latin1").toString("utf8"));
    if (!isObject(document)) return [];
    const named = eventName(event) === "error" ? { code: "Error", ...document } : document;
    const fault = faultOf(named, statusOf(event), {}, this.#wrote);
    if (fault) return this.#struck(fault) ?? [{ type: "fault", fault }];
    const pieces = this.#started ? [] : [startOf(document)];
    this.#started = true;
    const read = this.#choices.read(choicesOf(document), "message", false);
    pieces.push(...(this.#deltas ? read.flatMap((piece) => this.#deltas!.push(piece)) : read), ...usageOf(document));
    for (const piece of pieces) {
      if (piece.type === "finish") this.#open.delete(piece.choice);
      else if ("choice" in piece) this.#open.add(piece.choice);
    }
    this.#wrote ||= pieces.some(({ type }) => type.endsWith("-delta"));
    return pieces;
  }

  /** What the platform's rules strike in the middle is the end of an answer, which is billed as far as it went. */
  #struck({ errorClass, vendorCode: raw }: VendorFault): AnswerPiece[] | undefined {
    if (errorClass !== "content_filter" || !this.#wrote) return undefined;
    const ends = [...this.#open].map(
      (choice): AnswerPiece => ({ type: "finish", choice, reason: "content_filter", raw }),
    );
    return [...ends, { type: "end" }];
  }
}

/** Of an event: `:HTTP_STATUS/400`, a comment in it. */
function statusOf(event: string): number {
  return Number(/^:HTTP_STATUS\/([2-5]\d\d)\b/m.exec(event)?.[1] ?? 200);
}

/** Reads a whole answer. Throws `VendorFault` where it is an error, or none. */
export function readPieces(operation: Operation, body: Buffer): AnswerPiece[] {
  const document = parseJson(body.toString("utf8"));
  if (!isObject(document)) throw strangeAnswer(vendorWords.notAnAnswer());
  const fault = faultOf(document, 200, {}, false);
  if (fault) throw fault;
  if (operation === "embeddings") return readEmbeddings(document);
  if (operation === "images") return readImages(document);
  const answer = choicesOf(document);
  if (listOf(answer.choices).length === 0) throw strangeAnswer();
  const pieces = new ChoiceReaders().read(answer, "message", true);
  return [startOf(document), ...pieces, ...usageOf(document), { type: "end" }];
}

function startOf({ request_id: id }: JsonObject): AnswerPiece {
  return { type: "start", ...(typeof id === "string" && { id }) };
}

/** The choices in OpenAI's place. Older models write one text without choices. */
function choicesOf(document: JsonObject): JsonObject {
  const { choices, text, finish_reason } = objectAt(document, "output");
  const id = document.request_id;
  if (Array.isArray(choices)) return { id, choices };
  return typeof text === "string" ? { id, choices: [{ message: { content: text }, finish_reason }] } : { id };
}

function usageOf(document: JsonObject): AnswerPiece[] {
  const raw = document.usage;
  if (!isObject(raw)) return [];
  // Of models that see, one part of the input is told beside the others.
  const details = { ...objectAt(raw, "input_tokens_details"), ...objectAt(raw, "prompt_tokens_details") };
  const { usage } = readUsage({ ...raw, prompt_tokens_details: details }, "chat");
  return usage ? [{ type: "usage", usage }] : [];
}

function readEmbeddings(document: JsonObject): AnswerPiece[] {
  const list = listOf(objectAt(document, "output").embeddings);
  if (list.length === 0) throw strangeAnswer();
  const vectors = list.flatMap((item, position): AnswerPiece[] => {
    if (!isObject(item)) return [];
    const index = placeOf(item.text_index, position);
    return [{ type: "embedding", index, vector: listOf(item.embedding) as number[] }];
  });
  const { usage } = readUsage(document.usage, "embeddings");
  return [startOf(document), ...vectors, { type: "usage", usage }];
}

/**
 * A task that is over, or the pictures of a model that draws at once. Pictures that failed one by one are left out; those that
 * came are billed.
 */
function readImages(document: JsonObject): AnswerPiece[] {
  const output = objectAt(document, "output");
  const results = listOf(output.results).filter(isObject);
  const urls = [...results.map(({ url }) => url), ...drawnIn(output)].filter((url) => typeof url === "string");
  if (urls.length === 0) throw failedTask(output, results);
  const images = urls.map((url, index): AnswerPiece => ({ type: "image", index, url }));
  const count = readCount(objectAt(document, "usage").image_count) ?? urls.length;
  return [startOf(document), ...images, { type: "usage", usage: { images: count } }];
}

/** The pictures in the parts of messages. */
function drawnIn(output: JsonObject): unknown[] {
  const parts = listOf(output.choices).flatMap((choice) => listOf(objectAt(choice, "message").content));
  return parts.map((part) => (isObject(part) ? part.image : undefined));
}

function failedTask(output: JsonObject, results: readonly JsonObject[]): VendorFault {
  const said = [output, ...results].find(({ code }) => typeof code === "string" && code !== "");
  const fault = said && faultOf(said, 200, {}, false);
  if (fault) return fault;
  if (output.task_status === undefined) return strangeAnswer();
  const status = stringOf(output.task_status) ?? "";
  return new VendorFault(words.taskFailed(status), {
    errorClass: "server_error",
    charged: "unknown",
    vendorStatus: 200,
  });
}
