import type { Nano } from "../base/money.ts";
import { type Basis, inputTokens, outputTokens, type Usage } from "../base/usage.ts";
import type { PriceDocument } from "../catalogue/price-document.ts";
import { costOfUsage } from "../catalogue/price-engine.ts";
import type { AnswerFacts, ModelRequest, StreamProgress } from "../vendors/spec.ts";

/** What an attempt cost, and how that is known. */
export interface Bill {
  readonly cost: Nano;
  readonly usage: Usage;
  readonly basis: Basis;
  readonly vendorCost: string | undefined;
}

/** English text has about four bytes a token, Chinese about three; code and numbers fewer. */
const BYTES_OF_A_TOKEN = 3;

/**
 * Tokens of an answer whose vendor reports none: one for every piece it was streamed in, or one for every three bytes
 * of text, whichever is more. Most vendors stream one token a piece.
 */
export function estimateOutput(progress: { readonly events?: number; readonly textBytes: number }): number {
  return Math.max(progress.events ?? 0, Math.ceil(progress.textBytes / BYTES_OF_A_TOKEN));
}

/** The bill of a whole answer: the vendor's usage where it reports one; what it leaves out is estimated, and marked. */
export function billAnswer(
  request: ModelRequest,
  answer: AnswerFacts | StreamProgress,
  price: PriceDocument,
  at: number,
  mostOutput: number,
): Bill {
  const reported = answer.usage;
  if (reported && isWhole(request, reported, price, at)) {
    const basis: Basis = answer.usageEstimated ? "estimated" : "reported";
    return { cost: costOfUsage(price, reported, { at }), usage: reported, basis, vendorCost: answer.vendorCost };
  }
  return billEstimate(request, answer, price, at, mostOutput);
}

/** The tokens of pictures cannot be told from their bytes: all that are paid for. */
function outputOf(
  request: ModelRequest,
  answer: { readonly usage: Usage | undefined; readonly events?: number; readonly textBytes: number },
  mostOutput: number,
): number {
  if (request.operation !== "images") return Math.min(estimateOutput(answer), mostOutput);
  return answer.usage?.images === 0 ? 0 : mostOutput;
}

/** The bill of an answer, or of the part of one that was generated, as far as it can be told from its bytes: never more than `mostOutput` tokens. */
export function billEstimate(
  request: ModelRequest,
  answer: {
    readonly usage: Usage | undefined;
    readonly events?: number;
    readonly textBytes: number;
    readonly vendorCost?: string | undefined;
  },
  price: PriceDocument,
  at: number,
  mostOutput: number,
): Bill {
  const reported = answer.usage ?? {};
  const usage: Usage = {
    ...reported,
    ...(inputTokens(reported) === undefined && { input: request.inputTokens.estimate }),
    ...(outputTokens(reported) === undefined &&
      !isEmbedding(request) && { output: outputOf(request, answer, mostOutput) }),
  };
  return { cost: costOfUsage(price, usage, { at }), usage, basis: "estimated", vendorCost: answer.vendorCost };
}

/** Whether a report says all that the price asks for. Pictures are paid by the piece, where there is a price of a piece. */
function isWhole(request: ModelRequest, reported: Usage, price: PriceDocument, at: number): boolean {
  if (reported.images !== undefined && paysByImage(price, at)) return true;
  if (inputTokens(reported) === undefined) return false;
  return isEmbedding(request) || outputTokens(reported) !== undefined;
}

function paysByImage({ schedule }: PriceDocument, at: number): boolean {
  return schedule.rates(schedule.conditions(at, false)).perImage !== undefined;
}

function isEmbedding(request: ModelRequest): boolean {
  return request.operation === "embeddings";
}
