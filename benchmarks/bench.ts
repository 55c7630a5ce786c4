import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CASES, KINDS } from "./cases.ts";
import * as gateways from "./gateways.ts";
import { busyLoad, memoryMb, PINNED, processorMs, syncMs } from "./machine.ts";
import { Load, PROJECT, progress, runBenchmark, startUpstream, type Target } from "./processes.ts";
import { printReport } from "./report.ts";
import { caseName, type Run, type Sample, turned } from "./run.ts";
import { drawBars } from "./svg.ts";

/**
 * What the ledger costs: a bare relay, Maidan, and another gateway, all on the same core, in turns, within one run.
 * Absolute figures are the machine's; the ratios are the result.
 */

const HELP = `npm run bench -- [options]
  --rounds N       rounds, of which the medians are shown (3)
  --seconds N      seconds of load a case and round (2)
  --only KINDS     of buffered,stream,paced,latency (all)
  --gateways NAMES of floor,maidan,portkey,postgres (the first three); postgres is Maidan with its ledger in PostgreSQL

Others, each with its own --help:
npm run bench -- postgres      the floor, Maidan on SQLite and Maidan on PostgreSQL, buffered
npm run bench -- ledger-cpu    processor time of the ledger a call, without a gateway
npm run bench -- http-client   processor time of our HTTP client a request, beside undici's
npm run bench -- hot-budget    leases against a row update for every call, three nodes on one budget
npm run bench -- open-rate     what is added to a call at 1,000 calls a second
npm run bench -- workers       one process against two
npm run bench -- slow-streams  a thousand slow streams at once
`;

/** Until compiled code runs: the more code a gateway has, the longer that takes, and it is not what is compared. */
const WARMING_MS = { buffered: 4_000, stream: 3_000, paced: 1_500 } as const;

const LATENCY = [
  { kind: "buffered", rate: 200 },
  { kind: "paced", rate: 40 },
] as const;

function keep(run: Run, name: string, target: Target, sample: Sample): void {
  const byGateway = run.samples.get(name) ?? new Map<string, Sample[]>();
  run.samples.set(name, byGateway);
  byGateway.set(target.name, [...(byGateway.get(target.name) ?? []), sample]);
  const memory = memoryMb(target.process.pid!);
  if (memory !== undefined) run.memory.set(target.name, [...(run.memory.get(target.name) ?? []), memory]);
}

async function measure(load: Load, target: Target, order: Parameters<Load["run"]>[1]): Promise<Sample> {
  const { pid } = target.process;
  const before = processorMs(pid!);
  const result = await load.run(target, order);
  const after = processorMs(pid!);
  const used = before === undefined || after === undefined ? undefined : after - before;
  return {
    result,
    processorUs: used === undefined || result.total === 0 ? undefined : (used * 1000) / result.total,
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "2" },
      only: { type: "string", default: "buffered,stream,paced,latency" },
      gateways: { type: "string", default: "floor,maidan,portkey" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const rounds = Math.min(50, Math.max(1, Number(values.rounds)));
  const milliseconds = Math.min(60, Math.max(0.2, Number(values.seconds))) * 1000;
  const only = new Set(values.only.split(","));
  const busy = busyLoad();
  const upstream = await startUpstream();
  const load = new Load();
  const starters = {
    floor: gateways.startFloor,
    maidan: gateways.startMaidan,
    postgres: gateways.startMaidanOnPostgres,
    portkey: gateways.startPortkey,
  };
  const targets: Target[] = [];
  for (const [name, starter] of Object.entries(starters)) {
    if (values.gateways.split(",").includes(name)) targets.push(await starter(upstream));
  }
  const cases = CASES.filter((one) => only.has(one.kind));
  const run: Run = { names: targets.map((one) => one.name), cases, samples: new Map(), memory: new Map(), rounds };
  for (const target of targets) {
    progress(`warming up ${target.name}`);
    for (const kind of KINDS.filter((one) => only.has(one) || only.has("latency"))) {
      const warm = await load.run(target, { kind, connections: 50, milliseconds: WARMING_MS[kind] });
      if (warm.completed === 0) throw new Error(`${target.name} answers no ${kind} request: ${warm.failure}`);
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const one of cases) {
      for (const target of turned(targets, round)) {
        progress(`round ${round + 1} of ${rounds}: ${caseName(one)}, ${target.name}`);
        keep(run, caseName(one), target, await measure(load, target, { ...one, milliseconds }));
      }
    }
    for (const one of only.has("latency") ? LATENCY : []) {
      for (const target of turned([upstream, ...targets], round)) {
        progress(`round ${round + 1} of ${rounds}: ${caseName(one)}, ${target.name}`);
        keep(run, caseName(one), target, await measure(load, target, { ...one, connections: 50, milliseconds }));
      }
    }
  }
  progress("");
  printReport(run, { pinned: PINNED, syncMs: syncMs(), busy });
  const folder = join(PROJECT, "benchmarks/results");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "requests.svg"), drawBars(run));
  const plain = {
    ...run,
    samples: Object.fromEntries([...run.samples].map(([name, by]) => [name, Object.fromEntries(by)])),
  };
  writeFileSync(
    join(folder, "run.json"),
    JSON.stringify({ ...plain, memory: Object.fromEntries(run.memory) }, null, 1),
  );
  process.stdout.write(
    "\nThe plot is in benchmarks/results/requests.svg, every figure in benchmarks/results/run.json.\n",
  );
}

await runBenchmark(main);
