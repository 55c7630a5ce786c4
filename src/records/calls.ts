import { type Kysely, type RawBuilder, type SelectQueryBuilder, sql } from "kysely";
import { firstIdAt } from "../base/ids.ts";
import type { Nano } from "../base/money.ts";
import type { EntriesTable, Schema } from "../store/schema.ts";
import { type EntryRow, PHASE } from "../store/spec.ts";
import { type AttemptRecord, type RecordState, recordAttempt } from "./attempts.ts";
import { callOfAttempt, entryOfRow } from "./entry-rows.ts";
import { payerIsAmong } from "./payer-filter.ts";

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

export interface CallFilter {
  /** Ids of payers, any of which. */
  readonly payers?: readonly string[] | undefined;
  readonly key?: string | undefined;
  /** `endpoint/model`, of any attempt. */
  readonly model?: string | undefined;
  readonly route?: string | undefined;
  readonly state?: RecordState | undefined;
  /** Calls that began at `from` or later, and before `to`: milliseconds. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Calls older than this one. */
  readonly before?: string | undefined;
}

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
  const size = Math.min(Math.max(limit, 50), CALLS_OF_A_READ);
  let before = filter.before;
  for (let batch = 0; batch < BATCHES_OF_A_PAGE; batch++) {
    const attempts = await readOpenings(query, { ...filter, before }, size);
    const ids = [...new Set(attempts.map(callOfAttempt))];
    // The last call of a full batch may have more attempts in the next one, but all its entries are read below anyway.
    for (const call of await readCalls(query, ids)) {
      if (filter.state !== undefined && call.state !== filter.state) continue;
      if (calls.length === limit) return { calls, next: calls.at(-1)!.id };
      calls.push(call);
    }
    if (attempts.length < size) return { calls, next: undefined };
    before = ids.at(-1)!;
  }
  return { calls, next: before };
}

/** The call with this id, or undefined where the ledger has none. */
export async function findCall(query: Kysely<Schema>, id: string): Promise<CallRecord | undefined> {
  const [call] = await readCalls(query, [id]);
  return call;
}

/** The attempts that fit the filter, newest first, each by its first entry. */
async function readOpenings(query: Kysely<Schema>, filter: CallFilter, limit: number): Promise<string[]> {
  let select: SelectQueryBuilder<Schema, "entries", { attempt: string }>;
  if (filter.state === "unsettled") {
    select = query
      .selectFrom("entries")
      .select("entries.attempt")
      .where("entries.attempt", "in", (inner) => inner.selectFrom("unsettled").select("unsettled.attempt"));
  } else {
    select = query.selectFrom("entries").select("entries.attempt");
  }
  select = select.where("phase", "=", PHASE.hold).where("n", "=", 0).orderBy("entries.attempt", "desc").limit(limit);
  if (filter.payers) select = select.where(payerIsAmong(filter.payers));
  if (filter.key !== undefined) select = select.where("key", "=", filter.key);
  if (filter.model !== undefined) select = select.where("model", "=", filter.model);
  if (filter.route !== undefined) select = select.where("route", "=", filter.route);
  if (filter.from !== undefined) select = select.where("entries.attempt", ">=", firstIdAt(filter.from));
  if (filter.to !== undefined) select = select.where("entries.attempt", "<", firstIdAt(filter.to));
  if (filter.before !== undefined) select = select.where("entries.attempt", "<", `${filter.before}.`);
  const rows = await select.execute();
  return rows.map((row) => row.attempt);
}

/** All entries of the given calls, told call by call in the order of `ids`. */
async function readCalls(query: Kysely<Schema>, ids: readonly string[]): Promise<CallRecord[]> {
  if (ids.length === 0) return [];
  const wanted = sql.join(ids.map((id) => sql`(${id})`)) as RawBuilder<unknown>;
  // '.' follows an attempt's call id, and '/' is the next character: a range of the primary key for each call.
  const { rows } = await sql<EntriesTable>`
    with wanted(id) as (values ${wanted})
    select entries.* from wanted
    join entries on entries.attempt >= wanted.id || '.' and entries.attempt < wanted.id || '/'
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
