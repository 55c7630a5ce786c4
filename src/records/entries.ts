import type { Kysely } from "kysely";
import type { Schema } from "../store/schema.ts";
import type { EntryRow } from "../store/spec.ts";
import { entryOfRow } from "./entry-rows.ts";
import { payerIsAmong } from "./payer-filter.ts";

export interface EntryFilter {
  readonly attempt?: string | undefined;
  readonly call?: string | undefined;
  readonly payers?: readonly string[] | undefined;
  /** Entries written at `from` or later, and before `to`: milliseconds. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Entries after this one in the order (attempt, phase, n). */
  readonly after?: EntryPosition | undefined;
}

export interface EntryPosition {
  readonly attempt: string;
  readonly phase: number;
  readonly n: number;
}

/** One page of ledger entries in the order (attempt, phase, n): an attempt's story stays together, oldest call first. */
export async function listEntries(query: Kysely<Schema>, filter: EntryFilter, limit: number): Promise<EntryRow[]> {
  let select = query.selectFrom("entries").selectAll().limit(limit);
  select = select.orderBy("attempt").orderBy("phase").orderBy("n");
  if (filter.attempt !== undefined) select = select.where("attempt", "=", filter.attempt);
  if (filter.call !== undefined) {
    select = select.where("attempt", ">=", `${filter.call}.`).where("attempt", "<", `${filter.call}/`);
  }
  if (filter.payers) select = select.where(payerIsAmong(filter.payers));
  if (filter.from !== undefined) select = select.where("at", ">=", filter.from);
  if (filter.to !== undefined) select = select.where("at", "<", filter.to);
  const { after } = filter;
  if (after) {
    select = select.where((where) =>
      where.and([
        where("attempt", ">=", after.attempt),
        where.or([
          where("attempt", ">", after.attempt),
          where("phase", ">", after.phase),
          where.and([where("phase", "=", after.phase), where("n", ">", after.n)]),
        ]),
      ]),
    );
  }
  return (await select.execute()).map(entryOfRow);
}
