import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "@photostructure/sqlite";
import { sql } from "kysely";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { sampleEntry, sampleSettlement, testStore } from "./store.suite.ts";

/** A program that holds and settles without end, 32 calls at a time, and prints each row once it is acknowledged. */
function writerProgram(folder: string, round: number): string {
  const { amount, held, ...sample } = sampleEntry("");
  return `(async () => {
    const { openSqliteStore } = await import(${JSON.stringify(new URL("./sqlite-store.ts", import.meta.url).href)});
    const { journal } = openSqliteStore({ folder: ${JSON.stringify(folder)}, limits: { journalQueue: 1000 } });
    const sample = { ...${JSON.stringify(sample)}, amount: ${amount}n, held: ${held}n };
    const write = async (entry) => {
      await journal.append({ op: "entry", entry: { ...sample, ...entry } });
      process.stdout.write(entry.attempt + " " + entry.phase + "\\n");
    };
    let last = 0;
    const shares = [{ budget: "b", window: 0, amount: 1n }];
    for (let i = 0; i < 32; i++) (async () => {
      for (;;) {
        const attempt = "call_${round}_" + ++last + ".1";
        await write({ attempt, phase: 0 });
        await write({ attempt, phase: 1, kind: "settle", shares });
      }
    })();
  })();`;
}

const suiteFolder = mkdtempSync(join(tmpdir(), "maidan-store-"));
afterAll(() => rmSync(suiteFolder, { recursive: true, force: true }));

testStore(
  "SQLite",
  async () => openSqliteStore({ folder: suiteFolder, limits: DEFAULT_LIMITS }),
  () => rmSync(suiteFolder, { recursive: true, force: true }),
);

describe("the store in SQLite, beside the contract", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "maidan-store-"));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const open = (journalQueue = DEFAULT_LIMITS.journalQueue) => openSqliteStore({ folder, limits: { journalQueue } });

  test.each([
    ["disk", 2],
    ["process", 1],
  ] as const)("durability %s is synchronous = %i", async (durability, level) => {
    const store = openSqliteStore({ folder, durability, limits: DEFAULT_LIMITS });
    const writing = await store.query
      .transaction()
      .execute((transaction) => sql<{ synchronous: number }>`pragma synchronous`.execute(transaction));
    expect(writing.rows).toEqual([{ synchronous: level }]);
    const { rows } = await sql`pragma journal_mode`.execute(store.query);
    expect(rows).toEqual([{ journal_mode: "wal" }]);
    await store.close();
  });

  test("a store of a newer version is refused, and not touched", async () => {
    await open().close();
    const database = new DatabaseSync(join(folder, "maidan.db"));
    database.exec("update meta set value = '999' where name = 'schema-version'");
    database.close();
    expect(() => open()).toThrow(
      expect.objectContaining({ code: "internal_error", message: expect.stringContaining("999") }),
    );
  });

  test("the journal says when it is full, and still takes what closes a call", async () => {
    const store = open(2);
    const rows = [1, 2, 3].map((i) => store.journal.append({ op: "entry", entry: sampleEntry(`call_${i}.1`) }));
    expect([store.journal.depth, store.journal.full]).toEqual([3, true]);
    await Promise.all(rows);
    expect(store.journal.full).toBe(false);
    await store.close();
  });

  test("a commit that fails is final: nothing is tried again, and what was acknowledged is there after the next start", async () => {
    const store = open();
    const causes: unknown[] = [];
    store.journal.onFailure((cause) => causes.push(cause));
    await store.journal.append({ op: "entry", entry: sampleEntry("call_1.1") });
    // A database that may not grow any more fails as a full disk does.
    await store.query.transaction().execute((transaction) => sql`pragma max_page_count = 1`.execute(transaction));
    // It is in the log, and acknowledged, before the tables have no room for it.
    await store.journal.append({ op: "mark", name: "large", value: "x".repeat(1_000_000) });
    await expect(store.query.deleteFrom("prices").execute()).rejects.toThrow(/failed before/);
    expect(causes).toHaveLength(1);
    const late = store.journal.append({ op: "entry", entry: sampleEntry("call_2.1") });
    await expect(late).rejects.toMatchObject({ code: "internal_error", message: expect.stringContaining("full") });
    expect(store.journal.depth).toBe(0);
    await store.close();
    const again = open();
    const rows = await again.query.selectFrom("entries").select("attempt").execute();
    expect(rows).toEqual([{ attempt: "call_1.1" }]);
    const large = await again.query.selectFrom("meta").select("value").where("name", "=", "large").execute();
    expect(large[0]?.value).toHaveLength(1_000_000);
    await again.close();
  });

  const rowsOf = (file: string): number => {
    const database = new DatabaseSync(file);
    const { count } = database.prepare("select count(*) as count from entries").get() as { count: number };
    database.close();
    return count;
  };

  test("after it was closed the file alone is the whole store", async () => {
    const store = openSqliteStore({ folder, limits: DEFAULT_LIMITS, reserve: true });
    for (let i = 1; i <= 3; i++) await store.journal.append({ op: "entry", entry: sampleEntry(`call_${i}.1`) });
    expect(readdirSync(folder)).toContain("maidan.log-0");
    expect(await store.query.selectFrom("entries").select("attempt").execute()).toHaveLength(3);
    await store.close();
    expect(readdirSync(folder).filter((name) => name.startsWith("maidan.log"))).toEqual([]);
    expect(statSync(join(folder, "maidan.db-wal"), { throwIfNoEntry: false })?.size ?? 0).toBe(0);
    copyFileSync(join(folder, "maidan.db"), join(folder, "copy.db"));
    expect(rowsOf(join(folder, "copy.db"))).toBe(3);
  });

  test("a log that another program keeps from being folded stays, and somebody is told", async () => {
    const troubles: unknown[] = [];
    const store = openSqliteStore({ folder, limits: DEFAULT_LIMITS, onTrouble: (cause) => troubles.push(cause) });
    await store.journal.append({ op: "entry", entry: sampleEntry("call_1.1") });
    const other = new DatabaseSync(join(folder, "maidan.db"));
    other.exec("begin");
    other.prepare("select count(*) from entries").get();
    await store.journal.append({ op: "entry", entry: sampleEntry("call_2.1") });
    await store.close();
    other.close();
    expect(troubles).toEqual([expect.objectContaining({ message: expect.stringContaining("maidan.db-wal") })]);
    expect(rowsOf(join(folder, "maidan.db"))).toBe(2);
  });

  test("a long report does not hold a commit up", async () => {
    const store = open();
    let reported = false;
    const report = sql`with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000000)
      select sum(i) as total from n`
      .execute(store.query)
      .then(({ rows }) => {
        reported = true;
        return rows;
      });
    await store.journal.append({ op: "entry", entry: sampleEntry("call_1.1") });
    await store.query.selectFrom("entries").select("attempt").execute();
    expect(reported).toBe(false);
    expect(await report).toEqual([{ total: 4500001500000 }]);
    await store.close();
  });

  test("raw statements find the thread that may run them", async () => {
    const store = open();
    await sql`with fresh(id) as (values ('p1')) insert into prices select id, '{}', 1 from fresh`.execute(store.query);
    await sql`delete from prices where id = 'p2'`.execute(store.query);
    expect((await sql`select id from prices`.execute(store.query)).rows).toEqual([{ id: "p1" }]);
    expect((await sql`pragma quick_check`.execute(store.query)).rows).toEqual([{ quick_check: "ok" }]);
    await store.close();
  });

  test("kill -9 at any moment loses no row that was acknowledged", async () => {
    for (let round = 0; round < 5; round++) {
      const writer = spawn(process.execPath, [...process.execArgv, "-e", writerProgram(folder, round)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const acknowledged: string[] = [];
      const killAfter = 200 + Math.floor(Math.random() * 1_500);
      const lines = createInterface({ input: writer.stdout });
      lines.on("line", (line) => {
        acknowledged.push(line);
        if (acknowledged.length === killAfter) writer.kill("SIGKILL");
      });
      await once(lines, "close");
      if (writer.exitCode === null && writer.signalCode === null) await once(writer, "exit");
      expect(writer.signalCode).toBe("SIGKILL");
      const store = open();
      const rows = await store.query.selectFrom("entries").select(["attempt", "phase"]).execute();
      const found = new Set(rows.map((row) => `${row.attempt} ${row.phase}`));
      expect(acknowledged.filter((row) => !found.has(row))).toEqual([]);
      const settled = rows.filter((row) => row.phase === 1).length;
      const [window] = await store.query.selectFrom("budget_windows").selectAll().execute();
      expect(window?.settled).toBe(BigInt(settled));
      const [hour] = await store.query.selectFrom("usage_hourly").select(["attempts", "calls"]).execute();
      expect(hour).toEqual({ attempts: settled, calls: settled });
      await store.close();
    }
  });

  test("one settlement among many is found by its key", async () => {
    const store = open();
    await store.journal.append({ op: "entry", entry: sampleSettlement("call_1.1") });
    const plan = await sql<{ detail: string }>`explain query plan
      select * from entries where attempt = 'call_1.1' and phase = 1`.execute(store.query);
    expect(plan.rows[0]?.detail).toMatch(/SEARCH entry_rows USING PRIMARY KEY/);
    await store.close();
  });
});
