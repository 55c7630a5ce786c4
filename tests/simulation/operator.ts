import { Fault } from "../../src/base/faults.ts";
import type { BudgetSetting } from "../../src/config/settings.ts";
import type { Resolution } from "../../src/ledger/spec.ts";
import { StoreError } from "../../src/store/thread.ts";
import { costOf as priced } from "../harness/arithmetic.ts";
import { stateOf } from "./books.ts";
import type { Chance } from "./chance.ts";
import { amountFor } from "./declared-budgets.ts";
import type { SimulatedProcess } from "./node.ts";
import { BUDGETS, ENDPOINTS } from "./settings.ts";
import { must } from "./violation.ts";
import type { World } from "./world.ts";

/** Somebody who resolves doubts, corrects costs, changes budgets and looks at the books: at any moment, and sometimes twice. */
export class SimulatedOperator {
  readonly #world: World;
  readonly #chance: Chance;
  readonly #restMs: number;

  constructor(world: World, chance: Chance, restMs: number) {
    this.#world = world;
    this.#chance = chance;
    this.#restMs = restMs;
  }

  async live(): Promise<void> {
    const { schedule, nodes } = this.#world;
    const chance = this.#chance;
    for (let acts = chance.whole(0, 10); acts > 0 && !this.#world.clientsGone; acts--) {
      await schedule.rest(chance.between(1, this.#restMs));
      const { process } = chance.pick(nodes);
      if (!process) continue;
      const act = chance.pick([this.resolve, this.resolve, this.#adjust, this.#changeBudgets, this.#audit]);
      await this.#world.inProcess<true>(process, (tell) => {
        act.call(this, process).then(
          () => tell(true),
          (error) => {
            // Where the disk failed under it, it has not been done.
            const expected = error instanceof Fault || error instanceof StoreError;
            must(expected, "operators", () => `an action of an operator ends with ${String(error?.stack ?? error)}`);
            this.#world.tell(`operator: ${error instanceof Fault ? error.code : error.message}`);
            tell(true);
          },
        );
      });
    }
  }

  /** One doubt, by what the vendor has in its books; sometimes from two desks at once. */
  async resolve({ ledger }: SimulatedProcess): Promise<void> {
    const doubts = ledger.unsettled();
    if (doubts.length === 0) return;
    const { attempt, amount } = this.#chance.pick(doubts);
    const resolution = this.resolutionOf(attempt);
    this.#world.tell(`operator: resolves ${attempt} of ${amount}, ${resolution.action}`);
    this.#world.resolving.add(attempt);
    const twice = this.#chance.happens(0.3);
    const done = [ledger.resolve(attempt, resolution)];
    if (twice)
      done.push(ledger.resolve(attempt, this.#chance.happens(0.5) ? resolution : { action: "release", reason: "no" }));
    const outcomes = await Promise.allSettled(done);
    const well = outcomes.filter(({ status }) => status === "fulfilled").length;
    must(well <= 1, "I3", () => `${attempt} is resolved twice`);
    for (const outcome of outcomes) if (outcome.status === "rejected" && !twice) throw outcome.reason;
  }

  resolutionOf(attempt: string): Resolution {
    const row = this.#world.tallyOf(attempt);
    if (!row?.billed) return { action: "release", reason: "not on the invoice" };
    const { input, cachedInput, output, reasoning } = row.billed;
    const cost = priced(row.billed, ENDPOINTS[row.endpoint]!.rates);
    const usage = { input, cachedInput, output, reasoning };
    return { action: "settle", cost, usage, basis: "vendor-bill", reason: "invoice" };
  }

  async #adjust({ ledger, books }: SimulatedProcess): Promise<void> {
    const closed = [...books.attempts.values()].filter((book) => stateOf(book) === "settled");
    if (closed.length === 0) return;
    const { attempt, hold, close } = this.#chance.pick(closed);
    const amount = BigInt(this.#chance.whole(-1, 1)) * ((close!.amount / 3n) | 1n);
    const times = this.#chance.happens(0.3) ? 2 : 1;
    const one = { attempt, amount, currency: hold.currency, reason: "agreed" };
    await Promise.all(Array.from({ length: times }, () => ledger.adjust(one)));
  }

  async #changeBudgets(process: SimulatedProcess): Promise<void> {
    const changed = this.#otherBudgets(this.#world.budgets.declared);
    this.#world.tell(
      `operator: budgets ${changed.map(({ id, amount, kind }) => `${id} ${amount} ${kind ?? ""}`).join()}`,
    );
    await this.#world.ground.changeBudgets(process, changed);
  }

  #otherBudgets(budgets: readonly BudgetSetting[]): BudgetSetting[] {
    const chance = this.#chance;
    if (chance.happens(0.3)) return this.#reshaped(budgets);
    return budgets.map((budget) => {
      if (!chance.happens(0.4)) return budget;
      const amount = amountFor(budget.currency, chance.pick([0.1, 0.5, 2]), chance);
      return { ...budget, amount, kind: chance.happens(0.1) ? "soft" : "hard" };
    });
  }

  /** A budget is taken away, comes back, or gets another window or currency: another book. */
  #reshaped(budgets: readonly BudgetSetting[]): BudgetSetting[] {
    const chance = this.#chance;
    const missing = BUDGETS.filter(({ id }) => !budgets.some((budget) => budget.id === id));
    if (missing.length > 0 && chance.happens(0.6)) {
      const back = chance.pick(missing);
      return [...budgets, { ...back, amount: amountFor(back.currency, 1, chance) }];
    }
    const one = chance.pick(budgets);
    const others = budgets.filter((budget) => budget !== one);
    if (others.length === 0 || chance.happens(0.6)) {
      const window = chance.pick(["hour", "total"] as const);
      const currency = chance.pick(["USD", "CNY"]);
      return [...others, { ...one, window, currency, amount: amountFor(currency, 1, chance) }];
    }
    return others;
  }

  async #audit({ ledger }: SimulatedProcess): Promise<void> {
    const { problems } = await ledger.audit();
    must(problems.length === 0, "I3", () => problems.map(({ where, what }) => `${where}: ${what("en")}`).join("; "));
  }
}
