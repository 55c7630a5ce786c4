import type { Nano } from "../base/money.ts";
import type { Basis, Usage } from "../base/usage.ts";
import { type BudgetShare, type EntryKind, type EntryRow, PHASE } from "../store/spec.ts";
import type { AttemptHold } from "./attempt-hold.ts";
import type { Settlement } from "./spec.ts";

/** What every entry of an attempt repeats, so that each row tells its own story. */
export interface AttemptFacts {
  readonly attempt: string;
  readonly payer: string;
  readonly key: string;
  readonly route: string;
  readonly model: string;
  readonly currency: string;
  readonly price: string;
}

/** What is peculiar to one entry. */
export interface EntryContent {
  readonly phase: number;
  readonly n: number;
  readonly kind: EntryKind;
  readonly at: number;
  readonly amount: Nano;
  readonly held: Nano;
  readonly shares: readonly BudgetShare[];
  readonly rates: string;
  readonly detail: string;
}

const NO_USAGE: Usage = {};

export function makeEntry(
  facts: AttemptFacts,
  content: EntryContent,
  usage: Usage = NO_USAGE,
  basis?: Basis,
  overrun = false,
): EntryRow {
  return {
    attempt: facts.attempt,
    phase: content.phase,
    n: content.n,
    kind: content.kind,
    at: content.at,
    payer: facts.payer,
    key: facts.key,
    route: facts.route,
    model: facts.model,
    currency: facts.currency,
    amount: content.amount,
    held: content.held,
    shares: content.shares,
    price: facts.price,
    rates: content.rates,
    basis,
    overrun,
    input: usage.input,
    cachedInput: usage.cachedInput,
    cacheWrite5m: usage.cacheWrite5m,
    cacheWrite1h: usage.cacheWrite1h,
    inputAudio: usage.inputAudio,
    inputImage: usage.inputImage,
    output: usage.output,
    reasoning: usage.reasoning,
    outputAudio: usage.outputAudio,
    images: usage.images,
    seconds: usage.seconds,
    toolCalls: usage.toolCalls,
    detail: content.detail,
  };
}

/** The entry by which a hold is settled. @param shares what it cost in each budget */
export function settlementEntry(
  { ask, bound, rates }: Pick<AttemptHold, "ask" | "bound" | "rates">,
  { cost, vendorCost, usage, basis, detail }: Settlement,
  shares: readonly BudgetShare[],
  at: number,
): EntryRow {
  const text = JSON.stringify(vendorCost === undefined ? detail : { ...detail, vendorCost });
  // Whole at once, and in the order of `EntryContent`: a spread costs microseconds here and where its result is read.
  const content: EntryContent = {
    phase: PHASE.close,
    n: 0,
    kind: "settle",
    at,
    amount: cost,
    held: bound,
    shares,
    rates,
    detail: text,
  };
  return makeEntry(ask, content, usage, basis, cost > bound);
}
