import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { sql } from "kysely";
import { DEFAULT_LIMITS, type Limits } from "../../src/base/limits.ts";
import { openPostgresStore } from "../../src/store/postgres-store.ts";
import type { Store } from "../../src/store/spec.ts";
import { openSqliteStore } from "../../src/store/sqlite-store.ts";

/** Where the calls are: in a data folder, or in a PostgreSQL with a folder for the node's own files. */
export interface Place {
  readonly folder: string;
  readonly database: string | undefined;
}

export async function openStore({ folder, database }: Place, limits: Limits = DEFAULT_LIMITS): Promise<Store> {
  if (database !== undefined) return openPostgresStore({ url: database, durability: "process", limits });
  return openSqliteStore({ folder, durability: "process", limits, reserve: true });
}

/** Bytes on the disk, indexes included. */
export async function bytesOf({ folder, database }: Place, { query }: Pick<Store, "query">): Promise<number> {
  if (database === undefined) {
    return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  }
  const { rows } = await sql<{ bytes: number }>`select pg_database_size(current_database()) as bytes`.execute(query);
  return Number(rows[0]!.bytes);
}
