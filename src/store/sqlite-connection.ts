import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import type { Durability } from "../config/environment.ts";

export type Database = InstanceType<typeof DatabaseSync>;

export interface ConnectionOptions {
  readonly folder: string;
  readonly durability: Durability;
}

const FILE = "maidan.db";
const BUSY_MS = 10_000;
/** Pages of the write-ahead log after which it is folded into the database: 16 MiB. */
const CHECKPOINT_PAGES = 4_096;
const LOG_BYTES = 64 * 1024 * 1024;
const CACHE_KIB = 32 * 1024;

/** The one connection that writes. `disk`: a commit is on the disk when it returns. */
export function openForWriting({ folder, durability }: ConnectionOptions): Database {
  const database = new DatabaseSync(join(folder, FILE), { timeout: BUSY_MS });
  database.exec("pragma journal_mode = wal");
  database.exec(`pragma synchronous = ${durability === "disk" ? "full" : "normal"}`);
  database.exec(`pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  database.exec(`pragma journal_size_limit = ${LOG_BYTES}`);
  database.exec(`pragma cache_size = -${CACHE_KIB}`);
  return database;
}

export function openForReading({ folder }: ConnectionOptions): Database {
  const database = new DatabaseSync(join(folder, FILE), { readOnly: true, timeout: BUSY_MS });
  database.exec(`pragma cache_size = -${CACHE_KIB}`);
  database.exec("pragma temp_store = memory");
  return database;
}

/** How long another program that has the file open may keep the log from being folded. */
const FOLD_MS = 2_000;

/**
 * Folds the log into the database, so that the file alone is the whole of it. Throws where another program is in the way:
 * the log then stays part of the database, as it is after a crash.
 */
export function foldLog(database: Database): void {
  database.exec(`pragma busy_timeout = ${FOLD_MS}`);
  const { busy } = database.prepare("pragma wal_checkpoint(truncate)").get() as { busy: number };
  if (busy !== 0) throw new Error(`another program has ${FILE} open: a copy of it needs ${FILE}-wal beside it`);
}
