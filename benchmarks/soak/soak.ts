import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { PROJECT } from "../../tests/harness/compile.ts";
import { type RunningMaidan, startMaidan } from "../../tests/harness/maidan.ts";
import { type RunningUpstream, startUpstream } from "../../tests/harness/start-upstream.ts";
import { added, LEVEL_HEAD, type Level, levelRow, medianBetween, openFiles, readLevel } from "./levels.ts";
import { Load } from "./load.ts";
import { Operator } from "./operator.ts";
import { MODELS, settings } from "./settings.ts";

/**
 * A mixed load with faults, for an hour: memory stays within a tenth of its level after ten minutes, and when the load
 * is over no descriptor and no timer is left behind. Memory is judged by medians of five minutes, since garbage comes
 * and goes: of the five after the first ten, and of the last five.
 */

const HELP = `npm run soak -- [options]
  --minutes N   how long (60)
  --rate N      calls a second (100)
  --seed N      of the load (1)
`;
const SAMPLE_SECONDS = 10;
const WINDOW_SECONDS = 300;
const SETTLED_MINUTES = 10;
const MOST_GROWTH = 1.1;
/** The longest that idle connections are kept, and some more. */
const DRAIN_SECONDS = 180;

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
  await load.stop();
  await operator.stop();
  process.stdout.write("The load is over; waiting until nothing is left …\n");
  const after = await restingLevel(maidan, before);
  process.stdout.write(`${levelRow({ ...after, at: elapsed() })}\n`);
  const left = added(opened, openFiles(maidan));
  const audit = await maidan.admin.get("audit");
  report(load, operator, levels, { before, after, left, seconds, audit: audit.ok === true, log: maidan.printed.text });
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

interface Outcome {
  readonly before: Level;
  readonly after: Level;
  /** What is open and was not before. */
  readonly left: readonly string[];
  readonly seconds: number;
  readonly audit: boolean;
  readonly log: string;
}

function report(load: Load, operator: Operator, levels: readonly Level[], outcome: Outcome): void {
  const { before, after, left, seconds, audit, log } = outcome;
  const settled = Math.min(SETTLED_MINUTES * 60, seconds / 2);
  const span = Math.min(WINDOW_SECONDS, seconds / 4);
  const memory = (of: (level: Level) => number): { early: number; late: number } => ({
    early: medianBetween(levels, settled, settled + span, of),
    late: medianBetween(levels, seconds - span, seconds + span, of),
  });
  const resident = memory(({ residentMb }) => residentMb);
  const used = memory(({ heapMb, externalMb }) => heapMb + externalMb);
  const defects = log.split("\n").filter((line) => /unhandled|uncaught|internal_error|"level":[56]0/i.test(line));
  const statuses = [...load.statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
  const checks: [string, boolean][] = [
    [`resident memory ${ratio(resident)} of its level after ${settled / 60} minutes`, isLevel(resident)],
    [
      `descriptors ${before.descriptors} before, ${after.descriptors} after ${left.join(" ")}`,
      after.descriptors <= before.descriptors,
    ],
    [`timers ${before.timers} before, ${after.timers} after`, after.timers <= before.timers],
    [`calls in flight ${after.inFlight}, in doubt ${after.unsettled}`, after.inFlight === 0 && after.unsettled === 0],
    ["the ledger's audit", audit],
    [`no defect in the log${defects[0] ? `: ${defects[0].slice(0, 300)}` : ""}`, defects.length === 0],
    [`operators' work${operator.failure ? `: ${operator.failure}` : ""}`, operator.failure === undefined],
  ];
  process.stdout.write(`\nCalls by status (0: left, or broken): ${statuses.join(", ")}\n`);
  process.stdout.write(`Calls that were not made, because too many were under way: ${load.skipped}\n`);
  process.stdout.write(`Heap and external memory ${ratio(used)}\n\n`);
  for (const [what, right] of checks) process.stdout.write(`${right ? "passed" : "FAILED"}  ${what}\n`);
  const folder = join(PROJECT, "benchmarks/results");
  mkdirSync(folder, { recursive: true });
  const calls = Object.fromEntries(load.statuses);
  writeFileSync(join(folder, "soak.json"), JSON.stringify({ checks, before, after, calls, levels }, undefined, 1));
  process.stdout.write("\nEvery sample is in benchmarks/results/soak.json.\n");
  if (checks.some(([, right]) => !right)) process.exitCode = 1;
}

function ratio({ early, late }: { early: number; late: number }): string {
  return `${early.toFixed(1)} → ${late.toFixed(1)} MB, ${(late / early).toFixed(3)}`;
}

function isLevel({ early, late }: { early: number; late: number }): boolean {
  return late <= early * MOST_GROWTH;
}

await main();
