import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { onPostgres } from "../src/store/postgres.suite.ts";
import { booksAfter, type Call } from "./crash/books-after.ts";
import { type Crash, crashTable, isBilled, tellCrash } from "./crash/crash-report.ts";
import { random, sum } from "./harness/arithmetic.ts";
import { billedIn, budgetsOf, closedTally, expectCleanAudit } from "./harness/books.ts";
import { launchMaidan, type RunningMaidan, startMaidan } from "./harness/maidan.ts";
import { eventsOf, type RawAnswer } from "./harness/requests.ts";
import { chat, DEAR_PRICE, DEAR_RATES, endpoint, payer, yaml } from "./harness/settings.ts";
import { type RunningUpstream, startUpstream } from "./harness/start-upstream.ts";

const ROUNDS = Number(process.env.MAIDAN_CRASH_ROUNDS ?? 10);
/** On one store: later rounds read what all before have left, so that a ledger without an end would only make them slow. */
const ROUNDS_A_STORE = 100;
/** Of one round, on a machine that others use heavily. */
const ROUND_MS = 180_000;
const SEED = Number(process.env.MAIDAN_CRASH_SEED ?? Date.now() % 1_000_000);
const CALLERS = Array.from({ length: 32 }, (_, caller) => `w${caller}`);
const CHAT = "/v1/chat/completions";

/** Of the whole run, by kind of store. */
const crashesOf = new Map<string, Crash[]>();
afterAll(() => {
  process.stdout.write(`\n${crashTable(crashesOf)}\n`);
});

/**
 * Issue: "kill -9 under load at a random instant: every request that the upstream served is in the ledger exactly once,
 * as settled or as unsettled; no budget is over; the books balance; start-up recovers by itself". Each of the callers
 * has a key of its own and one call at a time, so that whatever is in doubt can be told call by call.
 */
function crashes(store: string, environmentOf: () => Promise<Record<string, string>>): void {
  const next = random(SEED);
  const all: Crash[] = [];
  for (let first = 1; first <= ROUNDS; first += ROUNDS_A_STORE) {
    const last = Math.min(ROUNDS, first + ROUNDS_A_STORE - 1);
    describe(`rounds ${first} to ${last}`, () => crashesOfOneStore({ store, first, last, all, next, environmentOf }));
  }
}

interface Chapter {
  readonly store: string;
  readonly first: number;
  readonly last: number;
  readonly all: Crash[];
  readonly next: () => number;
  readonly environmentOf: () => Promise<Record<string, string>>;
}

interface Load {
  over: boolean;
  answered: () => void;
}

function crashesOfOneStore({ store, first, last, all, next, environmentOf }: Chapter): void {
  let upstream: RunningUpstream;
  let maidan: RunningMaidan;
  let dataFolder: string;
  let environment: Record<string, string>;

  beforeAll(async () => {
    crashesOf.set(store, all);
    environment = await environmentOf();
    dataFolder = mkdtempSync(join(tmpdir(), "maidan-crash-"));
    upstream = await startUpstream({ models: { "*": { billsOnAbort: "generated" } } });
    const keys = (names: string[]) => names.map((id) => ({ id, secret: `sk-test-${id}` }));
    const tight = payer("tight", "2.00", { keys: keys(CALLERS.slice(0, 8)) });
    const roomy = payer("roomy", "100000", { keys: keys(CALLERS.slice(8)) });
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
  });

  /** One caller: one call after the other, until the server is gone. Returns the calls whose answers came whole. */
  async function work(caller: string, round: number, load: Load): Promise<string[]> {
    const whole: string[] = [];
    for (let n = 0; n < 10_000 && !load.over; n++) {
      const stream = next() < 0.5;
      const simulate = {
        tag: `${round}.${caller}.${n}`,
        outputTokens: 3 + Math.floor(next() * 30),
        firstByteMs: Math.floor(next() * 12),
        betweenChunksMs: next() < 0.3 ? 1 : 0,
      };
      const more = next() < 0.7 ? { max_tokens: 60 } : {};
      const answer = await maidan.ask(CHAT, `sk-test-${caller}`, {
        body: chat("lab/mini", { stream, simulate, ...more }),
      });
      if (isWhole(answer, stream)) {
        whole.push(String(answer.headers["x-maidan-call"]));
        load.answered();
      } else if (answer.status === 402) await sleep(20);
    }
    return whole;
  }

  async function restart(): Promise<Pick<Crash, "restartMs" | "killedAgainAfterMs">> {
    let killedAgainAfterMs: number | undefined;
    // Now and then the power goes again while it is still recovering.
    if (next() < 0.3) {
      killedAgainAfterMs = next() * (all.at(-1)?.restartMs ?? 700);
      const child = launchMaidan(dataFolder, { environment });
      const ended = once(child, "exit");
      await sleep(killedAgainAfterMs);
      child.kill("SIGKILL");
      await ended;
    }
    const began = performance.now();
    maidan = await startMaidan({ dataFolder, environment });
    return { restartMs: performance.now() - began, killedAgainAfterMs };
  }

  /** The vendor's own books are the evidence by which a person resolves what is in doubt. */
  async function resolve({ doubts }: Crash): Promise<void> {
    const resolutions = doubts.map(async (doubt) => {
      const settle = { action: "settle", cost: decimal(doubt.bill ?? 0n), currency: "USD", basis: "vendor-bill" };
      const resolution = isBilled(doubt)
        ? { ...settle, reason: "the vendor's bill" }
        : { action: "release", reason: "the vendor never saw it" };
      await maidan.admin.post(`unsettled/${doubt.attempt}`, resolution);
    });
    await Promise.all(resolutions);
  }

  it.each(Array.from({ length: last - first + 1 }, (_, n) => first + n))(
    "round %i loses nothing and bills nothing twice",
    async (round) => {
      const from = new Date().toISOString();
      const began = performance.now();
      const load: Load = { over: false, answered: () => {} };
      const answered = new Promise<void>((resolve) => {
        load.answered = resolve;
      });
      const working = Promise.all(CALLERS.map((caller) => work(caller, round, load)));
      // Most often when calls are being answered, however long a busy machine takes for the first.
      if (next() < 0.9) await answered;
      await sleep(next() * 700);
      const killedAfterMs = performance.now() - began;
      load.over = true;
      await maidan.kill();
      const whole = (await working).flat();
      const restarted = await restart();

      const rows = (await closedTally(upstream)).filter((row) => row.tag?.startsWith(`${round}.`));
      const calls = (await maidan.admin.all(`calls?from=${encodeURIComponent(from)}`)) as Call[];
      const books = booksAfter(CALLERS, rows, calls);
      const over = [...(await budgetsOf(maidan.admin)).values()].filter((one) => one.settled + one.held > one.limit);
      const crash: Crash = { ...books, ...restarted, round, killedAfterMs, over: over.map(({ id }) => id) };
      all.push(crash);
      process.stdout.write(`${tellCrash(store, crash)}\n`);
      const { lost, doubled, wrong } = crash;
      expect({ lost, doubled, wrong, over: crash.over }).toEqual({ lost: [], doubled: [], wrong: [], over: [] });
      expect(whole.filter((call) => !books.settled.has(call))).toEqual([]);
      await expectCleanAudit(maidan.admin);
      const listed = await maidan.admin.all("unsettled");
      expect(listed.map((one) => one.attempt).sort()).toEqual(books.doubts.map(({ attempt }) => attempt).sort());
      for (const one of listed) expect(one.reason).toBe("crash");

      await resolve(crash);
      expect(await maidan.admin.all("unsettled")).toEqual([]);
      const budgets = await budgetsOf(maidan.admin);
      const everything = billedIn(await upstream.tally(), DEAR_RATES);
      expect(budgets.get("all-total")).toMatchObject({ settled: everything, held: 0n });
      expect(sum(["tight", "roomy"].map((id) => budgets.get(`${id}-total`)!.settled))).toBe(everything);
    },
    ROUND_MS,
  );
}

const RUN = `${ROUNDS} rounds, MAIDAN_CRASH_SEED=${SEED}`;
const STORE = process.env.MAIDAN_CRASH_STORE;

describe.skipIf(STORE === "postgres")(`kill -9 on SQLite (${RUN})`, () => {
  crashes("SQLite", async () => ({}));
});

if (STORE !== "sqlite") {
  onPostgres(`kill -9 on PostgreSQL (${RUN})`, (server) => {
    crashes("PostgreSQL", async () => ({ MAIDAN_DATABASE_URL: await server().createDatabase() }));
  });
}

function isWhole(answer: RawAnswer, stream: boolean): boolean {
  if (answer.status !== 200 || answer.broken) return false;
  return !stream || eventsOf(answer.body).at(-1) === "[DONE]";
}

function decimal(amount: bigint): string {
  return `${amount / 1_000_000_000n}.${(amount % 1_000_000_000n).toString().padStart(9, "0")}`;
}
