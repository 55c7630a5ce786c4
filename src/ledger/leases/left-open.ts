import type { Transaction } from "kysely";
import { writeEntry } from "../../store/entry-writing.ts";
import type { EntriesTable, Schema } from "../../store/schema.ts";
import { PHASE, type Store } from "../../store/spec.ts";
import { makeEntry } from "../entries.ts";
import { factsOf, readShares, sumShares } from "../recovery.ts";

/** Every hold under a lease without a close becomes an attempt in doubt, at its bound with all top-ups. Returns the attempts. */
export async function closeLeftOpen(
  store: Pick<Store, "engine">,
  transaction: Transaction<Schema>,
  lease: string,
  since: string,
  reason: string,
  now: number,
): Promise<string[]> {
  const rows = await transaction
    .selectFrom("entries as held")
    .selectAll()
    .where("held.lease", "=", lease)
    .where("held.attempt", ">=", since)
    .where("held.phase", "=", PHASE.hold)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom("entry_rows as closed")
            .select("closed.attempt")
            .whereRef("closed.attempt", "=", "held.attempt")
            .where("closed.phase", "=", PHASE.close),
        ),
      ),
    )
    .orderBy("attempt")
    .orderBy("n")
    .execute();
  const attempts = new Map<string, EntriesTable[]>();
  for (const row of rows) {
    const others = attempts.get(row.attempt);
    if (others) others.push(row);
    else attempts.set(row.attempt, [row]);
  }
  for (const holds of attempts.values()) await writeEntry(store, transaction, inDoubt(holds, reason, now));
  return [...attempts.keys()];
}

/** The entry by which an attempt that was left open is in doubt. @param holds its hold and its top-ups */
export function inDoubt(holds: readonly EntriesTable[], reason: string, now: number) {
  let bound = 0n;
  for (const hold of holds) bound += hold.held;
  return makeEntry(factsOf(holds[0]!), {
    phase: PHASE.close,
    n: 0,
    kind: "unsettled",
    at: now,
    amount: bound,
    held: bound,
    shares: sumShares(holds.map((hold) => readShares(hold.shares))),
    rates: holds[0]!.rates,
    detail: JSON.stringify({ reason }),
  });
}
