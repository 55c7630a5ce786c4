import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startFloor, startMaidan } from "./gateways.ts";
import { describeLoad, LOAD_CORE, memoryMb, PINNED, processorMs } from "./machine.ts";
import { nextMessage, PROJECT, runBenchmark, startOwn, startUpstream, type Target } from "./processes.ts";
import { median } from "./run.ts";
import type { SlowOrder, SlowResult } from "./slow-cases.ts";

/**
 * A thousand slow streams open at once on one process: how long a chunk is on its way from the upstream's write to the
 * client's read, without a gateway, through a bare relay (the floor) and through Maidan, in turns within one run; and what
 * a stream takes of memory.
 */

const HELP = `npm run bench -- slow-streams [options]
  --streams N   open at once (1000)
  --seconds N   of measuring a round (10)
  --rounds N    (3)
`;
const OPEN_MS_A_STREAM = 4;
const GOAL_MS = 10;

interface Round {
  readonly result: SlowResult;
  readonly beforeMb: number | undefined;
  readonly openMb: number | undefined;
  /** Of Maidan, over the time of measuring: share of a core. */
  readonly processor: number | undefined;
}

async function measure(target: Target, order: Omit<SlowOrder, "port" | "headers" | "model">): Promise<Round> {
  const client = startOwn(LOAD_CORE, "slow-client");
  const { port, headers, model } = target;
  const beforeMb = memoryMb(target.process.pid!);
  client.send({ ...order, port, headers, model } satisfies SlowOrder);
  await nextMessage(client);
  const from = processorMs(target.process.pid!);
  await nextMessage(client);
  const to = processorMs(target.process.pid!);
  const openMb = memoryMb(target.process.pid!);
  const { result } = await nextMessage<{ result: SlowResult }>(client);
  client.disconnect();
  const processor = from === undefined || to === undefined ? undefined : (to - from) / order.measureMs;
  return { result, beforeMb, openMb, processor };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      streams: { type: "string", default: "1000" },
      seconds: { type: "string", default: "10" },
      rounds: { type: "string", default: "3" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const streams = Number(values.streams);
  const order = { streams, openMs: streams * OPEN_MS_A_STREAM, measureMs: Number(values.seconds) * 1_000 };
  const upstream = await startUpstream(LOAD_CORE, "slow-upstream");
  const maidan = await startMaidan(upstream);
  const targets = [upstream, await startFloor(upstream), maidan];
  for (const target of targets) await measure(target, { streams: 20, openMs: 200, measureMs: 1_000 });
  const load = describeLoad();
  const rounds = new Map<Target, Round[]>(targets.map((target) => [target, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const target of targets) {
      process.stderr.write(`round ${round + 1} of ${values.rounds}: ${target.name}\n`);
      rounds.get(target)!.push(await measure(target, order));
    }
  }
  report(streams, rounds, load);
}

function report(streams: number, rounds: ReadonlyMap<Target, readonly Round[]>, load: string): void {
  const line = (cells: readonly string[]): string => cells.map((cell) => cell.padStart(10)).join("");
  process.stdout.write(
    `\n${streams} streams at once, a chunk each half second; ms from write to read, medians of rounds\n\n`,
  );
  process.stdout.write(`${line(["", "p50", "p99", "p99.9", "max", "chunks", "begun", "ended"])}\n`);
  for (const [{ name }, list] of rounds) {
    const of = (figure: (result: SlowResult) => number): number => median(list.map(({ result }) => figure(result)));
    const times = [of((one) => one.p50), of((one) => one.p99), of((one) => one.p999), of((one) => one.max)];
    const counts = [of((one) => one.chunks), of((one) => one.begun), of((one) => one.ended)];
    process.stdout.write(`${line([name, ...times.map((time) => time.toFixed(2)), ...counts.map(String)])}\n`);
    const failure = list.find(({ result }) => result.failure)?.result.failure;
    if (failure) process.stdout.write(`${name}: ${failure}\n`);
  }
  const [direct, floor, through] = [...rounds.values()] as [readonly Round[], readonly Round[], readonly Round[]];
  const p99 = median(through.map(({ result }) => result.p99));
  process.stdout.write(
    `\nAt the 99th percentile Maidan adds ${addedMs(through, direct)} ms to no gateway, ${addedMs(through, floor)} ms to the floor ` +
      `(medians of the rounds' differences). The goal of ${GOAL_MS} ms is ${p99 <= GOAL_MS ? "reached" : "not reached"}.\n`,
  );
  reportMemory(streams, through);
  const pinned = PINNED ? "The gateways on one core, all else on another" : "no core of its own for anybody";
  process.stdout.write(`${pinned}; ${load}\n`);
  const folder = join(PROJECT, "benchmarks/results");
  mkdirSync(folder, { recursive: true });
  const plain = Object.fromEntries([...rounds].map(([{ name }, list]) => [name, list]));
  writeFileSync(join(folder, "slow-streams.json"), JSON.stringify({ streams, load, ...plain }, undefined, 1));
}

function addedMs(rounds: readonly Round[], others: readonly Round[]): string {
  return median(rounds.map(({ result }, round) => result.p99 - others[round]!.result.p99)).toFixed(2);
}

/** The first round tells what streams take: later ones find memory that the first has asked for. */
function reportMemory(streams: number, through: readonly Round[]): void {
  const [first] = through;
  if (first?.beforeMb === undefined || first.openMb === undefined) return;
  const most = Math.max(...through.map(({ openMb }) => openMb!));
  const each = ((most - first.beforeMb) * 1_024) / streams;
  process.stdout.write(
    `Resident memory: ${first.beforeMb.toFixed(0)} MB before, ${most.toFixed(0)} MB at the most with ${streams} streams open: ${each.toFixed(0)} KB a stream.\n`,
  );
  const processor = median(through.map((round) => round.processor ?? Number.NaN));
  process.stdout.write(`Processor: ${(processor * 100).toFixed(0)} % of a core.\n`);
}

await runBenchmark(main);
