import { mkdirSync } from "node:fs";
import { Kysely } from "kysely";
import type { Limits } from "../base/limits.ts";
import type { Durability } from "../config/environment.ts";
import { GroupJournal } from "./group-journal.ts";
import { BatchLog } from "./log/batch-log.ts";
import { recoverLog } from "./log/log-applier.ts";
import { removeLogFiles } from "./log/log-files.ts";
import { migrate } from "./migrate.ts";
import { ReaderPool } from "./reader-pool.ts";
import type { Schema } from "./schema.ts";
import type { Store } from "./spec.ts";
import { type ConnectionOptions, openForWriting } from "./sqlite-connection.ts";
import { ThreadedSqliteDialect } from "./sqlite-dialect.ts";
import { StoreHub } from "./store-hub.ts";
import { type BatchOutcome, DatabaseThread, type LogAnswer, type LogMessage, type SourcedBatch } from "./thread.ts";

/** One report may be long; the other reader stays free for short questions. */
const READERS = 2;

export interface SqliteStoreOptions {
  /** Where `maidan.db` stands; made where it does not exist. One process at a time: see `lockDataFolder`. */
  readonly folder: string;
  /** `disk` (default): survives a power cut. `process`: survives a crash of the program. */
  readonly durability?: Durability | undefined;
  readonly limits: Pick<Limits, "journalQueue">;
  /** Makes the log's files large at once: worth its time for a server, not for one command. */
  readonly reserve?: boolean | undefined;
  /** Hears why the log could not be folded into the file when the store was closed: nothing is lost by it. */
  readonly onTrouble?: ((cause: unknown) => void) | undefined;
}

export interface SqliteStore extends Store {
  /** Lets other processes of this machine use the store through this one. */
  readonly hub: StoreHub;
}

/**
 * Opens the store of one machine, and brings its tables up to date first. Throws `internal_error` where the folder
 * holds the store of a newer version.
 *
 * @example
 * const store = openSqliteStore({ folder: "./maidan-data", limits: DEFAULT_LIMITS });
 * await store.journal.append({ op: "mark", name: "hello", value: "world" });
 * await store.close();
 */
export function openSqliteStore({
  folder,
  durability = "disk",
  limits,
  reserve = false,
  onTrouble = () => {},
}: SqliteStoreOptions): SqliteStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const options: ConnectionOptions = { folder, durability };
  const newest = prepare(options);
  const writer = new DatabaseThread("sqlite-writer", { ...options });
  const readers = new ReaderPool(() => new DatabaseThread("sqlite-reader", { ...options }), READERS);
  const log = new BatchLog({
    folder,
    durability,
    newest,
    reserve,
    apply: (stretch) => writer.post({ stretch } satisfies LogMessage),
    onDurable: () => journal.committed(),
    onFailure: (cause) => journal.fail(cause),
    onLong: () => journal.renew(),
  });
  const journal = new GroupJournal((batch, isFresh) => {
    // Whether a seat is still its own only the tables tell.
    if (batch.seat.length > 0) writer.post({ source: 0, batch } satisfies SourcedBatch);
    else log.append(batch, isFresh);
  }, limits.journalQueue);
  const hub = new StoreHub(writer, readers);
  writer.onMessage = (message) => {
    if ("applied" in (message as LogAnswer)) log.applied((message as LogAnswer).applied);
    else if ((message as BatchOutcome).source === 0) journal.answered(message as BatchOutcome);
    else hub.tell(message as BatchOutcome);
  };
  writer.onFatal = (cause) => journal.fail(cause);
  journal.onFailure(() => log.fail());
  /** What was queued before a question is seen by it. */
  const caughtUp = async (): Promise<void> => {
    await journal.queued?.catch(() => {});
    await log.caughtUp();
  };
  const query = new Kysely<Schema>({ dialect: new ThreadedSqliteDialect(writer, readers, caughtUp) });
  return {
    engine: "sqlite",
    hub,
    query,
    journal,
    warnings: [],
    setLimits: ({ journalQueue }) => {
      journal.limit = journalQueue;
    },
    close: async () => {
      await journal.drain().catch(() => {});
      const isFolded = await log.finish();
      // In this order: nobody reads any more when the log is folded.
      await readers.close();
      await writer.ask("fold").catch(onTrouble);
      await writer.close();
      log.close();
      if (isFolded) removeLogFiles(folder);
    },
  };
}

/** Tables of this version, with all that is in the log. Returns the number of its newest frame. */
function prepare(options: ConnectionOptions): number {
  const database = openForWriting(options);
  try {
    migrate(database);
    return recoverLog(database, options);
  } finally {
    database.close();
  }
}
