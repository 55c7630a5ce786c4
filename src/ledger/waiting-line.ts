import type { BudgetAccount } from "./budget-account.ts";
import type { Hold, HoldAsk } from "./spec.ts";

/** A call that waits for room. */
export interface Waiter {
  readonly ask: HoldAsk;
  /** Counts up: who came first. */
  readonly place: number;
  /** performance.now() at which it takes less than its whole bound, and at which its patience ends. */
  modestAt: number;
  deadline: number;
  /** How often it was not refused because nothing fresh was known. */
  spared: number;
  readonly resolve: (hold: Hold) => void;
  readonly reject: (fault: unknown) => void;
  timer: NodeJS.Timeout | undefined;
  leave: (() => void) | undefined;
  /** The budget in whose line it stands. */
  at: BudgetAccount;
}

/** Those who wait for one budget, in the order in which they came. */
export class WaitingLine {
  #waiters: Waiter[] = [];
  #first = 0;

  get first(): Waiter | undefined {
    return this.#waiters[this.#first];
  }

  get length(): number {
    return this.#waiters.length - this.#first;
  }

  /** The first few. */
  front(most: number): readonly Waiter[] {
    return this.#waiters.slice(this.#first, this.#first + most);
  }

  hasEarlier(place: number): boolean {
    const first = this.#waiters[this.#first];
    return first !== undefined && first.place < place;
  }

  /** Where it belongs by its place: at the end, or before those who came later. */
  add(waiter: Waiter): void {
    let index = this.#waiters.length;
    while (index > this.#first && this.#waiters[index - 1]!.place > waiter.place) index--;
    this.#waiters.splice(index, 0, waiter);
  }

  remove(waiter: Waiter): void {
    if (this.first === waiter) this.#first++;
    else {
      const index = this.#waiters.indexOf(waiter, this.#first);
      if (index >= 0) this.#waiters.splice(index, 1);
    }
    if (this.#first > 64 && this.#first * 2 > this.#waiters.length) {
      this.#waiters = this.#waiters.slice(this.#first);
      this.#first = 0;
    }
  }
}
