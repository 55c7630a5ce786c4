import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PostgresServer } from "../src/store/postgres-server.suite.ts";
import { boundTo, DATABASE_CORE, GATEWAY_CORE } from "./machine.ts";
import { atEnd, nextMessage, PROJECT, printed, start, startOwn, type Target } from "./processes.ts";

/** The gateways that are compared, each as it is run. */

const SECRET = "sk-benchmark-key";
const ADMIN_KEY = "benchmark-admin-key";

export async function startFloor(upstream: Target): Promise<Target> {
  const child = startOwn(GATEWAY_CORE, "floor", [`http://127.0.0.1:${upstream.port}`, SECRET]);
  const { port } = await nextMessage<{ port: number }>(child);
  return { name: "floor", process: child, port, headers: { authorization: `Bearer ${SECRET}` }, model: "mini" };
}

export async function startPortkey(upstream: Target): Promise<Target> {
  const peers = join(PROJECT, "benchmarks/peers");
  const main = join(peers, "node_modules/@portkey-ai/gateway/build/start-server.js");
  const child = start(GATEWAY_CORE, ["--require", join(peers, "listen-on-loopback.cjs"), main, "--headless"]);
  const match = await printed(child, /listening on (\d+)/);
  await printed(child, /Ready for connections/);
  const headers = {
    authorization: "Bearer sk-upstream",
    "x-portkey-provider": "openai",
    "x-portkey-custom-host": `http://127.0.0.1:${upstream.port}/v1`,
  };
  return { name: "portkey", process: child, port: Number(match[1]), headers, model: "mini" };
}

export interface MaidanOptions {
  readonly name?: string;
  /** Where it keeps its ledger in PostgreSQL; in SQLite where undefined. */
  readonly databaseUrl?: string;
  readonly workers?: number;
  /** To which it keeps; `null` for all. */
  readonly cores?: string | null;
}

/** As `npm start` has it. The floor gains nothing by it that can be measured, so it is run as Node comes. */
const NODE_OPTIONS = ["--max-semi-space-size=64"];

/** Maidan as it is run: a durable ledger, budgets three levels deep, metrics on. */
export async function startMaidan(upstream: Target, options: MaidanOptions = {}): Promise<Target> {
  const { name = "maidan", databaseUrl, workers, cores = GATEWAY_CORE } = options;
  const folder = mkdtempSync(join(tmpdir(), "maidan-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const main = join(PROJECT, "dist/main.js");
  const several = workers === undefined ? [] : ["--workers", String(workers)];
  const child = start(
    cores ?? undefined,
    [...NODE_OPTIONS, main, "start", "--port", "0", "--data", folder, ...several],
    {
      MAIDAN_ADMIN_KEY: ADMIN_KEY,
      MAIDAN_LANG: "en",
      ...(databaseUrl !== undefined && { MAIDAN_DATABASE_URL: databaseUrl }),
    },
  );
  const match = await printed(child, /http:\/\/127\.0\.0\.1:(\d+)/);
  const answer = await fetch(`${match[0]}/api/v1/apply`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/yaml" },
    body: settings(upstream.port),
  });
  if (!answer.ok) throw new Error(`Maidan did not take its settings: ${answer.status} ${await answer.text()}`);
  const headers = { authorization: `Bearer ${SECRET}` };
  return { name, process: child, port: Number(match[1]), headers, model: "lab/mini" };
}

/** The same with its ledger in a PostgreSQL of its own. */
export async function startMaidanOnPostgres(upstream: Target): Promise<Target> {
  const server = await startPostgres(DATABASE_CORE);
  return startMaidan(upstream, { name: "postgres", databaseUrl: await server.createDatabase() });
}

/** A real PostgreSQL that makes every commit durable, as its own defaults are. @param cores to which it keeps */
export async function startPostgres(cores: string | undefined): Promise<PostgresServer> {
  const settings = ["fsync=on", "synchronous_commit=on", "max_connections=300"];
  const server = await PostgresServer.start({ settings, launcher: boundTo(cores) });
  atEnd(() => server.remove());
  return server;
}

function settings(port: number): string {
  return `
currency: USD
endpoints:
  - id: lab
    protocol: openai
    baseUrl: http://127.0.0.1:${port}/v1
    credentials: { apiKey: sk-upstream }
    models:
      - { id: mini, maxOutputTokens: 1000, price: { currency: USD, input: "0.15", output: "0.60", cachedInput: "0.075" } }
payers:
  - id: group
    budgets: [{ id: group-month, amount: "50000000", currency: USD, window: month, timezone: Asia/Shanghai }]
    payers:
      - id: department
        budgets: [{ id: department-month, amount: "40000000", currency: USD, window: month }]
        payers:
          - id: team
            budgets: [{ id: team-total, amount: "30000000", currency: USD, window: total }]
            keys: [{ id: team-bot, secret: ${SECRET} }]
`;
}
