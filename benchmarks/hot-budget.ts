import { parseArgs } from "node:util";
import type { BudgetSetting } from "../src/config/settings.ts";
import type { PostgresServer } from "../src/store/postgres-server.suite.ts";
import { startPostgres } from "./gateways.ts";
import {
  BUDGET_AMOUNT,
  CALL_COST,
  type LedgerOrder,
  type LedgerResult,
  runTogether,
  type Work,
} from "./ledger-orders.ts";
import { describeLoad, processorMs } from "./machine.ts";
import { progress, runBenchmark, startOwn } from "./processes.ts";
import { median, turned } from "./run.ts";
import { figure, table, verdict } from "./table.ts";

/**
 * Three nodes on one PostgreSQL and one budget that all calls ask: the ledger, whose nodes lease slices of the budget and
 * commit many calls at once, against an update of the budget's row and a row of the call in one statement for every call.
 * Both are as durable as PostgreSQL makes them (fsync and synchronous_commit on), on the same server, in turns. The ledger
 * writes twice a call, before the vendor is asked and after; the row update once.
 */

const HELP = `npm run bench -- hot-budget [options]
  --nodes N        (3)
  --rounds N       (3)
  --seconds N      an arrangement and round (4)
  --connections N  of each node, for row updates (16)
`;
const WARMING_MS = 2_000;
const GOAL = 30;
const PATH = ["team"];
const BUDGET: BudgetSetting = { id: "hot", payer: "team", amount: BUDGET_AMOUNT, currency: "USD", window: "total" };
const ROW_CALLERS = 64;
const LEASE_CALLERS = [64, 256, 512] as const;

interface Arrangement {
  readonly name: string;
  readonly callers: number;
  readonly work: (node: number) => Work;
}

/** What the nodes did in one round, and what the server used for it: warming up included. */
interface Round {
  readonly results: readonly LedgerResult[];
  readonly serverUs: number | undefined;
}

type Rounds = Map<string, Round[]>;

/** A table with room in its pages for the row's next version: what helps a hot row most. */
const TABLES = `create table hot_budget (id text primary key, remaining bigint not null) with (fillfactor = 10);
  create table paid_calls (id text primary key, budget text, at bigint, amount bigint, detail text);
  insert into hot_budget values ('hot', ${BigInt(BUDGET_AMOUNT) * 1_000_000_000n})`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      nodes: { type: "string", default: "3" },
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "4" },
      connections: { type: "string", default: "16" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const machine = describeLoad();
  const server = await startPostgres(undefined);
  const [rowsUrl, leasesUrl] = [await server.createDatabase(), await server.createDatabase()];
  await server.run(TABLES, rowsUrl);
  const connections = Number(values.connections);
  const leases = (node: number): Work => ({
    kind: "postgres",
    url: leasesUrl,
    budgets: [BUDGET],
    node: `node-${node}`,
  });
  const arrangements: Arrangement[] = [
    { name: ROWS, callers: ROW_CALLERS, work: () => ({ kind: "row", url: rowsUrl, connections }) },
    ...LEASE_CALLERS.map((callers) => ({ name: leasesOf(callers), callers, work: leases })),
  ];
  const nodes = Array.from({ length: Number(values.nodes) }, () => startOwn(undefined, "ledger-process"));
  const rounds: Rounds = new Map(arrangements.map(({ name }) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const { name, callers, work } of turned(arrangements, round)) {
      progress(`round ${round + 1} of ${values.rounds}: ${name}`);
      const order = {
        path: PATH,
        callers,
        warmingMs: WARMING_MS,
        warmingCalls: 0,
        milliseconds: Number(values.seconds) * 1_000,
      };
      const orders = nodes.map((_, node): LedgerOrder => ({ ...order, work: work(node) }));
      const before = processorMs(server.pid);
      const results = await runTogether(nodes, orders);
      const after = processorMs(server.pid);
      const used = before === undefined || after === undefined ? undefined : after - before;
      rounds.get(name)!.push({ results, serverUs: used && (used * 1_000) / totalOf(results) });
    }
  }
  for (const node of nodes) node.disconnect();
  progress("checking the sums");
  const sums = await checkSums(server, rounds, { rowsUrl, leasesUrl });
  progress("");
  report(rounds, nodes.length, `${machine}\n${sums}`);
}

const ROWS = `row updates, ${ROW_CALLERS} callers a node`;

function leasesOf(callers: number): string {
  return `leases, ${callers} callers a node`;
}

/** A benchmark that loses money measures nothing: both must have counted every call, and exactly. */
async function checkSums(
  server: PostgresServer,
  rounds: Rounds,
  { rowsUrl, leasesUrl }: { readonly rowsUrl: string; readonly leasesUrl: string },
): Promise<string> {
  const made = (isRow: boolean): number => {
    const chosen = [...rounds].filter(([name]) => (name === ROWS) === isRow).flatMap(([, list]) => list);
    return totalOf(chosen.flatMap(({ results }) => results));
  };
  const [rows] = await server.run(
    `select (select count(*) from paid_calls) as calls,
       ${BigInt(BUDGET_AMOUNT) * 1_000_000_000n} - (select remaining from hot_budget) as spent`,
    rowsUrl,
  );
  const [leases] = await server.run(
    `select (select count(*) from entry_rows where kind = 'settle') as calls,
       (select coalesce(sum(settled), 0) from budget_windows) + (select coalesce(sum(settled), 0) from node_windows) as spent`,
    leasesUrl,
  );
  for (const [counted, calls] of [
    [rows!, made(true)],
    [leases!, made(false)],
  ] as const) {
    const spent = (CALL_COST * BigInt(calls)).toString();
    if (String(counted.calls) !== String(calls) || String(counted.spent) !== spent) {
      throw new Error(`${calls} calls were made, ${counted.calls} counted; ${spent} spent, ${counted.spent} counted`);
    }
  }
  return `Every call is in the tables and in the budget's sum: ${made(true)} by row updates, ${made(false)} by leases.`;
}

function totalOf(results: readonly LedgerResult[]): number {
  return results.reduce((sum, { total }) => sum + total, 0);
}

function report(rounds: Rounds, nodes: number, machine: string): void {
  const rate = ({ results }: Round): number =>
    results.reduce((sum, { calls, milliseconds }) => sum + (calls * 1_000) / milliseconds, 0);
  const cost = ({ results }: Round): number =>
    results.reduce((sum, { processorUs }) => sum + processorUs, 0) / results.reduce((sum, { calls }) => sum + calls, 0);
  const ratio = (name: string): number =>
    median(rounds.get(name)!.map((one, round) => rate(one) / rate(rounds.get(ROWS)![round]!)));
  const rows = [...rounds].map(([name, list]) => [
    name,
    figure(median(list.map(rate))),
    figure(median(list.map(cost)), 1),
    figure(median(list.map(({ serverUs = Number.NaN }) => serverUs)), 1),
    name === ROWS ? "" : figure(ratio(name), 1),
  ]);
  const best = Math.max(...LEASE_CALLERS.map((callers) => ratio(leasesOf(callers))));
  const lines = [
    `${nodes} nodes, one PostgreSQL, one budget; medians of rounds; ${machine}`,
    "",
    table([["", "calls/s", "µs of the nodes' processor each", "of the server's", "times row updates"], ...rows]),
    "",
    verdict("leases / row updates, at the best number of callers", [best], `≥ ${GOAL}`, best >= GOAL),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

await runBenchmark(main);
