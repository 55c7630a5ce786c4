import type { Kysely } from "kysely";
import type { Nano } from "../base/money.ts";
import type { CostLine } from "../catalogue/cost-lines.ts";
import { readCosting } from "../records/costing-entries.ts";
import { detailOfEntry } from "../records/entry-rows.ts";
import type { Schema } from "../store/schema.ts";
import { type EntryRow, PHASE } from "../store/spec.ts";
import type { Period } from "./periods.ts";
import type { Recalculation } from "./recalculation.ts";

/** One line of one settled attempt, or one adjustment. The amounts of all charges of a period are its ledger, exactly. */
export interface Charge {
  readonly entry: EntryRow;
  readonly class: CostLine["class"] | "as-settled" | "adjustment";
  readonly quantity: number;
  /** A decimal for `per`; undefined where the amount is not made of a quantity and a price. */
  readonly unitPrice: string | undefined;
  readonly per: CostLine["per"] | undefined;
  readonly amount: Nano;
  readonly reason: string | undefined;
}

/**
 * Walks through everything that changed what was spent in a period. An entry whose cost follows from its usage and
 * price gives a charge a line; one that does not (a vendor's bill, a person's word, no price) gives one charge as settled.
 */
export async function* readCharges(
  query: Kysely<Schema>,
  recalculation: Recalculation,
  period: Period,
  payers: readonly string[] | undefined,
): AsyncGenerator<Charge> {
  for await (const entries of readCosting(query, period, payers)) {
    const starts = await recalculation.startsOf(entries);
    for (const entry of entries) yield* await chargesOf(entry, recalculation, starts);
  }
}

async function chargesOf(
  entry: EntryRow,
  recalculation: Recalculation,
  starts: ReadonlyMap<string, number>,
): Promise<Charge[]> {
  const whole = { entry, quantity: 1, unitPrice: undefined, per: undefined, amount: entry.amount };
  if (entry.phase === PHASE.adjust) {
    const { reason } = detailOfEntry(entry);
    return [{ ...whole, class: "adjustment", reason: typeof reason === "string" ? reason : undefined }];
  }
  const recomputed = await recalculation.recompute(entry, starts);
  if (!recomputed?.equal || recomputed.lines.length === 0)
    return [{ ...whole, class: "as-settled", reason: undefined }];
  return recomputed.lines.map((line) => ({ entry, ...line, reason: undefined }));
}
