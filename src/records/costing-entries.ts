import { type Kysely, type RawBuilder, sql } from "kysely";
import { firstIdAt } from "../base/ids.ts";
import type { EntriesTable, Schema } from "../store/schema.ts";
import { type EntryRow, PHASE } from "../store/spec.ts";
import { entryOfRow } from "./entry-rows.ts";
import { payerIsAmong } from "./payer-filter.ts";

/** Milliseconds, `to` not included. */
interface Period {
  readonly from: number;
  readonly to: number;
}

/**
 * No call takes longer than `limits.callMs` can be set to, so an attempt is closed within this long of the time in its
 * id; only resolutions and adjustments come later, and those have an index of their own. Ids run ahead of a clock that
 * was set back, by any time, so they give no bound from above.
 */
const LONGEST_CALL_MS = 2 ** 31;

/** Attempts that ended by themselves in the period, found by the primary key, which is searched from `first` on. */
function closes({ from, to }: Period, first = firstIdAt(from - LONGEST_CALL_MS)): RawBuilder<unknown> {
  return sql`phase = ${sql.lit(PHASE.close)} and kind = 'settle' and at >= ${from} and at < ${to}
    and attempt >= ${first}`;
}

/** Resolutions and adjustments made in the period. */
function laterEntries({ from, to }: Period): RawBuilder<unknown> {
  return sql`phase >= 2 and kind in ('settle', 'adjust') and at >= ${from} and at < ${to}`;
}

/** The entries of a period that changed what was spent, as a table to select from. */
export function costingEntries(period: Period): RawBuilder<EntriesTable> {
  return sql`(select * from entries where ${closes(period)}
    union all select * from entries where ${laterEntries(period)}) as costing`;
}

/** Reads the entries of a period that changed what was spent, a bounded number at a time, each exactly once. */
export async function* readCosting(
  query: Kysely<Schema>,
  period: Period,
  payers: readonly string[] | undefined,
  batchRows = 1_000,
): AsyncGenerator<EntryRow[]> {
  const ofPayers = payers ? sql`and ${payerIsAmong(payers)}` : sql``;
  for (const entriesFrom of [closes, laterEntries]) {
    let after: EntryRow | undefined;
    do {
      // SQLite searches the key from one bound only: were it that of the period, each batch would walk through all before.
      const entries = entriesFrom(period, after?.attempt);
      const place: RawBuilder<unknown> = after
        ? sql`and (attempt, phase, n) > (${after.attempt}, ${after.phase}, ${after.n})`
        : sql``;
      const { rows } = await sql<EntriesTable>`select * from entries where ${entries} ${ofPayers} ${place}
        order by attempt, phase, n limit ${sql.lit(batchRows)}`.execute(query);
      const batch = rows.map(entryOfRow);
      if (batch.length > 0) yield batch;
      after = batch.length === batchRows ? batch.at(-1) : undefined;
    } while (after);
  }
}

/** An attempt that was in doubt at some instant. */
export interface DoubtRecord {
  readonly entry: EntryRow;
  readonly reason: string;
}

/**
 * The attempts that were in doubt at an instant (milliseconds): those that still are, and those resolved since. The
 * first `limit` of them by id.
 */
export async function readDoubts(
  query: Kysely<Schema>,
  at: number,
  payers: readonly string[] | undefined,
  limit: number,
): Promise<DoubtRecord[]> {
  const ofPayers = payers ? sql`and ${payerIsAmong(payers)}` : sql``;
  const { rows } = await sql<EntriesTable>`
    select * from entries
    where phase = ${sql.lit(PHASE.close)} and kind = 'unsettled' and at < ${at} ${ofPayers}
      and attempt in (
        select attempt from unsettled
        union select attempt from entries where phase >= 2 and kind <> 'adjust' and at >= ${at})
    order by attempt limit ${sql.lit(limit)}`.execute(query);
  return rows.map((row) => {
    const entry = entryOfRow(row);
    return { entry, reason: reasonOf(entry.detail) };
  });
}

function reasonOf(detail: string): string {
  const { reason } = JSON.parse(detail === "" ? "{}" : detail) as { reason?: unknown };
  return typeof reason === "string" ? reason : "";
}
