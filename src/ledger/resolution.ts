import type { Nano } from "../base/money.ts";
import { type BudgetShare, type EntryRow, PHASE } from "../store/spec.ts";
import { type AttemptFacts, makeEntry } from "./entries.ts";
import type { Resolution } from "./spec.ts";

/** The entry by which an attempt in doubt is resolved. @param shares what it cost in each budget */
export function resolutionEntry(
  doubt: { readonly facts: AttemptFacts; readonly bound: Nano; readonly rates: string },
  resolution: Resolution,
  shares: readonly BudgetShare[],
  at: number,
): EntryRow {
  const settles = resolution.action === "settle";
  const amount = settles ? resolution.cost : 0n;
  const { facts, bound, rates } = doubt;
  const detail = JSON.stringify({ ...(settles ? resolution.detail : undefined), reason: resolution.reason });
  return makeEntry(
    facts,
    { phase: PHASE.resolve, n: 0, kind: resolution.action, at, amount, held: bound, shares, rates, detail },
    settles ? resolution.usage : undefined,
    settles ? resolution.basis : undefined,
    amount > bound,
  );
}
