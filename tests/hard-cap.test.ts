import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { costOf, halfEven, nano, random, sum } from "./harness/arithmetic.ts";
import { billedIn, budgetsOf, closedTally, expectCleanAudit, watchBudgets } from "./harness/books.ts";
import { type RunningMaidan, startMaidan } from "./harness/maidan.ts";
import { manyConnections, type RawAnswer, type RawRequest } from "./harness/requests.ts";
import { chat, DEAR_PRICE, DEAR_RATES, endpoint, payer, yaml } from "./harness/settings.ts";
import { type RunningUpstream, startUpstream } from "./harness/start-upstream.ts";

const CALLS = 1_000;
const CHAT = "/v1/chat/completions";

/**
 * Issue: "a budget of 5.00 with calls that cost about 0.01 each, 1,000 of them at once, buffered and streamed, with and
 * without max_tokens, some failing, some aborted by the client".
 */
describe("the hard cap", () => {
  let upstream: RunningUpstream;
  let maidan: RunningMaidan;

  beforeEach(async () => {
    upstream = await startUpstream({ models: { "*": { outputTokens: 100 } } });
  });
  afterEach(async () => {
    await maidan?.stop();
    await upstream?.stop();
  });

  const lab = (more: object = {}) =>
    endpoint(upstream, { models: [{ id: "mini", maxOutputTokens: 400, price: DEAR_PRICE }], ...more });

  /** Call number `n`: one in twenty fails, one in a hundred is cut off, one in ten is left by its client. */
  function callOf(n: number, next: () => number): RawRequest {
    const stream = n % 2 === 0;
    const simulate: Record<string, unknown> = {
      tag: `${n}`,
      outputTokens: 80 + Math.floor(next() * 40),
      firstByteMs: Math.floor(next() * 60),
    };
    if (n % 20 === 7) simulate.failure = next() < 0.5 ? "error" : "rate_limit";
    if (n % 100 === 42) simulate.failure = "cut";
    if (stream && n % 4 === 0) simulate.betweenChunksMs = 1;
    const body = chat("lab/mini", { stream, simulate, ...(n % 3 === 0 ? {} : { max_tokens: 150 }) });
    if (n % 10 !== 3 && n % 10 !== 6) return { body };
    return stream ? { body, leaveAfterEvents: 1 + Math.floor(next() * 60) } : { body, leaveAfterMs: 5 + next() * 500 };
  }

  async function burst(key: (n: number) => string): Promise<RawAnswer[]> {
    const next = random(20_261_124);
    const agent = manyConnections();
    const answers = await Promise.all(
      Array.from({ length: CALLS }, (_, n) => maidan.ask(CHAT, key(n), { agent, ...callOf(n, next) })),
    );
    agent.destroy();
    return answers;
  }

  function expectOnlyKnownAnswers(answers: readonly RawAnswer[]): void {
    const statuses = new Map<number, number>();
    for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    // 0: left by the client before there was a head. 200: served. 402: no room. 429, 502: the vendor's own failures.
    expect([...statuses.keys()].filter((status) => ![0, 200, 402, 429, 502].includes(status))).toEqual([]);
    expect(statuses.get(200)).toBeGreaterThan(300);
    expect(statuses.get(402)).toBeGreaterThan(50);
  }

  it("of 5.00 is never passed, and nearly all of it is used", async () => {
    maidan = await startMaidan({ yaml: yaml({ endpoints: [lab()], payers: [payer("acme", "5.00")] }) });
    const watch = watchBudgets(maidan.admin);
    const answers = await burst(() => "sk-test-acme");
    const rows = await closedTally(upstream);
    const { looks, over } = await watch.stop();
    expect(over).toEqual([]);
    expect(looks).toBeGreaterThan(10);
    expectOnlyKnownAnswers(answers);

    const budget = (await budgetsOf(maidan.admin)).get("acme-total")!;
    const served = rows.filter((row) => row.state === "served");
    expect(rows.filter((row) => row.state === "aborted")).toEqual([]);
    expect(budget.settled).toBe(billedIn(served, DEAR_RATES));
    const unsettled = await maidan.admin.all("unsettled");
    expect(unsettled).toHaveLength(rows.filter((row) => row.state === "broken").length);
    expect(budget.held).toBe(sum(unsettled.map((one) => nano(one.amount))));
    // What truly fitted: as many of the calls, at what they cost, as the limit less what is in doubt can pay.
    const mean = budget.settled / BigInt(served.length);
    const fitted = (budget.limit - budget.held) / mean;
    expect(served.length).toBeGreaterThanOrEqual(Math.floor(Number(fitted) * 0.95));
    await expectCleanAudit(maidan.admin);
  });

  it("holds on every level of a tree, in another currency too", async () => {
    const rate = "7.1234567";
    const budget = (id: string, amount: string, currency = "USD") => ({ id, amount, currency, window: "total" });
    const team = (id: string, amount: string) => payer(id, amount);
    maidan = await startMaidan({
      yaml: yaml({
        rates: [{ from: "USD", to: "CNY", rate, since: "2020-01-01" }],
        endpoints: [lab()],
        payers: [
          {
            id: "group",
            budgets: [budget("group-total", "5.00"), { ...budget("group-month", "4.80"), window: "month" }],
            payers: [
              {
                id: "north",
                budgets: [budget("north-total", "17.00", "CNY")],
                payers: [team("n1", "1.50"), team("n2", "2.00")],
              },
              {
                id: "south",
                budgets: [budget("south-total", "4.00")],
                payers: [team("s1", "9.00"), team("s2", "0.75")],
              },
            ],
          },
        ],
      }),
    });
    const teams = ["n1", "n2", "s1", "s2"];
    const teamOf = (n: number) => teams[Math.floor(n / 7) % 4]!;
    const watch = watchBudgets(maidan.admin);
    expectOnlyKnownAnswers(await burst((n) => `sk-test-${teamOf(n)}`));
    const rows = (await closedTally(upstream)).filter((row) => row.state === "served");
    const { over } = await watch.stop();
    expect(over).toEqual([]);

    const costs = (...names: string[]) =>
      rows.filter((row) => names.includes(teamOf(Number(row.tag)))).map((row) => costOf(row.billed!, DEAR_RATES));
    const budgets = await budgetsOf(maidan.admin);
    const settled = (id: string) => budgets.get(id)!.settled;
    for (const name of teams) expect(settled(`${name}-total`), name).toBe(sum(costs(name)));
    expect(settled("south-total")).toBe(sum(costs("s1", "s2")));
    expect(settled("group-total")).toBe(sum(costs(...teams)));
    expect(settled("group-month")).toBe(sum(costs(...teams)));
    const inYuan = costs("n1", "n2").map((cost) => halfEven(cost * BigInt(rate.replace(".", "")), 10_000_000n));
    expect(settled("north-total")).toBe(sum(inYuan));
    await expectCleanAudit(maidan.admin);
  });
});
