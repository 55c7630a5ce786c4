import { DAY_KEY, HOURLY_KEY, HOURLY_SUMS, PLAIN_PLACES, THIRD_SUMS } from "./batch-sums.ts";
import { FACT_COLUMNS, KIN_COLUMNS } from "./circumstances.ts";
import { MOST_ENTRIES } from "./dialect-words.ts";
import { SLOT_OPENINGS } from "./opening-slots.ts";
import { SLOT_MOST_MS } from "./schema.ts";
import { PHASE } from "./spec.ts";
import { USAGE_COLUMNS } from "./usage-columns.ts";

type ColumnType = "text" | "bigint";
type Columns = Readonly<Record<string, ColumnType>>;

const quoted = (name: string): string => (name === "window" ? '"window"' : name);
const named = (columns: readonly string[], prefix = ""): string =>
  columns.map((name) => prefix + quoted(name)).join(", ");
const all = (names: readonly string[], type: ColumnType): Columns =>
  Object.fromEntries(names.map((name) => [name, type]));

/** The rows of one statement, as a table to select from: `$1` is the array of the first column, and so on. */
function given(columns: Columns): string {
  const arrays = Object.values(columns).map((type, i) => `$${i + 1}::${type}[]`);
  return `unnest(${arrays.join(", ")}) as given(${named(Object.keys(columns))})`;
}

/** @param fixed values of columns that are the same in every row, as SQL */
function insert(table: string, columns: Columns, fixed: Readonly<Record<string, string>>, conflict: string): string {
  const names = Object.keys(columns);
  return `insert into ${table} (${named([...Object.keys(fixed), ...names])})
    select ${[...Object.values(fixed), named(names, "given.")].join(", ")} from ${given(columns)}
    on conflict ${conflict}`;
}

const add = (table: string, sums: readonly string[]): string =>
  sums.map((name) => `${name} = ${table}.${name} + excluded.${name}`).join(", ");
const replace = (columns: readonly string[]): string => columns.map((name) => `${name} = excluded.${name}`).join(", ");

const PLAIN: Columns = {
  attempt: "text",
  at: "bigint",
  circumstances: "bigint",
  amount: "bigint",
  held: "bigint",
  detail: "text",
};
const SETTLED: Columns = {
  ...PLAIN,
  basis: "text",
  ...all(
    PLAIN_PLACES.map((place) => USAGE_COLUMNS[place]!),
    "bigint",
  ),
};
const ENTRY: Columns = {
  attempt: "text",
  phase: "bigint",
  n: "bigint",
  kind: "text",
  at: "bigint",
  circumstances: "bigint",
  amount: "bigint",
  held: "bigint",
  basis: "text",
  overrun: "bigint",
  ...all(USAGE_COLUMNS, "bigint"),
  detail: "text",
  shares: "text",
};
const CIRCUMSTANCES: Columns = { digest: "text", ...all(FACT_COLUMNS, "text"), books: "text" };
const HOUR: Columns = {
  ...all(HOURLY_KEY, "text"),
  hour: "bigint",
  seat: "bigint",
  ...all(HOURLY_SUMS, "bigint"),
};
/** @param third its place among the thirds of a day */
const addToThird = (third: number): string => {
  const sums = THIRD_SUMS[third]!;
  const conflict = `(${DAY_KEY.join(", ")}) do update set ${add("usage_days", sums)}`;
  return insert("usage_days", all([...DAY_KEY, ...sums], "bigint"), {}, conflict);
};
const KIN = KIN_COLUMNS.join(", ");
const SLOT: Columns = { since: "bigint", seat: "bigint" };
const NOTE: Columns = { kin: "bigint", since: "bigint", seat: "bigint" };
const SLOT_OF_GIVEN = `from opening_slots as slot where slot.seat = given.seat and slot.since <= given.since
  and slot.since > given.since - ${SLOT_MOST_MS}`;
const KEPT = ["id", "request_hash", "call", "state", "at", "status", "headers", "answer"];

const settlements = insert(
  "entry_rows",
  SETTLED,
  { phase: String(PHASE.close), n: "0", kind: "'settle'" },
  "(attempt, phase, n) do nothing",
);
const entries = insert("entry_rows", ENTRY, {}, "(attempt, phase, n) do nothing");

/**
 * What the journal's writer says, each a statement of its own with one array a column: upserts, `returning` and nothing
 * else that PostgreSQL alone would know.
 */
export const STATEMENTS = {
  addCircumstances: insert("circumstances", CIRCUMSTANCES, {}, "(digest) do nothing"),
  // The first circumstances of a kin give it its name. Two nodes may be at it: whichever of the keys is taken.
  addKin: `insert into kin (id, ${KIN}) select min(id), ${KIN} from circumstances where digest = any($1::text[])
    group by ${KIN} order by ${KIN} on conflict do nothing`,
  findCircumstances: `select circumstances.id, digest, kin.id as kin from circumstances
    join kin on ${KIN_COLUMNS.map((name) => `kin.${name} = circumstances.${name}`).join(" and ")}
    where digest = any($1::text[])`,
  beat: "update nodes set beat = beat + 1 where seat = $1 and epoch = $2 and ended_at is null",
  holds: insert(
    "entry_rows",
    PLAIN,
    { phase: String(PHASE.hold), n: "0", kind: "'hold'" },
    "(attempt, phase, n) do nothing",
  ),
  settlements,
  newSettlements: `${settlements} returning attempt`,
  entries,
  newEntries: `${entries} returning attempt, phase, n`,
  isThere: "select 1 from entry_rows where attempt = $1 and phase = $2 and n = $3 and kind = $4",
  // In the order of the key, without which all of the ledger would be read: see `entriesOf`.
  settledOfCalls: `select entry.attempt, entry.phase, entry.n from unnest($1::text[]) as wanted(call)
    cross join lateral (select attempt, phase, n, kind from entry_rows
      where attempt >= wanted.call || '.' and attempt < wanted.call || '/'
      order by attempt, phase, n limit ${MOST_ENTRIES}) as entry
    where entry.kind = 'settle'`,
  addToHours: insert(
    "usage_hourly",
    HOUR,
    {},
    `(${HOURLY_KEY.join(", ")}) do update set ${add("usage_hourly", HOURLY_SUMS)}`,
  ),
  addToFirstThird: addToThird(0),
  addToSecondThird: addToThird(1),
  addToLastThird: addToThird(2),
  newestSlot: `select (select max(since) from opening_slots where seat = $1) as since,
    (select max(attempt) from entry_rows) as newest`,
  openingsSince: `select count(*) as openings from (select 1 from entry_rows
    where attempt >= $1 and phase = ${PHASE.hold} and n = 0 limit ${SLOT_OPENINGS}) as openings`,
  beginSlots: insert("opening_slots", SLOT, {}, "(since, seat) do nothing"),
  beginLateSlots: `insert into opening_slots (since, seat) select given.since, given.seat from ${given(SLOT)}
    where not exists (select 1 ${SLOT_OF_GIVEN}) on conflict (since, seat) do nothing`,
  noteKin: `insert into kin_slots (kin, since, seat)
    select given.kin, (select max(slot.since) ${SLOT_OF_GIVEN}), given.seat from ${given(NOTE)}
    on conflict (kin, since, seat) do nothing`,
  addToWindows: insert(
    "budget_windows",
    { book: "text", window: "bigint", settled: "bigint" },
    {},
    `(book, "window") do update set ${add("budget_windows", ["settled"])}`,
  ),
  totals: insert(
    "node_windows",
    { book: "text", window: "bigint", settled: "bigint", held: "bigint", seat: "bigint" },
    {},
    `(book, "window", seat) do update set ${replace(["settled", "held"])}`,
  ),
  addDoubts: insert("unsettled", { attempt: "text", since: "bigint", reason: "text" }, {}, "(attempt) do nothing"),
  addDoubtShares: insert(
    "doubt_shares",
    { attempt: "text", book: "text", window: "bigint", bound: "bigint" },
    {},
    `(book, "window", attempt) do update set ${add("doubt_shares", ["bound"])}`,
  ),
  removeDoubts: "delete from unsettled where attempt = any($1::text[])",
  removeDoubtShares: "delete from doubt_shares where attempt = any($1::text[])",
  keep: `insert into kept_answers (${KEPT.join(", ")}) values (${KEPT.map((_, i) => `$${i + 1}`).join(", ")})
    on conflict (id) do update set ${replace(KEPT.slice(1))}`,
  forget: "delete from kept_answers where id = any($1::text[])",
  mark: insert("meta", { name: "text", value: "text" }, {}, "(name) do update set value = excluded.value"),
} as const satisfies Record<string, string>;

export type StatementName = keyof typeof STATEMENTS;

/** Asks for a statement without waiting for those before it. */
export type Ask = (name: StatementName, parameters: readonly unknown[]) => void;
