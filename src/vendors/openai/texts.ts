import { type Splice, scanFields, scanItems, splice } from "../json-fields.ts";
import type { FieldSpan, TextTransform, TransformFactory } from "../spec.ts";

/** The texts of an answer, in the order in which models write them. */
const TEXT_FIELDS = ["reasoning_content", "reasoning", "content"] as const;
type TextField = (typeof TEXT_FIELDS)[number];

/** A text that has to go out apart from the event or answer it was found in. */
export interface LooseText {
  readonly choice: number;
  readonly field: TextField;
  readonly text: string;
}

/** A JSON document with texts rewritten: the very same where none changed. `loose` goes before it. */
export interface Rewritten {
  readonly json: Buffer;
  readonly loose: readonly LooseText[];
  readonly hasChoices: boolean;
}

/**
 * The transforms of one answer's texts, one for each choice and field, as they come in pieces or whole. Only the
 * strings that changed are spelled anew; every other byte stays.
 */
export class AnswerTexts {
  readonly #factory: TransformFactory;
  readonly #open = new Map<string, { readonly text: Omit<LooseText, "text">; readonly transform: TextTransform }>();

  constructor(factory: TransformFactory) {
    this.#factory = factory;
  }

  /**
   * Rewrites the texts of a chunk (`holder` is `delta`) or of a whole answer (`message`). The rest that a transform holds
   * back is let go where its text ends: with the choice's `finish_reason`, at the end of a whole answer, and for
   * reasoning when the answer proper begins.
   *
   * @param last nothing more comes after this.
   */
  rewrite(json: Buffer, holder: "delta" | "message", last: boolean): Rewritten {
    const pieces: Splice[] = [];
    const loose: LooseText[] = [];
    const choices = scanFields(json).get("choices");
    if (!choices) return { json, loose, hasChoices: false };
    for (const [position, item] of scanItems(json, choices.start).entries()) {
      const fields = scanFields(json, item.start);
      const texts = scanFields(json, fields.get(holder)?.start ?? json.length);
      const choice = readIndex(json, fields.get("index")) ?? position;
      const over = last || isFinish(json, fields.get("finish_reason"));
      const written = TEXT_FIELDS.map((field) => readText(json, texts.get(field)));
      for (const [at, field] of TEXT_FIELDS.entries()) {
        const text = written[at] ?? "";
        const changed = this.#push(choice, field, text, over || (field !== "content" && Boolean(written[2])));
        if (changed === text) continue;
        const span = texts.get(field);
        if (span && isStringOrNull(json, span)) pieces.push({ ...span, text: JSON.stringify(changed) });
        else loose.push({ choice, field, text: changed });
      }
    }
    return { json: splice(json, pieces), loose, hasChoices: true };
  }

  /** Ends every text, and returns what was held back. */
  end(): LooseText[] {
    const loose: LooseText[] = [];
    for (const { text, transform } of this.#open.values()) {
      const rest = transform.end();
      if (rest !== "") loose.push({ ...text, text: rest });
    }
    this.#open.clear();
    return loose;
  }

  #push(choice: number, field: TextField, text: string, last: boolean): string {
    const key = `${choice} ${field}`;
    let open = this.#open.get(key);
    if (!open && text === "") return "";
    if (!open) {
      open = {
        text: { choice, field },
        transform: this.#factory(choice, field === "content" ? "content" : "reasoning"),
      };
      this.#open.set(key, open);
    }
    let changed = text === "" ? "" : open.transform.push(text);
    if (last) {
      changed += open.transform.end();
      this.#open.delete(key);
    }
    return changed;
  }
}

/** Rewrites the texts of a buffered answer; all else stays byte for byte. */
export function transformAnswer(body: Buffer, factory: TransformFactory): Buffer {
  const texts = new AnswerTexts(factory);
  return texts.rewrite(body, "message", true).json;
}

function readIndex(json: Buffer, span: FieldSpan | undefined): number | undefined {
  const index = span ? Number(json.toString("latin1", span.start, span.end)) : Number.NaN;
  return Number.isSafeInteger(index) ? index : undefined;
}

function isFinish(json: Buffer, span: FieldSpan | undefined): boolean {
  const reason = readText(json, span);
  return reason !== undefined && reason !== "" && reason !== "null";
}

/** The string at `span`, or undefined where none is there. */
function readText(json: Buffer, span: FieldSpan | undefined): string | undefined {
  if (!span || json[span.start] !== 0x22) return undefined;
  try {
    return JSON.parse(json.toString("utf8", span.start, span.end)) as string;
  } catch {
    return undefined;
  }
}

function isStringOrNull(json: Buffer, span: FieldSpan): boolean {
  return json[span.start] === 0x22 || json.toString("latin1", span.start, span.end) === "null";
}

/** A chunk that carries only one text: the top level of `json`, a chunk of the same answer, with other choices. */
export function chunkOf(json: Buffer, loose: LooseText): Buffer {
  const fields = scanFields(json);
  const { choice, field, text } = loose;
  const choices = [{ index: choice, delta: { [field]: text }, finish_reason: null }];
  const pieces: Splice[] = [{ ...fields.get("choices")!, text: JSON.stringify(choices) }];
  // Usage of that chunk was told with it.
  const usage = fields.get("usage");
  if (usage) pieces.push({ ...usage, text: "null" });
  return splice(json, pieces);
}
