import { Fault } from "../base/faults.ts";
import { storeWords } from "../base/messages/ledger.ts";
import { MIGRATIONS, NEWEST_VERSION, SQLITE_WORDS, VERSION_MARK } from "./migrations.ts";
import type { Database } from "./sqlite-connection.ts";

/** Applies what is missing, all or nothing. Throws where the tables are of a newer version than this program. */
export function migrate(database: Database): void {
  database.exec(
    "create table if not exists meta (name text not null primary key, value text not null) strict, without rowid",
  );
  const row = database.prepare("select value from meta where name = ?").get(VERSION_MARK) as
    | { value: string }
    | undefined;
  const found = row ? Number(row.value) : 0;
  if (found === NEWEST_VERSION) return;
  if (!(found < NEWEST_VERSION)) {
    throw new Fault("internal_error", storeWords.newerStore(row!.value, NEWEST_VERSION));
  }
  database.exec("begin immediate");
  try {
    for (const migration of MIGRATIONS) {
      if (migration.version <= found) continue;
      for (const statement of migration.statements(SQLITE_WORDS)) database.exec(statement);
    }
    database.prepare("insert or replace into meta values (?, ?)").run(VERSION_MARK, String(NEWEST_VERSION));
    database.exec("commit");
  } catch (error) {
    if (database.isTransaction) database.exec("rollback");
    throw error;
  }
}
