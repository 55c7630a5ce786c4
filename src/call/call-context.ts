import type { Plan } from "../routing/routes.ts";
import type { Claim } from "./kept-answers.ts";
import type { CallRequest, CallSink, Snapshot } from "./spec.ts";

/** What all attempts of one call share. */
export interface CallContext {
  readonly id: string;
  readonly call: CallRequest;
  readonly sink: CallSink;
  readonly snapshot: Snapshot;
  readonly plan: Plan;
  readonly payer: string;
  readonly key: string;
  /** Payers from the caller's to the root. */
  readonly path: readonly string[];
  readonly claim: Claim | undefined;
  /** performance.now() at which the call's time runs out. */
  readonly deadline: number;
}
