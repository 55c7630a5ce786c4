import { type Kysely, sql } from "kysely";
import type { Schema } from "../../store/schema.ts";
import type { BudgetAccount } from "../budget-account.ts";
import type { BudgetState } from "../spec.ts";
import { type Place, placeName } from "./windows.ts";

/** Budgets as they stand over all nodes, in the windows that are open: one statement, so that all is of one moment. */
export async function readStates(query: Kysely<Schema>, accounts: readonly BudgetAccount[]): Promise<BudgetState[]> {
  if (accounts.length === 0) return [];
  const books = accounts.map(({ book }) => book);
  const rows = await query
    .selectFrom("budget_windows")
    .where("book", "in", books)
    .select(["book", "window", "settled", sql<bigint>`0`.as("held")])
    .unionAll(query.selectFrom("node_windows").where("book", "in", books).select(["book", "window", "settled", "held"]))
    .unionAll(
      query
        .selectFrom("doubt_shares")
        .where("book", "in", books)
        .select(["book", "window", sql<bigint>`0`.as("settled"), "bound as held"]),
    )
    .execute();
  const sums = new Map<string, { settled: bigint; held: bigint }>();
  for (const row of rows) {
    const name = placeName(row as Place);
    const sum = sums.get(name) ?? { settled: 0n, held: 0n };
    sums.set(name, { settled: sum.settled + BigInt(row.settled), held: sum.held + BigInt(row.held) });
  }
  return accounts.map((account) => {
    const { settled, held } = sums.get(placeName({ book: account.book, window: account.window.start })) ?? NOTHING;
    return account.stateWith(settled, held);
  });
}

const NOTHING = { settled: 0n, held: 0n };
