import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newBatch } from "../batch.ts";
import { BatchLog } from "./batch-log.ts";
import { framesFrom } from "./frames.ts";
import type { LogStretch } from "./log-applier.ts";
import { LOG_FILE_BYTES, readLogFile } from "./log-files.ts";

const LARGE = { ...newBatch(), others: ["x".repeat(LOG_FILE_BYTES / 2)] };
const SMALL = { ...newBatch(), others: ["y"] };

describe.each(["disk", "process"] as const)("a log of durability %s", (durability) => {
  let folder: string;
  let log: BatchLog;
  let durable: number;
  let failures: unknown[];
  let long: number;
  let stretches: LogStretch[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "maidan-log-"));
    [durable, failures, long, stretches] = [0, [], 0, []];
    log = new BatchLog({
      folder,
      durability,
      newest: 41,
      reserve: false,
      apply: (stretch) => stretches.push(stretch),
      onDurable: () => durable++,
      onFailure: (cause) => failures.push(cause),
      onLong: () => long++,
    });
  });
  afterEach(() => {
    log.close();
    rmSync(folder, { recursive: true });
  });

  async function append(batch: typeof SMALL, isFresh = false): Promise<void> {
    const before = durable;
    log.append(batch, isFresh);
    await expect.poll(() => durable + failures.length).toBe(before + 1);
  }
  const numbersIn = (file: number) => Array.from(framesFrom(readLogFile(folder, file)), ({ number }) => number);

  test("numbers its frames on from those before", async () => {
    await append(SMALL, true);
    await append(SMALL);
    expect(numbersIn(0)).toEqual([42, 43]);
  });

  test("asks for all that it has, piece by piece, and tells when the tables have caught up", async () => {
    for (const isFresh of [true, false, false]) await append(SMALL, isFresh);
    let isThere = false;
    void log.caughtUp()!.then(() => (isThere = true));
    for (let applied = 0; applied < stretches.length || !isThere; applied++) {
      await expect.poll(() => stretches.length).toBeGreaterThan(applied);
      const { from, number, final } = stretches[applied]!;
      expect([from, final]).toEqual([stretches[applied - 1]?.to ?? 0, false]);
      expect(isThere).toBe(false);
      log.applied(stretches[applied]!);
      if (number === 44) await expect.poll(() => isThere).toBe(true);
    }
    expect(stretches.at(-1)!.to).toBe(Array.from(framesFrom(readLogFile(folder, 0))).at(-1)!.to);
    expect(log.caughtUp()).toBeUndefined();
  });

  test("goes on in the other file, with a batch that is fresh, and back only when that one is durable in the tables", async () => {
    await append(LARGE, true);
    await append(LARGE);
    expect(long).toBe(1);
    await append(SMALL); // not fresh: it still belongs to this file
    await append(SMALL, true);
    expect([numbersIn(0), numbersIn(1)]).toEqual([[42, 43, 44], [45]]);
    await append(LARGE);
    await append(LARGE);
    const before = durable;
    log.append(SMALL, true);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(durable).toBe(before);
    const final = stretches.find((one) => one.final)!;
    expect(final).toMatchObject({ file: 0, number: 44 });
    for (const stretch of stretches.splice(0)) log.applied(stretch);
    await expect.poll(() => durable).toBe(before + 1);
    expect([numbersIn(0), numbersIn(1)]).toEqual([[48], [45, 46, 47]]);
  }, 20_000);

  test("a failure is told once, and leaves nobody waiting", async () => {
    await append(SMALL, true);
    const waits = log.caughtUp()!;
    log.close();
    await append(SMALL);
    expect(failures).toEqual([expect.objectContaining({ message: "the store is closed" })]);
    await waits;
    log.append(SMALL, false);
    expect(log.caughtUp()).toBeUndefined();
    expect([durable, failures.length]).toEqual([1, 1]);
    log = new BatchLog({
      folder,
      durability,
      newest: 42,
      reserve: false,
      apply: () => {},
      onDurable: () => {},
      onFailure: () => {},
      onLong: () => {},
    });
  });
});
