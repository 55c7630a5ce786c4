import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { ManualClock } from "../base/clock.ts";
import { CallIds } from "../base/ids.ts";
import { DEFAULT_LIMITS, type Limits } from "../base/limits.ts";
import { convert, type ExchangeRate, inverse, type Nano, parseRate } from "../base/money.ts";
import type { BudgetSetting } from "../config/settings.ts";
import type { Store } from "../store/spec.ts";
import { openTestStore } from "../store/test-store.suite.ts";
import { Ledger } from "./ledger.ts";
import type { Hold, HoldAsk, LedgerWorld, Settlement } from "./spec.ts";

/** The tree of the tests: a person below a team below an organisation, and another team. */
export const TREE: Readonly<Record<string, readonly string[]>> = {
  org: ["org"],
  team: ["team", "org"],
  person: ["person", "team", "org"],
  other: ["other", "org"],
};

const YUAN = parseRate("7.1")!;
export const RATES: Readonly<Record<string, ExchangeRate>> = {
  "USD CNY": { ratio: YUAN, text: "7.1" },
  "CNY USD": { ratio: inverse(YUAN), text: "1/7.1" },
};

export const WORLD: LedgerWorld = {
  pathOf: (payer) => TREE[payer] ?? [],
  rate: (from, to) => RATES[`${from} ${to}`],
};

/** A ledger on a store of its own, which can be closed, crashed and opened again. */
export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), "maidan-ledger-"));
  readonly clock: ManualClock;
  readonly limits: Limits;
  world: LedgerWorld = WORLD;
  budgets: readonly BudgetSetting[];
  store!: Store;
  ledger!: Ledger;
  readonly #ids = new CallIds();

  constructor(budgets: readonly BudgetSetting[], options: { limits?: Partial<Limits>; at?: string } = {}) {
    this.budgets = budgets;
    this.clock = new ManualClock(options.at ?? "2026-11-05T10:00:00Z");
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
  }

  async open(): Promise<Ledger> {
    const { clock, limits, budgets, world } = this;
    this.store = await openTestStore(this.folder, limits);
    this.ledger = await Ledger.open({ store: this.store, clock, limits, budgets, world });
    return this.ledger;
  }

  /** As after a crash: what was held in memory is gone. */
  async reopen(): Promise<Ledger> {
    await this.store.close();
    return this.open();
  }

  async setBudgets(budgets: readonly BudgetSetting[]): Promise<void> {
    await this.ledger.setBudgets(budgets, this.world);
    this.budgets = budgets;
  }

  async stop(): Promise<void> {
    await this.store.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** An ask whose bound is its amount unless said otherwise. One token costs 10 nano-units when it is shortened. */
  ask(bound: Nano, changes: Partial<HoldAsk> = {}): HoldAsk {
    const currency = changes.currency ?? "USD";
    const payer = changes.payer ?? "person";
    return {
      attempt: `${this.#ids.next(this.clock.now())}.1`,
      payer,
      key: "key",
      route: "mini",
      model: "lab/mini",
      currency,
      price: "price_1",
      path: TREE[payer]!,
      full: { amount: bound, bound },
      shrink: () => undefined,
      rateTo: (to) => RATES[`${currency} ${to}`],
      detail: {},
      ...changes,
    };
  }

  async hold(bound: Nano, changes: Partial<HoldAsk> = {}): Promise<Hold> {
    return this.ledger.hold(this.ask(bound, changes));
  }

  /** The sums of a budget, as numbers. */
  sums(id: string): { settled: number; held: number; left: number } {
    const { settled, held, left } = this.ledger.budget(id)!;
    return { settled: Number(settled), held: Number(held), left: Number(left) };
  }

  async expectBalance(): Promise<void> {
    const { problems } = await this.ledger.audit();
    expect(problems.map(({ where, what }) => `${where}: ${what("en")}`)).toEqual([]);
  }
}

/** A budget in nano-units. */
export function budget(id: string, payer: string, limit: bigint, changes: Partial<BudgetSetting> = {}): BudgetSetting {
  const amount = `${limit / 1_000_000_000n}.${(limit % 1_000_000_000n).toString().padStart(9, "0")}`;
  return { id, payer, amount, currency: "USD", window: "total", ...changes };
}

export function costs(cost: Nano, changes: Partial<Settlement> = {}): Settlement {
  return { cost, usage: { input: 3, output: 5 }, basis: "reported", detail: {}, ...changes };
}

export { convert };
