import { setTimeout as sleep } from "node:timers/promises";
import type { Admission, LimitedNode } from "../admission/gate.ts";
import { Fault } from "../base/faults.ts";
import { callWords, routingWords } from "../base/messages/call.ts";
import { inputTokens, outputTokens } from "../base/usage.ts";
import type { ModelOffer } from "../catalogue/catalogue.ts";
import type { Identity } from "../payers/payers.ts";
import { orderByHealth, type Plan } from "../routing/routes.ts";
import { VendorFault } from "../vendors/vendor-fault.ts";
import { Attempt, type AttemptOutcome } from "./attempt.ts";
import type { CallContext } from "./call-context.ts";
import { type Claim, isKeptAnswer, type KeptAnswer } from "./kept-answers.ts";
import { longestOutput } from "./sizing.ts";
import type { CallEnvironment, CallOutcome, CallRequest, CallSink, Snapshot } from "./spec.ts";

/**
 * The way of a call, top to bottom: identify, admit, route, hold, journal, send, relay, settle, record. (A surface has
 * received the request and read it.) Everything that reaches a model goes through here: clients over HTTP, and trials,
 * judges and checks inside this process, so that they too are budgeted and billed.
 *
 * Never throws, whoever did something wrong: the fault is in the outcome.
 */
export async function runCall(environment: CallEnvironment, call: CallRequest, sink: CallSink): Promise<CallOutcome> {
  const began = performance.now();
  const id = environment.ids.next(environment.clock.now());
  let identity: Identity | undefined;
  let admission: Admission | undefined;
  let claim: Claim | undefined;
  let last: AttemptOutcome | undefined;
  let model: string | undefined;
  let fault: Fault | undefined;
  let replayed: CallOutcome | undefined;
  try {
    const snapshot = environment.snapshot();
    identity = identify(environment, snapshot, call);
    const plan = route(snapshot, identity, call.request.model);
    const { idempotencyKey } = call;
    const claimed = idempotencyKey === undefined ? undefined : await claimKey(environment, identity, call, id);
    if (claimed && isKeptAnswer(claimed)) {
      replayed = replay(claimed, sink);
      model = replayed.model;
    } else {
      claim = claimed;
      admission = environment.gate.enter(limitedNodes(snapshot, identity), tokensAtMost(environment, plan, call));
      const deadline = began + environment.limits.callMs;
      const { payer, path } = identity;
      const key = identity.key?.id ?? "";
      const context: CallContext = { id, call, sink, snapshot, plan, payer, key, path, claim, deadline };
      const only = onlyModel(plan);
      model = only?.ref;
      last = await (only
        ? new Attempt(environment, context, only, 1).run()
        : attempts(environment, context, (ref) => {
            model = ref;
          }));
      fault = last.fault;
    }
  } catch (error) {
    fault = error instanceof Fault ? error : new Fault("internal_error", callWords.internal(id), { cause: error });
  }
  admission?.leave(tokensUsed(last));
  if (claim) await closeClaim(environment, claim, fault, last).catch((error) => (fault ??= error as Fault));
  environment.observer.callFinished({
    call: id,
    payer: identity?.payer,
    model,
    operation: call.request.operation,
    stream: call.request.stream,
    fault,
    durationMs: performance.now() - began,
  });
  return replayed ?? { call: id, model, fault, started: last?.started ?? false };
}

export function identify(
  environment: CallEnvironment,
  snapshot: Snapshot,
  { caller }: Pick<CallRequest, "caller">,
): Identity {
  if ("payer" in caller) return snapshot.payers.identityOf(caller.payer);
  return snapshot.payers.identify(caller.secret, environment.clock.now());
}

export function route(snapshot: Snapshot, identity: Identity, name: string): Plan {
  const plan = snapshot.routes.plan(name);
  if (identity.key && !snapshot.payers.mayCall(identity, name)) {
    const { id, routes = [] } = identity.key;
    throw new Fault("model_not_allowed", routingWords.modelNotAllowed(id, name, routes), { param: "model" });
  }
  return plan;
}

/** The model of a plan that needs no loop: most calls name one, and there is one try of it. */
function onlyModel({ models, tries }: Plan): ModelOffer | undefined {
  return models.length === 1 && tries === 1 ? models[0] : undefined;
}

/** One model after the other, until one answers, a byte has reached the client, or nothing is left to try. */
async function attempts(
  environment: CallEnvironment,
  context: CallContext,
  tell: (model: string) => void,
): Promise<AttemptOutcome> {
  const { plan } = context;
  let number = 0;
  let inDoubt = false;
  let outcome: AttemptOutcome | undefined;
  for (const offer of orderByHealth(plan.models, environment.health)) {
    for (let attempt = 1; attempt <= plan.tries; attempt++) {
      if (number === environment.limits.attempts || (outcome && isOver(context))) return outcome!;
      number += 1;
      if (!outcome) tell(offer.ref);
      try {
        outcome = await new Attempt(environment, context, offer, number).run();
        tell(offer.ref);
        if (inDoubt) outcome = { ...outcome, inDoubt };
        inDoubt = outcome.inDoubt;
      } catch (fault) {
        // A later model may have no price, or the budget no room for it: the client should hear why the first failed.
        if (outcome) return outcome;
        throw fault;
      }
      const { fault, started } = outcome;
      if (!fault || started) return outcome;
      if (!(fault instanceof VendorFault) || !plan.movesOn.has(fault.errorClass)) return outcome;
      if ((fault.retryAfterMs ?? 0) > LONGEST_REST_MS) break;
      if (attempt < plan.tries) await rest(fault, attempt, context);
    }
  }
  return outcome!;
}

/** Nobody waits any more, or the call's own time has run out. */
function isOver({ call, deadline }: CallContext): boolean {
  return call.departure.gone || performance.now() >= deadline;
}

/** A model that asks for a longer rest is not tried again in the same call. */
const LONGEST_REST_MS = 10_000;

/** Waits as long as the vendor asks, else twice as long each time, with jitter; never past the call's own time. */
async function rest(fault: VendorFault, attempt: number, { call, deadline }: CallContext): Promise<void> {
  const backoff = Math.min(250 * 2 ** (attempt - 1), 4_000);
  const wait = fault.retryAfterMs ?? backoff * (0.5 + Math.random() / 2);
  const { signal } = call.departure;
  await sleep(Math.max(0, Math.min(wait, deadline - performance.now())), undefined, { signal }).catch(() => {});
}

function claimKey(
  environment: CallEnvironment,
  identity: Identity,
  call: CallRequest,
  id: string,
): Promise<Claim | KeptAnswer> {
  const caller = identity.key?.id ?? `payer ${identity.payer}`;
  return environment.keptAnswers.claim(caller, call.idempotencyKey!, call.request.body, id);
}

/** A call that surely cost nothing gives its key back; one that may have cost something keeps it for ever in doubt. */
async function closeClaim(
  environment: CallEnvironment,
  claim: Claim,
  fault: Fault | undefined,
  last: AttemptOutcome | undefined,
): Promise<void> {
  const surelyFree = fault !== undefined && fault.code !== "internal_error" && !last?.inDoubt;
  if (surelyFree) await environment.keptAnswers.giveBack(claim);
  else environment.keptAnswers.close(claim);
}

function replay(answer: KeptAnswer, sink: CallSink): CallOutcome {
  sink.head(answer.head);
  sink.end(answer.body);
  return { call: answer.head.call, model: answer.head.model, fault: undefined, started: true };
}

/** The key and every payer up to the root that has limits of its own. */
export function limitedNodes(snapshot: Snapshot, identity: Identity): readonly LimitedNode[] {
  return snapshot.payers.limitedNodes(identity);
}

function tokensAtMost(environment: CallEnvironment, plan: Plan, call: CallRequest): number {
  const { request } = call;
  return request.inputTokens.estimate + longestOutput(request, plan.models[0]!, environment.limits) * request.choices;
}

function tokensUsed(outcome: AttemptOutcome | undefined): number | undefined {
  if (!outcome) return 0;
  if (!outcome.usage) return undefined;
  return (inputTokens(outcome.usage) ?? 0) + (outputTokens(outcome.usage) ?? 0);
}
