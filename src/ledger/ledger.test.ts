import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { PHASE } from "../store/spec.ts";
import { Bench, budget, costs, WORLD } from "./ledger.suite.ts";
import { Ledger } from "./ledger.ts";
import type { HoldAsk, SmallerHold } from "./spec.ts";

let bench: Bench;

async function start(...parameters: ConstructorParameters<typeof Bench>): Promise<Bench> {
  bench = new Bench(...parameters);
  await bench.open();
  return bench;
}

afterEach(async () => {
  vi.useRealTimers();
  await bench.stop();
});

/** Shortens to as many tokens as fit, at 10 nano-units a token. */
const shrink = (left: bigint): SmallerHold | undefined => {
  const outputTokens = Number(left / 10n);
  const size = BigInt(outputTokens) * 10n;
  return outputTokens >= 16 ? { amount: size, bound: size, outputTokens } : undefined;
};

const exhausted = expect.objectContaining({ code: "budget_exhausted", status: 402 });

describe("holds", () => {
  test("a hold counts on every budget from the payer to the root until it is settled", async () => {
    await start([
      budget("p", "person", 100n),
      budget("t", "team", 200n),
      budget("o", "org", 300n),
      budget("x", "other", 9n),
    ]);
    const hold = bench.ledger.hold(bench.ask(100n, { full: { amount: 30n, bound: 100n } }));
    expect(hold).not.toBeInstanceOf(Promise);
    const held = await hold;
    await held.durable;
    expect(["p", "t", "o", "x"].map((id) => bench.sums(id).held)).toEqual([30, 30, 30, 0]);
    await bench.ledger.settle(held, costs(7n));
    expect(bench.sums("p")).toEqual({ settled: 7, held: 0, left: 93 });
    expect(bench.sums("o")).toEqual({ settled: 7, held: 0, left: 293 });
    await bench.expectBalance();
  });

  test("all or none: what does not fit one budget is held on none", async () => {
    await start([budget("p", "person", 1_000n), budget("o", "org", 100n)]);
    expect(() => bench.ledger.hold(bench.ask(101n))).toThrow(exhausted);
    expect([bench.sums("p").held, bench.sums("o").held]).toEqual([0, 0]);
    expect(bench.ledger.inFlight).toEqual({ holds: 0, waiting: 0 });
  });

  test("a refusal names the budget, its payer, limit, settled, held, and when it begins anew, in both languages", async () => {
    await start([budget("o-day", "org", 1_500_000_000n, { window: "day", timezone: "Asia/Shanghai" })]);
    await bench.ledger.settle(await bench.hold(500_000_000n), costs(500_000_000n));
    let fault: unknown;
    try {
      await bench.hold(1_000_000_001n);
    } catch (error) {
      fault = error;
    }
    expect(fault).toMatchObject({
      code: "budget_exhausted",
      details: {
        budget: "o-day",
        payer: "org",
        limit: "1.5",
        settled: "0.5",
        held: "0",
        currency: "USD",
        resetsAt: "2026-11-05T16:00:00.000Z",
      },
    });
    const { text } = fault as { text: (language: "en" | "zh") => string };
    for (const part of ["o-day", "org", "1.5 USD", "0.5", "1.000000001 USD", "2026-11-05T16:00:00.000Z"]) {
      expect(text("en")).toContain(part);
      expect(text("zh")).toContain(part);
    }
  });

  test("soft budgets count and never refuse", async () => {
    await start([budget("soft", "org", 10n, { kind: "soft" })]);
    await bench.ledger.settle(await bench.hold(100n), costs(90n));
    expect(bench.sums("soft")).toEqual({ settled: 90, held: 0, left: -80 });
  });

  test("no budget on the way: nothing is refused, everything is recorded", async () => {
    await start([]);
    await bench.ledger.settle(await bench.hold(10n ** 15n), costs(5n));
    await bench.expectBalance();
  });

  test("currencies: bounds round up, costs half to even, by the rate of the hold", async () => {
    await start([budget("yuan", "org", 1_000n, { currency: "CNY" }), budget("dollar", "person", 1_000n)]);
    const hold = await bench.hold(5n);
    expect([bench.sums("yuan").held, bench.sums("dollar").held]).toEqual([36, 5]); // 35.5 up
    await bench.ledger.settle(hold, costs(5n));
    expect([bench.sums("yuan").settled, bench.sums("dollar").settled]).toEqual([36, 5]); // 35.5 to even
    await bench.ledger.settle(await bench.hold(15n), costs(15n));
    expect(bench.sums("yuan").settled).toBe(142); // 106.5 to even is 106
    const rows = await bench.store.query.selectFrom("entries").select("rates").execute();
    expect(new Set(rows.map((row) => row.rates))).toEqual(new Set(["CNY:7.1"]));
    await bench.expectBalance();
  });

  test("no rate into a budget's currency is a clear refusal", async () => {
    await start([budget("yen", "org", 1_000n, { currency: "JPY" })]);
    expect(() => bench.ledger.hold(bench.ask(1n))).toThrow(
      expect.objectContaining({ code: "unpriced_model", message: expect.stringMatching(/USD.*JPY/) }),
    );
  });

  test("a full journal refuses new calls, and still takes what closes the others", async () => {
    await start([budget("o", "org", 1_000n)], { limits: { journalQueue: 2 } });
    const holds = [await bench.hold(1n), await bench.hold(1n)];
    expect(() => bench.ledger.hold(bench.ask(1n))).toThrow(
      expect.objectContaining({ code: "overloaded", status: 503 }),
    );
    expect(bench.ledger.topUp(holds[0]!, { amount: 1n, bound: 1n })).toBe(false);
    await Promise.all(holds.map((hold) => bench.ledger.settle(hold, costs(1n))));
    expect(bench.sums("o")).toEqual({ settled: 2, held: 0, left: 998 });
  });
});

describe("closing", () => {
  test("settling again, or otherwise, changes nothing", async () => {
    await start([budget("o", "org", 100n)]);
    const hold = await bench.hold(50n);
    const settled = bench.ledger.settle(hold, costs(20n));
    expect(bench.ledger.settle(hold, costs(30n))).toBe(settled);
    expect(bench.ledger.release(hold, "error", {})).toBe(settled);
    expect(bench.ledger.leaveUnsettled(hold, "broken", {})).toBe(settled);
    expect(bench.ledger.topUp(hold, { amount: 1n, bound: 1n })).toBe(false);
    await settled;
    expect(bench.sums("o")).toEqual({ settled: 20, held: 0, left: 80 });
    expect(bench.ledger.unsettled()).toEqual([]);
    await bench.expectBalance();
  });

  test("a cost above the bound is recorded in full and marked", async () => {
    await start([budget("o", "org", 100n)]);
    await bench.ledger.settle(await bench.hold(50n), costs(130n, { vendorCost: "0.00000013" }));
    expect(bench.sums("o")).toEqual({ settled: 130, held: 0, left: -30 });
    const row = await bench.store.query
      .selectFrom("entries")
      .selectAll()
      .where("phase", "=", PHASE.close)
      .executeTakeFirstOrThrow();
    expect(row).toMatchObject({ amount: 130n, held: 50n, overrun: 1, detail: '{"vendorCost":"0.00000013"}' });
    expect(() => bench.ledger.hold(bench.ask(1n))).toThrow(exhausted);
  });

  test("a released hold costs nothing", async () => {
    await start([budget("o", "org", 100n)]);
    await bench.ledger.release(await bench.hold(100n), "server_error", { status: 500 });
    expect(bench.sums("o")).toEqual({ settled: 0, held: 0, left: 100 });
    const row = await bench.store.query
      .selectFrom("entries")
      .selectAll()
      .where("phase", "=", PHASE.close)
      .executeTakeFirstOrThrow();
    expect(row).toMatchObject({
      kind: "release",
      amount: 0n,
      held: 100n,
      detail: '{"status":500,"reason":"server_error"}',
    });
    await bench.expectBalance();
  });

  test("what is left unsettled goes on counting at its bound until it is resolved", async () => {
    await start([budget("o", "org", 100n)]);
    await bench.ledger.leaveUnsettled(
      await bench.hold(100n, { full: { amount: 10n, bound: 60n } }),
      "timeout",
      {},
      12n,
    );
    const [doubt] = bench.ledger.unsettled();
    expect(doubt).toMatchObject({
      amount: 60n,
      currency: "USD",
      reason: "timeout",
      estimate: 12n,
      payer: "person",
      since: bench.clock.now(),
    });
    expect(bench.sums("o")).toEqual({ settled: 0, held: 60, left: 40 });
    expect(() => bench.ledger.hold(bench.ask(41n))).toThrow(exhausted);
    await bench.ledger.resolve(doubt!.attempt, {
      action: "settle",
      cost: 25n,
      usage: { output: 9 },
      basis: "vendor-bill",
      reason: "invoice",
    });
    expect(bench.sums("o")).toEqual({ settled: 25, held: 0, left: 75 });
    expect(bench.ledger.unsettled()).toEqual([]);
    const again = bench.ledger.resolve(doubt!.attempt, { action: "release", reason: "?" });
    await expect(again).rejects.toMatchObject({ code: "not_found" });
    await bench.expectBalance();
  });

  test("a resolution may also give everything back", async () => {
    await start([budget("o", "org", 100n)]);
    await bench.ledger.leaveUnsettled(await bench.hold(100n), "broken", {});
    await bench.ledger.resolve(bench.ledger.unsettled()[0]!.attempt, {
      action: "release",
      reason: "the vendor's log shows nothing",
    });
    expect(bench.sums("o")).toEqual({ settled: 0, held: 0, left: 100 });
    await bench.expectBalance();
  });
});

describe("adjustments", () => {
  const total = async (): Promise<number> => {
    const rows = await bench.store.query
      .selectFrom("entries")
      .select("amount")
      .where("kind", "in", ["settle", "adjust"])
      .execute();
    return rows.reduce((sum, row) => sum + Number(row.amount), 0);
  };

  test("add and take, append-only, in every budget's currency, exactly", async () => {
    await start([budget("yuan", "org", 1_000n, { currency: "CNY" }), budget("o", "org", 1_000n)]);
    const hold = await bench.hold(50n);
    await bench.ledger.settle(hold, costs(15n));
    const { attempt } = hold;
    await bench.ledger.adjust({ attempt, amount: 6n, currency: "USD", reason: "invoice" });
    expect([bench.sums("o").settled, bench.sums("yuan").settled]).toEqual([21, 149]); // 149.1
    await bench.ledger.adjust({ attempt, amount: -21n, currency: "USD", reason: "refund" });
    expect([bench.sums("o").settled, bench.sums("yuan").settled, await total()]).toEqual([0, 0, 0]);
    await bench.expectBalance();
    await bench.reopen();
    expect([bench.sums("o").settled, bench.sums("yuan").settled]).toEqual([0, 0]);
  });

  test("several at once do not take more than there is", async () => {
    await start([budget("o", "org", 1_000n)]);
    const hold = await bench.hold(50n);
    await bench.ledger.settle(hold, costs(15n));
    const refund = { attempt: hold.attempt, amount: -10n, currency: "USD", reason: "refund" };
    const done = await Promise.allSettled([bench.ledger.adjust(refund), bench.ledger.adjust(refund)]);
    expect(done.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(bench.sums("o").settled).toBe(5);
    await bench.expectBalance();
  });

  test("what is open, in doubt, unknown or in another currency is not adjusted", async () => {
    await start([budget("o", "org", 1_000n)]);
    const open = await bench.hold(50n);
    const adjust = (attempt: string, currency = "USD") =>
      bench.ledger.adjust({ attempt, amount: 1n, currency, reason: "" });
    await open.durable;
    await expect(adjust(open.attempt)).rejects.toMatchObject({ code: "not_found" });
    await bench.ledger.leaveUnsettled(open, "broken", {});
    await expect(adjust(open.attempt)).rejects.toMatchObject({ code: "not_found" });
    await expect(adjust("call_none.1")).rejects.toMatchObject({ code: "not_found" });
    const settled = await bench.hold(50n);
    await bench.ledger.settle(settled, costs(15n));
    await expect(adjust(settled.attempt, "CNY")).rejects.toMatchObject({ code: "invalid_request", param: "currency" });
  });
});

describe("smaller holds", () => {
  test("what does not fit is shortened to what the rest buys, in the price's own currency", async () => {
    await start([budget("yuan", "org", 2_131n, { currency: "CNY" })]);
    // 2131 / 7.1 = 300.14: 300 nano-dollars fit, 301 do not.
    const lefts: bigint[] = [];
    const hold = await bench.hold(5_000n, {
      shrink: (left) => {
        lefts.push(left);
        return shrink(left);
      },
    });
    expect(lefts).toEqual([300n]);
    expect(hold).toMatchObject({ outputTokens: 30, bound: 300n, stepped: false });
    expect(bench.sums("yuan").held).toBe(2_130);
  });

  test("what is shortened below use is refused", async () => {
    await start([budget("o", "org", 159n)]);
    expect(() => bench.ledger.hold(bench.ask(5_000n, { shrink }))).toThrow(exhausted);
    await bench.setBudgets([budget("o", "org", 160n)]);
    expect(await bench.hold(5_000n, { shrink })).toMatchObject({ outputTokens: 16 });
  });

  test("a stream may hold a step and be topped up until there is no more room", async () => {
    await start([budget("o", "org", 100n)]);
    const step = { amount: 40n, bound: 40n };
    const hold = await bench.hold(1_000n, { step, shrink });
    expect(hold).toMatchObject({ stepped: true, outputTokens: undefined, bound: 40n });
    expect(bench.ledger.topUp(hold, step)).toBe(true);
    expect(bench.ledger.topUp(hold, { amount: 21n, bound: 21n })).toBe(false);
    expect(bench.ledger.topUp(hold, { amount: 20n, bound: 20n })).toBe(true);
    expect(hold).toMatchObject({ amount: 100n, bound: 100n });
    expect(bench.sums("o").held).toBe(100);
    await bench.ledger.settle(hold, costs(85n));
    expect(bench.sums("o")).toEqual({ settled: 85, held: 0, left: 15 });
    await bench.expectBalance();
  });

  test("newcomers leave every stream in flight what it will probably need", async () => {
    await start([budget("o", "org", 1_080n)]);
    for (let i = 0; i < 8; i++) await bench.ledger.settle(await bench.hold(100n), costs(10n));
    await bench.hold(800n);
    // Others used a tenth of their bounds: a stream of at most 300 probably needs 60, which is two steps.
    const step = { amount: 30n, bound: 30n };
    const stream = () => bench.ledger.hold(bench.ask(300n, { step }));
    const streams = [stream(), stream(), stream()];
    expect(streams.map((hold) => hold instanceof Promise)).toEqual([false, false, false]);
    const fourth = stream(); // 200 − 3 × 30 held − 3 × 30 kept free
    expect(fourth).toBeInstanceOf(Promise);
    const [first, second] = await Promise.all(streams);
    expect(bench.ledger.topUp(first!, step)).toBe(true);
    await bench.ledger.settle(first!, costs(10n));
    await bench.ledger.settle(second!, costs(10n));
    expect(await fourth).toMatchObject({ stepped: true });
  });

  test("after a third of its patience a call takes what is ample, though its whole bound would fit later", async () => {
    await start([budget("o", "org", 1_080n)], { limits: { holdWaitMs: 3_000 } });
    for (let i = 0; i < 8; i++) await bench.ledger.settle(await bench.hold(100n), costs(10n));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    await bench.hold(700n);
    const waiting = bench.hold(1_000n, { shrink });
    await Promise.resolve();
    vi.advanceTimersByTime(999);
    expect(bench.ledger.inFlight.waiting).toBe(1);
    vi.advanceTimersByTime(1);
    expect(await waiting).toMatchObject({ bound: 300n, outputTokens: 30 });
  });

  test("whoever is shortened while others wait leaves them their part", async () => {
    await start([budget("o", "org", 1_008n)]);
    for (let i = 0; i < 8; i++) await bench.ledger.settle(await bench.hold(100n), costs(1n));
    const all = await bench.hold(1_000n);
    const waiting = [0, 1, 2].map(() => bench.hold(5_000n, { shrink }));
    await Promise.resolve();
    await bench.ledger.settle(all, costs(10n));
    const holds = await Promise.all(waiting);
    expect(holds.map(({ bound }) => bound)).toEqual([330n, 330n, 330n]);
  });
});

describe("waiting", () => {
  test("what fits once the others have settled waits for it, first come first served", async () => {
    await start([budget("o", "org", 100n)]);
    const first = await bench.hold(80n);
    const order: string[] = [];
    const waiters = ["a", "b", "c"].map((name) =>
      bench.hold(60n).then((hold) => {
        order.push(name);
        return hold;
      }),
    );
    // A smaller one that would fit does not overtake.
    const small = bench.hold(10n).then(() => order.push("small"));
    await Promise.resolve();
    expect(bench.ledger.inFlight).toEqual({ holds: 1, waiting: 4 });
    await bench.ledger.settle(first, costs(5n));
    await bench.ledger.settle(await waiters[0]!, costs(5n));
    await bench.ledger.settle(await waiters[1]!, costs(5n));
    await Promise.all([waiters[2], small]);
    expect(order).toEqual(["a", "b", "c", "small"]);
    await bench.expectBalance();
  });

  test("what can never fit is decided at once when nothing in flight can make room", async () => {
    await start([budget("o", "org", 100n)]);
    const first = await bench.hold(100n);
    const waiting = expect(bench.hold(60n)).rejects.toEqual(exhausted);
    await bench.ledger.settle(first, costs(50n));
    await waiting;
    const second = await bench.hold(50n);
    const useful = expect(
      bench.hold(5_000n, {
        shrink: (left) => (left >= 20n ? { amount: 20n, bound: 20n, outputTokens: 20 } : undefined),
      }),
    ).rejects.toEqual(exhausted);
    await bench.ledger.leaveUnsettled(second, "timeout", {});
    await useful;
  });

  test("nobody waits for what is in doubt", async () => {
    await start([budget("o", "org", 100n)]);
    await bench.ledger.leaveUnsettled(await bench.hold(80n), "timeout", {});
    expect(() => bench.ledger.hold(bench.ask(60n))).toThrow(exhausted);
  });

  test("a higher limit wakes", async () => {
    await start([budget("o", "org", 100n)]);
    await bench.hold(80n);
    const waiting = bench.hold(60n);
    await Promise.resolve();
    await bench.setBudgets([budget("o", "org", 140n)]);
    expect(await waiting).toMatchObject({ bound: 60n });
  });

  test("a budget taken away wakes", async () => {
    await start([budget("o", "org", 100n)]);
    await bench.hold(80n);
    const waiting = bench.hold(60n);
    await Promise.resolve();
    await bench.setBudgets([]);
    expect(await waiting).toMatchObject({ bound: 60n });
  });

  test("a new window wakes", async () => {
    await start([budget("hour", "org", 100n, { window: "hour" })], { at: "2026-11-05T10:59:59Z" });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    await bench.hold(80n);
    const waiting = bench.hold(60n);
    await Promise.resolve();
    bench.clock.advance(1_000);
    vi.advanceTimersByTime(1_000);
    expect(await waiting).toMatchObject({ bound: 60n });
    expect(bench.sums("hour")).toEqual({ settled: 0, held: 60, left: 40 });
  });

  test("patience ends: what is left now is taken, else the call is refused", async () => {
    await start([budget("o", "org", 100n)], { limits: { holdWaitMs: 5_000 } });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    await bench.hold(80n);
    const refused = bench.hold(60n);
    const shortened = bench.hold(60n, {
      shrink: (left) => (left >= 20n ? { amount: 20n, bound: 20n, outputTokens: 20 } : undefined),
    });
    refused.catch(() => {});
    await Promise.resolve();
    vi.advanceTimersByTime(4_900);
    await Promise.resolve();
    expect(bench.ledger.inFlight.waiting).toBe(2);
    vi.advanceTimersByTime(100);
    await expect(refused).rejects.toEqual(exhausted);
    expect(await shortened).toMatchObject({ outputTokens: 20 });
    expect(bench.ledger.inFlight.waiting).toBe(0);
  });

  test("who goes away leaves the line", async () => {
    await start([budget("o", "org", 100n)]);
    const first = await bench.hold(80n);
    const gone = new AbortController();
    const waiting = bench.hold(90n, { signal: gone.signal });
    const behind = bench.hold(20n);
    await Promise.resolve();
    gone.abort();
    await expect(waiting).rejects.toMatchObject({ code: "timeout" });
    expect(await behind).toMatchObject({ bound: 20n });
    await expect(bench.hold(90n, { signal: gone.signal })).rejects.toMatchObject({ code: "timeout" });
    expect(bench.ledger.inFlight).toEqual({ holds: 2, waiting: 0 });
    await bench.ledger.settle(first, costs(1n));
  });

  test("a full waiting room decides at once", async () => {
    await start([budget("o", "org", 100n)], { limits: { holdWaiters: 1 } });
    await bench.hold(80n);
    void bench.hold(60n).catch(() => {});
    expect(() => bench.ledger.hold(bench.ask(60n))).toThrow(exhausted);
  });

  test("a waiter blocked by two budgets one after the other keeps its place", async () => {
    await start([budget("t", "team", 100n), budget("o", "org", 100n)]);
    const below = await bench.hold(60n);
    const waiting = bench.hold(70n); // lacks room in t, then in o
    const later = bench.hold(10n, { payer: "other" }).then(() => "later");
    expect(await later).toBe("later"); // o has room and nobody waits for it
    const other = await bench.hold(30n, { payer: "other" }).catch(() => undefined);
    await bench.ledger.settle(below, costs(1n));
    const behind = bench.hold(1n, { payer: "other" }).then(() => "behind");
    expect(await Promise.race([behind, Promise.resolve("waits")])).toBe("waits");
    await bench.ledger.settle(other!, costs(1n));
    expect(await waiting).toMatchObject({ bound: 70n });
    expect(await behind).toBe("behind");
  });
});

describe("windows", () => {
  test("a hold belongs to the window in which it was made", async () => {
    await start([budget("day", "org", 100n, { window: "day", timezone: "Asia/Shanghai" })], {
      at: "2026-11-05T15:59:59Z",
    });
    const hold = await bench.hold(70n);
    const doubt = await bench.hold(20n);
    bench.clock.set("2026-11-05T16:00:00Z");
    expect(bench.sums("day")).toEqual({ settled: 0, held: 0, left: 100 });
    expect(bench.ledger.budget("day")).toMatchObject({
      windowStart: Date.parse("2026-11-05T16:00:00Z"),
      resetsAt: Date.parse("2026-11-06T16:00:00Z"),
    });
    expect(bench.ledger.topUp(hold, { amount: 11n, bound: 11n })).toBe(false);
    expect(bench.ledger.topUp(hold, { amount: 10n, bound: 10n })).toBe(true);
    await bench.ledger.settle(hold, costs(60n));
    await bench.ledger.leaveUnsettled(doubt, "timeout", {});
    expect(bench.sums("day")).toEqual({ settled: 0, held: 0, left: 100 });
    await bench.ledger.resolve(doubt.attempt, { action: "settle", cost: 20n, basis: "vendor-bill", reason: "" });
    expect(bench.sums("day")).toEqual({ settled: 0, held: 0, left: 100 });
    const windows = await bench.store.query
      .selectFrom("budget_windows")
      .select(["window", "settled"])
      .where("settled", ">", 0n)
      .execute();
    expect(windows).toEqual([{ window: Date.parse("2026-11-04T16:00:00Z"), settled: 80n }]);
    await bench.expectBalance();
  });

  test("a clock that goes back opens no earlier window again, before and after a restart", async () => {
    await start([budget("hour", "org", 100n, { window: "hour" })]);
    await bench.ledger.settle(await bench.hold(50n), costs(50n));
    bench.clock.set("2026-11-05T09:00:00Z");
    expect(bench.sums("hour").settled).toBe(50);
    await bench.reopen();
    expect(bench.sums("hour").settled).toBe(50);
    bench.clock.set("2026-11-05T11:00:00Z");
    expect(bench.sums("hour").settled).toBe(0);
  });
});

describe("restarts", () => {
  test("budgets stand where they stood; what a crash left open is in doubt at its bound, top-ups included", async () => {
    await start([budget("p", "person", 1_000n), budget("yuan", "org", 10_000n, { currency: "CNY" })]);
    await bench.ledger.settle(await bench.hold(50n), costs(30n));
    const open = await bench.hold(100n, { full: { amount: 10n, bound: 100n } });
    bench.ledger.topUp(open, { amount: 50n, bound: 50n });
    await bench.ledger.leaveUnsettled(await bench.hold(7n), "timeout", {}, 3n);
    bench.clock.advance(60_000);
    await bench.reopen();
    expect(bench.ledger.recovery).toMatchObject({ crashed: [open.attempt], unsettled: 2, problems: [] });
    expect(
      bench.ledger
        .unsettled()
        .map(({ amount, reason, estimate, since }) => [amount, reason, estimate, bench.clock.now() - since]),
    ).toEqual([
      [7n, "timeout", 3n, 60_000],
      [150n, "crash", undefined, 0],
    ]);
    expect(bench.sums("p")).toEqual({ settled: 30, held: 157, left: 813 });
    expect(bench.sums("yuan")).toEqual({ settled: 213, held: 50 + 1065, left: 10_000 - 213 - 1115 });
    await bench.expectBalance();
    await bench.reopen();
    expect(bench.ledger.recovery).toMatchObject({ crashed: [], unsettled: 2 });
    await bench.ledger.resolve(open.attempt, { action: "settle", cost: 140n, basis: "vendor-bill", reason: "invoice" });
    expect(bench.sums("p")).toEqual({ settled: 170, held: 7, left: 823 });
    expect(bench.sums("yuan").settled).toBe(213 + 994);
    await bench.expectBalance();
  });

  test("a budget that came into being under a stream has it in doubt at its whole bound, however far it was topped up", async () => {
    await start([]);
    const open = await bench.hold(100n);
    await bench.setBudgets([budget("team", "team", 1_000n), budget("yuan", "org", 10_000n, { currency: "CNY" })]);
    bench.ledger.topUp(open, { amount: 50n, bound: 50n });
    await bench.reopen();
    expect(bench.sums("team")).toEqual({ settled: 0, held: 150, left: 850 });
    expect(bench.sums("yuan")).toEqual({ settled: 0, held: 1_065, left: 10_000 - 1_065 });
    await bench.ledger.resolve(open.attempt, { action: "settle", cost: 100n, basis: "vendor-bill", reason: "" });
    expect(bench.sums("team")).toEqual({ settled: 100, held: 0, left: 900 });
    expect(bench.sums("yuan")).toEqual({ settled: 710, held: 0, left: 10_000 - 710 });
    await bench.expectBalance();
  });

  test("the newest attempt is known, so that ids go on after it", async () => {
    await start([]);
    expect(bench.ledger.lastAttempt).toBeUndefined();
    const hold = await bench.hold(1n);
    await hold.durable;
    await bench.reopen();
    expect(bench.ledger.lastAttempt).toBe(hold.attempt);
  });

  test("recovery finds an attempt that is older than the mark", async () => {
    await start([budget("o", "org", 100n)]);
    const early = bench.ask(1n);
    await bench.ledger.settle(await bench.hold(1n), costs(1n));
    await bench.reopen(); // the mark is at the settled attempt now
    await (await bench.ledger.hold(early)).durable;
    await bench.reopen();
    expect(bench.ledger.recovery.crashed).toEqual([early.attempt]);
  });

  test("a row that is written twice counts once", async () => {
    await start([budget("o", "org", 100n)]);
    const hold = await bench.hold(50n);
    await bench.ledger.settle(hold, costs(30n));
    const row = await bench.store.query
      .selectFrom("entry_rows")
      .selectAll()
      .where("phase", "=", 1)
      .executeTakeFirstOrThrow();
    await expect(bench.store.query.insertInto("entry_rows").values(row).execute()).rejects.toThrow(/unique/i);
    await bench.expectBalance();
  });
});

describe("changes of budgets", () => {
  const spend = async (cost: bigint, changes: Partial<HoldAsk> = {}): Promise<void> => {
    await bench.ledger.settle(await bench.hold(cost, changes), costs(cost));
  };

  test("a lower limit refuses at once, and what was spent stays", async () => {
    await start([budget("o", "org", 100n)]);
    await spend(60n);
    await bench.setBudgets([budget("o", "org", 50n)]);
    expect(bench.sums("o")).toEqual({ settled: 60, held: 0, left: -10 });
    expect(() => bench.ledger.hold(bench.ask(1n))).toThrow(exhausted);
  });

  test("a new budget counts what was spent, is in flight and in doubt below it in its window", async () => {
    await start([], { at: "2026-11-04T10:00:00Z" });
    await spend(1n);
    bench.clock.set("2026-11-05T10:00:00Z");
    await spend(10n);
    await spend(20n, { payer: "other" });
    await spend(71n, { currency: "CNY" });
    const open = await bench.hold(100n);
    await bench.ledger.leaveUnsettled(await bench.hold(1_000n), "timeout", {});
    const day = { window: "day" } as const;
    await bench.setBudgets([
      budget("team-day", "team", 9_000n, day),
      budget("org-day", "org", 99_000n, { ...day, currency: "CNY" }),
      budget("org-total", "org", 9_000n),
    ]);
    expect(bench.sums("team-day")).toEqual({ settled: 20, held: 1_100, left: 7_880 });
    expect(bench.sums("org-day")).toEqual({ settled: 213 + 71, held: 7_810, left: 99_000 - 284 - 7_810 });
    expect(bench.sums("org-total").settled).toBe(41);
    await bench.ledger.settle(open, costs(50n));
    expect(bench.sums("team-day")).toEqual({ settled: 70, held: 1_000, left: 7_930 });
    expect(bench.sums("org-day").settled).toBe(284 + 355);
    await bench.expectBalance();
    await bench.reopen();
    expect(bench.sums("team-day")).toEqual({ settled: 70, held: 1_000, left: 7_930 });
    expect(bench.sums("org-day")).toEqual({ settled: 639, held: 7_100, left: 99_000 - 639 - 7_100 });
    const [doubt] = bench.ledger.unsettled();
    await bench.ledger.resolve(doubt!.attempt, { action: "settle", cost: 200n, basis: "vendor-bill", reason: "" });
    expect(bench.sums("team-day").settled).toBe(270);
    await bench.expectBalance();
  });

  test("while its past is read, calls go on and none is counted twice or not at all", async () => {
    await start([budget("o", "org", 10_000n)]);
    let spent = 0n;
    let running = true;
    const load = Promise.all(
      Array.from({ length: 8 }, async () => {
        while (running) {
          await spend(3n);
          spent += 3n;
          await sleep(1); // the vendor answers
        }
      }),
    );
    for (let i = 1; i <= 6; i++) {
      await bench.setBudgets([
        budget("o", "org", 10n ** 9n),
        budget("fresh", i % 2 ? "team" : "person", 10n ** 9n, { window: i % 3 ? "total" : "month" }),
      ]);
    }
    running = false;
    await load;
    expect(bench.sums("fresh")).toMatchObject({ settled: Number(spent), held: 0 });
    expect(bench.sums("o").settled).toBe(Number(spent));
    await bench.expectBalance();
    await bench.reopen();
    expect(bench.sums("fresh").settled).toBe(Number(spent));
  });

  test("a correction that is under way while a budget is opened counts in it once", async () => {
    await start([budget("o", "org", 1_000n)]);
    const hold = await bench.hold(100n);
    await bench.ledger.settle(hold, costs(100n));
    const { store, clock, limits, budgets, world } = bench;
    // The correction's question for currencies is answered only once the budget is in force.
    let answer!: () => void;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const questions: unknown[] = [];
    const query = store.query.withPlugin({
      transformQuery: ({ node, queryId }) => {
        const asked = node.kind === "SelectQueryNode" ? JSON.stringify(node) : "";
        const asks = asked.includes('"budget_books"') && asked.includes('"currency"');
        if (asks) questions.push(queryId);
        return node;
      },
      transformResult: async ({ queryId, result }) => {
        if (questions.includes(queryId)) await answered;
        return result;
      },
    });
    bench.ledger = await Ledger.open({ store: { ...store, query }, clock, limits, budgets, world });
    const adjusting = bench.ledger.adjust({ attempt: hold.attempt, amount: 7n, currency: "USD", reason: "agreed" });
    await vi.waitFor(() => expect(questions).toHaveLength(1));
    await bench.setBudgets([budget("o", "org", 1_000n), budget("team", "team", 1_000n)]);
    answer();
    await adjusting;
    expect(bench.sums("team").settled).toBe(107);
    expect(bench.sums("o").settled).toBe(107);
    await bench.expectBalance();
  });

  test("a budget that comes back after it was taken away counts what was spent meanwhile", async () => {
    await start([budget("o", "org", 1_000n)]);
    await spend(10n);
    await bench.setBudgets([]);
    expect(bench.ledger.budgets()).toEqual([]);
    await spend(5n);
    await bench.setBudgets([budget("o", "org", 1_000n)]);
    expect(bench.sums("o").settled).toBe(15);
    await bench.expectBalance();
  });

  test("a budget moved to another payer counts that payer's calls", async () => {
    await start([budget("b", "team", 1_000n)]);
    await spend(10n);
    await spend(7n, { payer: "other" });
    await bench.setBudgets([budget("b", "other", 1_000n)]);
    expect(bench.sums("b").settled).toBe(7);
    await bench.setBudgets([budget("b", "org", 1_000n)]);
    expect(bench.sums("b").settled).toBe(17);
    await bench.expectBalance();
  });

  test("a change whose past was not read before the program ended is made good at the start", async () => {
    await start([budget("o", "org", 1_000n)]);
    await spend(10n);
    bench.budgets = [budget("o", "org", 1_000n), budget("t", "team", 1_000n)];
    await bench.reopen();
    expect(bench.sums("t").settled).toBe(10);
    // Registered, but not read: as if the program had ended between the two.
    await bench.store.query.updateTable("budget_books").set({ base: null }).where("book", "=", "t").execute();
    await bench.store.query.deleteFrom("budget_windows").where("book", "=", "t").execute();
    await bench.reopen();
    expect(bench.sums("t").settled).toBe(10);
    await bench.expectBalance();
  });

  test("a wrong budget, or one without a rate, changes nothing", async () => {
    await start([budget("o", "org", 1_000n)]);
    await spend(10n);
    const before = bench.ledger.budgets();
    for (const wrong of [
      { amount: "much" },
      { timezone: "Mars/Olympus", window: "day" as const },
      { currency: "JPY" },
    ]) {
      const change = bench.setBudgets([budget("o", "org", 5n), budget("w", "org", 1n, wrong)]);
      await expect(change).rejects.toMatchObject({ code: "invalid_request" });
    }
    expect(bench.ledger.budgets()).toEqual(before);
    await spend(100n);
    await bench.reopen();
    expect(bench.sums("o").settled).toBe(110);
    await bench.expectBalance();
  });

  test("a payer that moves takes its future with it, not its past", async () => {
    await start([budget("t", "team", 1_000n), budget("x", "other", 1_000n)]);
    await spend(10n);
    const path = ["person", "other", "org"];
    bench.world = { ...WORLD, pathOf: (payer) => (payer === "person" ? path : WORLD.pathOf(payer)) };
    await bench.setBudgets(bench.budgets);
    await spend(5n, { path });
    expect([bench.sums("t").settled, bench.sums("x").settled]).toEqual([10, 5]);
  });
});

describe("the audit", () => {
  test.each([
    ["update entry_rows set held = held + 1 where phase = 1 and kind = 'settle'", /gave back|given back/],
    ["delete from entry_rows where phase = 0 and n = 0", /without having been held/],
    ["update budget_windows set settled = settled + 1", /budget's sum/],
    ["delete from budget_windows", /budget's sum/],
    ["update usage_hourly set cost = cost + 1", /cost says/],
    ["update usage_hourly set output = 0", /output says/],
    ["update usage_hourly set attempts = 7", /attempts says/],
    ["update usage_days set cost_2 = cost_2 + 1", /cost of these eight hours says/],
    ["update usage_days set output_tokens_2 = 0", /output_tokens of these eight hours says/],
    ["delete from usage_days", /calls of these eight hours says 0/],
    ["delete from unsettled", /not in the list/],
    ["delete from entry_rows where kind = 'unsettled'", /not by its entries/],
    ["update entry_rows set phase = 2 where kind = 'release'", /without having been in doubt/],
  ])("finds %s", async (statement, finding) => {
    await start([budget("o", "org", 1_000n)]);
    await bench.ledger.settle(await bench.hold(10n), costs(5n));
    await bench.ledger.release(await bench.hold(10n), "error", {});
    await bench.ledger.leaveUnsettled(await bench.hold(10n), "timeout", {});
    await bench.expectBalance();
    const { sql } = await import("kysely");
    await sql.raw(statement).execute(bench.store.query);
    const { problems } = await bench.ledger.audit();
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.map(({ what }) => what("en")).join("\n")).toMatch(finding);
    expect(problems.map(({ what }) => what("zh")).join("\n")).toMatch(/[\u4e00-\u9fff]/);
  });

  test("gives the trial balance", async () => {
    await start([]);
    await bench.ledger.settle(await bench.hold(10n), costs(5n));
    await bench.ledger.settle(await bench.hold(10n, { currency: "CNY" }), costs(6n));
    await bench.ledger.leaveUnsettled(await bench.hold(8n), "timeout", {});
    await (await bench.hold(3n)).durable;
    expect(await bench.ledger.audit()).toEqual({
      entries: 7,
      problems: [],
      balances: [
        { currency: "CNY", held: 0n, unsettled: 0n, spent: 6n },
        { currency: "USD", held: 3n, unsettled: 8n, spent: 5n },
      ],
    });
  });
});
