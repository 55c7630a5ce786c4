import { SHARE_MARK } from "./schema.ts";

/** How one engine spells what the migrations say. */
export interface SqlWords {
  readonly text: string;
  /** A whole number of 64 bits. */
  readonly integer: string;
  readonly bytes: string;
  /** After a table's columns. */
  readonly table: string;
  /** After the columns of a table that is stored in the order of its primary key. */
  readonly orderedTable: string;
  /** Stores of this engine may hold what versions before 3 wrote. */
  readonly isOld: boolean;
}

export const SQLITE_WORDS: SqlWords = {
  text: "text",
  integer: "integer",
  bytes: "blob",
  table: " strict",
  orderedTable: " strict, without rowid",
  isOld: true,
};

export interface Migration {
  readonly version: number;
  readonly statements: (words: SqlWords) => readonly string[];
}

const USAGE = [
  "input",
  "cached_input",
  "cache_write_5m",
  "cache_write_1h",
  "input_audio",
  "input_image",
  "output",
  "reasoning",
  "output_audio",
  "images",
  "seconds",
  "tool_calls",
];

const usageColumns = (integer: string, rest: string): string =>
  USAGE.map((name) => `${name} ${integer}${rest}`).join(", ");

/** What an entry has in common with many others. */
const FACTS = ["payer", "key", "route", "model", "currency", "price", "rates"];
/** And, since nodes share a store, the lease under which it was written: `seat.epoch`, empty where one process has the store alone. */
const LEASED_FACTS = [...FACTS, "lease"];
/** What it has alone, its shares aside. */
const ROW = ["attempt", "phase", "n", "kind", "at", "amount", "held", "basis", "overrun", ...USAGE, "detail"];

/**
 * The entries whole, since version 3. Every row has its circumstances: a left join, so that no plan begins with them
 * (rows have no index on what they have in common), and so that a query which asks nothing of them does not look for them.
 */
const ENTRIES_VIEW = `create view entries as select ${ROW.map((name) => `entry_rows.${name}`).join(", ")},
  ${LEASED_FACTS.map((name) => `circumstances.${name}`).join(", ")},
  coalesce(entry_rows.shares, replace(circumstances.books, '${SHARE_MARK}',
    cast(case entry_rows.phase when 0 then entry_rows.held else entry_rows.amount end as text))) as shares
  from entry_rows left join circumstances on circumstances.id = entry_rows.circumstances`;

/** What stores of SQLite held in doubt before version 3. */
const FIRST_DOUBT_SHARES = `insert into doubt_shares (attempt, book, "window", bound)
  select entries.attempt, share.value ->> 0, share.value ->> 1, cast(share.value ->> 2 as integer)
  from unsettled join entries on entries.attempt = unsettled.attempt, json_each(entries.shares) as share
  where entries.phase = 1`;

/** In order, without gaps. A migration that has been released never changes: another one follows it. */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    statements: ({ text, integer, bytes, orderedTable }) => [
      `create table settings (kind ${text} not null, id ${text} not null, document ${text} not null,
        source ${text} not null, updated_at ${integer} not null, primary key (kind, id))${orderedTable}`,
      `create table prices (id ${text} not null primary key, document ${text} not null,
        created_at ${integer} not null)${orderedTable}`,
      `create table entries (attempt ${text} not null, phase ${integer} not null, n ${integer} not null,
        kind ${text} not null, at ${integer} not null, payer ${text} not null, key ${text} not null,
        route ${text} not null, model ${text} not null, currency ${text} not null, amount ${integer} not null,
        held ${integer} not null, shares ${text} not null, price ${text} not null, rates ${text} not null,
        basis ${text}, overrun ${integer} not null default 0, ${usageColumns(integer, "")}, detail ${text} not null,
        primary key (attempt, phase, n))${orderedTable}`,
      // Resolutions and adjustments are few, and made long after the ids of their attempts.
      "create index entries_late on entries (at) where phase >= 2",
      `create table budget_books (book ${text} not null primary key, budget ${text} not null, payer ${text} not null,
        currency ${text} not null, period ${text} not null, timezone ${text} not null, opened_at ${integer} not null,
        closed_at ${integer}, base_window ${integer} not null, base ${integer})${orderedTable}`,
      `create table budget_windows (book ${text} not null, "window" ${integer} not null, settled ${integer} not null,
        primary key (book, "window"))${orderedTable}`,
      `create table unsettled (attempt ${text} not null primary key, since ${integer} not null,
        reason ${text} not null)${orderedTable}`,
      `create table usage_hourly (hour ${integer} not null, payer ${text} not null, key ${text} not null,
        route ${text} not null, model ${text} not null, currency ${text} not null, calls ${integer} not null,
        attempts ${integer} not null, estimated ${integer} not null, cost ${integer} not null,
        ${usageColumns(integer, " not null")},
        primary key (hour, payer, key, route, model, currency))${orderedTable}`,
      `create table kept_answers (id ${text} not null primary key, request_hash ${text} not null,
        call ${text} not null, state ${text} not null, at ${integer} not null, status ${integer} not null,
        headers ${text} not null, answer ${bytes})${orderedTable}`,
      "create index kept_answers_age on kept_answers (at)",
    ],
  },
  {
    version: 2,
    // What many entries have in common is written once: a row is then half as long, and half as dear to write.
    statements: ({ text, integer, table, orderedTable }) => [
      `create table circumstances (id ${integer} primary key, ${FACTS.map((name) => `${name} ${text} not null`).join(", ")},
        books ${text} not null, unique (${FACTS.join(", ")}, books))${table}`,
      `create table entry_rows (attempt ${text} not null, phase ${integer} not null, n ${integer} not null,
        kind ${text} not null, at ${integer} not null, circumstances ${integer} not null, amount ${integer} not null,
        held ${integer} not null, shares ${text}, basis ${text}, overrun ${integer} not null default 0,
        ${usageColumns(integer, "")}, detail ${text} not null, primary key (attempt, phase, n))${orderedTable}`,
      `insert into circumstances (${FACTS.join(", ")}, books) select distinct ${FACTS.join(", ")}, '[]' from entries`,
      `insert into entry_rows (${ROW.join(", ")}, circumstances, shares)
        select ${ROW.map((name) => `entries.${name}`).join(", ")}, circumstances.id, entries.shares
        from entries join circumstances on ${FACTS.map((name) => `circumstances.${name} = entries.${name}`).join(" and ")}`,
      "drop table entries",
      "create index entry_rows_late on entry_rows (at) where phase >= 2",
      // Every row has its circumstances. A left join, so that no plan begins with them (rows have no index on what they
      // have in common), and so that a query which asks nothing of them does not look for them.
      `create view entries as select ${ROW.map((name) => `entry_rows.${name}`).join(", ")},
        ${FACTS.map((name) => `circumstances.${name}`).join(", ")},
        coalesce(entry_rows.shares, replace(circumstances.books, '${SHARE_MARK}',
          cast(case entry_rows.phase when 0 then entry_rows.held else entry_rows.amount end as text))) as shares
        from entry_rows left join circumstances on circumstances.id = entry_rows.circumstances`,
    ],
  },
  {
    version: 3,
    // Many nodes on one store: who they are, what each may use of every budget, and what is in doubt, budget by budget.
    statements: ({ text, integer, table, orderedTable, isOld }) => [
      "drop view entries",
      "alter table circumstances rename to earlier_circumstances",
      `create table circumstances (id ${integer} primary key,
        ${LEASED_FACTS.map((name) => `${name} ${text} not null`).join(", ")}, books ${text} not null,
        unique (${LEASED_FACTS.join(", ")}, books))${table}`,
      `insert into circumstances (id, ${LEASED_FACTS.join(", ")}, books)
        select id, ${FACTS.join(", ")}, '', books from earlier_circumstances`,
      "drop table earlier_circumstances",
      ENTRIES_VIEW,
      "alter table usage_hourly rename to earlier_usage",
      `create table usage_hourly (hour ${integer} not null, payer ${text} not null, key ${text} not null,
        route ${text} not null, model ${text} not null, currency ${text} not null, seat ${integer} not null,
        calls ${integer} not null, attempts ${integer} not null, estimated ${integer} not null,
        cost ${integer} not null, ${usageColumns(integer, " not null")},
        primary key (hour, payer, key, route, model, currency, seat))${orderedTable}`,
      `insert into usage_hourly select hour, payer, key, route, model, currency, 0, calls, attempts, estimated, cost,
        ${USAGE.join(", ")} from earlier_usage`,
      "drop table earlier_usage",
      `create table nodes (seat ${integer} not null primary key, epoch ${integer} not null, name ${text} not null,
        beat ${integer} not null, settings_version ${integer} not null, joined_at ${integer} not null,
        ended_at ${integer})${orderedTable}`,
      `create table leases (book ${text} not null, "window" ${integer} not null, seat ${integer} not null,
        granted ${integer} not null, wanted ${integer} not null, primary key (book, "window", seat))${orderedTable}`,
      `create table node_windows (book ${text} not null, "window" ${integer} not null, seat ${integer} not null,
        settled ${integer} not null, held ${integer} not null, primary key (book, "window", seat))${orderedTable}`,
      `create table doubt_shares (attempt ${text} not null, book ${text} not null, "window" ${integer} not null,
        bound ${integer} not null, primary key (book, "window", attempt))${orderedTable}`,
      "create index doubt_shares_attempt on doubt_shares (attempt)",
      ...(isOld ? [FIRST_DOUBT_SHARES] : []),
      `create table jobs (name ${text} not null primary key, due_at ${integer} not null)${orderedTable}`,
    ],
  },
];

export const NEWEST_VERSION = MIGRATIONS.at(-1)!.version;
