import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { onPostgres } from "../src/store/postgres.suite.ts";
import { costOf, nano, random, sum } from "./harness/arithmetic.ts";
import { billedIn, budgetsOf, closedTally, expectCleanAudit } from "./harness/books.ts";
import { launchMaidan, type RunningMaidan, startMaidan } from "./harness/maidan.ts";
import { eventsOf, type RawAnswer } from "./harness/requests.ts";
import { chat, DEAR_PRICE, DEAR_RATES, endpoint, payer, yaml } from "./harness/settings.ts";
import { type RunningUpstream, startUpstream } from "./harness/start-upstream.ts";
import type { TallyRow } from "./harness/upstream-behaviour.ts";

const ROUNDS = Number(process.env.MAIDAN_CRASH_ROUNDS ?? 10);
const SEED = Number(process.env.MAIDAN_CRASH_SEED ?? Date.now() % 1_000_000);
const WORKERS = 32;
const CHAT = "/v1/chat/completions";

interface Round {
  readonly killedAfterMs: number;
  readonly restartMs: number;
  readonly served: number;
  readonly settled: number;
  readonly unsettled: number;
  /** In doubt, and the vendor never saw it. */
  readonly neverArrived: number;
}

interface Attempt {
  readonly id: string;
  readonly state: string;
  readonly cost: string;
  readonly vendorRequestId?: string;
}

interface Call {
  readonly id: string;
  readonly key: string;
  readonly state: string;
  readonly attempts: readonly Attempt[];
}

/**
 * Issue: "kill -9 under load at a random instant: every request that the upstream served is in the ledger exactly once,
 * as settled or as unsettled; no budget is over; the books balance; start-up recovers by itself". Each of the callers
 * has a key of its own and one call at a time, so that whatever is in doubt can be told call by call.
 */
function crashes(environmentOf: () => Promise<Record<string, string>>): void {
  const next = random(SEED);
  const rounds: Round[] = [];
  let upstream: RunningUpstream;
  let maidan: RunningMaidan;
  let dataFolder: string;
  let environment: Record<string, string>;

  beforeAll(async () => {
    environment = await environmentOf();
    dataFolder = mkdtempSync(join(tmpdir(), "maidan-crash-"));
    upstream = await startUpstream({ models: { "*": { billsOnAbort: "generated" } } });
    const keys = (names: string[]) => names.map((id) => ({ id, secret: `sk-test-${id}` }));
    const names = Array.from({ length: WORKERS }, (_, worker) => `w${worker}`);
    const tight = payer("tight", "2.00", { keys: keys(names.slice(0, 8)) });
    const roomy = payer("roomy", "100000", { keys: keys(names.slice(8)) });
    maidan = await startMaidan({
      dataFolder,
      environment,
      yaml: yaml({
        endpoints: [endpoint(upstream, { models: [{ id: "mini", maxOutputTokens: 100, price: DEAR_PRICE }] })],
        payers: [payer("all", "100000", { keys: [], payers: [tight, roomy] })],
      }),
    });
  });
  afterAll(async () => {
    await maidan?.kill();
    await upstream?.stop();
    rmSync(dataFolder, { recursive: true, force: true });
    printTable(rounds);
  });

  /** One caller: one call after the other, until the server is gone. Returns the calls whose answers came whole. */
  async function work(worker: number, round: number, over: () => boolean): Promise<string[]> {
    const whole: string[] = [];
    for (let n = 0; n < 10_000 && !over(); n++) {
      const stream = next() < 0.5;
      const simulate = {
        tag: `${round}.w${worker}.${n}`,
        outputTokens: 3 + Math.floor(next() * 30),
        firstByteMs: Math.floor(next() * 12),
        betweenChunksMs: next() < 0.3 ? 1 : 0,
      };
      const more = next() < 0.7 ? { max_tokens: 60 } : {};
      const answer = await maidan.ask(CHAT, `sk-test-w${worker}`, {
        body: chat("lab/mini", { stream, simulate, ...more }),
      });
      if (isWhole(answer, stream)) whole.push(String(answer.headers["x-maidan-call"]));
      else if (answer.status === 402) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return whole;
  }

  async function restart(): Promise<number> {
    // Now and then the power goes again while it is still recovering.
    if (next() < 0.3) {
      const child = launchMaidan(dataFolder, { environment });
      const ended = once(child, "exit");
      await new Promise((resolve) => setTimeout(resolve, next() * 700));
      child.kill("SIGKILL");
      await ended;
    }
    const began = performance.now();
    maidan = await startMaidan({ dataFolder, environment });
    return performance.now() - began;
  }

  it.each(Array.from({ length: ROUNDS }, (_, round) => round + 1))(
    "round %i loses nothing and bills nothing twice",
    async (round) => {
      const from = new Date().toISOString();
      let over = false;
      const working = Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker, round, () => over)));
      const killedAfterMs = 300 + next() * 1_200;
      await new Promise((resolve) => setTimeout(resolve, killedAfterMs));
      over = true;
      await maidan.kill();
      const whole = new Set((await working).flat());
      const restartMs = await restart();

      const rows = (await closedTally(upstream)).filter((row) => row.tag?.startsWith(`${round}.`));
      const calls = (await maidan.admin.all(`calls?from=${encodeURIComponent(from)}`)) as Call[];
      const { settled, inDoubt, arrived } = match(rows, calls);
      for (const call of whole) expect(settled.has(call), `${call} was answered in full`).toBe(true);
      for (const budget of (await budgetsOf(maidan.admin)).values()) {
        expect(budget.settled + budget.held, budget.id).toBeLessThanOrEqual(budget.limit);
      }
      await expectCleanAudit(maidan.admin);
      const listed = await maidan.admin.all("unsettled");
      expect(listed.map((one) => one.attempt).sort()).toEqual([...inDoubt.keys()].sort());
      for (const one of listed) expect(one.reason).toBe("crash");

      // The vendor's own books are the evidence by which a person resolves what is in doubt.
      for (const [attempt, row] of inDoubt) {
        const cost = row && costOf(row.billed!, DEAR_RATES);
        const resolution = cost
          ? {
              action: "settle",
              cost: decimal(cost),
              currency: "USD",
              basis: "vendor-bill",
              reason: `the vendor's ${row.id}`,
            }
          : { action: "release", reason: "the vendor never saw it" };
        await maidan.admin.post(`unsettled/${attempt}`, resolution);
      }
      const budgets = await budgetsOf(maidan.admin);
      const everything = billedIn(await upstream.tally(), DEAR_RATES);
      expect(budgets.get("all-total")).toMatchObject({ settled: everything, held: 0n });
      expect(sum(["tight", "roomy"].map((id) => budgets.get(`${id}-total`)!.settled))).toBe(everything);
      rounds.push({
        killedAfterMs,
        restartMs,
        served: rows.length,
        settled: settled.size,
        unsettled: inDoubt.size,
        neverArrived: inDoubt.size - arrived,
      });
    },
  );

  /** Lays the vendor's books beside the ledger, caller by caller. */
  function match(rows: readonly TallyRow[], calls: readonly Call[]) {
    const settled = new Set<string>();
    const inDoubt = new Map<string, TallyRow | undefined>();
    let arrived = 0;
    const unclaimed = new Map(rows.map((row) => [row.id, row]));
    for (const { id, attempts, state } of calls) {
      expect(attempts).toHaveLength(1);
      expect(["settled", "unsettled", "released"]).toContain(state);
      if (state !== "settled") continue;
      const row = unclaimed.get(attempts[0]!.vendorRequestId!);
      expect(row, `${id} is settled, but the vendor has not served it, or it is settled twice`).toBeDefined();
      unclaimed.delete(row!.id);
      expect(nano(attempts[0]!.cost), id).toBe(costOf(row!.billed!, DEAR_RATES));
      settled.add(id);
    }
    for (let worker = 0; worker < WORKERS; worker++) {
      const name = `w${worker}`;
      const missing = [...unclaimed.values()].filter((row) => row.tag!.split(".")[1] === name);
      const doubtful = calls.filter((call) => call.key === name && call.state === "unsettled");
      expect(doubtful.length, name).toBeLessThanOrEqual(1);
      expect(
        missing.length,
        `served, but neither settled nor unsettled: ${JSON.stringify(missing)}`,
      ).toBeLessThanOrEqual(doubtful.length);
      if (missing.length > 0) arrived += 1;
      if (doubtful.length > 0) inDoubt.set(doubtful[0]!.attempts[0]!.id, missing[0]);
    }
    return { settled, inDoubt, arrived };
  }
}

const RUN = `${ROUNDS} rounds, MAIDAN_CRASH_SEED=${SEED}`;
const STORE = process.env.MAIDAN_CRASH_STORE;

describe.skipIf(STORE === "postgres")(`kill -9 on SQLite (${RUN})`, () => {
  crashes(async () => ({}));
});

if (STORE !== "sqlite") {
  onPostgres(`kill -9 on PostgreSQL (${RUN})`, (server) => {
    crashes(async () => ({ MAIDAN_DATABASE_URL: await server().createDatabase() }));
  });
}

function isWhole(answer: RawAnswer, stream: boolean): boolean {
  if (answer.status !== 200 || answer.broken) return false;
  return !stream || eventsOf(answer.body).at(-1) === "[DONE]";
}

function decimal(amount: bigint): string {
  return `${amount / 1_000_000_000n}.${(amount % 1_000_000_000n).toString().padStart(9, "0")}`;
}

function printTable(rounds: readonly Round[]): void {
  const total = (read: (round: Round) => number): number => rounds.reduce((all, round) => all + read(round), 0);
  const lines = [
    "round  killed after  recovered in  served  settled  in doubt  of these never arrived",
    ...rounds.map((round, n) => row(`${n + 1}`, round)),
    row("all", {
      killedAfterMs: total((round) => round.killedAfterMs),
      restartMs: total((round) => round.restartMs),
      served: total((round) => round.served),
      settled: total((round) => round.settled),
      unsettled: total((round) => round.unsettled),
      neverArrived: total((round) => round.neverArrived),
    }),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

function row(name: string, round: Round): string {
  const milliseconds = (value: number): string => `${value.toFixed(0)} ms`;
  return [
    name.padStart(5),
    milliseconds(round.killedAfterMs).padStart(12),
    milliseconds(round.restartMs).padStart(12),
    `${round.served}`.padStart(6),
    `${round.settled}`.padStart(7),
    `${round.unsettled}`.padStart(8),
    `${round.neverArrived}`.padStart(22),
  ].join("  ");
}
