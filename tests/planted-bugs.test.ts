import { afterAll, describe, expect, test } from "vitest";
import { PLANTED_BUGS } from "./simulation/planted/bugs.ts";
import { PLANTED_LEASE_BUGS } from "./simulation/planted/lease-bugs.ts";
import { simulate } from "./simulation/start.ts";

/** Most are found in the first thirty, all in the first hundred; the rest is room for a simulation that draws otherwise. */
const MOST_SEEDS = 250;
const PATIENCE_MS = 300_000;

/**
 * A simulation that finds nothing might be blind. So each of these bugs is planted, one at a time, into the product as
 * it is loaded, and the simulation has to see it: as something that must never happen, not as a crash of its own.
 */
describe("bugs planted one at a time", () => {
  const found: string[] = [];
  const bugs = [...PLANTED_BUGS, ...PLANTED_LEASE_BUGS].map((bug) => ({ ...bug, bug }));

  test.each(bugs)(
    "$name ($breaks)",
    async ({ bug }) => {
      const results = await simulate({ firstSeed: 1, lastSeed: MOST_SEEDS, stop: true, bug });
      const last = results.at(-1);
      expect(last?.violation, `${bug.name}: not seen in ${MOST_SEEDS} seeds`).toMatch(/^(?:I\d|surface|recovery): /);
      found.push(`${String(last!.seed).padStart(4)}  ${bug.name}`);
    },
    PATIENCE_MS,
  );

  afterAll(() => console.log(`seed  bug\n${found.join("\n")}`));
});
