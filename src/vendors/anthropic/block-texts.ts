import { type Splice, scanFields, scanItems, splice } from "../json-fields.ts";
import type { FieldSpan, TextTransform, TransformFactory } from "../spec.ts";
import { UNSIGNED } from "./marks.ts";

type Field = "text" | "thinking";

/** A text that has to go out as a delta of its own, before the event that ends its block. */
export interface LooseText {
  readonly index: number;
  readonly field: Field;
  readonly text: string;
}

/** An event's payload with texts rewritten: the very same where none changed. `loose` goes before it. */
export interface Rewritten {
  readonly json: Buffer;
  readonly loose: readonly LooseText[];
}

interface OpenText {
  readonly field: Field;
  readonly transform: TextTransform;
  changed: boolean;
}

/**
 * The transforms of one answer's texts, one for each block of text or thinking. Only the strings that changed are spelled
 * anew; every other byte stays. Thinking that was rewritten is no longer what its vendor signed: the signature goes, too.
 */
export class BlockTexts {
  readonly #factory: TransformFactory;
  readonly #open = new Map<number, OpenText>();
  /** Blocks of thinking that were rewritten. */
  readonly #rewritten = new Set<number>();

  constructor(factory: TransformFactory) {
    this.#factory = factory;
  }

  /** Rewrites a piece of a streamed answer. */
  rewrite(json: Buffer): Rewritten {
    const fields = scanFields(json);
    const index = Number(spelling(json, fields.get("index")));
    switch (readString(json, fields.get("type"))) {
      case "content_block_start":
        return this.#rewriteHolder(json, fields.get("content_block"), index);
      case "content_block_delta":
        return this.#rewriteHolder(json, fields.get("delta"), index);
      case "content_block_stop":
        return { json, loose: this.#end(index) };
      default:
        return { json, loose: [] };
    }
  }

  /** Rewrites the texts of a buffered answer. */
  rewriteAnswer(json: Buffer): Buffer {
    const content = scanFields(json).get("content");
    const pieces = content
      ? scanItems(json, content.start).flatMap((block, index) => this.#rewriteBlock(json, block, index))
      : [];
    return splice(json, pieces);
  }

  /** Ends every text, and returns what was held back. */
  end(): LooseText[] {
    return [...this.#open.keys()].flatMap((index) => this.#end(index));
  }

  #rewriteHolder(json: Buffer, holder: FieldSpan | undefined, index: number): Rewritten {
    const parts = scanFields(json, holder?.start ?? json.length);
    for (const field of ["text", "thinking"] as const) {
      const span = parts.get(field);
      const text = readString(json, span);
      if (text === undefined) continue;
      const changed = text === "" ? "" : this.#push(index, field, text);
      return { json: changed === text ? json : splice(json, [{ ...span!, text: JSON.stringify(changed) }]), loose: [] };
    }
    const signature = parts.get("signature");
    if (!signature) return { json, loose: [] };
    const loose = this.#end(index);
    return { json: this.#rewritten.has(index) ? splice(json, [unsigned(signature)]) : json, loose };
  }

  #rewriteBlock(json: Buffer, block: FieldSpan, index: number): Splice[] {
    const parts = scanFields(json, block.start);
    for (const field of ["text", "thinking"] as const) {
      const span = parts.get(field);
      const text = readString(json, span);
      if (text === undefined) continue;
      const pushed = text === "" ? "" : this.#push(index, field, text);
      const changed =
        pushed +
        this.#end(index)
          .map((loose) => loose.text)
          .join("");
      if (changed === text) return [];
      const signature = field === "thinking" ? parts.get("signature") : undefined;
      return [{ ...span!, text: JSON.stringify(changed) }, ...(signature ? [unsigned(signature)] : [])];
    }
    return [];
  }

  #push(index: number, field: Field, text: string): string {
    let open = this.#open.get(index);
    if (!open) {
      open = { field, transform: this.#factory(0, field === "text" ? "content" : "reasoning"), changed: false };
      this.#open.set(index, open);
    }
    const pushed = open.transform.push(text);
    open.changed ||= pushed !== text;
    return pushed;
  }

  #end(index: number): LooseText[] {
    const open = this.#open.get(index);
    if (!open) return [];
    this.#open.delete(index);
    const text = open.transform.end();
    if (open.field === "thinking" && (open.changed || text !== "")) this.#rewritten.add(index);
    return text === "" ? [] : [{ index, field: open.field, text }];
  }
}

function unsigned(signature: FieldSpan): Splice {
  return { ...signature, text: JSON.stringify(UNSIGNED) };
}

function spelling(json: Buffer, span: FieldSpan | undefined): string {
  return span ? json.toString("latin1", span.start, span.end) : "";
}

/** The string at `span`, or undefined where none is there. */
function readString(json: Buffer, span: FieldSpan | undefined): string | undefined {
  if (!span || json[span.start] !== 0x22) return undefined;
  try {
    return JSON.parse(json.toString("utf8", span.start, span.end)) as string;
  } catch {
    return undefined;
  }
}
