import type { Store } from "./spec.ts";
import { transact } from "./transact.ts";

/**
 * Whether this node does a piece of work that one of the nodes does now and then. Whoever is told so first does it; the
 * others, and the same one again, only when it is due again.
 *
 * @param everyMs how often
 * @param now milliseconds
 */
export function takeJob(
  { engine, query }: Pick<Store, "engine" | "query">,
  name: string,
  everyMs: number,
  now: number,
): Promise<boolean> {
  return transact(
    query,
    async (transaction) => {
      await transaction
        .insertInto("jobs")
        .values({ name, due_at: now })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      const due = transaction.selectFrom("jobs").select("name").where("name", "=", name).where("due_at", "<=", now);
      const found = await (engine === "postgres" ? due.forUpdate().skipLocked() : due).executeTakeFirst();
      if (!found) return false;
      await transaction
        .updateTable("jobs")
        .set({ due_at: now + everyMs })
        .where("name", "=", name)
        .execute();
      return true;
    },
    { isolation: "read committed" },
  );
}
