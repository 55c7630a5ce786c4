import type { Kysely, Transaction } from "kysely";
import type { Schema } from "./schema.ts";

/** Serialization failure, deadlock: the work is sound, and has to be done again. */
const AGAIN = new Set(["40001", "40P01"]);
const MOST_TRIES = 20;
const LONGEST_PAUSE_MS = 200;

/** Does `work` in one transaction, all or nothing; again where the database took it back for another one's sake. */
export async function transact<T>(
  query: Kysely<Schema>,
  work: (transaction: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await query.transaction().execute(work);
    } catch (error) {
      if (attempt === MOST_TRIES || !AGAIN.has((error as { code?: string }).code ?? "")) throw error;
      const longest = Math.min(2 ** attempt, LONGEST_PAUSE_MS);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * longest));
    }
  }
}
