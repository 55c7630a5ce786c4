import { convertUp, type Nano, type Ratio } from "../base/money.ts";
import type { BudgetAccount } from "./budget-account.ts";
import type { HoldAsk, HoldSize, SmallerHold } from "./spec.ts";

/** The budgets that a call must ask, and how its price's currency converts to theirs. */
export interface Places {
  readonly accounts: readonly BudgetAccount[];
  readonly ratios: readonly Ratio[];
  /** The rates as the entry writes them. */
  readonly rates: string;
}

export type Verdict =
  | { readonly kind: "full" | "step" }
  | { readonly kind: "smaller"; readonly size: SmallerHold }
  | { readonly kind: "wait" | "refuse"; readonly at: BudgetAccount };

const FULL: Verdict = { kind: "full" };
const STEP: Verdict = { kind: "step" };

/**
 * How long a call has waited. `patient`: it waits for room for its whole bound. `modest`: it takes less, as long as that
 * is ample by what others used of their bounds. `last`: it takes what there is.
 */
export type Mood = "patient" | "modest" | "last";

/**
 * Whether a call may begin, and how large. In this order: in full; as a first step; by waiting for what is in flight to
 * settle; shortened to what the rest buys; not at all.
 *
 * Nothing is admitted that could, by its bound, exceed a budget: what fits is added to the bounds at once, in the same
 * turn of the event loop.
 *
 * @param place its place among those who wait: nobody is admitted before an earlier one that asks the same budget
 */
export function decide(ask: HoldAsk, places: Places, place: number, mood: Mood): Verdict {
  const waits = mood !== "last";
  const queued = waits ? earlierLine(places, place) : undefined;
  const full = lacking(places, ask.full.bound, waits);
  if (!full && !queued) return FULL;
  const ample = ampleFor(ask, places);
  if (ask.step && !queued && !lacking(places, larger(ask.step.bound, waits ? ample : 0n), waits)) return STEP;
  if (mood === "patient" && couldFit(places, ask.full.bound)) return { kind: "wait", at: queued ?? full! };
  const now = affordable(places, waits ? "unreserved" : "room");
  const later = affordable(places, "potential");
  if (!queued) {
    if (!waits || now.left >= ample || later.left < ample) {
      if (ask.step && !lacking(places, ask.step.bound, waits)) return STEP;
      const size = shorten(ask, now.left, ample, now.tightest.line?.length ?? 0);
      if (size && !lacking(places, size.bound, waits)) return { kind: "smaller", size };
    }
  }
  if (waits) {
    const gains = queued !== undefined || later.left > now.left;
    if (gains && isUseful(ask, later.left)) return { kind: "wait", at: queued ?? now.tightest };
  }
  return { kind: "refuse", at: affordable(places, "room").tightest };
}

/** What newcomers leave to a stream that begins with a step: what it will probably need, and at least one step more. */
export function reserveFor(ask: HoldAsk, places: Places): Nano {
  const step = ask.step!.bound;
  return larger(step, ampleFor(ask, places) - step);
}

/** As many settlements as make experience. */
const FEW = 8;

/**
 * What is ample for a call: twice the largest part of their bounds that others have used lately; without experience its
 * whole bound. Only how much is asked for depends on it: what is granted stays a provable bound.
 */
export function ampleFor({ full }: HoldAsk, { accounts }: Places): Nano {
  let used = 0;
  for (const account of accounts) {
    if (!account.refuses) continue;
    if (account.settlements < FEW) return full.bound;
    used = Math.max(used, account.usedPart);
  }
  const ample = BigInt(Math.ceil(Math.min(1, used * 2) * PARTS));
  return (full.bound * ample) / BigInt(PARTS);
}

const PARTS = 1_000_000;

function larger(a: Nano, b: Nano): Nano {
  return a > b ? a : b;
}

/** The call, shortened to its part of what is left beside the others who wait for it, though never below what is ample. */
function shorten(ask: HoldAsk, left: Nano, ample: Nano, waiting: number): SmallerHold | undefined {
  const fair = larger(left / BigInt(Math.max(1, waiting)), ample);
  return (fair < left ? ask.shrink(fair) : undefined) ?? ask.shrink(left);
}

/** Whether a hold in flight may grow by `more`, in the windows in which it was made. */
export function mayGrow(
  shares: readonly { readonly window: BudgetAccount["window"]; readonly ratio: Ratio }[],
  more: HoldSize,
): boolean {
  for (const { window, ratio } of shares) {
    if (window.account.refuses && convertUp(more.bound, ratio) > window.room) return false;
  }
  return true;
}

/** The first budget that has no room for `bound`. What streams in flight will probably need is not for newcomers. */
function lacking({ accounts, ratios }: Places, bound: Nano, spareReserve: boolean): BudgetAccount | undefined {
  for (let i = 0; i < accounts.length; i++) {
    const account = accounts[i]!;
    if (!account.refuses) continue;
    const room = spareReserve ? account.room - account.window.reserve : account.room;
    if (convertUp(bound, ratios[i]!) > room) return account;
  }
  return undefined;
}

function couldFit({ accounts, ratios }: Places, bound: Nano): boolean {
  return accounts.every((account, i) => !account.refuses || convertUp(bound, ratios[i]!) <= account.potential);
}

/** The first budget for which somebody waits who came earlier. */
function earlierLine({ accounts }: Places, place: number): BudgetAccount | undefined {
  for (const account of accounts) {
    if (account.line?.hasEarlier(place)) return account;
  }
  return undefined;
}

/** The most that fits in every budget, in the price's currency, and the budget that says so. */
function affordable(
  { accounts, ratios }: Places,
  by: "room" | "unreserved" | "potential",
): { readonly left: Nano; readonly tightest: BudgetAccount } {
  let left: Nano | undefined;
  let tightest = accounts[0]!;
  for (let i = 0; i < accounts.length; i++) {
    const account = accounts[i]!;
    if (!account.refuses) continue;
    const own = by === "potential" ? account.potential : account.room - (by === "room" ? 0n : account.window.reserve);
    const { numerator, denominator } = ratios[i]!;
    // ⌊own × d / n⌋ is the largest amount that, converted and rounded up, is at most `own`.
    const fits = own <= 0n ? 0n : (own * denominator) / numerator;
    if (left !== undefined && fits >= left) continue;
    left = fits;
    tightest = account;
  }
  return { left: left ?? 0n, tightest };
}

function isUseful(ask: HoldAsk, left: Nano): boolean {
  if (ask.full.bound <= left) return true;
  return (ask.step !== undefined && ask.step.bound <= left) || ask.shrink(left) !== undefined;
}
