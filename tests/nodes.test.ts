import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { onPostgres, type PostgresServer } from "../src/store/postgres.suite.ts";
import { costOf, nano, random, sum } from "./harness/arithmetic.ts";
import { type BudgetFigures, billedIn, budgetsOf, closedTally, expectCleanAudit } from "./harness/books.ts";
import { type Admin, type MaidanOptions, type RunningMaidan, startMaidan } from "./harness/maidan.ts";
import { manyConnections, type RawAnswer, type RawRequest } from "./harness/requests.ts";
import { chat, DEAR_PRICE, DEAR_RATES, endpoint, payer, yaml } from "./harness/settings.ts";
import { type RunningUpstream, startUpstream } from "./harness/start-upstream.ts";
import type { TallyRow } from "./harness/upstream-behaviour.ts";

const CALLS = 1_000;
const NODES = 4;
const CHAT = "/v1/chat/completions";
const PAUSE_MS = Number(process.env.MAIDAN_PAUSE_MS ?? 30_000);
const SEALING_KEY = Buffer.alloc(32, 7).toString("base64");

let upstream: RunningUpstream;
let nodes: RunningMaidan[] = [];

beforeEach(async () => {
  upstream = await startUpstream({ models: { "*": { outputTokens: 100 } } });
});
afterEach(async () => {
  // All of them, also where one does not stop: no process outlives its test.
  const stops = await Promise.allSettled([...nodes.map((node) => node.stop()), upstream?.stop()]);
  nodes = [];
  const failures = stops.flatMap((stop) => (stop.status === "rejected" ? [stop.reason] : []));
  if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join("\n"));
});

const settings = () =>
  yaml({
    endpoints: [endpoint(upstream, { models: [{ id: "mini", maxOutputTokens: 400, price: DEAR_PRICE }] })],
    payers: [{ id: "group", budgets: [], payers: [payer("acme", "5.00")] }],
  });

async function startNode(options: MaidanOptions): Promise<RunningMaidan> {
  const node = await startMaidan(options);
  nodes.push(node);
  return node;
}

/** Nodes with a data folder and a port of their own, and one database. */
async function startNodes(url: string): Promise<void> {
  const environment = { MAIDAN_DATABASE_URL: url, MAIDAN_SEALING_KEY: SEALING_KEY };
  await startNode({ environment, yaml: settings() });
  for (let i = 1; i < NODES; i++) await startNode({ environment });
}

/** Call number `n`: one in twenty fails, one in ten is left by its client. */
function callOf(n: number, next: () => number): RawRequest {
  const stream = n % 2 === 0;
  const simulate: Record<string, unknown> = {
    tag: `${n}`,
    outputTokens: 80 + Math.floor(next() * 40),
    firstByteMs: Math.floor(next() * 60),
  };
  if (n % 20 === 7) simulate.failure = next() < 0.5 ? "error" : "rate_limit";
  const body = chat("lab/mini", { stream, simulate, ...(n % 3 === 0 ? {} : { max_tokens: 150 }) });
  if (n % 10 !== 6) return { body };
  return { body, leaveAfterEvents: 1 + Math.floor(next() * 60) };
}

async function burst(ask: (n: number, request: RawRequest) => Promise<RawAnswer>): Promise<RawAnswer[]> {
  const next = random(20_261_124);
  const requests = Array.from({ length: CALLS }, (_, n) => callOf(n, next));
  const agent = manyConnections();
  const answers = await Promise.all(requests.map((request, n) => ask(n, { agent, ...request })));
  agent.destroy();
  return answers;
}

/** Looks at the budget of each node in turn, again and again; a node that does not answer is passed over. */
function watch(admins: readonly Admin[]): { stop(): Promise<{ looks: number; over: BudgetFigures[] }> } {
  let stopped = false;
  let looks = 0;
  const over: BudgetFigures[] = [];
  const watching = (async () => {
    for (let turn = 0; !stopped; turn++) {
      const budgets = await Promise.race([budgetsOf(admins[turn % admins.length]!).catch(() => undefined), sleep(500)]);
      for (const budget of budgets?.values() ?? []) {
        looks += 1;
        if (budget.settled + budget.held > budget.limit) over.push(budget);
      }
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await watching;
      return { looks, over };
    },
  };
}

/** Resolves when the vendor has begun so many answers. */
async function vendorBegan(count: number): Promise<void> {
  for (let tries = 0; (await upstream.tally()).length < count; tries++) {
    if (tries > 1_000) throw new Error(`the vendor has not seen ${count} requests`);
    await sleep(20);
  }
}

/** What the ledger says is what the vendor's books say: each served call once, settled or in doubt. */
async function expectTruth(admin: Admin): Promise<{ served: TallyRow[]; doubts: number; budget: BudgetFigures }> {
  const rows = await closedTally(upstream);
  const calls = await admin.all("calls");
  const settled = calls.filter((call) => call.state === "settled");
  const ids = settled.map((call) => call.attempts[0].vendorRequestId as string | undefined).filter(Boolean);
  expect(new Set(ids).size).toBe(ids.length);
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const call of settled) {
    const row = byId.get(call.attempts[0].vendorRequestId);
    expect(row, `${call.id} is settled, but the vendor has not served it`).toBeDefined();
    expect(nano(call.attempts[0].cost), call.id).toBe(costOf(row!.billed!, DEAR_RATES));
    byId.delete(row!.id);
  }
  const unsettled = await admin.all("unsettled");
  const missing = [...byId.values()].filter((row) => row.billed && costOf(row.billed, DEAR_RATES) > 0n);
  expect(missing.length, "served, but neither settled nor in doubt").toBeLessThanOrEqual(unsettled.length);
  const budget = (await budgetsOf(admin)).get("acme-total")!;
  expect(budget.settled).toBe(sum(settled.map((call) => nano(call.cost))));
  expect(budget.held).toBe(sum(unsettled.map((one) => nano(one.amount))));
  await expectCleanAudit(admin);
  return { served: rows.filter((row) => row.state === "served"), doubts: unsettled.length, budget };
}

/** As many of the calls, at what they cost, as the limit less what is in doubt can pay. */
function expectUsed(served: readonly TallyRow[], { limit, held }: BudgetFigures): void {
  const mean = billedIn(served, DEAR_RATES) / BigInt(served.length);
  const fitted = Number((limit - held) / mean);
  console.log(`      served ${served.length} of ${fitted} calls that fitted`);
  expect(served.length).toBeGreaterThanOrEqual(Math.floor(fitted * 0.95));
}

onPostgres("many nodes, one cap", (server) => {
  const postgres = (): PostgresServer => server();

  it(`of 5.00 at ${NODES} nodes is never passed, and nearly all of it is used`, async () => {
    await startNodes(await postgres().createDatabase());
    const watching = watch(nodes.map(({ admin }) => admin));
    const answers = await burst((n, request) => nodes[n % NODES]!.ask(CHAT, "sk-test-acme", request));
    const { looks, over } = await watching.stop();
    expect(over).toEqual([]);
    expect(looks).toBeGreaterThan(10);
    const statuses = new Set(answers.map(({ status }) => status));
    expect([...statuses].filter((status) => ![0, 200, 402, 429, 502].includes(status))).toEqual([]);
    const { served, doubts, budget } = await expectTruth(nodes[1]!.admin);
    expect(doubts).toBe(0);
    expectUsed(served, budget);
  });

  it(
    "holds while a node is killed, one is paused, and PostgreSQL is restarted",
    async () => {
      await startNodes(await postgres().createDatabase());
      const [first, killed, paused, last] = nodes as [RunningMaidan, RunningMaidan, RunningMaidan, RunningMaidan];
      const watching = watch([first.admin, last.admin]);
      // Slow answers, so that much is in flight whenever something happens.
      await upstream.behave("*", { outputTokens: 100, betweenChunksMs: 8 });
      const bursting = burst(async (n, request) => {
        await sleep((n % 100) * 20);
        return nodes[n % NODES]!.ask(CHAT, "sk-test-acme", request);
      });
      await vendorBegan(40);
      paused.process.kill("SIGSTOP");
      await vendorBegan(70);
      await killed.kill();
      await vendorBegan(100);
      await postgres().stop("immediate");
      await postgres().startAgain();
      await sleep(PAUSE_MS);
      paused.process.kill("SIGCONT");
      const answers = await bursting;
      expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(300);
      const { looks, over } = await watching.stop();
      expect(over).toEqual([]);
      expect(looks).toBeGreaterThan(10);
      // The node that was paused serves again, under another seat.
      await sleep(1_000);
      const status = await paused.admin.get("status").catch(() => undefined);
      expect(status?.ready, paused.printed.text.slice(-3_000)).toBe(true);
      const { served, budget, doubts } = await expectTruth(first.admin);
      console.log(`      in doubt: ${doubts}, ${budget.held} nano-units`);
      expectUsed(served, budget);
    },
    PAUSE_MS + 120_000,
  );

  it("follow settings within two seconds, and take each other's keys", async () => {
    await startNodes(await postgres().createDatabase());
    const { nodes: seats } = await nodes[1]!.admin.get("status");
    expect(seats.map(({ seat }: { seat: number }) => seat)).toEqual(Array.from({ length: NODES }, (_, i) => i + 1));
    expect(new Set(seats.map(({ name }: { name: string }) => name)).size).toBe(NODES);
    await nodes[2]!.admin.post("payers", { id: "new", parent: "group" });
    await nodes[2]!.admin.post("keys", { id: "new-key", payer: "new", secret: "sk-test-new" });
    await sleep(2_000);
    for (const node of nodes)
      expect((await node.ask(CHAT, "sk-test-new", { body: chat("lab/mini") })).status).toBe(200);
    const changes = nodes.map((node, i) => node.admin.post("payers", { id: `p${i}`, parent: "group" }));
    await Promise.all(changes);
    await sleep(2_000);
    for (const node of nodes)
      expect((await node.admin.all("payers")).map(({ id }) => id).sort()).toEqual([
        "acme",
        "first",
        "group",
        "new",
        "p0",
        "p1",
        "p2",
        "p3",
      ]);
  });

  it("answer an Idempotency-Key once, whichever of them it reaches", async () => {
    await startNodes(await postgres().createDatabase());
    const request = (): RawRequest => ({
      headers: { "idempotency-key": "once" },
      body: chat("lab/mini", { simulate: { tag: "once", firstByteMs: 300 } }),
    });
    const answers = await Promise.all(nodes.map((node) => node.ask(CHAT, "sk-test-acme", request())));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    const again = await nodes[3]!.ask(CHAT, "sk-test-acme", request());
    expect(again.status).toBe(200);
    expect(again.body).toEqual(answers.find(({ status }) => status === 200)!.body);
    expect(await upstream.tallyOf("once")).toHaveLength(1);
  });

  it.each([
    { name: "one process", flags: [] },
    { name: "workers", flags: ["--workers", "2"] },
  ])("end, and say why, when the ledger cannot be written any more: $name", async ({ flags }) => {
    const url = await postgres().createDatabase();
    const environment = { MAIDAN_DATABASE_URL: url, MAIDAN_SEALING_KEY: SEALING_KEY };
    const node = await startNode({ environment, flags, yaml: settings() });
    expect((await node.ask(CHAT, "sk-test-acme", { body: chat("lab/mini") })).status).toBe(200);
    await postgres().run("alter table entry_rows rename to elsewhere", url);
    const { status, body } = await node.ask(CHAT, "sk-test-acme", {
      body: chat("lab/mini", { simulate: { tag: "late" } }),
    });
    expect(status).toBe(500);
    expect(JSON.parse(body.toString()).error.code).toBe("internal_error");
    await node.printed.find(/Maidan stopped by itself/, "it went on");
    if (node.process.exitCode === null) await once(node.process, "exit");
    expect([node.process.exitCode, node.process.signalCode]).toEqual([1, null]);
    expect(await upstream.tallyOf("late")).toEqual([]);
  });
});

onPostgres("a node without its PostgreSQL", (server) => {
  it("refuses what it must look up, waits as long as the settings say, and ends", async () => {
    const environment = { MAIDAN_DATABASE_URL: await server().createDatabase(), MAIDAN_SEALING_KEY: SEALING_KEY };
    const node = await startNode({ environment, yaml: `${settings()}\nlimits: { storeAwayMs: 1000 }\n` });
    expect((await node.ask(CHAT, "sk-test-acme", { body: chat("lab/mini") })).status).toBe(200);
    await server().stop("immediate");
    const headers = { "idempotency-key": "k" };
    const refused = await node.ask(CHAT, "sk-test-acme", { headers, body: chat("lab/mini") });
    expect([refused.status, refused.headers["retry-after"]]).toEqual([503, "2"]);
    expect(JSON.parse(refused.body.toString()).error.code).toBe("overloaded");
    await node.ask(CHAT, "sk-test-acme", { body: chat("lab/mini") });
    await node.printed.find(/was away for \d seconds/, "it waited for as long as by default");
    if (node.process.exitCode === null) await once(node.process, "exit");
    expect([node.process.exitCode, node.process.signalCode]).toEqual([1, null]);
    await server().startAgain();
  });
});

describe("workers on one machine", () => {
  it("share a port, a store and a cap", async () => {
    const node = await startNode({ flags: ["--workers", "3"], yaml: settings() });
    await sleep(1_000);
    const watching = watch([node.admin]);
    await burst((_, request) => node.ask(CHAT, "sk-test-acme", request));
    const { looks, over } = await watching.stop();
    expect(over).toEqual([]);
    expect(looks).toBeGreaterThan(3);
    const { served, doubts, budget } = await expectTruth(node.admin);
    expect(doubts).toBe(0);
    expectUsed(served, budget);
    await node.stop();
    expect([node.process.exitCode, node.process.signalCode]).toEqual([0, null]);
  });
});
