import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { BudgetSetting } from "../src/config/settings.ts";
import { startPostgres } from "./gateways.ts";
import { BUDGET_AMOUNT, type LedgerOrder, type LedgerResult, runTogether, type Work } from "./ledger-orders.ts";
import { DATABASE_CORE, describeLoad, GATEWAY_CORE, syncMs } from "./machine.ts";
import { atEnd, progress, runBenchmark, startOwn } from "./processes.ts";
import { median, turned } from "./run.ts";
import { figure, table, verdict } from "./table.ts";

/**
 * What the ledger costs a call in processor time: hold and settlement over three budgets, each durable on the disk, with
 * many callers at once. The real ledger and store in a process that does nothing else; of PostgreSQL's own time nothing
 * counts, since it is another process. The loop that makes the calls is measured too, and not taken off.
 */

const HELP = `npm run bench -- ledger-cpu [options]
  --callers N   (200)
  --seconds N   a store and round (5)
  --rounds N    (5)
`;
const WARMING_MS = 1_000;
/** Until the code is compiled: what that costs is not the ledger's cost of a call. */
const WARMING_CALLS = 40_000;
const GOAL_US = 35;
const PATH = ["team", "department", "group"];
const BUDGETS: readonly BudgetSetting[] = [
  {
    id: "group-month",
    payer: "group",
    amount: BUDGET_AMOUNT,
    currency: "USD",
    window: "month",
    timezone: "Asia/Shanghai",
  },
  { id: "department-month", payer: "department", amount: BUDGET_AMOUNT, currency: "USD", window: "month" },
  { id: "team-total", payer: "team", amount: BUDGET_AMOUNT, currency: "USD", window: "total" },
];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      callers: { type: "string", default: "200" },
      seconds: { type: "string", default: "5" },
      rounds: { type: "string", default: "5" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const machine = describeLoad();
  const folder = mkdtempSync(join(tmpdir(), "maidan-bench-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const server = await startPostgres(DATABASE_CORE);
  const works: readonly (readonly [string, Work])[] = [
    ["SQLite", { kind: "sqlite", folder, budgets: BUDGETS }],
    ["PostgreSQL", { kind: "postgres", url: await server.createDatabase(), budgets: BUDGETS, node: "benchmark" }],
    ["the loop alone", { kind: "loop" }],
  ];
  // One process each, so that its code is compiled when the first round begins, and stays so.
  const processes = new Map(works.map(([name]) => [name, startOwn(GATEWAY_CORE, "ledger-process")]));
  const rounds = new Map<string, LedgerResult[]>(works.map(([name]) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [name, work] of turned(works, round)) {
      progress(`round ${round + 1} of ${values.rounds}: ${name}`);
      const order: LedgerOrder = {
        work,
        path: PATH,
        callers: Number(values.callers),
        warmingMs: WARMING_MS,
        warmingCalls: round === 0 ? WARMING_CALLS : 0,
        milliseconds: Number(values.seconds) * 1_000,
      };
      const [result] = await runTogether([processes.get(name)!], [order]);
      rounds.get(name)!.push(result!);
    }
  }
  progress("");
  report(rounds, Number(values.callers), machine);
}

function report(rounds: Map<string, LedgerResult[]>, callers: number, machine: string): void {
  const costs = (name: string): number[] => rounds.get(name)!.map(({ processorUs, calls }) => processorUs / calls);
  const rows = [...rounds].map(([name, results]) => [
    name,
    figure(median(costs(name)), 1),
    figure(Math.min(...costs(name)), 1),
    figure(Math.max(...costs(name)), 1),
    figure(median(results.map(({ calls, milliseconds }) => (calls * 1_000) / milliseconds))),
  ]);
  const lines = [
    `Hold and settlement over three budgets, durable, ${callers} callers; ${machine}; fdatasync takes ${figure(syncMs(), 2)} ms.`,
    "",
    table([["µs of processor a call", "median", "least", "most", "calls/s"], ...rows]),
    "",
    ...["SQLite", "PostgreSQL"].map((name) => {
      const cost = median(costs(name));
      return verdict(`the ledger on ${name}, µs of processor a call`, [cost], `≤ ${GOAL_US}`, cost <= GOAL_US);
    }),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

await runBenchmark(main);
