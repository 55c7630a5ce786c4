import { copyFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { sampleEntry, sampleSettlement } from "./store.suite.ts";

const CALLS = 10;
/** Bytes of the log that are looked at: all that is written here, and some of what stood there before. */
const LOG_BYTES = 2_000_000;
/** Bytes between two places at which the log is torn: no multiple of a page or of a frame of the log. */
const STRIDE = 15_013;

/**
 * What a power cut leaves of SQLite's log when its last pages have not all reached the disk. Only what was not
 * acknowledged can be among them, as long as the disk does not lie about an fsync.
 */
describe("a log that is torn", () => {
  const folder = mkdtempSync(join(tmpdir(), "maidan-torn-"));
  const written: string[] = [];
  let log: Buffer;
  let copies = 0;

  beforeAll(async () => {
    const open = () => openSqliteStore({ folder, durability: "process", limits: DEFAULT_LIMITS, reserve: true });
    await open().close();
    // What made the tables is folded into the database: the log has nothing but the rows.
    const direct = new DatabaseSync(join(folder, "maidan.db"));
    direct.exec("pragma wal_checkpoint(truncate)");
    direct.close();
    const store = open();
    const shares = [{ budget: "b", window: 0, amount: 1n }];
    for (let n = 10; n < 10 + CALLS; n++) {
      for (const entry of [sampleEntry(`call_${n}.1`), sampleSettlement(`call_${n}.1`, { shares })]) {
        await store.journal.append({ op: "entry", entry });
        written.push(`${entry.attempt} ${entry.phase}`);
      }
    }
    log = (await readFile(join(folder, "maidan.db-wal"))).subarray(0, LOG_BYTES);
    copyFileSync(join(folder, "maidan.db"), join(folder, "before.db"));
    await store.close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Opens what is left, and tells how many of the rows are there: the first ones, without a gap. */
  function rowsLeft(tear: (path: string) => void): number {
    // Each with a name of its own: a process shares what it knows of a file among its connections.
    const path = join(folder, `torn-${++copies}.db`);
    copyFileSync(join(folder, "before.db"), path);
    tear(`${path}-wal`);
    const database = new DatabaseSync(path);
    const rows = database.prepare("select attempt, phase from entries order by attempt, phase").all();
    const found = (rows as { attempt: string; phase: number }[]).map((row) => `${row.attempt} ${row.phase}`);
    expect(found).toEqual(written.slice(0, found.length));
    const settled = database.prepare("select coalesce(sum(settled), 0) as sum from budget_windows").get();
    expect(Number((settled as { sum: number }).sum)).toBe(Math.floor(found.length / 2));
    expect(database.prepare("pragma quick_check").all()).toEqual([{ quick_check: "ok" }]);
    database.close();
    return found.length;
  }

  function cutAt(bytes: number): number {
    return rowsLeft((path) => {
      writeFileSync(path, log);
      truncateSync(path, bytes);
    });
  }

  /** A sector that holds something else, while those behind it arrived. */
  function breakAt(bytes: number): number {
    return rowsLeft((path) => {
      const torn = Buffer.from(log);
      torn.subarray(bytes, bytes + 512).fill(0xa5);
      writeFileSync(path, torn);
    });
  }

  test.each([
    ["cut off", cutAt],
    ["broken in one sector", breakAt],
  ] as const)("%s leaves whole commits, the first ones, and their sums", (_, tear) => {
    const lefts: number[] = [];
    while (lefts.at(-1) !== written.length) lefts.push(tear(lefts.length * STRIDE));
    expect(lefts).toEqual([...lefts].sort((a, b) => a - b));
    expect(new Set(lefts).size).toBeGreaterThan(CALLS);
    expect(tear(log.length)).toBe(written.length);
  });

  test("and was removed leaves none of what it held", () => {
    expect(rowsLeft(() => {})).toBe(0);
  });
});
