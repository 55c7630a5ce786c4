import type { AnswerPiece } from "../answer-pieces.ts";
import type { TextTransform, TransformFactory } from "../spec.ts";

type Field = "content" | "reasoning";

/**
 * The transforms of one answer's texts, one for each choice and field. What a transform holds back is let go where its
 * text ends: reasoning when the answer proper begins, each text at its choice's `finish`.
 */
export class PieceTexts {
  readonly #factory: TransformFactory;
  readonly #open = new Map<
    string,
    { readonly choice: number; readonly field: Field; readonly transform: TextTransform }
  >();

  constructor(factory: TransformFactory) {
    this.#factory = factory;
  }

  /** The pieces that go on in the place of `piece`. */
  push(piece: AnswerPiece): AnswerPiece[] {
    switch (piece.type) {
      case "reasoning-delta":
        return this.#rewrite(piece.choice, "reasoning", piece.text);
      case "text-delta":
        return [...this.#end(piece.choice, "reasoning"), ...this.#rewrite(piece.choice, "content", piece.text)];
      case "reasoning-end":
      case "tool-call-start":
        return [...this.#end(piece.choice, "reasoning"), piece];
      case "finish":
        return [...this.#end(piece.choice, "reasoning"), ...this.#end(piece.choice, "content"), piece];
      default:
        return [piece];
    }
  }

  /** Ends every text: what was held back. */
  end(): AnswerPiece[] {
    return [...this.#open.values()].flatMap(({ choice, field }) => this.#end(choice, field));
  }

  #rewrite(choice: number, field: Field, text: string): AnswerPiece[] {
    const key = `${choice} ${field}`;
    let open = this.#open.get(key);
    if (!open) {
      if (text === "") return [];
      open = { choice, field, transform: this.#factory(choice, field) };
      this.#open.set(key, open);
    }
    return deltas(choice, field, open.transform.push(text));
  }

  #end(choice: number, field: Field): AnswerPiece[] {
    const key = `${choice} ${field}`;
    const open = this.#open.get(key);
    if (!open) return [];
    this.#open.delete(key);
    return deltas(choice, field, open.transform.end());
  }
}

/** The pieces of a whole answer with their texts rewritten. */
export function transformPieces(pieces: readonly AnswerPiece[], factory: TransformFactory): AnswerPiece[] {
  const texts = new PieceTexts(factory);
  const rewritten = pieces.flatMap((piece) => texts.push(piece));
  return [...rewritten, ...texts.end()];
}

function deltas(choice: number, field: Field, text: string): AnswerPiece[] {
  if (text === "") return [];
  return [{ type: field === "content" ? "text-delta" : "reasoning-delta", choice, text }];
}
