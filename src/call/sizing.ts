import type { Limits } from "../base/limits.ts";
import type { Nano } from "../base/money.ts";
import type { ModelOffer } from "../catalogue/catalogue.ts";
import type { PriceDocument } from "../catalogue/price-document.ts";
import { affordableOutput, boundCost, type UsageBound } from "../catalogue/price-engine.ts";
import type { HoldSize, SmallerHold } from "../ledger/spec.ts";
import type { ModelRequest } from "../vendors/spec.ts";

/** No published model counts more tokens for one picture; used where the catalogue says nothing of a model's pictures. */
const TOKENS_OF_AN_IMAGE = 50_000;
/** Ten tokens a second of speech, and no codec in use for speech needs fewer than 500 bytes of base64 a second. */
const AUDIO_BYTES_OF_A_TOKEN = 50;

/** How large an attempt can be, in tokens and in money. */
export interface AttemptSize {
  /** All tokens, input and output, as a close guess: for limits of tokens a minute. */
  readonly tokens: number;
  readonly full: HoldSize;
  readonly step: HoldSize;
  readonly shrink: (left: Nano) => SmallerHold | undefined;
  /** Output tokens of `full`, all choices together. */
  readonly outputTokens: number;
  /** What more output costs, from so many tokens to so many, all choices together: for a hold in steps. */
  readonly growth: (heldTokens: number, nextTokens: number) => HoldSize;
}

/** The longest answer that a request allows, in tokens for each choice. Embeddings write none. */
export function longestOutput(request: ModelRequest, offer: ModelOffer, limits: Limits): number {
  if (request.operation === "embeddings") return 0;
  const model = offer.maxOutputTokens ?? offer.contextTokens ?? limits.unknownOutputTokens;
  const asked = request.maxOutputTokens;
  if (asked === undefined) return model;
  return offer.maxOutputTokens === undefined ? asked : Math.min(asked, model);
}

/** Of a model that does not say: all in use write so much. */
const UNNAMED_OUTPUT_TOKENS = 4_096;

/** The longest answer to name where a protocol wants one named and the client names none. Never above what is held. */
export function unnamedOutput(request: ModelRequest, offer: ModelOffer, limits: Limits): number {
  const longest = longestOutput(request, offer, limits);
  return offer.maxOutputTokens === undefined ? Math.min(longest, UNNAMED_OUTPUT_TOKENS) : longest;
}

/** The cost of an attempt at the least, at the most, and how to make it smaller. `at`: when the attempt starts. */
export function sizeAttempt(
  request: ModelRequest,
  offer: ModelOffer,
  price: PriceDocument,
  limits: Limits,
  at: number,
): AttemptSize {
  const output = longestOutput(request, offer, limits);
  const media = request.images * (offer.imageTokens ?? TOKENS_OF_AN_IMAGE);
  const mediaBound = media + request.audioBytes;
  const most = request.inputTokens.bound + mediaBound;
  const likely = request.inputTokens.estimate + media + Math.ceil(request.audioBytes / AUDIO_BYTES_OF_A_TOKEN);
  const { choices } = request;
  const size = (outputTokens: number): HoldSize => ({
    amount: boundCost(price, usageBound(request, likely, outputTokens * choices), at),
    bound: boundCost(price, usageBound(request, most, outputTokens * choices), at),
  });
  const bound = (tokens: number): Nano => boundCost(price, usageBound(request, most, tokens), at);
  const useful = Math.min(limits.usefulOutputTokens, output);
  return {
    tokens: likely + output * choices,
    full: size(output),
    step: size(Math.min(output, limits.stepOutputTokens)),
    shrink: (left) => {
      const affordable = Math.floor(affordableOutput(price, left, usageBound(request, most, 0), at) / choices);
      const outputTokens = Math.min(output, affordable);
      return outputTokens >= useful && output > 0 ? { ...size(outputTokens), outputTokens } : undefined;
    },
    outputTokens: output * choices,
    growth: (heldTokens, nextTokens) => {
      const more = bound(nextTokens) - bound(heldTokens);
      return { amount: more, bound: more };
    },
  };
}

/** What a request can use at the most. Only one that says something of audio or pictures can be billed for them. */
function usageBound(request: ModelRequest, inputTokens: number, outputTokens: number): UsageBound {
  const audio = request.audioBytes > 0 || request.fields.has("audio") || request.fields.has("modalities");
  return { inputTokens, outputTokens, audio, pictures: request.images > 0 };
}
