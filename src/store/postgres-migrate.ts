import type pg from "pg";
import { Fault } from "../base/faults.ts";
import type { Text } from "../base/language.ts";
import { storeWords } from "../base/messages/ledger.ts";
import {
  COCKROACH_WORDS,
  MIGRATIONS,
  NEWEST_VERSION,
  POSTGRES_WORDS,
  type SqlWords,
  VERSION_MARK,
} from "./migrations.ts";
import { connect, type PostgresOptions, placeOf, readSetting } from "./postgres-connection.ts";
import { codeOf, isConflict, openingFault } from "./postgres-errors.ts";
import { pause } from "./transact.ts";

const OLDEST_POSTGRES = 14;
/** Of attempts to be the one that migrates. */
const MOST_TRIES = 20;

/**
 * Brings the tables up to date, once, however many nodes start at a time: all wait for the one row that says the
 * version. Returns what an operator should know of the server. Throws a `Fault` that says why a server cannot be used.
 */
export async function openDatabase(options: PostgresOptions): Promise<Text[]> {
  let place = "";
  try {
    place = placeOf(options.url);
    const { client } = await connect(options);
    try {
      const words = await examine(client, place);
      await migrate(client, words, place);
      return await warningsOf(client, options, place);
    } finally {
      await client.end();
    }
  } catch (error) {
    throw openingFault(error, place);
  }
}

/** Which engine answers, by its own words. */
async function examine(client: pg.Client, place: string): Promise<SqlWords> {
  const { rows } = await client.query<{ version: string }>("select version() as version");
  const version = rows[0]?.version ?? "";
  if (version.startsWith("CockroachDB")) return COCKROACH_WORDS;
  // YugabyteDB counts its own versions, and has had what is needed for long: `PostgreSQL 11.2-YB-2.25.0.0-b0`.
  const found = /^PostgreSQL (\d+)(?![\d.]*-YB)/.exec(version)?.[1];
  if (found !== undefined && Number(found) < OLDEST_POSTGRES) {
    throw new Fault("internal_error", storeWords.oldDatabase(place, found, OLDEST_POSTGRES));
  }
  return POSTGRES_WORDS;
}

async function migrate(client: pg.Client, words: SqlWords, place: string): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      await createMeta(client, words);
      return await migrateOnce(client, words, place);
    } catch (error) {
      await client.query("rollback").catch(() => {});
      if (tried === MOST_TRIES || !(isConflict(error) || isTaken(error))) throw error;
      await pause(tried);
    }
  }
}

/** Four ways of one server to say the same, by how far the other had come: unique, table, type, or catalogue row. */
const TAKEN = new Set(["23505", "42P07", "42710", "XX000"]);

/** Another node is just creating the same table: `if not exists` does not spare one that. */
function isTaken(error: unknown): boolean {
  return TAKEN.has(codeOf(error) ?? "");
}

/** Asked for first: who may only read and write the tables may not create one, not even one that exists. */
async function createMeta(client: pg.Client, { text, orderedTable }: SqlWords): Promise<void> {
  const { rows } = await client.query(
    "select 1 from information_schema.tables where table_schema = current_schema() and table_name = 'meta'",
  );
  if (rows.length > 0) return;
  await client.query(
    `create table if not exists meta (name ${text} not null primary key, value ${text} not null)${orderedTable}`,
  );
}

/** All that is missing, or nothing. Others who start now wait at the row of the version until this one has committed. */
async function migrateOnce(client: pg.Client, words: SqlWords, place: string): Promise<void> {
  const read = "select value from meta where name = $1";
  const { rows } = await client.query<{ value: string }>(read, [VERSION_MARK]);
  if (Number(rows[0]?.value ?? 0) === NEWEST_VERSION) return;
  await client.query("begin");
  await client.query("insert into meta (name, value) values ($1, '0') on conflict (name) do nothing", [VERSION_MARK]);
  const locked = await client.query<{ value: string }>(`${read} for update`, [VERSION_MARK]);
  const { value } = locked.rows[0]!;
  const found = Number(value);
  if (!(found <= NEWEST_VERSION))
    throw new Fault("internal_error", storeWords.newerDatabase(place, value, NEWEST_VERSION));
  for (const migration of MIGRATIONS) {
    if (migration.version <= found) continue;
    for (const statement of migration.statements(words)) await client.query(repeatable(statement));
  }
  await client.query("update meta set value = $2 where name = $1", [VERSION_MARK, String(NEWEST_VERSION)]);
  await client.query("commit");
}

/**
 * Not every engine undoes a `create` with its transaction: what an attempt that was cut off left behind is no hindrance to
 * the next one.
 */
function repeatable(statement: string): string {
  return statement
    .replace(/^create (table|index) /, "create $1 if not exists ")
    .replace(/^create view /, "create or replace view ");
}

async function warningsOf(client: pg.Client, { durability }: PostgresOptions, place: string): Promise<Text[]> {
  if (durability === "process") return [];
  const risky: string[] = [];
  // Without full pages a power cut may tear what was written long ago.
  for (const name of ["fsync", "full_page_writes"]) {
    if ((await readSetting(client, name)) === "off") risky.push(name);
  }
  return risky.map((name) => storeWords.databaseForgets(place, name));
}
