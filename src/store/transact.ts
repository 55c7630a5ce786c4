import type { Kysely, Transaction } from "kysely";
import { isConflict } from "./postgres-errors.ts";
import type { Schema } from "./schema.ts";

/** Of one piece of work, over some seconds. */
const MOST_TRIES = 12;
const LONGEST_PAUSE_MS = 1_000;

export interface TransactionOptions {
  /**
   * `serializable` (default): as if transactions happened one after the other, whatever they read.
   * `read committed`: for work that locks the rows it decides by (`for update`), which many nodes want at a time.
   */
  readonly isolation?: "serializable" | "read committed";
}

/**
 * Does all of the work, or nothing of it. Where other transactions were in its way it is done again from the start, so
 * it must change nothing outside of the transaction.
 */
export async function transact<T>(
  query: Kysely<Schema>,
  work: (transaction: Transaction<Schema>) => Promise<T>,
  { isolation = "serializable" }: TransactionOptions = {},
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await query.transaction().setIsolationLevel(isolation).execute(work);
    } catch (error) {
      if (tried === MOST_TRIES || !isConflict(error)) throw error;
      await pause(tried);
    }
  }
}

/** Longer with every try, and never the same for two who are in each other's way. */
export function pause(tried: number, longestMs = LONGEST_PAUSE_MS): Promise<void> {
  const most = Math.min(longestMs, 5 * 2 ** tried);
  return new Promise((resolve) => setTimeout(resolve, most * (0.5 + Math.random() / 2)));
}
