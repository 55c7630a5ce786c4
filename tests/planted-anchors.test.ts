import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PLANTED_BUGS } from "./simulation/planted/bugs.ts";
import { PLANTED_LEASE_BUGS } from "./simulation/planted/lease-bugs.ts";
import { plant } from "./simulation/planted/planting.ts";

const ROOT = join(import.meta.dirname, "..");
const BUGS = [...PLANTED_BUGS, ...PLANTED_LEASE_BUGS];

/** Whoever moves code learns here, at once, that a planted bug stood in it. Whether it is found: `planted-bugs.test.ts`. */
describe("the places of planted bugs", () => {
  test.each(BUGS)("$name", async (bug) => {
    const path = join(ROOT, bug.file);
    const source = readFileSync(path, "utf8");
    const without = await plant({ ...bug, by: bug.replace }, path, source);
    expect(await plant(bug, path, source)).not.toEqual(without);
  });

  test("are all different", () => {
    expect(new Set(BUGS.map(({ name }) => name)).size).toBe(BUGS.length);
    expect(new Set(BUGS.map(({ file, replace, by }) => [file, replace, by].join("\n"))).size).toBe(BUGS.length);
  });
});
