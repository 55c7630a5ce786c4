import type { AnswerPiece } from "../answer-pieces.ts";

/** Turns pieces that repeat all that was written before into those that only add to it. */
export class Deltas {
  readonly #written = new Map<string, string>();

  push(piece: AnswerPiece): AnswerPiece[] {
    if (piece.type !== "text-delta" && piece.type !== "reasoning-delta") return [piece];
    const key = `${piece.type} ${piece.choice}`;
    const before = this.#written.get(key) ?? "";
    this.#written.set(key, piece.text);
    // One that is not a longer form of the last begins anew: nothing of it may be lost.
    const added = piece.text.startsWith(before) ? piece.text.slice(before.length) : piece.text;
    return added === "" ? [] : [{ ...piece, text: added }];
  }
}
