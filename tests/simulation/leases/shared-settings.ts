import type { BudgetSetting } from "../../../src/config/settings.ts";
import { nano } from "../../harness/arithmetic.ts";
import type { DeclaredBudgets } from "../declared-budgets.ts";

/** The settings as the database has them, version by version, and what they ever allowed. */
export class SharedSettings {
  readonly #declared: DeclaredBudgets;
  readonly #versions: (readonly BudgetSetting[])[];
  /** The highest limit that each budget ever had. */
  readonly #highest = new Map<string, bigint>();
  /** Budgets that once refused nothing. */
  readonly #soft = new Set<string>();

  constructor(declared: DeclaredBudgets) {
    this.#declared = declared;
    this.#versions = [declared.declared];
    this.#note(declared.declared);
  }

  get version(): number {
    return this.#versions.length;
  }

  at(version: number): readonly BudgetSetting[] {
    return this.#versions[version - 1]!;
  }

  change(budgets: readonly BudgetSetting[]): number {
    this.#declared.change(budgets);
    this.#note(budgets);
    return this.#versions.push(budgets);
  }

  /** Undefined for books other than a budget's first, and where it was ever soft, or had another shape. */
  limitOf(book: string): bigint | undefined {
    if (this.#soft.has(book) || this.#declared.touched.has(book)) return undefined;
    return this.#highest.get(book);
  }

  #note(budgets: readonly BudgetSetting[]): void {
    for (const { id, amount, kind } of budgets) {
      if (kind === "soft") this.#soft.add(id);
      const limit = nano(amount);
      if (limit > (this.#highest.get(id) ?? -1n)) this.#highest.set(id, limit);
    }
  }
}
