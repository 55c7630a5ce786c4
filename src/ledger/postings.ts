import type { Nano } from "../base/money.ts";
import { type EntryRow, PHASE } from "../store/spec.ts";
import type { Posting } from "./spec.ts";

/**
 * An entry in double entry. A hold moves its bound from the endpoint's `committed` to the payer's `held`; a close moves
 * it back, and what was spent (or may have been) from what is `owed` (or `contingent`) to the payer's account.
 */
export function postings(entry: EntryRow): Posting[] {
  const { kind, phase, payer, currency, amount, held } = entry;
  const endpoint = entry.model.slice(0, entry.model.indexOf("/"));
  const legs: Posting[] = [];
  const transfer = (into: string, from: string, moved: Nano): void => {
    if (moved === 0n) return;
    legs.push({ account: `${into}:${payer}`, amount: moved, currency });
    legs.push({ account: `${from}:${endpoint}`, amount: -moved, currency });
  };
  if (phase === PHASE.hold) transfer("held", "committed", held);
  else if (phase === PHASE.close) transfer("held", "committed", -held);
  else if (phase === PHASE.resolve) transfer("unsettled", "contingent", -held);
  if (kind === "unsettled") transfer("unsettled", "contingent", amount);
  else if (kind === "settle" || kind === "adjust") transfer("spent", "owed", amount);
  return legs;
}
