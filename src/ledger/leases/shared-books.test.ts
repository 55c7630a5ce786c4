import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { Limits } from "../../base/limits.ts";
import type { BudgetSetting } from "../../config/settings.ts";
import { onPostgres } from "../../store/postgres.suite.ts";
import { Fenced } from "../../store/spec.ts";
import { budget, costs } from "../ledger.suite.ts";
import type { BudgetState } from "../spec.ts";
import { LeaseOffice } from "./lease-office.ts";
import { type Node, Nodes } from "./nodes.suite.ts";
import { SharedBudgets } from "./shared-budgets.ts";

let nodes: Nodes;
let makeUrl: () => Promise<string | undefined>;
afterEach(() => nodes.stop());

async function share(budgets: readonly BudgetSetting[], limits: Partial<Limits> = {}): Promise<void> {
  nodes = new Nodes(budgets, limits, await makeUrl());
}

async function sums(node: Node, id: string): Promise<{ settled: number; held: number; left: number }> {
  const states = await node.ledger.readBudgets();
  const { settled, held, left } = states.find(({ setting }) => setting.id === id) as BudgetState;
  return { settled: Number(settled), held: Number(held), left: Number(left) };
}

async function expectBalance(node: Node): Promise<void> {
  const { problems } = await node.ledger.audit();
  expect(problems.map(({ where, what }) => `${where}: ${what("en")}`)).toEqual([]);
}

/** As a node does that has heard nothing of another one. Returns the attempts that are in doubt by that. */
async function takeSeatAway(from: Node, by: Node): Promise<readonly string[] | undefined> {
  const { seat, epoch } = await by.store.query
    .selectFrom("nodes")
    .select(["seat", "epoch"])
    .where("name", "=", from.name)
    .executeTakeFirstOrThrow();
  return new LeaseOffice(by.store).end({ number: seat, epoch }, "silent", nodes.clock.now());
}

async function soon(check: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await check();
      return;
    } catch (error) {
      if (tries === 300) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

describe("on SQLite", () => {
  beforeAll(() => {
    makeUrl = async () => undefined;
  });
  testNodes();
});

onPostgres("on PostgreSQL", (server) => {
  beforeAll(() => {
    makeUrl = () => server().createDatabase();
  });
  testNodes();
});

function testNodes(): void {
  test("see the same sums, and give a budget once", async () => {
    await share([budget("org-total", "org", 1_000n)]);
    const [a, b] = [await nodes.join(), await nodes.join()];
    const first = await a.hold(600n);
    expect(await sums(b, "org-total")).toEqual({ settled: 0, held: 600, left: 400 });
    const other = await b.hold(400n);
    await a.ledger.settle(first, costs(600n));
    await b.ledger.settle(other, costs(250n));
    expect(await sums(a, "org-total")).toEqual({ settled: 850, held: 0, left: 150 });
    await expect(a.hold(151n)).rejects.toMatchObject({ code: "budget_exhausted" });
    await (await a.hold(150n)).durable;
    await expectBalance(b);
  });

  test("a call waits for what is in flight at another node", async () => {
    await share([budget("org-total", "org", 1_000n)]);
    const [a, b] = [await nodes.join(), await nodes.join()];
    const first = await a.hold(900n);
    const waiting = b.hold(500n);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await a.ledger.settle(first, costs(100n));
    await waiting;
    expect(await sums(a, "org-total")).toEqual({ settled: 100, held: 500, left: 400 });
  });

  test("a burst at four nodes uses a budget up and never passes it", async () => {
    await share([budget("org-total", "org", 10_000n), budget("team-total", "team", 8_000n)]);
    for (let i = 0; i < 4; i++) await nodes.join();
    let over = 0;
    let done = false;
    const watching = (async () => {
      while (!done) {
        for (const { settled, held, limit } of await nodes.nodes[0]!.ledger.readBudgets())
          if (settled + held > limit) over++;
      }
    })();
    let spent = 0n;
    const call = async (node: Node, i: number): Promise<boolean> => {
      try {
        const hold = await node.hold(30n);
        await new Promise((resolve) => setTimeout(resolve, 5 + (i % 20)));
        const cost = BigInt(8 + (i % 5));
        await node.ledger.settle(hold, costs(cost));
        spent += cost;
        return true;
      } catch {
        return false;
      }
    };
    const admitted = await Promise.all(Array.from({ length: 1_600 }, (_, i) => call(nodes.nodes[i % 4]!, i)));
    done = true;
    await watching;
    expect(over).toBe(0);
    expect(admitted.filter(Boolean).length).toBeGreaterThan(780);
    const { settled, held } = await sums(nodes.nodes[1]!, "team-total");
    expect(settled).toBe(Number(spent));
    expect(held).toBe(0);
    // Ten on the average, and nothing that fits is refused while anything is left.
    expect(settled).toBeGreaterThan(8_000 - 30);
    await expectBalance(nodes.nodes[2]!);
  });

  test("what a dead node had in flight is in doubt, and the rest of its slice is free again", async () => {
    await share([budget("org-total", "org", 1_000n)], { nodeSilenceMs: 2_500 });
    const [a, b] = [await nodes.join(), await nodes.join()];
    const settled = await a.hold(300n);
    await a.ledger.settle(settled, costs(100n));
    const open = await a.hold(200n);
    await a.kill();
    await soon(async () => expect(await b.ledger.readUnsettled()).toHaveLength(1));
    expect(await sums(b, "org-total")).toEqual({ settled: 100, held: 200, left: 700 });
    await b.hold(700n);
    await expectBalance(b);
    await b.ledger.resolve(open.attempt, { action: "settle", cost: 50n, basis: "vendor-bill", reason: "invoice" });
    await expect(b.ledger.resolve(open.attempt, { action: "release", reason: "again" })).rejects.toMatchObject({
      code: "not_found",
    });
    expect(await sums(b, "org-total")).toEqual({ settled: 150, held: 700, left: 150 });
    await expectBalance(b);
  });

  test("a node that starts again on its data folder takes back what it left at once", async () => {
    await share([budget("org-total", "org", 1_000n)]);
    const a = await nodes.join("same");
    await a.hold(300n);
    await a.kill();
    const again = await nodes.join("same");
    expect(again.ledger.recovery.crashed).toHaveLength(1);
    expect(await sums(again, "org-total")).toEqual({ settled: 0, held: 300, left: 700 });
    await expectBalance(again);
  });

  test("a node whose seat was taken away goes on under another, and its late settlement resolves the doubt", async () => {
    await share([budget("org-total", "org", 1_000n)]);
    const [a, b] = [await nodes.join(), await nodes.join()];
    const open = await a.hold(300n);
    expect(await takeSeatAway(a, b)).toEqual([open.attempt]);
    await a.ledger.settle(open, costs(120n));
    expect(await b.ledger.readUnsettled()).toEqual([]);
    expect(await sums(b, "org-total")).toEqual({ settled: 120, held: 0, left: 880 });
    await soon(async () => {
      const next = await a.hold(100n);
      await a.ledger.settle(next, costs(10n));
    });
    await soon(async () => expect((await sums(b, "org-total")).held).toBe(0));
    expect((await sums(b, "org-total")).settled).toBe(130);
    await expectBalance(a);
  });

  test("what is given back, or left in doubt, the moment the seat is taken away needs nobody to resolve it", async () => {
    await share([budget("org-total", "org", 1_000n)]);
    const [a, b] = [await nodes.join(), await nodes.join()];
    const [refused, dubious] = [await a.hold(300n), await a.hold(200n)];
    expect(await takeSeatAway(a, b)).toEqual([refused.attempt, dubious.attempt]);
    await Promise.all([a.ledger.release(refused, "refused", {}), a.ledger.leaveUnsettled(dubious, "broken", {})]);
    const doubts = await b.ledger.readUnsettled();
    expect(doubts.map(({ attempt, reason }) => [attempt, reason])).toEqual([[dubious.attempt, "silent"]]);
    expect(await sums(b, "org-total")).toEqual({ settled: 0, held: 200, left: 800 });
    await expectBalance(b);
  });

  test("a budget that comes into being counts what all nodes have spent and hold", async () => {
    await share([budget("org-total", "org", 10_000n)]);
    const [a, b] = [await nodes.join(), await nodes.join()];
    await a.ledger.settle(await a.hold(300n), costs(200n));
    await b.ledger.settle(await b.hold(300n), costs(30n));
    const open = [await a.hold(100n), await b.hold(50n)];
    await nodes.setBudgets([budget("org-total", "org", 10_000n), budget("team-total", "team", 1_000n)]);
    await soon(async () => expect(await sums(a, "team-total")).toEqual({ settled: 230, held: 150, left: 620 }));
    await a.ledger.settle(open[0]!, costs(40n));
    await b.ledger.release(open[1]!, "failed", {});
    expect(await sums(b, "team-total")).toEqual({ settled: 270, held: 0, left: 730 });
    await expect(b.hold(731n)).rejects.toMatchObject({ code: "budget_exhausted" });
    await b.hold(730n);
    await expectBalance(a);
  });

  test("a lower limit holds for all of them", async () => {
    await share([budget("org-total", "org", 10_000n)]);
    const [a, b] = [await nodes.join(), await nodes.join()];
    await a.ledger.settle(await a.hold(3_000n), costs(100n));
    await nodes.setBudgets([budget("org-total", "org", 500n)]);
    await expect(a.hold(401n)).rejects.toMatchObject({ code: "budget_exhausted" });
    await expect(b.hold(401n)).rejects.toMatchObject({ code: "budget_exhausted" });
    await b.hold(400n);
  });

  test("a correction by any node moves the budget", async () => {
    await share([budget("org-total", "org", 1_000n)]);
    const [a, b] = [await nodes.join(), await nodes.join()];
    const hold = await a.hold(300n);
    await a.ledger.settle(hold, costs(200n));
    const { attempt } = hold;
    await Promise.all([
      a.ledger.adjust({ attempt, amount: -30n, currency: "USD", reason: "credit" }),
      b.ledger.adjust({ attempt, amount: -20n, currency: "USD", reason: "credit" }),
    ]);
    expect(await sums(b, "org-total")).toEqual({ settled: 150, held: 0, left: 850 });
    await expectBalance(b);
  });

  test("windows roll: what was leased of the one before is left", async () => {
    await share([budget("org-hour", "org", 1_000n, { window: "hour" })]);
    const [a, b] = [await nodes.join(), await nodes.join()];
    const open = await a.hold(300n);
    await b.ledger.settle(await b.hold(600n), costs(500n));
    nodes.clock.advance(3_600_000);
    await b.hold(900n);
    await a.ledger.settle(open, costs(250n));
    expect(await sums(a, "org-hour")).toEqual({ settled: 0, held: 900, left: 100 });
    await soon(async () => {
      const rows = await a.store.query
        .selectFrom("leases")
        .select("window")
        .where("window", "<", nodes.clock.now() - 1)
        .execute();
      expect(rows).toEqual([]);
    });
    await expectBalance(a);
  });

  test("a window is not left in the name of whoever has the seat by now", async () => {
    await share([budget("org-total", "org", 1_000n)]);
    const a = await nodes.join();
    await a.hold(300n);
    const office = new LeaseOffice(a.store);
    const leases = a.store.query.selectFrom("leases").select(["seat", "book", "window", "granted"]);
    const before = await leases.execute();
    const { seat } = before[0]!;
    await expect(office.retire({ number: seat, epoch: 0 }, before)).rejects.toBeInstanceOf(Fenced);
    expect(await leases.execute()).toEqual(before);
  });

  test("a grant whose answer is lost is given back", async () => {
    await share([budget("org-total", "org", 1_000n)]);
    const [a, b] = [await nodes.join(), await nodes.join()];
    const gone = new AbortController();
    const { draw } = LeaseOffice.prototype;
    vi.spyOn(LeaseOffice.prototype, "draw").mockImplementationOnce(async function (this: LeaseOffice, seat, draws) {
      await draw.call(this, seat, draws);
      gone.abort();
      throw new Error("the connection is lost");
    });
    await expect(a.hold(300n, { signal: gone.signal })).rejects.toMatchObject({ code: "timeout" });
    await b.hold(1_000n);
    expect(a.troubles.splice(0)).toHaveLength(1);
  });

  test("a new budget whose past cannot be read now is not closed, but comes into force later", async () => {
    await share([budget("org-total", "org", 1_000n)]);
    const [a] = [await nodes.join(), await nodes.join()];
    const away = vi.spyOn(SharedBudgets.prototype, "openPending").mockRejectedValue(new Error("the store is away"));
    await nodes.setBudgets([budget("org-total", "org", 1_000n), budget("team-total", "team", 100n)]);
    away.mockRestore();
    const books = a.store.query.selectFrom("budget_books").select(["book", "closed_at"]).orderBy("book");
    expect(await books.execute()).toEqual([
      { book: "org-total", closed_at: null },
      { book: "team-total", closed_at: null },
    ]);
    for (const node of nodes.nodes) {
      await soon(async () => expect(node.ledger.budget("team-total")?.limit).toBe(100n));
      await expect(node.hold(101n)).rejects.toMatchObject({ code: "budget_exhausted" });
      node.troubles.length = 0;
    }
  });

  test("a node that starts shows that it lives while it waits for another one to follow", async () => {
    await share([budget("org-total", "org", 1_000n)], { nodeSilenceMs: 2_100 });
    await nodes.join();
    // The first one never hears of the change.
    nodes.version += 1;
    nodes.budgets = [...nodes.budgets, budget("team-total", "team", 100n)];
    const late = await nodes.join();
    await late.hold(10n);
    await expectBalance(late);
  }, 30_000);
}
