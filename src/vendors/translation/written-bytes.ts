import type { AnswerPiece } from "../answer-pieces.ts";

/** Bytes of text, reasoning and arguments that a piece adds to an answer. */
export function writtenBytes(piece: AnswerPiece): number {
  switch (piece.type) {
    case "text-delta":
    case "reasoning-delta":
    case "tool-call-delta":
      return Buffer.byteLength(piece.text);
    case "tool-call-start":
      return Buffer.byteLength(piece.name);
    default:
      return 0;
  }
}
