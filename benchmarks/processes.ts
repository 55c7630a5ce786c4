import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoadOrder, LoadResult } from "./cases.ts";
import { median } from "./run.ts";

/** The root of the project: the program was started there. */
export const PROJECT = process.cwd();
const HERE = import.meta.dirname;
const GATEWAY_CORE = "0";
const LOAD_CORE = "1";
const PATIENCE_MS = 30_000;
const SECRET = "sk-benchmark-key";
const ADMIN_KEY = "benchmark-admin-key";

/** Whether processes can be bound to cores here. Where not, the ratios still stand, though they are noisier. */
export const PINNED = canPin();

function canPin(): boolean {
  try {
    execFileSync("taskset", ["-c", `${GATEWAY_CORE},${LOAD_CORE}`, "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const running = new Set<ChildProcess>();

function start(core: string, parameters: readonly string[], environment: Record<string, string> = {}): ChildProcess {
  const command = [process.execPath, ...parameters];
  const [file, ...rest] = PINNED ? ["taskset", "-c", core, ...command] : command;
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(file!, rest, {
    env: { PATH, HOME, NODE_ENV: "production", ...environment },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  child.stdout!.resume();
  child.stderr!.resume();
  running.add(child);
  child.on("exit", () => running.delete(child));
  return child;
}

export function stopAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** The first match in what a process prints. */
function printed(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let text = "";
    const timer = setTimeout(() => reject(new Error(`no start in ${PATIENCE_MS} ms:\n${text}`)), PATIENCE_MS);
    const read = (chunk: Buffer): void => {
      text = (text + chunk.toString()).slice(-100_000);
      const match = pattern.exec(text);
      if (!match) return;
      clearTimeout(timer);
      resolve(match);
    };
    child.stdout!.on("data", read);
    child.stderr!.on("data", read);
    child.once("exit", (code) => reject(new Error(`ended with ${code}:\n${text}`)));
  });
}

/** A process beside the gateway, on the core of the load. */
export function startBeside(script: string): ChildProcess {
  return start(LOAD_CORE, [join(HERE, script)]);
}

/** A server that load can be sent to. */
export interface Target {
  readonly name: string;
  readonly process: ChildProcess;
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly model: string;
}

export async function startUpstream(): Promise<Target> {
  const child = start(LOAD_CORE, [join(HERE, "upstream.js")]);
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return { name: "direct", process: child, port, headers: {}, model: "mini" };
}

export async function startFloor(upstream: Target): Promise<Target> {
  const child = start(GATEWAY_CORE, [join(HERE, "floor.js"), `http://127.0.0.1:${upstream.port}`, SECRET]);
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
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

/** Maidan as it is run: a durable ledger, budgets three levels deep, metrics on. */
export async function startMaidan(upstream: Target): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), "maidan-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const main = join(PROJECT, "dist/main.js");
  const child = start(GATEWAY_CORE, [main, "start", "--port", "0", "--data", folder], {
    MAIDAN_ADMIN_KEY: ADMIN_KEY,
    MAIDAN_LANG: "en",
  });
  const match = await printed(child, /http:\/\/127\.0\.0\.1:(\d+)/);
  const answer = await fetch(`${match[0]}/api/v1/apply`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/yaml" },
    body: settings(upstream.port),
  });
  if (!answer.ok) throw new Error(`Maidan did not take its settings: ${answer.status} ${await answer.text()}`);
  const headers = { authorization: `Bearer ${SECRET}` };
  return { name: "maidan", process: child, port: Number(match[1]), headers, model: "lab/mini" };
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

/** The load generator, one order after the other. */
export class Load {
  readonly #process = start(LOAD_CORE, [join(HERE, "load.js")]);

  async run(target: Target, order: Omit<LoadOrder, "port" | "headers" | "model">): Promise<LoadResult> {
    const { port, headers, model } = target;
    this.#process.send({ ...order, port, headers, model } satisfies LoadOrder);
    const [result] = (await once(this.#process, "message")) as [LoadResult];
    return result;
  }
}

/** Milliseconds of processor time that a process has used, all its threads; undefined where the system does not say. */
export function processorMs(target: Target): number | undefined {
  try {
    const fields = readFileSync(`/proc/${target.process.pid}/stat`, "latin1").split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10; // in ticks of 1/100 s
  } catch {
    return undefined;
  }
}

/** Megabytes of memory in use; undefined where the system does not say. */
export function memoryMb(target: Target): number | undefined {
  try {
    const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${target.process.pid}/status`, "latin1"));
    return Number(match![1]) / 1024;
  } catch {
    return undefined;
  }
}

/** How long this disk takes to make four kilobytes durable, milliseconds, the median: a call waits for it twice. */
export function syncMs(): number {
  const folder = mkdtempSync(join(tmpdir(), "maidan-sync-"));
  const file = openSync(join(folder, "sync"), "w");
  const block = Buffer.alloc(4_096);
  const times = Array.from({ length: 200 }, () => {
    writeSync(file, block);
    const began = performance.now();
    fdatasyncSync(file);
    return performance.now() - began;
  });
  closeSync(file);
  rmSync(folder, { recursive: true, force: true });
  return median(times);
}
