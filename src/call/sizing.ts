import type { Limits } from "../base/limits.ts";
import type { Nano } from "../base/money.ts";
import type { ModelOffer } from "../catalogue/catalogue.ts";
import type { PriceDocument } from "../catalogue/price-document.ts";
import { affordableOutput, boundCost, type UsageBound } from "../catalogue/price-engine.ts";
import type { HoldSize, SmallerHold } from "../ledger/spec.ts";
import type { ModelRequest } from "../vendors/spec.ts";

/** No published model counts more tokens for one picture; used where the catalogue says nothing of a model's pictures. */
const TOKENS_OF_AN_IMAGE = 50_000;
/** The largest picture of the models that are paid by the token has about 6,200. */
const TOKENS_OF_A_DRAWN_IMAGE = 20_000;
/** What a vendor that keeps conversations may add, where the catalogue says nothing of a context: none of their models reads more. */
const UNSEEN_TOKENS = 2_000_000;
/** Ten tokens a second of speech, and no codec in use for speech needs fewer than 500 bytes of base64 a second. */
const AUDIO_BYTES_OF_A_TOKEN = 50;

/** The longest answer that a request allows, in tokens for each choice. Embeddings write none. */
export function longestOutput(request: ModelRequest, offer: ModelOffer, limits: Limits): number {
  if (request.operation === "embeddings") return 0;
  if (request.operation === "images") return offer.maxOutputTokens ?? TOKENS_OF_A_DRAWN_IMAGE;
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

/** How large an attempt can be, in tokens and in money: its cost at the least, at the most, and how to make it smaller. */
export class AttemptSize {
  /** All tokens, input and output, as a close guess: for limits of tokens a minute. */
  readonly tokens: number;
  readonly full: HoldSize;
  /** Output tokens of `full`, all choices together. */
  readonly outputTokens: number;
  readonly #request: ModelRequest;
  readonly #price: PriceDocument;
  readonly #limits: Limits;
  readonly #at: number;
  /** The longest answer, in tokens for each choice. */
  readonly #output: number;
  readonly #likely: number;
  readonly #most: number;
  /** Whether any token can be one of audio. */
  readonly #audio: boolean;

  readonly #canShrink: boolean;

  /**
   * @param at when the attempt starts, milliseconds
   * @param limitsOutput the vendor can be told how long the answer may be; where not, it may be as long as the model writes
   */
  constructor(
    request: ModelRequest,
    offer: ModelOffer,
    price: PriceDocument,
    limits: Limits,
    at: number,
    limitsOutput = true,
  ) {
    const { inputTokens, images, audioBytes, fields, choices } = request;
    const media = images * (offer.imageTokens ?? TOKENS_OF_AN_IMAGE);
    this.#request = request;
    this.#price = price;
    this.#limits = limits;
    this.#at = at;
    this.#canShrink = limitsOutput && request.operation !== "images";
    this.#output = longestOutput(limitsOutput ? request : { ...request, maxOutputTokens: undefined }, offer, limits);
    this.#likely = inputTokens.estimate + media + Math.ceil(audioBytes / AUDIO_BYTES_OF_A_TOKEN);
    const seen = inputTokens.bound + media + audioBytes;
    this.#most = request.unseenInput ? Math.max(seen, offer.contextTokens ?? UNSEEN_TOKENS) : seen;
    // Only a request that says something of audio or pictures can be billed for them.
    this.#audio = audioBytes > 0 || fields.has("audio") || fields.has("modalities");
    this.outputTokens = this.#output * choices;
    this.tokens = this.#likely + this.outputTokens;
    this.full = this.#sizeOf(this.#output);
  }

  /** The first part of an answer, for a hold in steps. */
  get step(): HoldSize {
    return this.#sizeOf(Math.min(this.#output, this.#limits.stepOutputTokens));
  }

  /** The attempt with a shorter answer, costing at most `left`; undefined where that is not useful. */
  shrink(left: Nano): SmallerHold | undefined {
    if (!this.#canShrink) return undefined;
    const { choices } = this.#request;
    const paid = affordableOutput(this.#price, left, this.#bound(this.#most, 0), this.#at);
    const outputTokens = Math.min(this.#output, Math.floor(paid / choices));
    const useful = Math.min(this.#limits.usefulOutputTokens, this.#output);
    return outputTokens >= useful && this.#output > 0 ? { ...this.#sizeOf(outputTokens), outputTokens } : undefined;
  }

  /** What more output costs, from so many tokens to so many, all choices together: for a hold in steps. */
  growth(heldTokens: number, nextTokens: number): HoldSize {
    const more = this.#cost(this.#most, nextTokens) - this.#cost(this.#most, heldTokens);
    return { amount: more, bound: more };
  }

  /** @param output tokens for each choice */
  #sizeOf(output: number): HoldSize {
    const all = output * this.#request.choices;
    return { amount: this.#cost(this.#likely, all), bound: this.#cost(this.#most, all) };
  }

  #cost(inputTokens: number, outputTokens: number): Nano {
    return boundCost(this.#price, this.#bound(inputTokens, outputTokens), this.#at);
  }

  #bound(inputTokens: number, outputTokens: number): UsageBound {
    const { images, operation, choices } = this.#request;
    const drawn = operation === "images" ? { images: choices } : {};
    return { inputTokens, outputTokens, audio: this.#audio, pictures: images > 0, ...drawn };
  }
}
