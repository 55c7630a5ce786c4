import type { ChildProcess } from "node:child_process";
import type { BudgetSetting } from "../src/config/settings.ts";
import { nextMessage } from "./processes.ts";

/** What the processes of the ledger's benchmarks are ordered to do, and what they say. */

/** In nano-units of a dollar, what every call costs, and what is held for it. */
export const CALL_COST = 313_500n;
export const CALL_BOUND = 752_000n;
/** Never used up: what is measured is not how a budget ends. */
export const BUDGET_AMOUNT = "1000000000";

export const LONGEST_WARMING_MS = 30_000;

export type Work =
  /** The loop alone: what the benchmark itself costs. */
  | { readonly kind: "loop" }
  | { readonly kind: "sqlite"; readonly folder: string; readonly budgets: readonly BudgetSetting[] }
  | {
      readonly kind: "postgres";
      readonly url: string;
      readonly budgets: readonly BudgetSetting[];
      /** Set where nodes share the budgets by leases: this one's name. */
      readonly node: string;
    }
  /** An update of the budget's row for every call. */
  | { readonly kind: "row"; readonly url: string; readonly connections: number };

export interface LedgerOrder {
  readonly work: Work;
  /** Ids from the payer to the root. */
  readonly path: readonly string[];
  /** Each makes one call after the other. */
  readonly callers: number;
  /** Before it is measured: so long … */
  readonly warmingMs: number;
  /** … and so many calls, as far as they are made within `LONGEST_WARMING_MS`. */
  readonly warmingCalls: number;
  readonly milliseconds: number;
}

export interface LedgerResult {
  /** Calls that became durable while it was measured … */
  readonly calls: number;
  readonly milliseconds: number;
  /** … and all of them. */
  readonly total: number;
  /** Processor time of the process, all its threads, while it was measured. */
  readonly processorUs: number;
}

/** Gives processes one order each, lets them begin together, and returns what each measured. */
export async function runTogether(
  processes: readonly ChildProcess[],
  orders: readonly LedgerOrder[],
): Promise<LedgerResult[]> {
  const ready = processes.map(async (child, place) => {
    child.send(orders[place]!);
    await nextMessage<"ready">(child);
  });
  await Promise.all(ready);
  return Promise.all(
    processes.map((child) => {
      child.send("go");
      return nextMessage<LedgerResult>(child);
    }),
  );
}
