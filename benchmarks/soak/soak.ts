import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { closedTally } from "../../tests/harness/books.ts";
import { type RunningMaidan, startMaidan } from "../../tests/harness/maidan.ts";
import { type RunningUpstream, startUpstream } from "../../tests/harness/start-upstream.ts";
import { compare, readAttempts } from "./books.ts";
import { ask, within } from "./bounds.ts";
import { added, LEVEL_HEAD, type Level, levelRow, openFiles, readLevel } from "./levels.ts";
import { Load } from "./load.ts";
import { Operator } from "./operator.ts";
import { MODELS, settings } from "./settings.ts";
import { judge } from "./verdict.ts";

/**
 * A mixed load with faults, for an hour: memory stays within a tenth of its level after ten minutes; when the load is
 * over no descriptor and no timer is left behind; and each request that the vendor served is in the ledger once. Memory is
 * judged by medians of five minutes, since garbage comes and goes: of the five after the first ten, and of the last five.
 */

const HELP = `npm run soak -- [options]
  --minutes N   how long (60)
  --rate N      calls a second (100)
  --seed N      of the load (1)
`;
const SAMPLE_SECONDS = 10;
/** The longest that idle connections are kept, and some more. */
const DRAIN_SECONDS = 180;
/** The longest that this load's calls take when their clients are gone: several times what a vendor may be silent. */
const IN_FLIGHT_SECONDS = 60;
/** Whatever reads the whole ledger or all of the vendor's books. */
const BOOKS_SECONDS = 600;

const DEFECT = /unhandled|uncaught|internal_error|"level":[56]0/i;
const MOST_DEFECTS = 10;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "60" },
      rate: { type: "string", default: "100" },
      seed: { type: "string", default: "1" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const upstream = await startUpstream({ models: MODELS });
  const maidan = await startMaidan({ yaml: settings(upstream, 0) });
  try {
    await soak(maidan, upstream, Number(values.minutes) * 60, Number(values.rate), Number(values.seed));
  } finally {
    await maidan.stop();
    await upstream.stop();
  }
}

async function soak(
  maidan: RunningMaidan,
  upstream: RunningUpstream,
  seconds: number,
  rate: number,
  seed: number,
): Promise<void> {
  const defects = defectsIn(maidan);
  const operator = new Operator(maidan, upstream);
  const load = new Load(maidan, rate, seed);
  // What is opened once and kept (readers of the store, fonts of a zone) belongs to the level before the load.
  await operator.warm();
  await load.warm();
  process.stdout.write("Waiting until connections of the first calls are closed …\n");
  const before = await restingLevel(maidan, undefined);
  const opened = openFiles(maidan);
  process.stdout.write(`${LEVEL_HEAD}\n${levelRow({ ...before, at: 0 })}\n`);
  const levels: Level[] = [];
  const began = performance.now();
  const elapsed = (): number => (performance.now() - began) / 1_000;
  load.start();
  operator.start();
  while (elapsed() < seconds) {
    await sleep(Math.min(SAMPLE_SECONDS, seconds - elapsed() + 0.1) * 1_000);
    const level = await readLevel(maidan, elapsed());
    levels.push(level);
    if (levels.length % 6 === 0) process.stdout.write(`${levelRow(level)}\n`);
  }
  const end = new Steps();
  process.stdout.write("The load is over.\n");
  await end.step("the clients' last calls", () => load.stop());
  // Clients have left some of them: those end later, and only then it is known which are in doubt.
  await end.step("calls in flight", () => nothingInFlight(maidan));
  await end.step("the operators, and what is in doubt", () => operator.stop());
  const rest = await end.step("nothing is left", () => restingLevel(maidan, before));
  const after = { ...(rest ?? (await readLevel(maidan, 0))), at: elapsed() };
  process.stdout.write(`${levelRow(after)}\n`);
  const left = added(opened, openFiles(maidan));
  const audit = await end.step("the ledger's audit", () => ask(maidan.admin, "audit", BOOKS_SECONDS));
  const rows = await end.step("the vendor's books", () =>
    within(BOOKS_SECONDS, () => "the vendor's books", closedTally(upstream)),
  );
  const attempts = await end.step("the ledger's calls", () =>
    within(BOOKS_SECONDS, () => "the list of calls", readAttempts(maidan.admin)),
  );
  const found = audit === undefined ? undefined : JSON.parse(audit);
  const right = judge({
    ...{ load, operator, levels, before, after, left, seconds },
    audit: found && (found.ok === true ? "" : JSON.stringify(found)),
    comparison: rows && attempts && compare(rows, attempts, load.tags),
    failures: end.failures,
    defects,
  });
  if (!right) process.exitCode = 1;
}

/** Lines of the log that nobody should ever see, as they come: an hour's log is not kept. */
function defectsIn({ process: { stdout, stderr } }: RunningMaidan): readonly string[] {
  const defects: string[] = [];
  for (const input of [stdout!, stderr!]) {
    createInterface({ input }).on("line", (line) => {
      if (DEFECT.test(line) && defects.length < MOST_DEFECTS) defects.push(line);
    });
  }
  return defects;
}

/** What is done once the load is over. A step that fails is noted, and the verdict is given all the same. */
class Steps {
  readonly failures: string[] = [];

  async step<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    const began = performance.now();
    process.stdout.write(`Waiting for: ${what} … `);
    try {
      const done = await work();
      process.stdout.write(`${((performance.now() - began) / 1_000).toFixed(1)} s\n`);
      return done;
    } catch (cause) {
      const failure = `${what}: ${cause instanceof Error ? cause.message : cause}`;
      process.stdout.write(`${failure}\n`);
      this.failures.push(failure);
      return undefined;
    }
  }
}

async function nothingInFlight(maidan: RunningMaidan): Promise<void> {
  for (let waited = 0; waited < IN_FLIGHT_SECONDS; waited++) {
    if ((await readLevel(maidan, 0)).inFlight === 0) return;
    await sleep(1_000);
  }
  const { inFlight } = await readLevel(maidan, 0);
  throw new Error(`${inFlight} after ${IN_FLIGHT_SECONDS} s`);
}

/** The level when nothing has changed for a while, or when it is down to `target`. */
async function restingLevel(maidan: RunningMaidan, target: Level | undefined): Promise<Level> {
  let level = await readLevel(maidan, 0);
  for (let waited = 0; waited < DRAIN_SECONDS; waited += 5) {
    if (target && level.descriptors <= target.descriptors && level.timers <= target.timers) return level;
    await sleep(5_000);
    const next = await readLevel(maidan, 0);
    // Connections to an upstream are kept for as long as it allows, which is a minute.
    const same = next.descriptors === level.descriptors && next.timers === level.timers;
    if (!target && same && waited >= 75) return next;
    level = next;
  }
  return level;
}

await main();
