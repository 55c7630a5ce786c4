import { expect, test } from "vitest";
import { ManualClock } from "../base/clock.ts";
import { Fault } from "../base/faults.ts";
import { checkReadiness, type HealthSources } from "./health.ts";

const NOW = Date.parse("2026-11-24T06:00:00Z");
const well: HealthSources = {
  clock: new ManualClock(NOW),
  pingStore: async () => {},
  journalDepth: () => 0,
  journalQueue: () => 100,
  endpoints: () => [],
  lastEntryAt: async () => NOW - 1,
  stopping: () => false,
};

const find = async (sources: Partial<HealthSources>, name: string) => {
  const { ready, checks } = await checkReadiness({ ...well, ...sources });
  return { ready, ...checks.find((check) => check.name === name)! };
};

test("is ready when all is well", async () => {
  expect((await checkReadiness(well)).checks.map(({ name, state }) => [name, state])).toEqual([
    ["store", "ok"],
    ["journal", "ok"],
    ["clock", "ok"],
    ["process", "ok"],
  ]);
});

test("is not ready when the store fails, and says no more than its code", async () => {
  const pingStore = async () => {
    throw Object.assign(new Error("/secret/path"), { code: "SQLITE_IOERR" });
  };
  expect(await find({ pingStore }, "store")).toEqual({
    ready: false,
    name: "store",
    state: "failed",
    detail: "SQLITE_IOERR",
  });
  const away = async () => {
    const cause = Object.assign(new Error("10.0.0.7"), { code: "ECONNREFUSED" });
    throw new Fault("overloaded", () => "10.0.0.7 is away", { cause });
  };
  expect(await find({ pingStore: away }, "store")).toMatchObject({ state: "failed", detail: "ECONNREFUSED" });
});

test("warns of a journal that fills up, and is not ready when it is full", async () => {
  expect(await find({ journalDepth: () => 51 }, "journal")).toMatchObject({ ready: true, state: "warning" });
  expect(await find({ journalDepth: () => 100 }, "journal")).toMatchObject({ ready: false, state: "failed" });
});

test("warns of a clock that is behind the ledger", async () => {
  const behind = await find({ lastEntryAt: () => NOW + 60_000 }, "clock");
  expect(behind).toMatchObject({ ready: true, state: "warning", detail: "60 s behind the last ledger entry" });
  expect(await find({ lastEntryAt: () => NOW + 4_000 }, "clock")).toMatchObject({ state: "ok" });
});
