import { expect } from "vitest";
import { costOf, nano, type Rates, sum } from "./arithmetic.ts";
import type { Admin } from "./maidan.ts";
import type { RunningUpstream } from "./start-upstream.ts";
import type { TallyRow } from "./upstream-behaviour.ts";

/** A budget as the operators' API shows it, in nano-units. */
export interface BudgetFigures {
  readonly id: string;
  readonly limit: bigint;
  readonly settled: bigint;
  readonly held: bigint;
  readonly left: bigint;
}

export async function budgetsOf(admin: Admin): Promise<Map<string, BudgetFigures>> {
  const { items } = await admin.get("budgets?limit=1000");
  return new Map(
    items.map((one: Record<string, string>) => {
      const [limit, settled, held, left] = [one.limit!, one.settled!, one.held!, one.left!].map(nano);
      return [one.id, { id: one.id, limit, settled, held, left }];
    }),
  );
}

/** The ledger examines itself: every account balances, every settled entry computes again to the same cost. */
export async function expectCleanAudit(admin: Admin): Promise<void> {
  const audit = await admin.get("audit");
  expect(audit.ok, JSON.stringify(audit)).toBe(true);
}

/** The vendor's books once nothing runs any more. */
export async function closedTally(upstream: RunningUpstream, milliseconds = 20_000): Promise<TallyRow[]> {
  const until = Date.now() + milliseconds;
  for (;;) {
    const rows = await upstream.tally();
    const running = rows.filter((row) => row.state === "running").length;
    if (running === 0) return rows;
    if (Date.now() > until) throw new Error(`the simulated vendor still answers ${running} requests`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function billedIn(rows: readonly TallyRow[], rates: Rates): bigint {
  return sum(rows.filter((row) => row.billed).map((row) => costOf(row.billed!, rates)));
}

/**
 * Looks at every budget again and again, and keeps the first sight of one that is over. `stop` says how many looks
 * there were.
 */
export function watchBudgets(admin: Admin): { stop(): Promise<{ looks: number; over: BudgetFigures[] }> } {
  let stopped = false;
  let looks = 0;
  const over: BudgetFigures[] = [];
  const watching = (async () => {
    while (!stopped) {
      for (const budget of (await budgetsOf(admin)).values()) {
        if (budget.settled + budget.held > budget.limit) over.push(budget);
      }
      looks += 1;
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await watching;
      return { looks, over };
    },
  };
}
