import type { Nano } from "../base/money.ts";
import type { BudgetSetting } from "../config/settings.ts";
import type { BudgetShare } from "../store/spec.ts";
import type { AttemptHold } from "./attempt-hold.ts";
import type { BudgetAccount } from "./budget-account.ts";
import type { Places } from "./decision.ts";
import type {
  Adjustment,
  BudgetState,
  LedgerWorld,
  RecoveryReport,
  Resolution,
  Settlement,
  UnsettledAttempt,
} from "./spec.ts";

/** Why and since when an attempt is in doubt, and what it probably cost. */
export interface DoubtReason {
  readonly reason: string;
  readonly since: number;
  readonly estimate: Nano | undefined;
}

/**
 * What the ledger does beside the way of a call: budgets, doubts, corrections. One process that has the store alone keeps
 * all of it in memory; nodes that share a store keep it there.
 */
export interface BookKeeping {
  readonly isShared: boolean;
  /** The row of `meta` that says from which attempt on this process may hold open attempts. */
  readonly openSince: string;
  /** Makes good what a crash left behind, and brings the accounts of all budgets. */
  open(budgets: readonly BudgetSetting[], world: LedgerWorld): Promise<RecoveryReport>;
  /** Returns the accounts in which something may have changed. */
  setBudgets(budgets: readonly BudgetSetting[], world: LedgerWorld): Promise<readonly BudgetAccount[]>;
  /** A call waits for room, and there may be some elsewhere. */
  seek(): void;
  /** What is known of the room elsewhere is too old to refuse a call by. Tells whether it was forgotten. */
  doubtRefusal(places: Places): boolean;
  /** Something was set aside in these: they may soon need more. */
  used(accounts: readonly BudgetAccount[]): void;
  /** Whether the hold is another seat's by now: its settlement resolves a doubt. */
  isLost(hold: AttemptHold): boolean;
  /** A hold is in doubt from now on. Returns what goes on counting. The hold is given back already. */
  leave(hold: AttemptHold, doubt: DoubtReason): BudgetShare[];
  /** Durable when it resolves. Rejects with `not_found` where the attempt is not in doubt. Returns the accounts that moved. */
  resolve(
    attempt: string,
    resolution: Resolution,
    at: number,
    kept?: Settlement["kept"],
  ): Promise<readonly BudgetAccount[]>;
  adjust(adjustment: Adjustment, at: number): Promise<readonly BudgetAccount[]>;
  /** All budgets, and all attempts in doubt, oldest first: as they were lately. */
  budgets(): readonly BudgetState[];
  unsettled(): readonly UnsettledAttempt[];
  /** The same as they stand now. */
  readBudgets(): Promise<readonly BudgetState[]>;
  readUnsettled(): Promise<readonly UnsettledAttempt[]>;
  /** Ends what runs beside the calls. Called when none is in flight, before the store closes. */
  close(): Promise<void>;
}
