import type { Nano } from "../base/money.ts";
import type { ModelOffer } from "../catalogue/catalogue.ts";
import type { PriceDocument } from "../catalogue/price-document.ts";
import type { ExchangeRate, HoldAsk, HoldSize, SmallerHold } from "../ledger/spec.ts";
import type { KeptAnswerRow } from "../store/spec.ts";
import type { ModelRequest, Operation } from "../vendors/spec.ts";
import type { CallContext } from "./call-context.ts";
import type { AttemptSize } from "./sizing.ts";

/**
 * What an attempt asks of the ledger. A class, because of `signal`: a getter in an object literal makes a hidden class of
 * its own for every object, and those live, with all that the getter can reach, until the next full collection.
 */
export class AttemptAsk implements HoldAsk {
  readonly attempt: string;
  readonly payer: string;
  readonly key: string;
  readonly route: string;
  readonly model: string;
  readonly currency: string;
  readonly price: string;
  readonly path: readonly string[];
  readonly full: HoldSize;
  readonly step: HoldSize | undefined;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly kept: KeptAnswerRow | undefined;
  readonly #context: CallContext;
  readonly #size: AttemptSize;
  readonly #at: number;

  /** @param at when the attempt starts, milliseconds: its exchange rates are those of this instant */
  constructor(
    context: CallContext,
    offer: ModelOffer,
    price: PriceDocument,
    size: AttemptSize,
    attempt: string,
    at: number,
    kept: KeptAnswerRow | undefined,
  ) {
    const { request } = context.call;
    this.attempt = attempt;
    this.payer = context.payer;
    this.key = context.key;
    this.route = context.plan.route;
    this.model = offer.ref;
    this.currency = price.currency;
    this.price = price.id;
    this.path = context.path;
    this.full = size.full;
    this.step = request.stream && offer.endpoint.billsOnAbort === "generated" ? size.step : undefined;
    this.#size = size;
    this.detail = detailOf(request);
    this.kept = kept;
    this.#context = context;
    this.#at = at;
  }

  get signal(): AbortSignal {
    return this.#context.call.departure.signal;
  }

  shrink(left: Nano): SmallerHold | undefined {
    return this.#size.shrink(left);
  }

  rateTo(currency: string): ExchangeRate | undefined {
    return this.#context.snapshot.catalogue.rate(this.currency, currency, this.#at);
  }
}

/** The same object for the same kind of call, so that it need be written as text but once. */
function detailOf({ operation, stream }: ModelRequest): Readonly<Record<string, unknown>> {
  const known = stream ? STREAMS : ANSWERS;
  let detail = known.get(operation);
  if (!detail) known.set(operation, (detail = Object.freeze({ operation, stream })));
  return detail;
}

const STREAMS = new Map<Operation, Readonly<Record<string, unknown>>>();
const ANSWERS = new Map<Operation, Readonly<Record<string, unknown>>>();
