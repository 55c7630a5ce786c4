import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { convert, convertUp, type Nano, type Ratio, UNIT_RATIO } from "../base/money.ts";
import type { BudgetSetting } from "../config/settings.ts";
import { windowAt } from "./budget-windows.ts";
import { Bench, budget, costs, RATES, TREE } from "./ledger.suite.ts";
import type { Hold } from "./spec.ts";

/** One attempt, as the model knows it. */
interface Attempt {
  readonly id: string;
  readonly payer: string;
  readonly currency: string;
  readonly heldAt: number;
  state: "open" | "doubt" | "closed";
  /** Each step of its hold, as every budget converts it. */
  readonly sizes: { amount: Nano; bound: Nano }[];
  /** In every budget it was charged: the window, and how much. */
  cost: Nano | undefined;
  hold: Hold | undefined;
}

const PAYERS = Object.keys(TREE);
const CURRENCIES = ["USD", "CNY"];

const BUDGETS: readonly BudgetSetting[] = [
  budget("person-hour", "person", 400n, { window: "hour" }),
  budget("team-day", "team", 3_000n, { window: "day", timezone: "Asia/Shanghai", currency: "CNY" }),
  budget("org-total", "org", 2_000n),
  budget("org-soft", "org", 100n, { kind: "soft", currency: "CNY", window: "week" }),
  budget("other-month", "other", 900n, { window: "month", timezone: "America/New_York" }),
];

function ratioTo(from: string, to: string): Ratio {
  return from === to ? UNIT_RATIO : RATES[`${from} ${to}`]!.ratio;
}

type Step =
  | {
      readonly do: "hold";
      readonly payer: number;
      readonly currency: number;
      readonly amount: number;
      readonly more: number;
    }
  | {
      readonly do: "settle" | "release" | "doubt" | "top-up" | "resolve" | "adjust" | "forgive";
      readonly which: number;
      readonly part: number;
    }
  | { readonly do: "limit"; readonly which: number; readonly part: number }
  | { readonly do: "clock"; readonly minutes: number }
  | { readonly do: "restart" };

const nat = (max: number) => fc.integer({ min: 0, max });
const STEPS: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant("hold" as const),
        payer: nat(3),
        currency: nat(1),
        amount: nat(150),
        more: nat(300),
      }),
    },
    {
      weight: 12,
      arbitrary: fc.record({
        do: fc.constantFrom("settle", "settle", "settle", "release", "doubt", "top-up", "resolve", "adjust", "forgive"),
        which: nat(50),
        part: nat(130),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("limit" as const), which: nat(4), part: nat(200) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant("clock" as const), minutes: fc.integer({ min: -90, max: 3_000 }) }),
    },
    { weight: 1, arbitrary: fc.constant({ do: "restart" as const }) },
  ),
  { minLength: 10, maxLength: 60 },
);

/** What the ledger must say, computed from the list of attempts alone. */
class Model {
  readonly attempts: Attempt[] = [];
  budgets: BudgetSetting[] = [...BUDGETS];
  /** The window of each budget: never an earlier one again. */
  readonly windows = new Map<string, { start: number; end: number }>();
  overrun = new Set<string>();

  windowOf(setting: BudgetSetting, now: number): { start: number; end: number } {
    let window = this.windows.get(setting.id);
    if (!window || now >= window.end) {
      window = windowAt(setting.window, setting.timezone ?? "UTC", now);
      this.windows.set(setting.id, window);
    }
    return window;
  }

  /** After a restart a later window is known by what was settled or is in doubt in it. */
  forgetWindows(now: number): void {
    this.windows.clear();
    for (const setting of this.budgets) {
      for (const attempt of this.attempts) {
        const start = this.heldIn.get(attempt.id)!.get(setting.id);
        if (start === undefined || (attempt.cost === undefined && attempt.state !== "doubt")) continue;
        const known = this.windowOf(setting, now);
        if (start > known.start) {
          this.windows.set(setting.id, windowAt(setting.window, setting.timezone ?? "UTC", start));
        }
      }
    }
  }

  /** The windows in which an attempt was held: those that were open then. */
  readonly heldIn = new Map<string, Map<string, number>>();

  begin(attempt: Attempt, now: number): void {
    this.attempts.push(attempt);
    const windows = new Map<string, number>();
    for (const setting of this.budgets) {
      if (TREE[attempt.payer]!.includes(setting.payer)) windows.set(setting.id, this.windowOf(setting, now).start);
    }
    this.heldIn.set(attempt.id, windows);
  }

  sums(setting: BudgetSetting, now: number): { settled: Nano; held: Nano; bounds: Nano } {
    const { start } = this.windowOf(setting, now);
    let [settled, held, bounds] = [0n, 0n, 0n];
    for (const attempt of this.attempts) {
      if (this.heldIn.get(attempt.id)!.get(setting.id) !== start) continue;
      const ratio = ratioTo(attempt.currency, setting.currency);
      if (attempt.cost !== undefined) settled += convert(attempt.cost, ratio);
      if (attempt.state === "closed") continue;
      let [amount, bound] = [0n, 0n];
      for (const size of attempt.sizes) {
        amount += convertUp(size.amount, ratio);
        bound += convertUp(size.bound, ratio);
      }
      held += attempt.state === "open" ? amount : bound;
      bounds += bound;
    }
    return { settled, held, bounds };
  }

  fits(payer: string, currency: string, bound: Nano, now: number): boolean {
    return this.budgets.every((setting) => {
      if (setting.kind === "soft" || !TREE[payer]!.includes(setting.payer)) return true;
      const { settled, bounds } = this.sums(setting, now);
      return settled + bounds + convertUp(bound, ratioTo(currency, setting.currency)) <= limitOf(setting);
    });
  }
}

function limitOf(setting: BudgetSetting): Nano {
  const [whole, fraction = ""] = setting.amount.split(".");
  return BigInt(whole + fraction.padEnd(9, "0"));
}

/** Runs steps on the ledger and on the model, and compares them after each. */
class Run {
  readonly bench = new Bench(BUDGETS, { limits: { holdWaitMs: 0 } });
  readonly model = new Model();

  async step(step: Step): Promise<void> {
    const { bench, model } = this;
    switch (step.do) {
      case "hold":
        return this.#hold(step);
      case "clock":
        bench.clock.advance(step.minutes * 60_000);
        return;
      case "limit": {
        const target = model.budgets[step.which]!;
        const limit = (limitOf(BUDGETS[step.which]!) * BigInt(step.part)) / 100n;
        const changed = model.budgets.map((one) =>
          one === target ? { ...budget("", "", limit), ...target, amount: budget("", "", limit).amount } : one,
        );
        await bench.setBudgets(changed);
        model.budgets = changed;
        return;
      }
      case "restart":
        await bench.reopen();
        for (const attempt of model.attempts) {
          if (attempt.state === "open") attempt.state = "doubt";
          attempt.hold = undefined;
        }
        model.forgetWindows(bench.clock.now());
        return;
      default:
        return this.#act(step.do, step.which, step.part);
    }
  }

  async #hold(step: Step & { do: "hold" }): Promise<void> {
    const { bench, model } = this;
    const payer = PAYERS[step.payer]!;
    const currency = CURRENCIES[step.currency]!;
    const size = { amount: BigInt(step.amount), bound: BigInt(step.amount + step.more) };
    const now = bench.clock.now();
    for (const setting of model.budgets) model.windowOf(setting, now);
    const fits = model.fits(payer, currency, size.bound, now);
    const ask = bench.ask(size.bound, { payer, currency, full: size });
    let hold: Hold | undefined;
    try {
      hold = await bench.ledger.hold(ask);
    } catch (fault) {
      expect(fault).toMatchObject({ code: "budget_exhausted" });
    }
    expect(hold !== undefined).toBe(fits);
    if (!hold) return;
    await hold.durable;
    model.begin(
      { id: ask.attempt, payer, currency, heldAt: now, state: "open", sizes: [size], cost: undefined, hold },
      now,
    );
  }

  async #act(what: string, which: number, part: number): Promise<void> {
    const { bench, model } = this;
    const { ledger } = bench;
    const wanted = what === "resolve" || what === "forgive" ? "doubt" : what === "adjust" ? "closed" : "open";
    const candidates = model.attempts.filter(
      (attempt) => attempt.state === wanted && (what !== "adjust" || attempt.cost !== undefined),
    );
    const attempt = candidates[which % Math.max(1, candidates.length)];
    if (!attempt) return;
    const bound = attempt.sizes.reduce((sum, size) => sum + size.bound, 0n);
    const cost = (bound * BigInt(part)) / 100n;
    if (what === "settle" || what === "resolve") {
      if (cost > bound) this.model.overrun.add(attempt.id);
      attempt.cost = cost;
      attempt.state = "closed";
      if (what === "settle") await ledger.settle(attempt.hold!, costs(cost));
      else
        await ledger.resolve(attempt.id, {
          action: "settle",
          cost,
          usage: { output: 1 },
          basis: "vendor-bill",
          reason: "",
        });
    } else if (what === "release" || what === "forgive") {
      attempt.state = "closed";
      if (what === "release") await ledger.release(attempt.hold!, "error", {});
      else await ledger.resolve(attempt.id, { action: "release", reason: "" });
    } else if (what === "doubt") {
      attempt.state = "doubt";
      await ledger.leaveUnsettled(attempt.hold!, "broken", {});
    } else if (what === "adjust") {
      const change = attempt.cost! > 0n ? -((attempt.cost! * BigInt(part % 101)) / 100n) : 0n;
      attempt.cost! += change;
      await ledger.adjust({ attempt: attempt.id, amount: change, currency: attempt.currency, reason: "" });
    } else {
      const more = { amount: cost / 2n, bound: cost };
      if (ledger.topUp(attempt.hold!, more)) attempt.sizes.push(more);
    }
  }

  compare(): void {
    const now = this.bench.clock.now();
    for (const setting of this.model.budgets) {
      const { settled, held, bounds } = this.model.sums(setting, now);
      const state = this.bench.ledger.budget(setting.id)!;
      expect({ id: setting.id, settled: state.settled, held: state.held }).toEqual({ id: setting.id, settled, held });
      expect(state.left).toBe(state.limit - settled - held);
      const excused =
        setting.kind === "soft" ||
        this.model.overrun.size > 0 ||
        setting.amount !== BUDGETS.find(({ id }) => id === setting.id)!.amount;
      if (!excused) expect(settled + bounds <= state.limit).toBe(true);
    }
    const doubts = this.model.attempts.filter((attempt) => attempt.state === "doubt").map((attempt) => attempt.id);
    expect(
      this.bench.ledger
        .unsettled()
        .map((doubt) => doubt.attempt)
        .sort(),
    ).toEqual(doubts.sort());
  }
}

describe("the ledger against a model of it", () => {
  test("whatever happens in whatever order: sums are exact, no hard budget is over, restarts change nothing", async () => {
    await fc.assert(
      fc.asyncProperty(STEPS, async (steps) => {
        const run = new Run();
        await run.bench.open();
        try {
          for (const step of steps) {
            await run.step(step);
            run.compare();
          }
          await run.bench.expectBalance();
          await run.step({ do: "restart" });
          run.compare();
          await run.bench.expectBalance();
        } finally {
          await run.bench.stop();
        }
      }),
      { numRuns: 12, endOnFailure: true },
    );
  }, 300_000);
});
