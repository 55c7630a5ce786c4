import { SHARE_MARK, THIRD_MS } from "./schema.ts";
import { DAY_FIGURES, INPUT_COLUMNS, OUTPUT_COLUMNS, THIRDS } from "./usage-columns.ts";

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
}

export const SQLITE_WORDS: SqlWords = {
  text: "text",
  integer: "integer",
  bytes: "blob",
  table: " strict",
  orderedTable: " strict, without rowid",
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
/** What it has alone, its shares aside. */
const ROW = ["attempt", "phase", "n", "kind", "at", "amount", "held", "basis", "overrun", ...USAGE, "detail"];

/** What circumstances have in common that are kin. */
const KIN_FACTS = ["payer", "key", "route", "model", "currency"];
const ofKin = (table: string): string => KIN_FACTS.map((name) => `kin.${name} = ${table}.${name}`).join(" and ");

/** The columns of `usage_days`, each with what it is the sum of. */
const OF_THIRDS = THIRDS.flatMap((third) =>
  DAY_FIGURES.map((figure) => {
    const columns: readonly string[] =
      figure === "input_tokens" ? INPUT_COLUMNS : figure === "output_tokens" ? OUTPUT_COLUMNS : [figure];
    const isThen = `hour / ${THIRD_MS} % 3 = ${third - 1}`;
    return { name: `${figure}_${third}`, sum: `sum(case when ${isThen} then ${columns.join(" + ")} else 0 end)` };
  }),
);

/** The millisecond in an attempt's id, as `timeOfId` reads it. */
const ID_TIME = Array.from(
  { length: 9 },
  (_, place) =>
    `(instr('0123456789abcdefghjkmnpqrstvwxyz', substr(attempt, ${6 + place}, 1)) - 1) * ${32 ** (8 - place)}`,
).join(" + ");
/** Slots of earlier rows are all as long: a quarter of an hour. */
const EARLIER_SLOT = `(${ID_TIME}) / 1048576 * 1048576`;

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
          case entry_rows.phase when 0 then entry_rows.held else entry_rows.amount end)) as shares
        from entry_rows left join circumstances on circumstances.id = entry_rows.circumstances`,
    ],
  },
  {
    version: 3,
    // So that reports and lists stay fast, however many calls there are.
    statements: ({ text, integer, orderedTable }) => [
      `create table kin (id ${integer} not null primary key, ${KIN_FACTS.map((name) => `${name} ${text} not null`).join(", ")},
        unique (${KIN_FACTS.join(", ")}))${orderedTable}`,
      `insert into kin select min(id), ${KIN_FACTS.join(", ")} from circumstances group by ${KIN_FACTS.join(", ")}`,
      `create table usage_days (day ${integer} not null, kin ${integer} not null, seat ${integer} not null,
        ${OF_THIRDS.map(({ name }) => `${name} ${integer} not null default 0`).join(", ")},
        primary key (day, kin, seat))${orderedTable}`,
      `insert into usage_days select hour / ${3 * THIRD_MS} * ${3 * THIRD_MS}, kin.id, 0,
        ${OF_THIRDS.map(({ sum }) => sum).join(", ")}
        from usage_hourly join kin on ${ofKin("usage_hourly")} group by 1, 2`,
      `create table opening_slots (seat ${integer} not null, since ${integer} not null,
        primary key (seat, since))${orderedTable}`,
      `create table kin_slots (kin ${integer} not null, since ${integer} not null, seat ${integer} not null,
        primary key (kin, since, seat))${orderedTable}`,
      `insert into kin_slots select distinct kin.id, ${EARLIER_SLOT}, 0
        from entry_rows join circumstances as own on own.id = entry_rows.circumstances join kin on ${ofKin("own")}
        where phase = 0 and n = 0`,
      "insert into opening_slots select distinct 0, since from kin_slots union select 0, 0",
      "create index entry_rows_released on entry_rows (attempt, circumstances) where kind = 'release'",
    ],
  },
];

export const NEWEST_VERSION = MIGRATIONS.at(-1)!.version;
