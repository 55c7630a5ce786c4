import { Fault } from "../base/faults.ts";
import { ledgerWords } from "../base/messages/ledger.ts";
import type { BudgetAccount } from "./budget-account.ts";
import { decide, type Places, type Verdict } from "./decision.ts";
import type { Hold, HoldAsk } from "./spec.ts";
import { type Waiter, WaitingLine } from "./waiting-line.ts";

/** What the ledger does for those who wait. */
export interface WaitingOptions {
  /** How long a call waits, in milliseconds. */
  readonly patienceMs: number;
  /** How many may wait. */
  readonly most: number;
  readonly now: () => number;
  /** The budgets that a call must ask, as they are now. Throws where one has no rate. */
  readonly placesOf: (ask: HoldAsk) => Places;
  readonly grant: (ask: HoldAsk, places: Places, verdict: Verdict) => Hold;
  readonly refuse: (ask: HoldAsk, at: BudgetAccount) => Fault;
}

/**
 * Calls that do not fit beside what is in flight, and might when it has settled. Each stands in the line of the budget
 * that has no room for it; lines are served in the order in which calls came. A waiter leaves its line when there is
 * room, when waiting has become pointless, when its patience ends, or when nobody wants its answer any more.
 */
export class WaitingCalls {
  readonly #options: WaitingOptions;
  #lastPlace = 0;
  #count = 0;

  constructor(options: WaitingOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#count;
  }

  /** Whether one more may wait. */
  get open(): boolean {
    return this.#count < this.#options.most && this.#options.patienceMs > 0;
  }

  wait(ask: HoldAsk, places: Places, at: BudgetAccount): Promise<Hold> {
    return new Promise((resolve, reject) => {
      const { signal } = ask;
      if (signal?.aborted) {
        reject(gone());
        return;
      }
      const deadline = performance.now() + this.#options.patienceMs;
      const place = ++this.#lastPlace;
      const waiter: Waiter = { ask, places, place, deadline, resolve, reject, timer: undefined, leave: undefined, at };
      if (signal) {
        const leave = (): void => this.#abandon(waiter);
        waiter.leave = () => signal.removeEventListener("abort", leave);
        signal.addEventListener("abort", leave, { once: true });
      }
      this.#count += 1;
      this.#stand(waiter, at);
    });
  }

  /** Something changed in a budget: whoever is first in its line may have room now, or no hope left. */
  serve(account: BudgetAccount): void {
    for (let waiter = account.line?.first; waiter; waiter = account.line?.first) {
      if (!this.#reconsider(waiter, true)) return;
    }
  }

  /** Decides anew. Tells whether the waiter has left the line in which it stood. */
  #reconsider(waiter: Waiter, patient: boolean): boolean {
    const { ask, at } = waiter;
    try {
      const places = this.#options.placesOf(ask);
      const verdict = decide(ask, places, waiter.place, patient);
      if (verdict.kind === "wait") {
        if (verdict.at === at) return false;
        at.line!.remove(waiter);
        this.#stand(waiter, verdict.at);
        return true;
      }
      this.#end(waiter);
      if (verdict.kind === "refuse") waiter.reject(this.#options.refuse(ask, verdict.at));
      else waiter.resolve(this.#options.grant(ask, places, verdict));
    } catch (fault) {
      this.#end(waiter);
      waiter.reject(fault);
    }
    return true;
  }

  #stand(waiter: Waiter, at: BudgetAccount): void {
    waiter.at = at;
    at.line ??= new WaitingLine();
    at.line.add(waiter);
    this.#watch(waiter);
  }

  /** Wakes it when its patience ends, or when the budget's window does. */
  #watch(waiter: Waiter): void {
    clearTimeout(waiter.timer);
    const patience = waiter.deadline - performance.now();
    const windowMs = waiter.at.window.end - this.#options.now();
    const wakeMs = Math.max(1, Math.min(patience, windowMs));
    waiter.timer = setTimeout(() => this.#wake(waiter), wakeMs);
    waiter.timer.unref();
  }

  #wake(waiter: Waiter): void {
    const { at } = waiter;
    if (performance.now() >= waiter.deadline - 1) {
      this.#reconsider(waiter, false);
      this.serve(at);
      return;
    }
    this.serve(at);
    if (waiter.timer && waiter.at === at) this.#watch(waiter);
  }

  #abandon(waiter: Waiter): void {
    const { at } = waiter;
    this.#end(waiter);
    waiter.reject(gone());
    this.serve(at);
  }

  #end(waiter: Waiter): void {
    clearTimeout(waiter.timer);
    waiter.timer = undefined;
    waiter.leave?.();
    waiter.at.line!.remove(waiter);
    this.#count -= 1;
  }
}

function gone(): Fault {
  return new Fault("timeout", ledgerWords.waitAbandoned());
}
