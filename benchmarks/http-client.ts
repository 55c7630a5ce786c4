import { parseArgs } from "node:util";
import type { HttpOrder, HttpResult } from "./http-process.ts";
import { describeLoad, GATEWAY_CORE } from "./machine.ts";
import { nextMessage, progress, runBenchmark, startOwn, startUpstream } from "./processes.ts";
import { median, turned } from "./run.ts";
import { figure, table, verdict } from "./table.ts";

/** What an HTTP client costs a request in processor time: our own against undici's `dispatch`, in turns, nothing around them. */

const HELP = `npm run bench -- http-client [options]
  --at-once N   requests at once (50)
  --rounds N    (7)
`;
const CLIENTS = ["undici", "own"] as const;
const CASES = [
  { kind: "buffered", requests: 20_000, goal: 0.6 },
  // Fifty reads a stream, most of whose time is the system's: no client can save much of it.
  { kind: "paced", requests: 1_000, goal: 1 },
] as const;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      "at-once": { type: "string", default: "50" },
      rounds: { type: "string", default: "7" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const machine = describeLoad();
  const atOnce = Number(values["at-once"]);
  const { port } = await startUpstream();
  const processes = new Map(
    CLIENTS.map((name) => [name, startOwn(GATEWAY_CORE, "http-process", [name, String(port)])]),
  );
  const ask = async (name: (typeof CLIENTS)[number], order: HttpOrder): Promise<number> => {
    const child = processes.get(name)!;
    child.send(order);
    const { processorUs } = await nextMessage<HttpResult>(child);
    return processorUs / order.requests;
  };
  const rows: string[][] = [];
  const verdicts: string[] = [];
  for (const { kind, requests, goal } of CASES) {
    const costs = { undici: [] as number[], own: [] as number[] };
    for (const name of CLIENTS) await ask(name, { kind, requests, atOnce });
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const name of turned(CLIENTS, round)) {
        progress(`${kind}, round ${round + 1} of ${values.rounds}: ${name}`);
        costs[name].push(await ask(name, { kind, requests, atOnce }));
      }
    }
    const ratio = median(costs.own.map((cost, round) => cost / costs.undici[round]!));
    for (const name of CLIENTS) {
      const list = costs[name];
      rows.push([
        `${kind}, ${name}`,
        ...[median(list), Math.min(...list), Math.max(...list)].map((us) => figure(us, 1)),
      ]);
    }
    verdicts.push(verdict(`${kind}: of undici's processor time`, [ratio], `≤ ${goal}`, ratio <= goal));
  }
  progress("");
  const lines = [
    `${atOnce} requests at once on connections that are kept; ${machine}.`,
    "",
    table([["µs of processor a request", "median", "least", "most"], ...rows]),
    "",
    ...verdicts,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

await runBenchmark(main);
