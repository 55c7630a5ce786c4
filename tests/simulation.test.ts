import { describe, expect, test } from "vitest";
import { simulate } from "./simulation/start.ts";

const ONE = process.env.MAIDAN_SIMULATION_SEED;
const SEEDS = Number(process.env.MAIDAN_SIMULATION_SEEDS ?? 1_000);
/** Runs of a process of its own: two of them keep two cores busy. */
const PART = Math.max(1, Math.ceil(SEEDS / 2));
const PATIENCE_MS = 60_000 + SEEDS * 500;

/**
 * The real spine (calls, ledger, journal, relay, recovery) under a simulated clock, network, disk and vendors, each run
 * from one seed: crashes, lost writes, slow and failing fsync, partitions, endings told twice, restarts with another
 * clock; on one node, and in one world of four on several that share a database by leases. What must hold at every instant
 * is in `simulation/rules.ts`, `books.ts` and `leases/lease-rules.ts`, what at the end in `final-checks.ts`.
 */
describe("simulation", () => {
  test.runIf(ONE === undefined)(
    `${SEEDS} seeds without a violation`,
    async () => {
      const parts = [1, 2].map((part) => ({
        firstSeed: (part - 1) * PART + 1,
        lastSeed: Math.min(part * PART, SEEDS),
      }));
      const results = (await Promise.all(parts.map(simulate))).flat();
      const violations = results.filter(({ violation }) => violation !== undefined);
      const shown = violations.map(({ seed, violation }) => `MAIDAN_SIMULATION_SEED=${seed}: ${violation}`);
      expect(shown).toEqual([]);
      expect(results).toHaveLength(SEEDS);
      // Runs in which nothing happens would prove nothing.
      for (const kind of ["own", "shared"]) {
        const runs = results.filter(({ ground }) => ground === kind);
        expect(runs.reduce((sum, { attempts }) => sum + attempts, 0)).toBeGreaterThanOrEqual(runs.length * 3);
        console.log(`${runs.length} worlds with ${kind === "own" ? "one node" : "several nodes"}`);
      }
    },
    PATIENCE_MS,
  );

  test.runIf(ONE !== undefined)(
    `seed ${ONE}, with all that happens`,
    async () => {
      const seed = Number(ONE);
      const [result] = await simulate({ firstSeed: seed, lastSeed: seed, trace: true });
      expect(result?.violation).toBeUndefined();
    },
    PATIENCE_MS,
  );

  test.runIf(ONE === undefined)(
    "the same seed does the same again, after few and after many others",
    async () => {
      const [many, few] = await Promise.all([
        simulate({ firstSeed: 11, lastSeed: 16 }),
        simulate({ firstSeed: 15, lastSeed: 16 }),
      ]);
      expect(many.slice(-2)).toEqual(few);
      expect(few.map(({ ground }) => ground)).toEqual(["own", "shared"]);
      expect(new Set(many.map(({ digest }) => digest)).size).toBe(6);
    },
    PATIENCE_MS,
  );
});
