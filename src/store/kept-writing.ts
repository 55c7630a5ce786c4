import type { Kysely } from "kysely";
import type { KeptAnswersTable, Schema } from "./schema.ts";
import type { KeptAnswerRow } from "./spec.ts";

/** Keeps an answer outside the journal, in place of what was kept under its id. */
export async function writeKept(query: Kysely<Schema>, kept: KeptAnswerRow): Promise<void> {
  const row = keptRow(kept);
  await query
    .insertInto("kept_answers")
    .values(row)
    .onConflict((conflict) => conflict.column("id").doUpdateSet(row))
    .execute();
}

export function keptRow({
  id,
  requestHash,
  call,
  state,
  at,
  status,
  headers,
  answer,
}: KeptAnswerRow): KeptAnswersTable {
  return { id, request_hash: requestHash, call, state, at, status, headers, answer: answer ?? null };
}
