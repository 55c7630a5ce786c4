import { afterEach, describe, expect, test, vi } from "vitest";
import type { Nano } from "../base/money.ts";
import { Bench, budget, costs } from "./ledger.suite.ts";
import type { SmallerHold } from "./spec.ts";

/** What a call truly costs, and what a token of it does. */
const COST = 10_000_000n;
const TOKEN = 100_000n;
const CALLS = 1_000;
const FITTING = 500n;

interface Burst {
  /** Of the bound to the true cost, for the call with this number. */
  readonly factor: (call: number) => number;
  readonly cost?: (call: number) => Nano;
  /** Streams that are held in steps: as many as an answer truly needs. */
  readonly steps?: bigint;
  /** How long the shortest call is; the longest is three times as long. */
  readonly milliseconds?: number;
  readonly failing?: (call: number) => boolean;
}

interface Result {
  full: number;
  shortened: number;
  refused: number;
  released: number;
  overdrawn: number;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** All calls at once, in virtual time. */
async function run(
  bench: Bench,
  { factor, cost = () => COST, steps, milliseconds = 100, failing }: Burst,
): Promise<Result> {
  const { ledger } = bench;
  const result: Result = { full: 0, shortened: 0, refused: 0, released: 0, overdrawn: 0 };
  const watch = (): void => {
    const { left, limit, settled, held } = ledger.budget("o")!;
    if (left < 0n || settled + held > limit) result.overdrawn += 1;
  };
  const call = async (number: number): Promise<void> => {
    const truth = cost(number);
    const bound = (truth * BigInt(Math.round(factor(number) * 100))) / 100n;
    const shrink = (left: Nano): SmallerHold | undefined => {
      const outputTokens = Number(left / TOKEN);
      const size = BigInt(outputTokens) * TOKEN;
      return outputTokens >= 16 ? { amount: size, bound: size, outputTokens } : undefined;
    };
    const stepSize = steps === undefined ? undefined : (truth + steps - 1n) / steps;
    const step = stepSize === undefined ? undefined : { amount: stepSize, bound: stepSize };
    let hold: Awaited<ReturnType<typeof ledger.hold>>;
    try {
      hold = await ledger.hold(bench.ask(bound, { shrink, step }));
    } catch {
      result.refused += 1;
      return;
    }
    watch();
    await sleep(milliseconds * (1 + ((number * 37) % 200) / 100));
    while (step && hold.stepped && hold.bound < truth && ledger.topUp(hold, step)) await sleep(milliseconds);
    if (failing?.(number)) {
      result.released += 1;
      await ledger.release(hold, "server_error", {});
    } else {
      const paid = hold.bound < truth ? hold.bound : truth;
      if (paid < truth) result.shortened += 1;
      else result.full += 1;
      void ledger.settle(hold, costs(paid));
    }
    watch();
  };
  const all = Promise.all(Array.from({ length: CALLS }, (_, number) => call(number)));
  let running = true;
  void all.then(() => {
    running = false;
  });
  for (let turn = 0; running && turn < 100_000; turn++) await vi.advanceTimersByTimeAsync(10);
  await all;
  return result;
}

describe("a burst of 1,000 calls against a budget that fits 500", () => {
  let bench: Bench;

  afterEach(async () => {
    vi.useRealTimers();
    await bench.stop();
  });

  const spread = (call: number): Nano => (COST * BigInt(50 + ((call * 61) % 101))) / 100n;
  test.each<[string, Burst]>([
    ["bounds of 2 × the cost", { factor: () => 2 }],
    ["bounds of 5 × the cost", { factor: () => 5 }],
    ["bounds of 50 × the cost", { factor: () => 50 }],
    ["bounds of all kinds", { factor: (call) => [1, 2, 5, 20, 50][call % 5]! }],
    [
      "bounds of all kinds, costs from half to one and a half",
      { factor: (call) => [1, 2, 5, 20, 50][call % 5]!, cost: spread },
    ],
    ["bounds of 50 × the cost, calls of 1 to 3 seconds", { factor: () => 50, milliseconds: 1_000 }],
    ["streams of one step, bounds of 50 × the cost", { factor: () => 50, steps: 1n }],
    ["streams of two steps, bounds of 50 × the cost", { factor: () => 50, steps: 2n }],
    ["streams of five steps, bounds of 50 × the cost", { factor: () => 50, steps: 5n }],
    ["bounds of 50 × the cost, a third failing", { factor: () => 50, failing: (call) => call % 3 === 0 }],
  ])("%s", async (_, burst) => {
    bench = new Bench([budget("o", "org", COST * FITTING)]);
    await bench.open();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const result = await run(bench, burst);
    vi.useRealTimers();
    expect(result.overdrawn).toBe(0);
    expect(result.full).toBeGreaterThanOrEqual(475);
    expect(bench.ledger.inFlight).toEqual({ holds: 0, waiting: 0 });
    const { settled, held, left } = bench.ledger.budget("o")!;
    expect(held).toBe(0n);
    expect(left >= 0n && settled <= COST * FITTING).toBe(true);
    await bench.expectBalance();
  });
});
