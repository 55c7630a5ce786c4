import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/faults.ts";
import type { Limits } from "../base/limits.ts";
import { admissionWords } from "../base/messages/call.ts";
import type { AdmissionLimits } from "../config/settings.ts";
import { RequestWindow, TokenWindow } from "./windows.ts";

/** A node whose limits a call must respect: a key, a payer or one of its ancestors. */
export interface LimitedNode {
  /** Unique among keys and payers: `payer acme`, `key support-bot`. Shown to people. */
  readonly name: string;
  readonly limits: AdmissionLimits;
}

/** The windows of one node. Kept while its limits stay the same, so that a change elsewhere forgets nothing. */
interface NodeState {
  readonly limits: AdmissionLimits;
  readonly requests: RequestWindow | undefined;
  readonly tokens: TokenWindow | undefined;
  inFlight: number;
}

/** A call that was let in. It must leave exactly once. */
export interface Admission {
  /** @param tokens what the call really used, where that is known: corrects the tokens counted at the door. */
  leave(tokens: number | undefined): void;
}

const CONCURRENCY_RETRY_MS = 1_000;

/** The door: requests and tokens a minute and calls at once, on any node of the tree, and on this process as a whole. */
export class AdmissionGate {
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #nodes = new Map<string, NodeState>();
  #inFlight = 0;

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Lets a call in on all of `nodes`, or on none. Throws `rate_limit_exceeded` with the longest wait, or `overloaded`.
   * @param tokens an estimate of all tokens of the call, input and longest output.
   */
  enter(nodes: readonly LimitedNode[], tokens: number): Admission {
    if (this.#inFlight >= this.#limits.callsInFlight) {
      throw new Fault("overloaded", admissionWords.nodeBusy(this.#inFlight), { retryAfterMs: CONCURRENCY_RETRY_MS });
    }
    if (nodes.length === 0) {
      this.#inFlight += 1;
      return new Entered(() => {
        this.#inFlight -= 1;
      });
    }
    const now = this.#clock.now();
    const states = nodes.map((node) => this.#state(node));
    for (let i = 0; i < nodes.length; i++) refuseWhenFull(nodes[i]!, states[i]!, now, tokens);
    for (const state of states) {
      state.requests?.admit(now);
      state.tokens?.add(now, tokens);
      state.inFlight += 1;
    }
    this.#inFlight += 1;
    return new Entered((used) => {
      this.#inFlight -= 1;
      const later = this.#clock.now();
      for (const state of states) {
        state.inFlight -= 1;
        if (used !== undefined) state.tokens?.correct(now, later, used - tokens);
      }
    });
  }

  #state(node: LimitedNode): NodeState {
    const known = this.#nodes.get(node.name);
    if (known && sameLimits(known.limits, node.limits)) return known;
    const { rpm, tpm } = node.limits;
    const state: NodeState = {
      limits: node.limits,
      requests: rpm === undefined ? undefined : new RequestWindow(rpm),
      tokens: tpm === undefined ? undefined : new TokenWindow(tpm),
      inFlight: known?.inFlight ?? 0,
    };
    this.#nodes.set(node.name, state);
    return state;
  }
}

class Entered implements Admission {
  #leave: ((tokens: number | undefined) => void) | undefined;

  constructor(leave: (tokens: number | undefined) => void) {
    this.#leave = leave;
  }

  leave(tokens: number | undefined): void {
    this.#leave?.(tokens);
    this.#leave = undefined;
  }
}

function refuseWhenFull(node: LimitedNode, state: NodeState, now: number, tokens: number): void {
  const { rpm, tpm, concurrency } = node.limits;
  if (concurrency !== undefined && state.inFlight >= concurrency) {
    throw refusal("concurrency", node, concurrency, CONCURRENCY_RETRY_MS);
  }
  const requestWait = state.requests?.wait(now) ?? 0;
  if (requestWait > 0) throw refusal("rpm", node, rpm!, requestWait);
  const tokenWait = state.tokens?.wait(now, tokens) ?? 0;
  if (tokenWait === Number.POSITIVE_INFINITY) {
    throw new Fault("rate_limit_exceeded", admissionWords.tooLargeForRate(node.name, tpm!, tokens), {
      details: { node: node.name, limit: "tpm", allowed: tpm },
    });
  }
  if (tokenWait > 0) throw refusal("tpm", node, tpm!, tokenWait);
}

function refusal(limit: "rpm" | "tpm" | "concurrency", node: LimitedNode, allowed: number, waitMs: number): Fault {
  return new Fault(
    "rate_limit_exceeded",
    admissionWords.rateLimit(limit, node.name, allowed, Math.ceil(waitMs / 1000)),
    {
      retryAfterMs: waitMs,
      details: { node: node.name, limit, allowed },
    },
  );
}

function sameLimits(one: AdmissionLimits, other: AdmissionLimits): boolean {
  return one === other || (one.rpm === other.rpm && one.tpm === other.tpm && one.concurrency === other.concurrency);
}
