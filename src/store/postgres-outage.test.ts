import { once } from "node:events";
import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import { onPostgres } from "./postgres.suite.ts";
import { openPostgresStore } from "./postgres-store.ts";
import type { Store } from "./spec.ts";
import { sampleEntry, sampleSettlement } from "./store.suite.ts";

const SHARES = [{ budget: "b", window: 0, amount: 3n }];

/** Holds and settles without end, and remembers what was acknowledged. */
class Callers {
  readonly acknowledged: string[] = [];
  readonly #store: Store;
  readonly #running: Promise<void>[];
  #stopped = false;

  constructor(store: Store, count: number) {
    this.#store = store;
    this.#running = Array.from({ length: count }, (_, i) => this.#run(i));
  }

  async #run(caller: number): Promise<void> {
    for (let i = 0; !this.#stopped; i++) {
      const attempt = `call_${caller}_${i}.1`;
      for (const entry of [sampleEntry(attempt), sampleSettlement(attempt, { amount: 3n, shares: SHARES, input: 7 })]) {
        await this.#store.journal.append({ op: "entry", entry });
        this.acknowledged.push(`${attempt} ${entry.phase}`);
      }
    }
  }

  async until(rows: number): Promise<void> {
    while (this.acknowledged.length < rows) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }
}

/** All that was acknowledged is there, once, and the sums are those of what is there. */
async function expectNothingLostOrDoubled({ query }: Store, acknowledged: readonly string[]): Promise<void> {
  const rows = await query.selectFrom("entries").select(["attempt", "phase"]).execute();
  const found = new Set(rows.map(({ attempt, phase }) => `${attempt} ${phase}`));
  expect(acknowledged.filter((row) => !found.has(row))).toEqual([]);
  const settled = rows.filter(({ phase }) => phase === 1).length;
  expect(await query.selectFrom("budget_windows").select("settled").execute()).toEqual([
    { settled: BigInt(settled) * 3n },
  ]);
  const hours = await query.selectFrom("usage_hourly").select(["calls", "attempts", "cost", "input"]).execute();
  expect(hours).toEqual([{ calls: settled, attempts: settled, cost: BigInt(settled) * 3n, input: settled * 7 }]);
}

/** Stands between the program and the server, and loses what it is told to lose. */
class Wire {
  readonly #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  /** From now on the answers to commits are lost, and the connections with them, so many times. */
  losesCommits = 0;
  /** From now on nothing comes through, and nobody is told. */
  swallows = false;
  lost = 0;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((client) => this.#join(client));
  }

  static async open(target: number): Promise<Wire> {
    const wire = new Wire(target);
    wire.#server.listen(0, "127.0.0.1");
    await once(wire.#server, "listening");
    return wire;
  }

  through(url: string): string {
    const changed = new URL(url);
    changed.port = String((this.#server.address() as { port: number }).port);
    return changed.href;
  }

  #join(client: Socket): void {
    const server = dial(this.#target, "127.0.0.1");
    let isLosing = false;
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.on("data", (bytes) => {
      if (this.swallows) return;
      if (this.losesCommits > 0 && bytes.includes("commit\0")) {
        this.losesCommits -= 1;
        isLosing = true;
      }
      server.write(bytes);
    });
    server.on("data", (bytes) => {
      if (this.swallows) return;
      if (!isLosing) client.write(bytes);
      else if (bytes.includes("COMMIT")) {
        this.lost += 1;
        client.destroy();
      }
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

onPostgres("PostgreSQL that goes away", (server) => {
  let url: string;
  let store: Store | undefined;

  beforeEach(async () => {
    url = await server().createDatabase();
  });
  afterEach(async () => {
    await store?.close();
    store = undefined;
  });

  describe("and comes back", () => {
    test.each(["fast", "immediate"] as const)("after a %s stop nothing is lost and nothing doubled", async (how) => {
      store = await openPostgresStore({ url, limits: DEFAULT_LIMITS });
      const callers = new Callers(store, 32);
      for (let restart = 1; restart <= 3; restart++) {
        await callers.until(restart * 2_000);
        await server().stop(how);
        await server().startAgain();
      }
      await callers.until(callers.acknowledged.length + 500);
      await callers.stop();
      await expectNothingLostOrDoubled(store, callers.acknowledged);
    });

    test("reads and transactions find it again", async () => {
      store = await openPostgresStore({ url, limits: DEFAULT_LIMITS });
      const { query } = store;
      const read = () => query.selectFrom("meta").select("name").execute();
      await Promise.all(Array.from({ length: 8 }, read)); // every connection of the pool is open
      await server().stop("immediate");
      const waiting = [read(), query.transaction().execute((open) => open.selectFrom("meta").select("name").execute())];
      await server().startAgain();
      for (const rows of await Promise.all(waiting)) expect(rows).toEqual([{ name: "schema-version" }]);
      await server().stop("fast");
      await server().startAgain();
      expect(await read()).toHaveLength(1);
      await query.insertInto("jobs").values({ name: "j", due_at: 1 }).execute();
    });

    test("whoever asks meanwhile is told to come back", async () => {
      store = await openPostgresStore({ url, limits: DEFAULT_LIMITS });
      const { query } = store;
      const read = () => query.selectFrom("meta").select("name").execute();
      const cut = query.transaction().execute(async (open) => {
        await open.insertInto("jobs").values({ name: "cut", due_at: 1 }).execute();
        await server().stop("immediate");
        await open.insertInto("jobs").values({ name: "off", due_at: 1 }).execute();
      });
      const away = { code: "overloaded", retryAfterMs: 2_000, message: expect.stringMatching(/cannot be reached/) };
      await expect(cut).rejects.toMatchObject(away);
      const asked = [read(), query.insertInto("jobs").values({ name: "j", due_at: 1 }).execute()];
      for (const outcome of await Promise.allSettled(asked)) {
        expect(outcome).toMatchObject({ status: "rejected", reason: away });
      }
      await server().startAgain();
      expect(await read()).toHaveLength(1);
      expect(await query.selectFrom("jobs").selectAll().execute()).toEqual([]);
    });

    test("circumstances that a crash of the server took away are written again", async () => {
      store = await openPostgresStore({ url, durability: "process", limits: DEFAULT_LIMITS });
      await store.journal.append({ op: "entry", entry: sampleEntry("call_1.1") });
      // As after a crash of a server that had not written its log yet.
      await server().run("delete from entry_rows; delete from circumstances", url);
      await server().stop("immediate");
      await server().startAgain();
      await store.journal.append({ op: "entry", entry: sampleEntry("call_2.1") });
      const rows = await store.query.selectFrom("entries").select(["attempt", "payer"]).execute();
      expect(rows).toEqual([{ attempt: "call_2.1", payer: "support" }]);
    });
  });

  describe("behind a bad network", () => {
    let wire: Wire;

    beforeEach(async () => {
      wire = await Wire.open(server().port);
    });
    afterEach(() => wire.close());

    test("a commit whose answer was lost is made sure, and counts once", async () => {
      store = await openPostgresStore({ url: wire.through(url), limits: DEFAULT_LIMITS });
      const callers = new Callers(store, 16);
      for (let i = 1; i <= 5; i++) {
        await callers.until(i * 500);
        wire.losesCommits = 1;
      }
      await callers.until(3_500);
      await callers.stop();
      expect(wire.lost).toBe(5);
      await expectNothingLostOrDoubled(store, callers.acknowledged);
    });

    test("an answer kept in a batch whose commit was lost is kept", async () => {
      store = await openPostgresStore({ url: wire.through(url), limits: DEFAULT_LIMITS });
      const kept = {
        id: "k",
        requestHash: "h",
        call: "call_1",
        state: "pending",
        at: 1,
        status: 0,
        headers: "",
        answer: undefined,
      } as const;
      await store.journal.append({ op: "mark", name: "first", value: "1" });
      wire.losesCommits = 1;
      await Promise.all([
        store.journal.append({ op: "forget-kept", id: "k" }),
        store.journal.append({ op: "entry", entry: sampleEntry("call_1.1"), kept }),
      ]);
      expect(wire.lost).toBe(1);
      expect(await store.query.selectFrom("kept_answers").select("id").execute()).toEqual([{ id: "k" }]);
    });

    test("an outage lasts as long as the limit that was set last, also in the middle of one", async () => {
      store = await openPostgresStore({ url: wire.through(url), limits: DEFAULT_LIMITS });
      store.setLimits({ ...DEFAULT_LIMITS, storeAwayMs: 50_000 });
      await store.journal.append({ op: "entry", entry: sampleEntry("call_1.1") });
      await server().stop("immediate");
      const row = store.journal.append({ op: "entry", entry: sampleEntry("call_2.1") });
      setTimeout(() => store!.setLimits({ ...DEFAULT_LIMITS, storeAwayMs: 1 }), 300);
      await expect(row).rejects.toThrow(/was away for [0-9] seconds/);
      await server().startAgain();
    });

    test("an outage longer than the limit stops everything, with a clear word", async () => {
      const limits = { ...DEFAULT_LIMITS, storeAwayMs: 1_500 };
      store = await openPostgresStore({ url: wire.through(url), limits });
      await store.journal.append({ op: "entry", entry: sampleEntry("call_1.1") });
      const causes: unknown[] = [];
      store.journal.onFailure((cause) => causes.push(cause));
      wire.swallows = true;
      const rows = [2, 3].map((i) => store!.journal.append({ op: "entry", entry: sampleEntry(`call_${i}.1`) }));
      for (const row of rows) {
        await expect(row).rejects.toMatchObject({
          code: "internal_error",
          message: expect.stringMatching(/was away for \d+ seconds/),
        });
      }
      await expect(store.journal.append({ op: "entry", entry: sampleEntry("call_4.1") })).rejects.toThrow(/away/);
      expect(causes).toHaveLength(1);
      wire.swallows = false;
      expect(await server().run("select attempt from entries", url)).toEqual([{ attempt: "call_1.1" }]);
    });
  });
});
