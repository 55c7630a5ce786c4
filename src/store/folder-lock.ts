import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { Fault } from "../base/faults.ts";
import { storeWords } from "../base/messages/ledger.ts";

const FILE = "lock.db";
const SQLITE_BUSY = 5;

export interface FolderLock {
  release(): void;
}

/** Held by this module, so that no lock is collected while it counts. */
const held = new Set<InstanceType<typeof DatabaseSync>>();

/**
 * Keeps other processes off a data folder for as long as this one lives. The operating system gives the lock back
 * however the process ends, `kill -9` included. Throws `conflict` where another process has it.
 */
export function lockDataFolder(folder: string): FolderLock {
  let database: InstanceType<typeof DatabaseSync> | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    database = new DatabaseSync(join(folder, FILE));
    database.exec("begin exclusive");
  } catch (error) {
    database?.close();
    const busy = (((error as { errcode?: number }).errcode ?? 0) & 0xff) === SQLITE_BUSY;
    const text = busy ? storeWords.folderInUse(folder) : storeWords.folderUnusable(folder, (error as Error).message);
    throw new Fault(busy ? "conflict" : "invalid_request", text, { cause: error });
  }
  const locked = database;
  held.add(locked);
  return {
    release: () => {
      if (held.delete(locked)) locked.close();
    },
  };
}
