import { parseArgs } from "node:util";
import type { LoadResult, Quantiles } from "./cases.ts";
import { startFloor, startMaidan, startMaidanOnPostgres } from "./gateways.ts";
import { describeLoad } from "./machine.ts";
import { Load, progress, runBenchmark, startUpstream, type Target } from "./processes.ts";
import { median, turned } from "./run.ts";
import { figure, table, verdict } from "./table.ts";

/**
 * What a gateway adds to a buffered call while calls come at a fixed rate, whether or not those before were answered:
 * the same arrivals for each, by chance as of callers who know nothing of each other.
 */

const HELP = `npm run bench -- open-rate [options]
  --rate N      calls a second (1000)
  --seconds N   a gateway and round (10)
  --rounds N    (5)
  --postgres    Maidan with its ledger in PostgreSQL too
`;
/** More than are ever in flight, unless a gateway falls behind. */
const CONNECTIONS = 256;
const WARMING_MS = 4_000;
const GOAL_MS: Quantiles = { p50: 1, p99: 5 };

type Rounds = Map<string, LoadResult[]>;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rate: { type: "string", default: "1000" },
      seconds: { type: "string", default: "10" },
      rounds: { type: "string", default: "5" },
      postgres: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const machine = describeLoad();
  const upstream = await startUpstream();
  const load = new Load();
  const gateways = [await startFloor(upstream), await startMaidan(upstream)];
  if (values.postgres) gateways.push(await startMaidanOnPostgres(upstream));
  const targets: Target[] = [upstream, ...gateways];
  for (const target of targets) {
    progress(`warming up ${target.name}`);
    await load.run(target, { kind: "buffered", connections: 50, milliseconds: WARMING_MS });
  }
  const rounds: Rounds = new Map(targets.map(({ name }) => [name, []]));
  const order = { kind: "buffered", connections: CONNECTIONS, rate: Number(values.rate), random: true } as const;
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const target of turned(targets, round)) {
      progress(`round ${round + 1} of ${values.rounds}: ${target.name}`);
      const result = await load.run(target, { ...order, milliseconds: Number(values.seconds) * 1_000 });
      rounds.get(target.name)!.push(result);
    }
  }
  progress("");
  report(rounds, order.rate, machine);
}

function report(rounds: Rounds, rate: number, machine: string): void {
  const middle = (name: string, figureOf: (result: LoadResult) => number): number =>
    median(rounds.get(name)!.map(figureOf));
  /** The median of the rounds' differences: what the machine does to both cancels out. */
  const added = (name: string, to: string, quantile: keyof Quantiles): number =>
    median(rounds.get(name)!.map(({ whole }, round) => whole[quantile] - rounds.get(to)![round]!.whole[quantile]));
  const rows = [...rounds.keys()].map((name) => [
    name,
    figure(
      middle(name, ({ whole }) => whole.p50),
      2,
    ),
    figure(
      middle(name, ({ whole }) => whole.p99),
      2,
    ),
    figure(added(name, "direct", "p50"), 2),
    figure(added(name, "direct", "p99"), 2),
    figure(added(name, "floor", "p50"), 2),
    figure(added(name, "floor", "p99"), 2),
    figure(middle(name, ({ completed, milliseconds }) => (completed * 1_000) / milliseconds)),
    figure(rounds.get(name)!.reduce((failed, result) => failed + result.failed, 0)),
  ]);
  const head = ["ms from request to whole answer", "p50", "p99", "+ p50", "+ p99", "+ floor p50", "+ floor p99"];
  const lines = [
    `Buffered, ${rate} calls a second by chance; medians of rounds, "+" over no gateway; ${machine}.`,
    "",
    table([[...head, "answers/s", "failed"], ...rows]),
    "",
  ];
  for (const name of [...rounds.keys()].filter((one) => one !== "direct" && one !== "floor")) {
    for (const quantile of ["p50", "p99"] as const) {
      const most = GOAL_MS[quantile];
      const value = added(name, "direct", quantile);
      lines.push(verdict(`${name} adds to no gateway, ${quantile}, ms`, [value], `≤ ${most}`, value <= most));
    }
  }
  const failure = [...rounds.values()].flat().find((result) => result.failure)?.failure;
  if (failure) lines.push(failure);
  process.stdout.write(`${lines.join("\n")}\n`);
}

await runBenchmark(main);
