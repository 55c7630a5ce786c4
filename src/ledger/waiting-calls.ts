import { Fault } from "../base/faults.ts";
import { ledgerWords } from "../base/messages/ledger.ts";
import { convertUp, type Nano, type Ratio } from "../base/money.ts";
import type { BudgetAccount } from "./budget-account.ts";
import { ampleFor, decide, type Mood, type Places, type Verdict } from "./decision.ts";
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
  /** A call waits: where nodes share budgets, there may be room elsewhere. */
  readonly seeks: () => void;
  /** What is known of the room elsewhere is too old to refuse a call by. */
  readonly doubtRefusal: (places: Places) => boolean;
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

  wait(ask: HoldAsk, at: BudgetAccount): Promise<Hold> {
    return new Promise((resolve, reject) => {
      const { signal } = ask;
      if (signal?.aborted) {
        reject(gone());
        return;
      }
      const now = performance.now();
      const waiter: Waiter = {
        ask,
        place: ++this.#lastPlace,
        modestAt: now + this.#options.patienceMs * MODEST_AFTER,
        deadline: now + this.#options.patienceMs,
        spared: 0,
        resolve,
        reject,
        timer: undefined,
        leave: undefined,
        at,
      };
      if (signal) {
        const leave = (): void => this.#abandon(waiter);
        waiter.leave = () => signal.removeEventListener("abort", leave);
        signal.addEventListener("abort", leave, { once: true });
      }
      this.#count += 1;
      this.#stand(waiter, at);
    });
  }

  /**
   * What the first of those who wait need of every budget that they ask, whichever of them they wait for: what one
   * budget gives while another has no room must still be there when that has.
   */
  needs(accounts: Iterable<BudgetAccount>): Map<BudgetAccount, Need> {
    const needs = new Map<BudgetAccount, Need>();
    for (const account of accounts) {
      for (const waiter of account.line?.front(MOST_NEEDS) ?? []) this.#addNeeds(needs, waiter);
    }
    return needs;
  }

  #addNeeds(needs: Map<BudgetAccount, Need>, waiter: Waiter): void {
    const { ask, place } = waiter;
    const places = this.#placesOf(ask);
    if (!places) return;
    const enough = ampleFor(ask, places);
    for (let i = 0; i < places.accounts.length; i++) {
      const account = places.accounts[i]!;
      if (!account.refuses) continue;
      const ratio = places.ratios[i]!;
      const full = convertUp(ask.full.bound, ratio);
      const known = needs.get(account);
      const isFirst = !known || place < known.place;
      const least = isFirst ? leastOf(waiter, account, full, convertUp(enough, ratio), ratio) : known.least;
      needs.set(account, {
        needed: (known?.needed ?? 0n) + full,
        least,
        place: isFirst ? place : known.place,
      });
    }
  }

  /** Undefined where there is no rate for one of them: the call hears of it when its turn comes. */
  #placesOf(ask: HoldAsk): Places | undefined {
    try {
      return this.#options.placesOf(ask);
    } catch {
      return undefined;
    }
  }

  /** Something changed in a budget: whoever is first in its line may have room now, or no hope left. */
  serve(account: BudgetAccount): void {
    for (let waiter = account.line?.first; waiter; waiter = account.line?.first) {
      if (!this.#reconsider(waiter)) return;
    }
  }

  /** Decides anew. Tells whether the waiter has left the line in which it stood. */
  #reconsider(waiter: Waiter): boolean {
    const { ask, at } = waiter;
    try {
      const places = this.#options.placesOf(ask);
      const verdict = decide(ask, places, waiter.place, moodOf(waiter));
      if (verdict.kind === "wait") {
        if (verdict.at === at) return false;
        at.line!.remove(waiter);
        this.#stand(waiter, verdict.at);
        return true;
      }
      if (verdict.kind === "refuse" && this.#isSpared(waiter, places)) return false;
      this.#end(waiter);
      if (verdict.kind === "refuse") waiter.reject(this.#options.refuse(ask, verdict.at));
      else waiter.resolve(this.#options.grant(ask, places, verdict));
    } catch (fault) {
      this.#end(waiter);
      waiter.reject(fault);
    }
    return true;
  }

  /** Nothing fresh is known (the store was away, or this process): it waits on, until that has been asked for. */
  #isSpared(waiter: Waiter, places: Places): boolean {
    if (waiter.spared === MOST_SPARED || !this.#options.doubtRefusal(places)) return false;
    waiter.spared += 1;
    waiter.modestAt = performance.now();
    waiter.deadline = Math.max(waiter.deadline, waiter.modestAt + SPARED_MS);
    this.#watch(waiter);
    this.#options.seeks();
    return true;
  }

  #stand(waiter: Waiter, at: BudgetAccount): void {
    waiter.at = at;
    at.line ??= new WaitingLine();
    at.line.add(waiter);
    this.#watch(waiter);
    this.#options.seeks();
  }

  /** Wakes it when its mood changes, or when the budget's window ends. */
  #watch(waiter: Waiter): void {
    clearTimeout(waiter.timer);
    const now = performance.now();
    const next = now < waiter.modestAt ? waiter.modestAt : waiter.deadline;
    const windowMs = waiter.at.window.end - this.#options.now();
    waiter.timer = setTimeout(() => this.#wake(waiter), Math.max(1, Math.ceil(Math.min(next - now, windowMs))));
    waiter.timer.unref();
  }

  #wake(waiter: Waiter): void {
    const { at } = waiter;
    if (moodOf(waiter) === "last") this.#reconsider(waiter);
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

/** How often a call waits on because nothing fresh is known, and how long each time. */
const MOST_SPARED = 5;
const SPARED_MS = 2_000;

/** What calls that wait need of a budget. */
export interface Need {
  readonly needed: Nano;
  /** Less is of no use to the one that came first. */
  readonly least: Nano;
  readonly place: number;
}

/** As many calls of a line are asked for at once. */
const MOST_NEEDS = 64;

/** What makes a difference to a waiter: its whole bound while that can be had; else what is ample; else anything. */
function leastOf(
  { ask, ...waiter }: Waiter,
  { potential }: BudgetAccount,
  full: Nano,
  ample: Nano,
  ratio: Ratio,
): Nano {
  const mood = moodOf(waiter);
  const step = ask.step && convertUp(ask.step.bound, ratio);
  const enough = step === undefined || step < ample ? ample : step;
  if (mood === "patient" && potential >= full) return step !== undefined && enough < full ? enough : full;
  return mood !== "last" && potential >= enough ? enough : 1n;
}

/** The part of its patience after which a call takes less than its whole bound. */
const MODEST_AFTER = 1 / 3;

function moodOf(waiter: Pick<Waiter, "modestAt" | "deadline">): Mood {
  const now = performance.now();
  if (now >= waiter.deadline) return "last";
  return now >= waiter.modestAt ? "modest" : "patient";
}

function gone(): Fault {
  return new Fault("timeout", ledgerWords.waitAbandoned());
}
