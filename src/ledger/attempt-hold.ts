import { convert, convertUp, type Nano, type Ratio } from "../base/money.ts";
import type { BudgetShare } from "../store/spec.ts";
import type { WindowSums } from "./budget-account.ts";
import type { Hold, HoldAsk, HoldSize } from "./spec.ts";

/** What an attempt has set aside in one budget's window, in that budget's currency. */
export interface HeldShare {
  readonly window: WindowSums;
  /** From the price's currency to the budget's. */
  readonly ratio: Ratio;
  amount: Nano;
  bound: Nano;
  reserve: Nano;
  /** The part of the bound that the attempt's entries tell of. */
  told: Nano;
}

/** A hold in flight, and what it has set aside where. */
export class AttemptHold implements Hold {
  readonly attempt: string;
  readonly ask: HoldAsk;
  readonly heldAt: number;
  readonly shares: HeldShare[] = [];
  /** The exchange rates by which its shares are computed. */
  rates: string;
  readonly outputTokens: number | undefined;
  readonly stepped: boolean;
  amount: Nano = 0n;
  bound: Nano = 0n;
  topUps = 0;
  /** Where it stands among the open attempts. */
  place = 0;
  durable: Promise<void> = NEVER_WRITTEN;
  /** Set once it is settled, released or left unsettled: resolves when that is on the disk. */
  closed: Promise<void> | undefined;

  constructor(ask: HoldAsk, heldAt: number, rates: string, outputTokens: number | undefined, stepped: boolean) {
    this.attempt = ask.attempt;
    this.ask = ask;
    this.heldAt = heldAt;
    this.rates = rates;
    this.outputTokens = outputTokens;
    this.stepped = stepped;
  }

  /** Sets something aside in one more window: at the start, or because a budget came into being meanwhile. */
  join(window: WindowSums, ratio: Ratio, reserve: Nano): void {
    const share: HeldShare = { window, ratio, amount: 0n, bound: 0n, reserve, told: 0n };
    this.shares.push(share);
    window.reserve += reserve;
    grow(share, this);
  }

  /** Sets more aside everywhere. Whether it fits is for the caller to know. */
  add(size: HoldSize): void {
    this.amount += size.amount;
    this.bound += size.bound;
    for (const share of this.shares) {
      grow(share, size);
      if (this.stepped) this.#useReserve(share, convertUp(size.bound, share.ratio));
    }
  }

  /**
   * The shares of its next entry: what is set aside and no entry tells of yet. In a budget that came into being meanwhile
   * that is everything, or a crash would leave it in doubt there at less than its bound.
   */
  tell(): BudgetShare[] {
    return this.shares.map((share) => {
      const { window, bound, told } = share;
      share.told = bound;
      return { budget: window.account.book, window: window.start, amount: bound - told };
    });
  }

  /** What was kept free for it is held now; room for one step more stays. */
  #useReserve(share: HeldShare, used: Nano): void {
    const least = convertUp(this.ask.step!.bound, share.ratio);
    const rest = share.reserve - used;
    const reserve = rest > least ? rest : least;
    if (reserve >= share.reserve) return;
    share.window.reserve += reserve - share.reserve;
    share.reserve = reserve;
  }

  /** Gives everything back, and returns what was settled in each budget instead. */
  settleShares(cost: Nano): BudgetShare[] {
    this.giveBack();
    return settleShares(this.shares, cost);
  }

  giveBack(): void {
    for (const { window, amount, bound, reserve } of this.shares) {
      window.hold(-amount, -bound);
      window.reserve -= reserve;
    }
  }
}

const NEVER_WRITTEN: Promise<void> = Promise.resolve();

function grow(share: HeldShare, size: HoldSize): void {
  const amount = convertUp(size.amount, share.ratio);
  const bound = convertUp(size.bound, share.ratio);
  share.amount += amount;
  share.bound += bound;
  share.window.hold(amount, bound);
}

/** Charges a cost to each budget in its own currency. */
export function settleShares(shares: readonly Pick<HeldShare, "window" | "ratio">[], cost: Nano): BudgetShare[] {
  return shares.map(({ window, ratio }) => {
    const amount = convert(cost, ratio);
    window.settle(amount);
    return { budget: window.account.book, window: window.start, amount };
  });
}
