import type { AnswerFacts, Operation } from "../spec.ts";
import { factsOf } from "../translation/facts.ts";
import { readPieces } from "./reader.ts";

/** Reads a whole response: what it used, and what it wrote. Throws `VendorFault` where it is none. */
export function readAnswer(operation: Operation, body: Buffer): AnswerFacts {
  return factsOf(readPieces(operation, body));
}
