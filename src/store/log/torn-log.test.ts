import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../base/limits.ts";
import { openForWriting } from "../sqlite-connection.ts";
import { openSqliteStore } from "../sqlite-store.ts";
import { sampleEntry, sampleSettlement } from "../store.suite.ts";
import { framesFrom } from "./frames.ts";
import { appliedFrame, recoverLog } from "./log-applier.ts";

const CALLS = 10;
/** Bytes of the log that are looked at: all that is written here, and some of what stands behind it. */
const LOG_BYTES = 64 * 1024;
/** Bytes between two places at which the log is torn. */
const STRIDE = 37;

/**
 * What a power cut leaves: of the log all that was acknowledged, and perhaps a part of what was not; of the tables any
 * earlier state. Only a disk that lies about what it has leaves less.
 */
describe("a log that is torn", () => {
  const folder = mkdtempSync(join(tmpdir(), "maidan-torn-"));
  const written: string[] = [];
  let log: Buffer;
  /** Where each frame ends. */
  let ends: number[];
  let copies = 0;

  beforeAll(async () => {
    const open = () => openSqliteStore({ folder, durability: "process", limits: DEFAULT_LIMITS, reserve: true });
    await open().close();
    copyFileSync(join(folder, "maidan.db"), join(folder, "before.db"));
    const store = open();
    const shares = [{ budget: "b", window: 0, amount: 1n }];
    for (let n = 10; n < 10 + CALLS; n++) {
      for (const entry of [sampleEntry(`call_${n}.1`), sampleSettlement(`call_${n}.1`, { shares })]) {
        await store.journal.append({ op: "entry", entry });
        written.push(`${entry.attempt} ${entry.phase}`);
      }
    }
    // Half of them are in the tables already when the power goes.
    await store.query.selectFrom("entries").select("attempt").execute();
    log = (await readFile(join(folder, "maidan.log-0"))).subarray(0, LOG_BYTES);
    ends = Array.from(framesFrom(log), ({ to }) => to);
    await store.close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Opens what is left, and tells how many of the rows are there: the first ones, without a gap. */
  function rowsLeft(bytes: Buffer): number {
    const copy = join(folder, String(++copies));
    mkdirSync(copy);
    copyFileSync(join(folder, "before.db"), join(copy, "maidan.db"));
    writeFileSync(join(copy, "maidan.log-0"), bytes);
    const options = { folder: copy, durability: "process" } as const;
    const database = openForWriting(options);
    try {
      const newest = recoverLog(database, options);
      expect(appliedFrame(database)).toBe(newest);
      // Once more changes nothing.
      expect(recoverLog(database, options)).toBe(newest);
      const rows = database.prepare("select attempt, phase from entries order by attempt, phase").all();
      const found = (rows as { attempt: string; phase: number }[]).map((row) => `${row.attempt} ${row.phase}`);
      expect(found).toEqual(written.slice(0, found.length));
      const settled = database.prepare("select coalesce(sum(settled), 0) as sum from budget_windows").get();
      expect(Number((settled as { sum: number }).sum)).toBe(Math.floor(found.length / 2));
      return found.length;
    } finally {
      database.close();
      rmSync(copy, { recursive: true });
    }
  }

  test("has a frame for each commit", () => {
    expect(ends).toHaveLength(written.length);
    expect(rowsLeft(log)).toBe(written.length);
  });

  test("cut off anywhere leaves the commits that are whole", () => {
    const last = ends.at(-1)!;
    for (let at = 0; at < last + STRIDE; at += STRIDE) {
      const whole = ends.filter((end) => end <= at).length;
      expect(rowsLeft(log.subarray(0, at))).toBe(whole);
      // A file that was written over holds something behind the cut, too.
      const over = Buffer.concat([log.subarray(0, at), Buffer.alloc(4_096, 0xa5)]);
      expect(rowsLeft(over)).toBe(whole);
    }
  });

  test("broken before its last commit is refused, not taken for its end", () => {
    for (let at = 0; at < ends.at(-1)!; at += STRIDE) {
      const torn = Buffer.from(log);
      torn[at]! ^= 0xff;
      // Bytes 12 to 16 of a head say nothing.
      const start = ends.findLast((end) => end <= at) ?? 0;
      if (at - start >= 12 && at - start < 16) expect(rowsLeft(torn)).toBe(written.length);
      else if (at >= ends.at(-2)!) expect(rowsLeft(torn)).toBe(written.length - 1);
      else expect(() => rowsLeft(torn)).toThrow(expect.objectContaining({ code: "internal_error" }));
    }
  });

  test("and is missing leaves what the tables have", () => {
    expect(rowsLeft(Buffer.alloc(0))).toBe(0);
  });
});
