import { type Nano, parseAmount } from "../base/money.ts";
import type { BudgetSetting } from "../config/settings.ts";
import { type WindowSpan, windowAt } from "./budget-windows.ts";
import { WindowLease } from "./leases/window-lease.ts";
import type { BudgetState } from "./spec.ts";
import type { WaitingLine } from "./waiting-line.ts";

/** The sums of one window of one budget, in its currency. */
export class WindowSums {
  readonly account: BudgetAccount;
  readonly start: number;
  readonly end: number;
  settled: Nano = 0n;
  /** What is set aside, as close estimates: shown as held. */
  amounts: Nano = 0n;
  /** What is set aside, as provable bounds: admission goes by it. */
  bounds: Nano = 0n;
  /** The part of both that only evidence or a person can free. */
  doubts: Nano = 0n;
  /** What streams that are held in steps will probably need yet: not for calls that have not begun. */
  reserve: Nano = 0n;
  /** Where nodes share the budget: the sums are this node's, and it may use what its lease grants. */
  readonly lease: WindowLease | undefined;

  constructor(account: BudgetAccount, span: WindowSpan) {
    this.account = account;
    this.start = span.start;
    this.end = span.end;
    this.lease = account.touched && new WindowLease(account.touched);
  }

  get used(): Nano {
    return this.settled + this.bounds;
  }

  /** What a new bound may be at the most now. */
  get room(): Nano {
    return (this.lease ? this.lease.granted : this.account.limit) - this.settled - this.bounds;
  }

  /** Sets aside, or gives back where both are below zero. */
  hold(amount: Nano, bound: Nano): void {
    this.amounts += amount;
    this.bounds += bound;
    this.lease?.touch(this);
  }

  settle(amount: Nano): void {
    this.settled += amount;
    this.lease?.touch(this);
  }
}

/** A budget under one configuration: its limit, the window it is in, and who waits for room in it. */
export class BudgetAccount {
  readonly book: string;
  readonly #timezone: string;
  #setting: BudgetSetting;
  #limit: Nano;
  /** Whether calls may be refused by it: not before all that was spent in its window is known. */
  #refuses = false;
  window: WindowSums;
  /** Settlements seen, and the largest part of its bound that any used lately: experience, not money. */
  settlements = 0;
  usedPart = 0;
  /** Calls that wait for room, made when the first one does. */
  line: WaitingLine | undefined;

  /** Where nodes share the budget: the windows whose sums changed since the disk was told. */
  touched: WindowSums[] | undefined;

  constructor(book: string, setting: BudgetSetting, now: number, touched?: WindowSums[]) {
    this.book = book;
    this.touched = touched;
    this.#setting = setting;
    this.#limit = limitOf(setting);
    this.#timezone = timezoneOf(setting);
    this.window = new WindowSums(this, windowAt(setting.window, this.#timezone, now));
  }

  get setting(): BudgetSetting {
    return this.#setting;
  }

  get limit(): Nano {
    return this.#limit;
  }

  get refuses(): boolean {
    return this.#refuses;
  }

  /** A new limit or kind takes force at once. The budget's payer, currency, window and zone stay what they were. */
  configure(setting: BudgetSetting): void {
    this.#setting = setting;
    this.#limit = limitOf(setting);
    if (this.#refuses) this.enforce();
  }

  /** From now on the budget refuses what does not fit, unless it is soft. */
  enforce(): void {
    this.#refuses = this.#setting.kind !== "soft";
  }

  /** Learns what part of its bound an attempt used. What is learnt fades: half of it in 44 settlements. */
  learn(part: number): void {
    this.settlements += 1;
    this.usedPart = Math.max(part, this.usedPart * FADING);
  }

  /** Moves on to the window of `now`. A clock that goes back reopens no window. Tells whether it moved. */
  roll(now: number): boolean {
    if (now < this.window.end) return false;
    this.window = new WindowSums(this, windowAt(this.#setting.window, this.#timezone, now));
    return true;
  }

  /** Moves on to the window that begins at `start`, where that is later than the open one. */
  advance(start: number): void {
    if (start <= this.window.start) return;
    this.window = new WindowSums(this, windowAt(this.#setting.window, this.#timezone, start));
  }

  /** The window that begins at `start`: the one that is open, or one that has passed (or, after a clock went back, is ahead). */
  windowFrom(start: number, past: Map<string, WindowSums>): WindowSums {
    if (this.window.start === start) return this.window;
    const name = `${this.book} ${start}`;
    let sums = past.get(name);
    if (!sums) {
      sums = new WindowSums(this, windowAt(this.#setting.window, this.#timezone, start));
      past.set(name, sums);
    }
    return sums;
  }

  /** What a new bound may be at the most now. */
  get room(): Nano {
    return this.window.room;
  }

  /** What a new bound could be if everything in flight were settled at nothing. */
  get potential(): Nano {
    const { settled, doubts, lease } = this.window;
    // All that this node has settled may have been credited since: the store counts that, not the node.
    return (lease ? lease.granted + lease.beyond(this.#limit + settled) : this.#limit) - settled - doubts;
  }

  /** Begins anew, with nothing used: under a new seat nothing of what was used before is this node's. */
  renew(now: number, touched: WindowSums[]): void {
    this.touched = touched;
    this.window = new WindowSums(this, windowAt(this.#setting.window, this.#timezone, now));
  }

  /** With what is known of other nodes, where they share the budget. */
  get state(): BudgetState {
    const { lease } = this.window;
    return lease ? this.stateWith(lease.settled, lease.held) : this.stateWith(this.window.settled, this.window.amounts);
  }

  stateWith(settled: Nano, held: Nano): BudgetState {
    const { start, end } = this.window;
    const total = this.#setting.window === "total";
    return {
      setting: this.#setting,
      limit: this.#limit,
      settled,
      held,
      left: this.#limit - settled - held,
      windowStart: total ? undefined : start,
      resetsAt: total ? undefined : end,
    };
  }
}

const FADING = 63 / 64;

export function timezoneOf(setting: BudgetSetting): string {
  return setting.timezone ?? "UTC";
}

function limitOf(setting: BudgetSetting): Nano {
  const limit = parseAmount(setting.amount);
  if (limit === undefined) throw new RangeError(`budget ${setting.id}: "${setting.amount}" is no amount`);
  return limit;
}
