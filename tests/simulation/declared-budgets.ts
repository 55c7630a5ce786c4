import type { BudgetSetting } from "../../src/config/settings.ts";
import { configurationOf } from "../../src/ledger/budget-books.ts";
import { nano } from "../harness/arithmetic.ts";
import type { Chance } from "./chance.ts";
import { BUDGETS } from "./settings.ts";

/** What operators want the budgets to be, and what they wanted before as long as that may still be in force. */
export class DeclaredBudgets {
  declared: readonly BudgetSetting[];
  /** Budgets whose book is another than the first one, or may be. */
  readonly touched = new Set<string>();
  #earlier: { readonly change: number; readonly budgets: readonly BudgetSetting[] }[] = [];
  #changes = 0;

  constructor(chance: Chance) {
    const tightness = chance.pick([0.15, 0.4, 1, 4]);
    this.declared = BUDGETS.map((budget) => ({ ...budget, amount: amountFor(budget.currency, tightness, chance) }));
  }

  get changing(): boolean {
    return this.#earlier.length > 0;
  }

  /** Declares other budgets. Returns what to tell when they are in force. */
  change(budgets: readonly BudgetSetting[]): number {
    const change = ++this.#changes;
    const now = new Set(budgets.map(configurationOf));
    const before = new Set(this.declared.map(configurationOf));
    for (const one of [...budgets, ...this.declared]) {
      if (!now.has(configurationOf(one)) || !before.has(configurationOf(one))) this.touched.add(one.id);
    }
    this.#earlier.push({ change, budgets: this.declared });
    this.declared = budgets;
    return change;
  }

  /** What was declared by the change, and all before it, is in force or overtaken. */
  inForce(change = this.#changes): void {
    this.#earlier = this.#earlier.filter((one) => one.change > change);
  }

  /** What a budget may hold and settle at the most, by all that may be in force; undefined where it refuses nothing, or may not. */
  limitOf(id: string): bigint | undefined {
    let limit: bigint | undefined;
    for (const budgets of [this.declared, ...this.#earlier.map((one) => one.budgets)]) {
      const budget = budgets.find((one) => one.id === id);
      if (!budget || budget.kind === "soft") return undefined;
      if (this.changing && this.touched.has(id)) return undefined;
      const amount = nano(budget.amount);
      if (limit === undefined || amount > limit) limit = amount;
    }
    return limit;
  }

  /** The budgets that surely are in force. */
  certain(): BudgetSetting[] {
    return this.changing ? this.declared.filter(({ id }) => !this.touched.has(id)) : [...this.declared];
  }
}

export function amountFor(currency: string, tightness: number, chance: Chance): string {
  const units = chance.between(0.3, 2) * tightness * (currency === "CNY" ? 7 : 1);
  return units.toFixed(chance.pick([1, 4, 9]));
}
