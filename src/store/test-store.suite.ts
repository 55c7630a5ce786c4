import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Limits } from "../base/limits.ts";
import { onPostgres, type PostgresServer } from "./postgres.suite.ts";
import { openPostgresStore } from "./postgres-store.ts";
import type { Store } from "./spec.ts";
import { openSqliteStore } from "./sqlite-store.ts";

let server: (() => PostgresServer) | undefined;
const databases = new Map<string, Promise<string>>();

/**
 * Opens the store of a test, and the same one again for the same folder: in SQLite, or in PostgreSQL where the test file
 * is one that `againOnPostgres` runs.
 */
export async function openTestStore(
  folder: string,
  limits: Pick<Limits, "journalQueue" | "storeAwayMs">,
): Promise<Store> {
  if (!server) return openSqliteStore({ folder, durability: "process", limits });
  let database = databases.get(folder);
  if (!database) databases.set(folder, (database = server().createDatabase()));
  return openPostgresStore({ url: await database, durability: "process", limits });
}

/** All that the store of a folder holds, as Latin-1: every byte of SQLite's files, or every value of PostgreSQL's tables. */
export async function contentsOfTestStore(folder: string): Promise<string> {
  if (!server) {
    const files = readdirSync(folder).filter((name) => /^maidan\.(?:db|log)/.test(name));
    return files.map((name) => readFileSync(join(folder, name)).toString("latin1")).join("\n");
  }
  const url = await databases.get(folder)!;
  const tables = await server().run(
    "select table_name from information_schema.tables where table_schema = 'public'",
    url,
  );
  const rows = await Promise.all(tables.map(({ table_name }) => server!().run(`select * from ${table_name}`, url)));
  const values = rows.flat().flatMap((row) => Object.values(row));
  return values.map((value) => (Buffer.isBuffer(value) ? value.toString("latin1") : String(value))).join("\n");
}

/**
 * Runs the tests of another file once more, with their stores in PostgreSQL.
 *
 * @example
 * againOnPostgres("the ledger", () => import("./ledger.test.ts"));
 */
export function againOnPostgres(name: string, tests: () => Promise<unknown>): void {
  onPostgres(`${name}, in PostgreSQL`, async (running) => {
    server = running;
    await tests();
  });
}
