import { USAGE_CLASSES } from "../base/usage.ts";
import type { BudgetShare, EntryRow, JournalRow, KeptAnswerRow } from "./spec.ts";
import { PHASE } from "./spec.ts";

/**
 * Rows on their way to the writer's thread: one flat array a batch. Copying it between threads costs half of what
 * objects cost, and amounts travel as text because a bigint is dear to copy.
 */
export type Batch = (string | number | null | Uint8Array)[];

export const OP = {
  /** An entry that sets aside: no usage. */
  aside: 0,
  /** An entry that closes, resolves or adjusts. */
  close: 1,
  kept: 2,
  /** Kept only if the entry before it was new. */
  keptWithEntry: 3,
  forgetKept: 4,
  mark: 5,
} as const;

/** Adds a row to a batch. */
export function encodeRow(batch: Batch, row: JournalRow): void {
  switch (row.op) {
    case "entry":
      encodeEntry(batch, row.entry);
      if (row.kept) encodeKept(batch, OP.keptWithEntry, row.kept);
      return;
    case "kept":
      encodeKept(batch, OP.kept, row.kept);
      return;
    case "forget-kept":
      batch.push(OP.forgetKept, row.id);
      return;
    case "mark":
      batch.push(OP.mark, row.name, row.value);
  }
}

function encodeEntry(batch: Batch, entry: EntryRow): void {
  const aside = entry.phase === PHASE.hold;
  batch.push(
    aside ? OP.aside : OP.close,
    entry.attempt,
    entry.phase,
    entry.n,
    entry.kind,
    entry.at,
    entry.payer,
    entry.key,
    entry.route,
    entry.model,
    entry.currency,
    entry.amount.toString(),
    entry.held.toString(),
    entry.price,
    entry.rates,
    entry.detail,
  );
  encodeShares(batch, entry.shares);
  if (aside) return;
  batch.push(entry.basis ?? null, entry.overrun ? 1 : 0);
  for (const name of USAGE_CLASSES) batch.push(entry[name] ?? null);
}

function encodeShares(batch: Batch, shares: readonly BudgetShare[]): void {
  batch.push(shares.length);
  for (const share of shares) batch.push(share.budget, share.window, share.amount.toString());
}

function encodeKept(batch: Batch, op: number, kept: KeptAnswerRow): void {
  const { id, requestHash, call, state, at, status, headers, answer } = kept;
  batch.push(op, id, requestHash, call, state, at, status, headers, answer ?? null);
}
