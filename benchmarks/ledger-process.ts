import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { systemClock } from "../src/base/clock.ts";
import { CallIds } from "../src/base/ids.ts";
import { DEFAULT_LIMITS } from "../src/base/limits.ts";
import { Ledger } from "../src/ledger/ledger.ts";
import type { HoldAsk, Settlement } from "../src/ledger/spec.ts";
import { openPostgresStore } from "../src/store/postgres-store.ts";
import type { Store } from "../src/store/spec.ts";
import { openSqliteStore } from "../src/store/sqlite-store.ts";
import {
  CALL_BOUND,
  CALL_COST,
  type LedgerOrder,
  type LedgerResult,
  LONGEST_WARMING_MS,
  type Work,
} from "./ledger-orders.ts";

/** One process that makes calls in the ledger, and nothing else: no requests, no vendor. */

/** Makes one call, and returns when it is settled and durable. */
type Call = () => Promise<void>;

interface Worker {
  readonly call: Call;
  close(): Promise<void>;
}

const ids = new CallIds();
const HOLD_DETAIL = Object.freeze({ operation: "chat", stream: false });
const SIZE = { amount: CALL_BOUND, bound: CALL_BOUND };

/** As the gateway asks and settles. */
function askFor(path: readonly string[]): HoldAsk {
  return {
    attempt: `${ids.next(Date.now())}.1`,
    payer: path[0]!,
    key: "team-bot",
    route: "lab/mini",
    model: "lab/mini",
    currency: "USD",
    price: "price_benchmark",
    path,
    full: SIZE,
    shrink: () => undefined,
    rateTo: () => undefined,
    detail: HOLD_DETAIL,
  };
}

function settlement(): Settlement {
  return {
    cost: CALL_COST,
    usage: { input: 250, output: 460 },
    basis: "reported",
    detail: { pricedAt: Date.now(), durationMs: 12, firstByteMs: 9 },
  };
}

async function openWorker(work: Work, path: readonly string[]): Promise<Worker> {
  if (work.kind === "loop") return onlyLoop(path);
  return work.kind === "row" ? rowUpdates(work) : ledgerCalls(work, path);
}

async function ledgerCalls(work: Exclude<Work, { kind: "loop" | "row" }>, path: readonly string[]): Promise<Worker> {
  const limits = DEFAULT_LIMITS;
  const store: Store =
    work.kind === "sqlite"
      ? openSqliteStore({ folder: work.folder, durability: "disk", limits, reserve: true })
      : await openPostgresStore({ url: work.url, durability: "disk", limits });
  const sharing =
    work.kind === "sqlite"
      ? undefined
      : { name: work.node, settingsVersion: () => 1, onTrouble: (cause: unknown) => console.error(cause) };
  const world = { pathOf: () => path, rate: () => undefined };
  const ledger = await Ledger.open({ store, clock: systemClock, limits, budgets: work.budgets, world, sharing });
  return {
    call: async () => {
      const asked = ledger.hold(askFor(path));
      const hold = asked instanceof Promise ? await asked : asked;
      await hold.durable;
      await ledger.settle(hold, settlement());
    },
    close: async () => {
      await ledger.close();
      await store.close();
    },
  };
}

/** The same promises, shared by all callers of a turn as the journal's are, and no ledger. */
function onlyLoop(path: readonly string[]): Worker {
  let next: Promise<void> | undefined;
  const nextTurn = (): Promise<void> =>
    (next ??= new Promise((resolve) => {
      setImmediate(() => {
        next = undefined;
        resolve();
      });
    }));
  return {
    call: async () => {
      const ask = askFor(path);
      await nextTurn();
      const { cost } = settlement();
      await nextTurn();
      if (cost > ask.full.bound) throw new Error("a call costs more than its bound");
    },
    close: async () => {},
  };
}

/** One statement, one round trip and one commit a call: the least that an update for every call can be. */
const PAY = `with paid as (
    update hot_budget set remaining = remaining - $2::bigint where id = 'hot' and remaining >= $2::bigint returning id
  ) insert into paid_calls (id, budget, at, amount, detail) select $1, id, $3, $2::bigint, $4 from paid`;

async function rowUpdates({ url, connections }: Extract<Work, { kind: "row" }>): Promise<Worker> {
  const pool = new pg.Pool({ connectionString: url, max: connections, min: connections });
  pool.on("error", () => {});
  const clients = await Promise.all(Array.from({ length: connections }, () => pool.connect()));
  for (const client of clients) client.release();
  return {
    call: async () => {
      const { detail } = settlement();
      const values = [`${ids.next(Date.now())}.1`, CALL_COST.toString(), Date.now(), JSON.stringify(detail)];
      const { rowCount } = await pool.query({ name: "pay", text: PAY, values });
      if (rowCount !== 1) throw new Error("the budget is used up");
    },
    close: () => pool.end(),
  };
}

async function run(order: LedgerOrder): Promise<void> {
  const worker = await openWorker(order.work, order.path);
  const go = once(process, "message");
  process.send?.("ready");
  await go;
  let total = 0;
  let over = false;
  const caller = async (): Promise<void> => {
    while (!over) {
      await worker.call();
      total += 1;
    }
  };
  const callers = Array.from({ length: order.callers }, caller);
  const failed = Promise.all(callers);
  await Promise.race([sleep(order.warmingMs), failed]);
  const longest = performance.now() + LONGEST_WARMING_MS;
  while (total < order.warmingCalls && performance.now() < longest) await Promise.race([sleep(10), failed]);
  const before = { total, at: performance.now(), usage: process.cpuUsage() };
  await Promise.race([sleep(order.milliseconds), failed]);
  const calls = total - before.total;
  const milliseconds = performance.now() - before.at;
  const { user, system } = process.cpuUsage(before.usage);
  over = true;
  await failed;
  await worker.close();
  process.send?.({ calls, milliseconds, total, processorUs: user + system } satisfies LedgerResult);
}

process.on("disconnect", () => process.exit(0));
for (;;) {
  const [order] = (await once(process, "message")) as [LedgerOrder];
  await run(order);
}
