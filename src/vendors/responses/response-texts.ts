import { type Splice, scanFields, scanItems, splice } from "../json-fields.ts";
import { type JsonObject, parseJson } from "../json-values.ts";
import type { FieldSpan, TextTransform, TransformFactory } from "../spec.ts";

type Field = "content" | "reasoning";

/** One text of a response: a part of an item. */
interface Place {
  readonly key: string;
  readonly field: Field;
  readonly span: FieldSpan;
}

interface OpenText {
  readonly transform: TextTransform;
  /** All that went on so far. */
  changed: string;
  ended: boolean;
  /** The last event that carried a piece of it: what is held back goes out in its likeness. */
  likeness: JsonObject | undefined;
}

/** The kinds of texts that come in pieces, by the names of their events: where their part is numbered, and what they are. */
const STREAMED: Readonly<
  Record<string, { readonly list: "content" | "summary"; readonly at: string; readonly field: Field }>
> = {
  "response.output_text": { list: "content", at: "content_index", field: "content" },
  "response.refusal": { list: "content", at: "content_index", field: "content" },
  "response.reasoning_text": { list: "content", at: "content_index", field: "reasoning" },
  "response.reasoning_summary_text": { list: "summary", at: "summary_index", field: "reasoning" },
};
const PART = /^response\.(content|reasoning_summary)_part\.done$/;
const END = /^response\.(completed|incomplete|failed)$/;
const NO_TRANSFORM: TransformFactory = () => ({ push: (text) => text, end: () => "" });

/**
 * The transforms of one response's texts, a text for each part of an item. A text comes in pieces and then, up to four times, whole: the
 * whole is what became of the pieces. Only the strings that changed are spelled anew; every other byte stays.
 */
export class ResponseTexts {
  factory: TransformFactory = NO_TRANSFORM;
  readonly #open = new Map<string, OpenText>();

  /** An event's JSON with its texts rewritten, and the events that must go before it. */
  rewrite(json: Buffer, type: string): { json: Buffer; before: JsonObject[] } {
    const before = END.test(type) || type === "error" ? this.end() : [];
    const streamed = STREAMED[type.replace(/\.(delta|done)$/, "")];
    if (streamed) return this.#rewriteStreamed(json, type, streamed);
    const pieces: Splice[] = [];
    for (const place of placesOf(json, type)) this.#setWhole(json, place, pieces, before);
    return { json: splice(json, pieces), before };
  }

  /** A whole response, with its texts rewritten. */
  rewriteBody(json: Buffer): Buffer {
    const pieces: Splice[] = [];
    for (const place of placesOfOutput(json, scanFields(json).get("output"))) this.#setWhole(json, place, pieces, []);
    return splice(json, pieces);
  }

  /** Ends every text: events with what was held back. */
  end(): JsonObject[] {
    const events: JsonObject[] = [];
    for (const text of this.#open.values()) this.#end(text, events);
    return events;
  }

  #rewriteStreamed(
    json: Buffer,
    type: string,
    { list, at, field }: (typeof STREAMED)[string],
  ): { json: Buffer; before: JsonObject[] } {
    const fields = scanFields(json);
    const key = keyOf(numberAt(json, fields.get("output_index")), list, numberAt(json, fields.get(at)));
    const before: JsonObject[] = [];
    const pieces: Splice[] = [];
    if (type.endsWith(".delta")) {
      const span = fields.get("delta");
      const said = textAt(json, span);
      if (!span || said === undefined) return { json, before };
      const text = this.#textOf(key, field);
      text.likeness = parseJson(json.toString("utf8")) as JsonObject;
      const changed = text.transform.push(said);
      text.changed += changed;
      if (changed !== said) pieces.push({ ...span, text: JSON.stringify(changed) });
    } else {
      const span = fields.get("text") ?? fields.get("refusal");
      if (span) this.#setWhole(json, { key, field, span }, pieces, before);
    }
    return { json: splice(json, pieces), before };
  }

  /** Puts in the place of a whole text what became of it. One that did not come in pieces goes through at once. */
  #setWhole(json: Buffer, { key, field, span }: Place, pieces: Splice[], before: JsonObject[]): void {
    const said = textAt(json, span);
    if (said === undefined) return;
    const isNew = !this.#open.has(key);
    const text = this.#textOf(key, field);
    if (isNew) text.changed = text.transform.push(said);
    this.#end(text, before);
    if (text.changed !== said) pieces.push({ ...span, text: JSON.stringify(text.changed) });
  }

  #textOf(key: string, field: Field): OpenText {
    let text = this.#open.get(key);
    if (!text) {
      text = { transform: this.factory(0, field), changed: "", ended: false, likeness: undefined };
      this.#open.set(key, text);
    }
    return text;
  }

  #end(text: OpenText, events: JsonObject[]): void {
    if (text.ended) return;
    text.ended = true;
    const rest = text.transform.end();
    text.changed += rest;
    if (rest !== "" && text.likeness) events.push({ ...text.likeness, delta: rest });
  }
}

/** Rewrites the texts of a buffered answer; all else stays byte for byte. */
export function transformAnswer(body: Buffer, factory: TransformFactory): Buffer {
  const texts = new ResponseTexts();
  texts.factory = factory;
  return texts.rewriteBody(body);
}

/** Where the whole texts stand that an event carries. */
function placesOf(json: Buffer, type: string): Place[] {
  const fields = scanFields(json);
  if (END.test(type)) {
    const response = fields.get("response");
    return response ? placesOfOutput(json, scanFields(json, response.start).get("output")) : [];
  }
  const index = numberAt(json, fields.get("output_index"));
  if (type === "response.output_item.done") return placesOfItem(json, fields.get("item"), index);
  const [, kind] = PART.exec(type) ?? [];
  if (kind === undefined) return [];
  const list = kind === "content" ? "content" : "summary";
  const part = numberAt(json, fields.get(`${list}_index`));
  return placesOfPart(json, fields.get("part"), keyOf(index, list, part), kind === "content" ? "content" : "reasoning");
}

function placesOfOutput(json: Buffer, output: FieldSpan | undefined): Place[] {
  if (!output) return [];
  return scanItems(json, output.start).flatMap((item, index) => placesOfItem(json, item, index));
}

function placesOfItem(json: Buffer, item: FieldSpan | undefined, index: number): Place[] {
  const fields = item ? scanFields(json, item.start) : undefined;
  const type = fields && textAt(json, fields.get("type"));
  if (!fields || (type !== "message" && type !== "reasoning")) return [];
  return (["summary", "content"] as const).flatMap((list) => {
    const parts = scanItems(json, fields.get(list)?.start ?? json.length);
    return parts.flatMap((part, number) =>
      placesOfPart(json, part, keyOf(index, list, number), type === "reasoning" ? "reasoning" : "content"),
    );
  });
}

function placesOfPart(json: Buffer, part: FieldSpan | undefined, key: string, field: Field): Place[] {
  const fields = part ? scanFields(json, part.start) : undefined;
  const span = fields?.get("text") ?? fields?.get("refusal");
  return span ? [{ key, field, span }] : [];
}

function keyOf(item: number, list: string, part: number): string {
  return `${item} ${list} ${part}`;
}

function numberAt(json: Buffer, span: FieldSpan | undefined): number {
  return span ? Number(json.toString("latin1", span.start, span.end)) : 0;
}

/** The string at `span`; undefined where none is there. */
function textAt(json: Buffer, span: FieldSpan | undefined): string | undefined {
  if (!span || json[span.start] !== 0x22) return undefined;
  const text = parseJson(json.toString("utf8", span.start, span.end));
  return typeof text === "string" ? text : undefined;
}
