import { convertUp, type Nano, type Ratio } from "../base/money.ts";
import type { BudgetShare } from "../store/spec.ts";
import type { WindowSums } from "./budget-account.ts";
import type { AttemptFacts } from "./entries.ts";
import type { UnsettledAttempt } from "./spec.ts";

/** What an attempt in doubt goes on counting in one budget's window. */
export interface DoubtShare {
  readonly window: WindowSums;
  readonly ratio: Ratio;
  readonly bound: Nano;
}

/** An attempt that may have been served: it counts at its bound until evidence or a person says what became of it. */
export interface Doubt {
  readonly facts: AttemptFacts;
  readonly bound: Nano;
  readonly heldAt: number;
  readonly since: number;
  readonly reason: string;
  readonly estimate: Nano | undefined;
  rates: string;
  readonly shares: DoubtShare[];
}

/** All attempts in doubt, by attempt. */
export class Doubts {
  readonly #doubts = new Map<string, Doubt>();

  get size(): number {
    return this.#doubts.size;
  }

  get(attempt: string): Doubt | undefined {
    return this.#doubts.get(attempt);
  }

  values(): Iterable<Doubt> {
    return this.#doubts.values();
  }

  /** Counts it in every window of its shares. */
  add(doubt: Doubt): void {
    this.#doubts.set(doubt.facts.attempt, doubt);
    for (const share of doubt.shares) count(share);
  }

  /** Counts it in one more budget, which came into being meanwhile. */
  join(doubt: Doubt, window: WindowSums, ratio: Ratio): void {
    const share = { window, ratio, bound: convertUp(doubt.bound, ratio) };
    doubt.shares.push(share);
    count(share);
  }

  /** It counts no more. */
  remove(doubt: Doubt): void {
    if (!this.#doubts.delete(doubt.facts.attempt)) return;
    for (const { window, bound } of doubt.shares) {
      window.hold(-bound, -bound);
      window.doubts -= bound;
    }
  }

  /** Oldest first. */
  list(): UnsettledAttempt[] {
    const attempts = [...this.#doubts.values()].map(({ facts, bound, since, reason, estimate }) => ({
      attempt: facts.attempt,
      payer: facts.payer,
      key: facts.key,
      model: facts.model,
      amount: bound,
      currency: facts.currency,
      since,
      reason,
      estimate,
    }));
    return attempts.sort((a, b) => a.since - b.since || (a.attempt < b.attempt ? -1 : 1));
  }
}

function count({ window, bound }: DoubtShare): void {
  window.hold(bound, bound);
  window.doubts += bound;
}

export function sharesOfDoubt(shares: readonly DoubtShare[]): BudgetShare[] {
  return shares.map(({ window, bound }) => ({ budget: window.account.book, window: window.start, amount: bound }));
}
