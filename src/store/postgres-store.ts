import { Kysely } from "kysely";
import pg from "pg";
import type { Durability } from "../config/environment.ts";
import { GroupJournal } from "./group-journal.ts";
import { connectionConfig, prepareSession } from "./postgres-connection.ts";
import { PooledPostgresDialect } from "./postgres-dialect.ts";
import { openDatabase } from "./postgres-migrate.ts";
import type { WriterLimits } from "./postgres-writer.ts";
import type { Schema } from "./schema.ts";
import type { Store, StoreLimits } from "./spec.ts";
import { DatabaseThread, StoreError, type ThreadAnswer } from "./thread.ts";

/** Connections for reports and administration, beside the one that writes batches. */
const POOL = 8;

export interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database?sslmode=…` */
  readonly url: string;
  /** `disk` (default): a commit is on the server's disk. `process`: a crash of the server may take the last ones away. */
  readonly durability?: Durability | undefined;
  readonly limits: StoreLimits;
}

/**
 * Opens the store of many machines, and brings its tables up to date first: of nodes that start at a time one does it.
 * Throws `internal_error`, saying why, where the server cannot be reached or used.
 *
 * @example
 * const store = await openPostgresStore({ url: "postgres://maidan@db.example/maidan", limits: DEFAULT_LIMITS });
 * await store.journal.append({ op: "mark", name: "hello", value: "world" });
 * await store.close();
 */
export async function openPostgresStore({ url, durability = "disk", limits }: PostgresStoreOptions): Promise<Store> {
  const warnings = await openDatabase({ url, durability });
  const { storeAwayMs, journalQueue } = limits;
  const writer = new DatabaseThread("postgres-writer", { url, durability, storeAwayMs });
  const journal = new GroupJournal((batch) => writer.post(batch), journalQueue);
  writer.onMessage = (message) => {
    if (message === 0) journal.committed();
    else if ((message as ThreadAnswer).fenced) journal.fenced();
    else journal.fail(new StoreError((message as ThreadAnswer).error!));
  };
  writer.onFatal = (cause) => journal.fail(cause);
  const pool = new pg.Pool({
    ...connectionConfig(url),
    max: POOL,
    onConnect: (client) => prepareSession(client, durability),
  });
  // An idle connection that breaks is replaced when the next one is needed; of one in use its user hears.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  const query = new Kysely<Schema>({ dialect: new PooledPostgresDialect(pool) });
  return {
    engine: "postgres",
    query,
    journal,
    warnings,
    setLimits: ({ journalQueue, storeAwayMs }) => {
      journal.limit = journalQueue;
      writer.post({ storeAwayMs } satisfies WriterLimits);
    },
    close: async () => {
      await journal.drain().catch(() => {});
      await Promise.all([writer.close(), pool.end()]);
    },
  };
}
