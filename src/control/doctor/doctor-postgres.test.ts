import { expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../base/limits.ts";
import { onPostgres } from "../../store/postgres.suite.ts";
import { openPostgresStore } from "../../store/postgres-store.ts";
import type { Store } from "../../store/spec.ts";
import { sampleEntry } from "../../store/store.suite.ts";
import { checkDiskSpeed } from "./disk-checks.ts";
import { examineStore } from "./installation.ts";
import { checkStore } from "./ledger-checks.ts";
import { DOCTOR_BOUNDS } from "./spec.ts";

const AT = Date.parse("2026-11-24T06:00:00Z");

async function withStore(url: string, durability: "disk" | "process", look: (store: Store) => Promise<void>) {
  const store = await openPostgresStore({ url, durability, limits: DEFAULT_LIMITS });
  await look(store).finally(() => store.close());
}

onPostgres("doctor, of a store in PostgreSQL", (server) => {
  test("says that the server forgets at a power cut, unless that is meant", async () => {
    const url = await server().createDatabase();
    await withStore(url, "disk", async (store) => {
      const findings = await checkStore(examineStore(store));
      expect(findings.map(({ state }) => state)).toEqual(["warning", "ok"]);
      expect(findings[0]!.what("en")).toContain("fsync = off");
      expect(findings[0]!.remedy!("zh")).toContain("alter system");
      expect(findings[1]!.what("en")).toContain("PostgreSQL answers");
    });
    await withStore(url, "process", async (store) => {
      expect((await checkStore(examineStore(store))).map(({ state }) => state)).toEqual(["ok"]);
    });
  });

  test("tells how long the store takes for a commit, and leaves the data folder's disk alone", async () => {
    await withStore(await server().createDatabase(), "disk", async (store) => {
      const examined = { dataFolder: "/nowhere", ...examineStore(store) };
      const [fast] = await checkDiskSpeed(examined, { ...DOCTOR_BOUNDS, syncWarningMs: 60_000 });
      expect([fast!.state, fast!.what("en")]).toEqual(["ok", expect.stringMatching(/commit in PostgreSQL takes \d/)]);
      const [slow] = await checkDiskSpeed(examined, { ...DOCTOR_BOUNDS, syncWarningMs: 0 });
      expect([slow!.state, slow!.remedy!("zh")]).toEqual(["warning", expect.stringContaining("更快的磁盘")]);
      expect(await store.query.selectFrom("jobs").select("name").execute()).toEqual([{ name: "doctor" }]);
    });
  });

  test("finds when the newest entry was made", async () => {
    await withStore(await server().createDatabase(), "disk", async (store) => {
      const { lastEntryAt } = examineStore(store);
      expect(await lastEntryAt()).toBeUndefined();
      await store.journal.append({ op: "entry", entry: sampleEntry("call_a.1", { at: AT }) });
      expect(await lastEntryAt()).toBe(AT);
    });
  });
});
