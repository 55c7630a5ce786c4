import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Nano } from "../base/money.ts";
import { wordsOf } from "../store/dialect-words.ts";
import type { EntriesTable, Schema } from "../store/schema.ts";
import type { EntryRow } from "../store/spec.ts";
import { type AttemptRecord, type RecordState, recordAttempt } from "./attempts.ts";
import { callOfAttempt, entryOfRow } from "./entry-rows.ts";
import { findOpenings, type OpeningFilter } from "./openings.ts";

/** A call is a view on the entries of its attempts: nothing of it is stored twice. */
export interface CallRecord {
  readonly id: string;
  readonly payer: string;
  readonly key: string;
  readonly route: string;
  /** `endpoint/model` of the last attempt. */
  readonly model: string;
  /** Milliseconds. */
  readonly startedAt: number;
  readonly state: RecordState;
  /** What its attempts cost, one amount a currency; empty while nothing is known. */
  readonly costs: readonly { readonly amount: Nano; readonly currency: string }[];
  readonly attempts: readonly AttemptRecord[];
}

export type CallFilter = OpeningFilter;

export interface CallPage {
  readonly calls: readonly CallRecord[];
  /** Where the next page begins (`before`); undefined when there is none. A page may be short and still have a next. */
  readonly next: string | undefined;
}

/** Bounds the work of one page where few of the calls that are read have the state that is asked for. */
const BATCHES_OF_A_PAGE = 20;
/** SQLite takes 32,766 parameters in one statement; this leaves room for everything else in it. */
const CALLS_OF_A_READ = 1_000;

/** One page of calls, the newest first. Reads at most `BATCHES_OF_A_PAGE` × `limit` attempts. */
export async function listCalls(query: Kysely<Schema>, filter: CallFilter, limit: number): Promise<CallPage> {
  const calls: CallRecord[] = [];
  // One more than the page has tells whether there is a next one.
  const size = Math.min(Math.max(limit + 1, 50), CALLS_OF_A_READ);
  let batches = 0;
  for await (const { attempts, before } of findOpenings(query, filter, size)) {
    const ids = [...new Set(attempts.map(callOfAttempt))];
    for (const call of await readCalls(query, ids)) {
      if (filter.state !== undefined && call.state !== filter.state) continue;
      if (filter.model !== undefined && call.attempts.every(({ model }) => model !== filter.model)) continue;
      if (calls.length === limit) return { calls, next: calls.at(-1)!.id };
      calls.push(call);
    }
    if (before === undefined || ++batches === BATCHES_OF_A_PAGE) return { calls, next: before };
  }
  return { calls, next: undefined };
}

/** The call with this id, or undefined where the ledger has none. */
export async function findCall(query: Kysely<Schema>, id: string): Promise<CallRecord | undefined> {
  const [call] = await readCalls(query, [id]);
  return call;
}

/** All entries of the given calls, told call by call in the order of `ids`. */
async function readCalls(query: Kysely<Schema>, ids: readonly string[]): Promise<CallRecord[]> {
  if (ids.length === 0) return [];
  const wanted = sql.join(ids.map((id) => sql`(${id})`)) as RawBuilder<unknown>;
  const { rows } = await sql<EntriesTable>`
    with wanted(id) as (values ${wanted})
    select entries.* from wanted ${wordsOf(query).entriesOf(sql`wanted.id`)}
  `.execute(query);
  const entriesOf = new Map<string, EntryRow[]>();
  for (const row of rows) {
    const entry = entryOfRow(row);
    const entries = entriesOf.get(entry.attempt);
    if (entries) entries.push(entry);
    else entriesOf.set(entry.attempt, [entry]);
  }
  const attemptsOf = new Map<string, AttemptRecord[]>();
  for (const entries of entriesOf.values()) {
    entries.sort((a, b) => a.phase - b.phase || a.n - b.n);
    const attempt = recordAttempt(entries);
    const attempts = attemptsOf.get(attempt.call);
    if (attempts) attempts.push(attempt);
    else attemptsOf.set(attempt.call, [attempt]);
  }
  return ids.flatMap((id) => {
    const attempts = attemptsOf.get(id);
    return attempts ? [recordCall(id, attempts)] : [];
  });
}

function recordCall(id: string, unordered: readonly AttemptRecord[]): CallRecord {
  const attempts = [...unordered].sort((a, b) => numberOf(a.id) - numberOf(b.id));
  const first = attempts[0]!;
  const costs = sumCosts(attempts);
  return {
    id,
    payer: first.payer,
    key: first.key,
    route: first.route,
    model: attempts.at(-1)!.model,
    startedAt: first.startedAt,
    state: stateOfCall(attempts),
    costs,
    attempts,
  };
}

/** One amount a currency. A zero in one says nothing beside an amount in another: such an attempt was released. */
function sumCosts(attempts: readonly AttemptRecord[]): CallRecord["costs"] {
  const sums = new Map<string, Nano>();
  for (const { cost, currency } of attempts) {
    if (cost !== undefined) sums.set(currency, (sums.get(currency) ?? 0n) + cost);
  }
  const costs = [...sums].map(([currency, amount]) => ({ amount, currency }));
  const charged = costs.filter(({ amount }) => amount !== 0n);
  return charged.length > 0 ? charged : costs.slice(-1);
}

/** The least certain state of its attempts; a call is released only when every attempt was. */
function stateOfCall(attempts: readonly AttemptRecord[]): RecordState {
  for (const state of ["held", "unsettled", "settled"] as const) {
    if (attempts.some((attempt) => attempt.state === state)) return state;
  }
  return "released";
}

function numberOf(attempt: string): number {
  return Number(attempt.slice(attempt.lastIndexOf(".") + 1));
}
