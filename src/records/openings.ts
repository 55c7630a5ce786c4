import { type Kysely, type RawBuilder, sql } from "kysely";
import { firstIdAt } from "../base/ids.ts";
import type { Schema } from "../store/schema.ts";
import { OPEN_SINCE, openSinceOf, PHASE } from "../store/spec.ts";
import type { RecordState } from "./attempts.ts";
import { callOfAttempt } from "./entry-rows.ts";
import { slotRanges } from "./opening-ranges.ts";
import { payerIsAmong } from "./payer-filter.ts";

export interface OpeningFilter {
  /** Ids of payers, any of which. */
  readonly payers?: readonly string[] | undefined;
  readonly key?: string | undefined;
  /** `endpoint/model`, of any attempt. */
  readonly model?: string | undefined;
  readonly route?: string | undefined;
  /**
   * Attempts without which no call has this state. Whether theirs has, and whether any attempt of it is of the model,
   * is for the caller to see.
   */
  readonly state?: RecordState | undefined;
  /** Attempts of calls that began at `from` or later, and before `to`: milliseconds. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Attempts of calls older than this one. */
  readonly before?: string | undefined;
}

export interface OpeningBatch {
  /** Newest first. */
  readonly attempts: readonly string[];
  /** Where to go on, as in the filter; undefined where all there are have been told. */
  readonly before: string | undefined;
}

/** The stretch of ids that is searched: `low` ≤ attempt < `high`. */
interface Stretch {
  readonly low: string;
  readonly high: string;
}

/** Rows of `entry_rows` that tell of an attempt, one each: what is searched. */
type Source = RawBuilder<unknown>;

/** Behind all ids. */
const END = "call~";

/** What is looked through for a few that fit, before anything cleverer is tried: what is frequent is among the newest. */
const NEWEST_OPENINGS = 2_000;
/** Circumstances that are written out in a statement. */
const MOST_CIRCUMSTANCES = 500;
/** Releases are few; a batch looks through so many at the most. */
const RELEASES_OF_A_BATCH = 20_000;

const OPENINGS: Source = sql`entry_rows.phase = ${sql.lit(PHASE.hold)} and entry_rows.n = 0`;
const RELEASES: Source = sql`entry_rows.kind = 'release'`;

/**
 * The attempts that fit a filter, newest first, a batch of at most `size` at a time. Whatever is asked for, however
 * rare, and however many calls there are, a batch costs a bounded number of rows that are read.
 */
export async function* findOpenings(
  query: Kysely<Schema>,
  filter: OpeningFilter,
  size: number,
): AsyncGenerator<OpeningBatch> {
  const stretch: Stretch = { low: filter.from === undefined ? "" : firstIdAt(filter.from), high: highOf(filter) };
  const facts = factsOf(filter);
  const { state } = filter;
  const kin = facts && (await findKin(query, facts));
  if (kin?.length === 0) {
    yield { attempts: [], before: undefined };
    return;
  }
  // One attempt may be held or in doubt, and another of the same call be of the model.
  const ofCall = factsOf({ ...filter, model: undefined });
  if (state === "unsettled") yield* inOrder(query, DOUBTED, ofCall, stretch, size);
  else if (state === "held") yield* inOrder(query, await heldSource(query), ofCall, stretch, size);
  else if (state === "released") {
    const narrow = facts && ((await circumstancesOf(query, facts)) ?? facts);
    yield* passing(query, RELEASES, narrow, stretch, size, RELEASES_OF_A_BATCH);
  } else if (!facts) yield* inOrder(query, OPENINGS, facts, stretch, size);
  else yield* seeking(query, facts, kin!, stretch, size);
}

function highOf({ to, before }: OpeningFilter): string {
  const highs = [END];
  if (to !== undefined) highs.push(firstIdAt(to));
  if (before !== undefined) highs.push(`${before}.`);
  return highs.reduce((least, one) => (one < least ? one : least));
}

/** What is asked of payer, key, model and route, as a condition. */
interface Facts {
  readonly where: RawBuilder<unknown>;
  /** Of `entry_rows` alone, or of their circumstances. */
  readonly of: "rows" | "circumstances";
}

/** Undefined where nothing is asked. */
function factsOf({ payers, key, model, route }: OpeningFilter): Facts | undefined {
  const parts: RawBuilder<unknown>[] = [];
  if (payers) parts.push(payerIsAmong(payers));
  if (key !== undefined) parts.push(sql`${sql.ref("key")} = ${key}`);
  if (model !== undefined) parts.push(sql`model = ${model}`);
  if (route !== undefined) parts.push(sql`route = ${route}`);
  return parts.length > 0 ? { where: sql.join(parts, sql` and `), of: "circumstances" } : undefined;
}

async function findKin(query: Kysely<Schema>, { where }: Facts): Promise<number[]> {
  const { rows } = await sql<{ id: number }>`select id from kin where ${where}`.execute(query);
  return rows.map(({ id }) => Number(id));
}

/** The same facts, said of rows by the numbers of their circumstances; undefined where those are many. */
async function circumstancesOf(query: Kysely<Schema>, { where }: Facts): Promise<Facts | undefined> {
  const { rows } = await sql<{ id: number }>`
    select circumstances.id as id from (select * from kin where ${where}) as kin
    join circumstances on circumstances.payer = kin.payer and circumstances.key = kin.key
      and circumstances.route = kin.route and circumstances.model = kin.model
      and circumstances.currency = kin.currency
    limit ${sql.lit(MOST_CIRCUMSTANCES + 1)}`.execute(query);
  if (rows.length > MOST_CIRCUMSTANCES) return undefined;
  const ids = rows.map(({ id }) => sql.lit(Number(id)));
  return { where: sql`entry_rows.circumstances in (${sql.join(ids)})`, of: "rows" };
}

/** All that are in doubt stand in a list of their own. */
const DOUBTED: Source = sql`${OPENINGS} and entry_rows.attempt in (select attempt from unsettled)`;

/** Before the mark nothing is open, and there is not much after it. */
async function heldSource(query: Kysely<Schema>): Promise<Source> {
  const since = await readOpenSince(query);
  return sql`${OPENINGS} and entry_rows.attempt >= ${since} and not exists (
    select 1 from entry_rows as closed where closed.attempt = entry_rows.attempt
      and closed.phase = ${sql.lit(PHASE.close)})`;
}

/** The least of the marks of all who may hold open attempts. */
async function readOpenSince(query: Kysely<Schema>): Promise<string> {
  const seats = await query.selectFrom("nodes").select("seat").where("ended_at", "is", null).execute();
  // Where nodes share the store, nobody has it alone.
  const names = seats.length > 0 ? seats.map(({ seat }) => openSinceOf(seat)) : [OPEN_SINCE];
  const marks = await query.selectFrom("meta").select("value").where("name", "in", names).execute();
  if (marks.length < names.length) return "";
  return marks.map(({ value }) => value).reduce((least, value) => (value < least ? value : least));
}

/** Where all of the source fit, or nearly all, or there are few of them. */
async function* inOrder(
  query: Kysely<Schema>,
  source: Source,
  facts: Facts | undefined,
  stretch: Stretch,
  size: number,
): AsyncGenerator<OpeningBatch> {
  for (let { high } = stretch; ; ) {
    const attempts = await read(query, source, facts, { ...stretch, high }, size);
    if (attempts.length < size) {
      yield { attempts, before: undefined };
      return;
    }
    const before = callOfAttempt(attempts.at(-1)!);
    yield { attempts, before };
    high = `${before}.`;
  }
}

/** Looks through the source, so many at a time, for those that fit. */
async function* passing(
  query: Kysely<Schema>,
  source: Source,
  facts: Facts | undefined,
  stretch: Stretch,
  size: number,
  most: number,
): AsyncGenerator<OpeningBatch> {
  for (let before: string | undefined, { high } = stretch; ; high = `${before}.`) {
    const batch = await pass(query, source, facts, { ...stretch, high }, size, most);
    yield batch;
    ({ before } = batch);
    if (before === undefined) return;
  }
}

async function pass(
  query: Kysely<Schema>,
  source: Source,
  facts: Facts | undefined,
  stretch: Stretch,
  size: number,
  most: number,
): Promise<OpeningBatch> {
  const [last] = await read(query, source, undefined, stretch, 1, most - 1);
  const reached = last === undefined ? undefined : callOfAttempt(last);
  // All attempts of the call at which it ends are looked at too.
  const low = reached === undefined ? stretch.low : `${reached}.`;
  const attempts = await read(query, source, facts, { low, high: stretch.high }, size);
  return { attempts, before: attempts.length < size ? reached : callOfAttempt(attempts.at(-1)!) };
}

/** The newest first, where frequent ones are found at once; then only where such calls were opened. */
async function* seeking(
  query: Kysely<Schema>,
  facts: Facts,
  kin: readonly number[],
  stretch: Stretch,
  size: number,
): AsyncGenerator<OpeningBatch> {
  let { high } = stretch;
  let attempts: readonly string[];
  do {
    const batch = await pass(query, OPENINGS, facts, { ...stretch, high }, size, NEWEST_OPENINGS);
    yield batch;
    if (batch.before === undefined) return;
    high = `${batch.before}.`;
    ({ attempts } = batch);
  } while (attempts.length === size);
  attempts = [];
  const narrow = (await circumstancesOf(query, facts)) ?? facts;
  for await (const range of slotRanges(query, kin, { low: stretch.low, high })) {
    for (let end = range.high; ; ) {
      const found = await read(query, OPENINGS, narrow, { low: range.low, high: end }, size - attempts.length);
      attempts = [...attempts, ...found];
      if (attempts.length < size) break;
      const before = callOfAttempt(attempts.at(-1)!);
      yield { attempts, before };
      attempts = [];
      end = `${before}.`;
    }
  }
  yield { attempts, before: undefined };
}

async function read(
  query: Kysely<Schema>,
  source: Source,
  facts: Facts | undefined,
  { low, high }: Stretch,
  limit: number,
  offset = 0,
): Promise<string[]> {
  const { rows } = await sql<{ attempt: string }>`
    select entry_rows.attempt as attempt from entry_rows
    ${facts?.of === "circumstances" ? sql`join circumstances on circumstances.id = entry_rows.circumstances` : sql``}
    where ${source} and entry_rows.attempt >= ${low} and entry_rows.attempt < ${high}
    ${facts ? sql`and ${facts.where}` : sql``}
    order by entry_rows.attempt desc limit ${limit} offset ${offset}`.execute(query);
  return rows.map(({ attempt }) => attempt);
}
