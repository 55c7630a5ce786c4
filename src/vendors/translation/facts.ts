import type { Usage } from "../../base/usage.ts";
import type { AnswerPiece } from "../answer-pieces.ts";
import type { AnswerFacts } from "../spec.ts";
import { writtenBytes } from "./written-bytes.ts";

/** What a buffered answer used, and what it wrote. Throws the fault that stands in the place of an answer. */
export function factsOf(pieces: readonly AnswerPiece[]): AnswerFacts {
  let usage: Usage | undefined;
  let usageEstimated = false;
  let vendorCost: string | undefined;
  let finish: string | undefined;
  let textBytes = 0;
  for (const piece of pieces) {
    if (piece.type === "fault") throw piece.fault;
    textBytes += writtenBytes(piece);
    if (piece.type === "finish") finish ??= piece.reason;
    if (piece.type !== "usage") continue;
    usage = piece.usage;
    usageEstimated = piece.estimated ?? false;
    vendorCost = piece.vendorCost;
  }
  return { usage, usageEstimated, vendorCost, finish, textBytes };
}
