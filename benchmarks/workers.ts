import { parseArgs } from "node:util";
import { startMaidan, startPostgres } from "./gateways.ts";
import { CORES, describeLoad, PINNED, processorMs } from "./machine.ts";
import { Load, progress, runBenchmark, startUpstream, type Target } from "./processes.ts";
import { median, perSecond, type Sample, turned } from "./run.ts";
import { figure, table, verdict } from "./table.ts";

/**
 * One process against two workers of one machine, buffered, at full load. Where there are cores enough, each worker has
 * one, and load, upstream and database have others; where not, all share all, and only processor time tells something.
 */

const HELP = `npm run bench -- workers [options]
  --rounds N       (5)
  --seconds N      an arrangement and round (4)
  --connections N  (200)
  --postgres       with the ledger in PostgreSQL
`;
/** Two workers, what owns their store, load, upstream and, maybe, a database. */
const ENOUGH_CORES = 4;
const WARMING_MS = 6_000;
const GOAL = 1.6;
const WORKERS = 2;

/** Cores by who uses them; all for everybody where they are too few. */
const PLACES =
  PINNED && CORES >= ENOUGH_CORES
    ? { one: "0", two: "0,1", load: "2", upstream: "3", database: CORES > ENOUGH_CORES ? "4" : "3" }
    : { one: null, two: null, load: undefined, upstream: undefined, database: undefined };

async function measure(load: Load, target: Target, connections: number, milliseconds: number): Promise<Sample> {
  const before = processorMs(target.process.pid!);
  const result = await load.run(target, { kind: "buffered", connections, milliseconds });
  const after = processorMs(target.process.pid!);
  const used = before === undefined || after === undefined ? undefined : after - before;
  return { result, processorUs: used === undefined ? undefined : (used * 1_000) / Math.max(1, result.total) };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "4" },
      connections: { type: "string", default: "200" },
      postgres: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const machine = describeLoad();
  const upstream = await startUpstream(PLACES.upstream);
  const load = new Load(PLACES.load);
  const server = values.postgres ? await startPostgres(PLACES.database) : undefined;
  const store = async (): Promise<{ databaseUrl?: string }> =>
    server ? { databaseUrl: await server.createDatabase() } : {};
  const targets = [
    await startMaidan(upstream, { name: "one process", cores: PLACES.one, ...(await store()) }),
    await startMaidan(upstream, { name: "two workers", cores: PLACES.two, workers: WORKERS, ...(await store()) }),
  ];
  const connections = Number(values.connections);
  for (const target of targets) {
    progress(`warming up ${target.name}`);
    const warm = await load.run(target, { kind: "buffered", connections, milliseconds: WARMING_MS });
    if (warm.completed === 0) throw new Error(`${target.name} answers nothing: ${warm.failure}`);
  }
  const rounds = new Map<string, Sample[]>(targets.map(({ name }) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const target of turned(targets, round)) {
      progress(`round ${round + 1} of ${values.rounds}: ${target.name}`);
      rounds.get(target.name)!.push(await measure(load, target, connections, Number(values.seconds) * 1_000));
    }
  }
  progress("");
  report(rounds, connections, values.postgres ? "PostgreSQL" : "SQLite", machine);
}

function report(rounds: Map<string, Sample[]>, connections: number, store: string, machine: string): void {
  const rows = [...rounds].map(([name, samples]) => [
    name,
    figure(median(samples.map(perSecond))),
    figure(median(samples.map(({ processorUs = Number.NaN }) => processorUs))),
    figure(samples.reduce((failed, { result }) => failed + result.failed, 0)),
  ]);
  const [one, two] = [...rounds.values()] as [Sample[], Sample[]];
  const ratio = median(two.map((sample, round) => perSecond(sample) / perSecond(one[round]!)));
  const judged = PINNED && CORES >= ENOUGH_CORES;
  const lines = [
    `Buffered, ${connections} connections, the ledger in ${store}; medians of rounds; ${machine}.`,
    "",
    table([["", "requests/s", "µs of processor each", "failed"], ...rows]),
    "",
    judged
      ? verdict("two workers / one process", [ratio], `≥ ${GOAL}`, ratio >= GOAL)
      : `two workers / one process: ${figure(ratio, 2)}. This machine has ${CORES} cores, which workers share with load and upstream: ` +
        `the goal of ${GOAL} cannot be judged here (it takes ${ENOUGH_CORES}).`,
  ];
  const failure = [...rounds.values()].flat().find(({ result }) => result.failure)?.result.failure;
  if (failure) lines.push(failure);
  process.stdout.write(`${lines.join("\n")}\n`);
}

await runBenchmark(main);
