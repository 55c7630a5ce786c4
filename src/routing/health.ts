import type { Clock } from "../base/clock.ts";

const FAILURES_TO_OPEN = 5;
const FIRST_REST_MS = 5_000;
const LONGEST_REST_MS = 60_000;

export interface HealthState {
  readonly endpoint: string;
  readonly state: "closed" | "open" | "half-open";
  readonly failures: number;
  /** When an open breaker lets the next attempt through, milliseconds. */
  readonly until: number | undefined;
  readonly lastFault: string | undefined;
}

interface Breaker {
  failures: number;
  until: number;
  rest: number;
  lastFault: string | undefined;
}

/**
 * A circuit breaker for each endpoint. Five failures in a row open it for five seconds, then one attempt is let
 * through; each further failure doubles the rest, up to a minute. An open breaker sends an endpoint to the end of the
 * line: it is passed over while there is another, and still tried when there is none.
 */
export class EndpointHealth {
  readonly #clock: Clock;
  readonly #breakers = new Map<string, Breaker>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether `endpoint` should be tried before those that rest. A half-open breaker lets one attempt through. */
  available(endpoint: string): boolean {
    const breaker = this.#breakers.get(endpoint);
    if (!breaker || breaker.failures < FAILURES_TO_OPEN) return true;
    const now = this.#clock.now();
    if (now < breaker.until) return false;
    // One attempt is let through for each rest. It may never be made (no budget, an earlier model answered), so the
    // next one must not wait for its outcome.
    breaker.until = now + breaker.rest;
    return true;
  }

  succeeded(endpoint: string): void {
    if (this.#breakers.size > 0) this.#breakers.delete(endpoint);
  }

  failed(endpoint: string, fault: string): void {
    let breaker = this.#breakers.get(endpoint);
    if (!breaker) {
      breaker = { failures: 0, until: 0, rest: FIRST_REST_MS, lastFault: undefined };
      this.#breakers.set(endpoint, breaker);
    }
    breaker.failures += 1;
    breaker.lastFault = fault;
    if (breaker.failures < FAILURES_TO_OPEN) return;
    if (breaker.failures > FAILURES_TO_OPEN) breaker.rest = Math.min(breaker.rest * 2, LONGEST_REST_MS);
    breaker.until = this.#clock.now() + breaker.rest;
  }

  state(endpoint: string): HealthState {
    const breaker = this.#breakers.get(endpoint);
    if (!breaker || breaker.failures < FAILURES_TO_OPEN) {
      const failures = breaker?.failures ?? 0;
      return { endpoint, state: "closed", failures, until: undefined, lastFault: breaker?.lastFault };
    }
    const { failures, until, lastFault } = breaker;
    return { endpoint, state: this.#clock.now() < until ? "open" : "half-open", failures, until, lastFault };
  }
}
