import { KIND_NAMES, KINDS } from "./cases.ts";
import { caseName, middle, perSecond, type Run, ratio, type Sample } from "./run.ts";
import { figure, table, verdict } from "./table.ts";

/** The run as text: a table, a plot, and how it stands against the goals. */

const BAR = 44;

const PAIRS: readonly (readonly [string, string])[] = [
  ["maidan", "floor"],
  ["postgres", "floor"],
  ["maidan", "portkey"],
];

function throughput(run: Run): string {
  const pairs = PAIRS.filter((pair) => pair.every((name) => run.names.includes(name)));
  const head = ["requests/s (µs of processor each)", ...run.names, ...pairs.map((pair) => pair.join("/"))];
  const rows = run.cases.map((one) => {
    const name = caseName(one);
    const cells = run.names.map((gateway) => {
      const processor = figure(middle(run, name, gateway, (sample) => sample.processorUs));
      return `${figure(middle(run, name, gateway, perSecond))} (${processor})`;
    });
    return [name, ...cells, ...pairs.map(([over, under]) => figure(ratio(run, name, over, under), 2))];
  });
  return table([head, ...rows]);
}

function latency(run: Run): string {
  const head = ["milliseconds at a modest rate", "direct", ...run.names];
  const row = (label: string, name: string, read: (sample: Sample) => number): string[] => [
    label,
    ...["direct", ...run.names].map((gateway) => figure(middle(run, name, gateway, read), 2)),
  ];
  return table([
    head,
    row("buffered, whole answer, p50", "latency buffered", (sample) => sample.result.whole.p50),
    row("buffered, whole answer, p99", "latency buffered", (sample) => sample.result.whole.p99),
    row("stream, first chunk, p50", "latency paced", (sample) => sample.result.first.p50),
    row("stream, first chunk, p99", "latency paced", (sample) => sample.result.first.p99),
    row("stream, whole answer, p50", "latency paced", (sample) => sample.result.whole.p50),
  ]);
}

function memory(run: Run): string {
  const rows = run.names.map((gateway) => {
    const values = run.memory.get(gateway) ?? [];
    const size = Math.ceil(values.length / run.rounds);
    const rounds = Array.from({ length: run.rounds }, (_, round) => values.slice(round * size, (round + 1) * size));
    return [gateway, ...rounds.map((round) => figure(round.length > 0 ? Math.max(...round) : Number.NaN))];
  });
  return table([["most memory in each round, MB", ...rows[0]!.slice(1).map((_, round) => `${round + 1}`)], ...rows]);
}

function bars(run: Run): string {
  const lines: string[] = [];
  for (const kind of KINDS.filter((one) => run.cases.some((each) => each.kind === one))) {
    lines.push(KIND_NAMES[kind]);
    for (const one of run.cases.filter((each) => each.kind === kind)) {
      const values = run.names.map((gateway) => middle(run, caseName(one), gateway, perSecond));
      const most = Math.max(...values);
      run.names.forEach((gateway, place) => {
        const label = place === 0 ? `${one.connections}`.padStart(5) : "     ";
        const bar = "█".repeat(Math.max(1, Math.round((values[place]! / most) * BAR)));
        lines.push(`${label} ${gateway.padEnd(8)}${bar} ${figure(values[place]!)}/s`);
      });
    }
  }
  return lines.join("\n");
}

function goals(run: Run): string {
  const lines: string[] = [];
  const judge = (label: string, values: readonly number[], goal: string, reached: (value: number) => boolean): void => {
    const known = values.filter((value) => !Number.isNaN(value));
    if (known.length === 0) return;
    lines.push(verdict(label, known, goal, known.every(reached)));
  };
  const names = (kind: string): string[] => run.cases.filter((one) => one.kind === kind).map(caseName);
  const compare = (kind: string, over: string, under: string, label: string, least: number): void => {
    const values = names(kind).map((name) => ratio(run, name, over, under));
    judge(label, values, `≥ ${least}`, (value) => value >= least);
  };
  compare("buffered", "maidan", "floor", "Maidan / floor, buffered, by connections", 0.75);
  compare("buffered", "postgres", "floor", "Maidan on PostgreSQL / floor, buffered, by connections", 0.65);
  compare("paced", "maidan", "floor", "Maidan / floor, paced streams", 0.95);
  compare("buffered", "maidan", "portkey", "Maidan / Portkey, buffered", 15);
  const added = (name: string, read: (sample: Sample) => number): number =>
    middle(run, name, "maidan", read) - middle(run, name, "direct", read);
  judge(
    "added p50, ms",
    [added("latency buffered", (sample) => sample.result.whole.p50)],
    "≤ 1",
    (value) => value <= 1,
  );
  judge(
    "added to the first chunk, p50, ms",
    [added("latency paced", (sample) => sample.result.first.p50)],
    "≤ 1",
    (value) => value <= 1,
  );
  return lines.join("\n");
}

function failures(run: Run): string {
  const lines: string[] = [];
  for (const [name, by] of run.samples) {
    for (const [gateway, samples] of by) {
      const failed = samples.reduce((total, sample) => total + sample.result.failed, 0);
      const why = samples.find((sample) => sample.result.failure)?.result.failure;
      if (failed > 0) lines.push(`${gateway}, ${name}: ${failed} failed (${why})`);
    }
  }
  return lines.length === 0 ? "No request failed." : lines.join("\n");
}

/** What the figures depend on beside the program. */
export interface Machine {
  readonly pinned: boolean;
  /** Milliseconds that the disk takes to make a write durable. */
  readonly syncMs: number;
  /** The load before the run, where it was too high for figures that mean something. */
  readonly busy: number | undefined;
}

export function printReport(run: Run, { pinned, syncMs, busy }: Machine): void {
  const where = pinned
    ? "gateways on one core, load and upstream on another"
    : "processes could not be bound to cores here";
  const doubt =
    busy && `Others were using this machine (load ${figure(busy, 1)}): take no figure below for the program's.`;
  const parts = [
    ...(doubt ? [doubt] : []),
    `Medians of ${run.rounds} rounds; ${where}; fdatasync takes ${figure(syncMs, 2)} ms.`,
    throughput(run),
  ];
  if (run.samples.has("latency buffered")) parts.push(latency(run));
  parts.push(memory(run), bars(run), goals(run), failures(run));
  process.stdout.write(`${parts.join("\n\n")}\n`);
}
