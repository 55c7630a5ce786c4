import { Chance } from "./chance.ts";
import { replaceGlobals } from "./globals.ts";
import { watchMemory } from "./leases/memory.ts";
import { SharedGround } from "./leases/shared-ground.ts";
import { OwnGround } from "./own-ground.ts";
import { Schedule } from "./schedule.ts";
import { readInstallation } from "./settings.ts";
import { Trace } from "./trace.ts";
import { takeViolation } from "./violation.ts";
import { World } from "./world.ts";

/**
 * Runs seeds, one after the other, and tells what came of each as a line of JSON. A process of its own: its clocks and
 * timers are those of the simulation, and the real ones do not come back.
 *
 *     node --import ./tools/typescript.mjs tests/simulation/run.ts <first seed> <last seed> [--trace] [--stop] [--only=own|shared]
 */

/** One world in so many is shared: it takes several times as long as one of a single node. */
const SHARED_EVERY = 4;

export interface RunResult {
  readonly seed: number;
  readonly ground: "own" | "shared";
  readonly violation?: string;
  readonly digest: string;
  readonly events: number;
  readonly attempts: number;
}

let world: { readonly schedule: Schedule; readonly productChance: Chance } = {
  schedule: new Schedule(),
  productChance: new Chance(0),
};
replaceGlobals(() => ({ schedule: world.schedule, chance: world.productChance }));

let stray: unknown;
process.on("unhandledRejection", (cause) => {
  stray ??= cause;
});

const installation = readInstallation();

async function runSeed(seed: number, print?: (line: string) => void): Promise<RunResult> {
  const trace = new Trace(print);
  const ground = only ?? (seed % SHARED_EVERY === 0 ? "shared" : "own");
  const current = new World(seed, installation, trace, (world, chance) =>
    ground === "shared" ? new SharedGround(world, chance) : new OwnGround(world, chance),
  );
  world = current;
  stray = undefined;
  takeViolation();
  let thrown: unknown;
  try {
    await current.schedule.run(
      () => current.live(),
      () => takeViolation() ?? stray,
    );
  } catch (error) {
    thrown = error;
  }
  const { schedule, durable } = current;
  const result = { seed, ground, digest: trace.digest(), events: schedule.events, attempts: durable.attempts.size };
  current.ground.close();
  if (thrown === undefined) return result;
  const { stack, message } = thrown as Error;
  return { ...result, violation: print ? (stack ?? message) : message };
}

watchMemory(() => world.schedule.current);
const only = process.argv.find((flag) => flag.startsWith("--only="))?.slice("--only=".length) as
  | RunResult["ground"]
  | undefined;
const [first, last] = process.argv.slice(2, 4).map(Number);
const traces = process.argv.includes("--trace");
const stops = process.argv.includes("--stop");
for (let seed = first!; seed <= last!; seed++) {
  const result = await runSeed(seed, traces ? (line) => process.stderr.write(`${line}\n`) : undefined);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  if (stops && result.violation) break;
}
