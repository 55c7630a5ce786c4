import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { LoadOrder, LoadResult } from "./cases.ts";
import { boundTo, LOAD_CORE } from "./machine.ts";

/** The processes that a benchmark starts and ends. */

/** The root of the project: the program was started there. */
export const PROJECT = process.cwd();
const HERE = import.meta.dirname;
const PATIENCE_MS = 30_000;

const running = new Set<ChildProcess>();
const endings: (() => Promise<void> | void)[] = [];

/** @param cores to which it keeps; all, where undefined */
export function start(
  cores: string | undefined,
  parameters: readonly string[],
  environment: Record<string, string> = {},
): ChildProcess {
  const [file, ...rest] = [...boundTo(cores), process.execPath, ...parameters];
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

/** A program of this folder, by its file's name without the ending. */
export function startOwn(cores: string | undefined, name: string, parameters: readonly string[] = []): ChildProcess {
  return start(cores, [join(HERE, `${name}.js`), ...parameters]);
}

/** The next message of a process; throws with its words where it ends instead. */
export async function nextMessage<T>(child: ChildProcess): Promise<T> {
  let text = "";
  const read = (chunk: Buffer): void => {
    text = (text + chunk.toString()).slice(-2_000);
  };
  child.stderr!.on("data", read);
  const stop = new AbortController();
  try {
    const [message] = await Promise.race([
      once(child, "message", stop),
      once(child, "exit", stop).then(([code]) => {
        throw new Error(`a process of the benchmark ended with ${code}:\n${text}`);
      }),
    ]);
    return message as T;
  } finally {
    child.stderr!.off("data", read);
    stop.abort();
  }
}

/** The first match in what a process prints. */
export function printed(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
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

/** What is to be done when the benchmark ends, or is interrupted. */
export function atEnd(work: () => Promise<void> | void): void {
  endings.push(work);
}

/** Runs a benchmark, and leaves nothing behind. */
export async function runBenchmark(main: () => Promise<void>): Promise<void> {
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => reject(new Error(`ended by ${signal}`)));
  });
  try {
    await Promise.race([main(), interrupted]);
  } catch (cause) {
    process.stderr.write(`\n${cause instanceof Error ? cause.message : cause}\n`);
    process.exitCode = 1;
  }
  const ended = [...running].map((child) => once(child, "exit"));
  for (const child of running) child.kill("SIGKILL");
  await Promise.all(ended);
  for (const work of endings) await work();
  process.exit();
}

export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
  else if (text) process.stderr.write(`${text}\n`);
}

/** A server that load can be sent to. */
export interface Target {
  readonly name: string;
  readonly process: ChildProcess;
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly model: string;
}

export async function startUpstream(cores: string | undefined = LOAD_CORE, name = "upstream"): Promise<Target> {
  const child = startOwn(cores, name);
  const { port } = await nextMessage<{ port: number }>(child);
  return { name: "direct", process: child, port, headers: {}, model: "mini" };
}

/** The load generator, one order after the other. */
export class Load {
  readonly #process: ChildProcess;

  constructor(cores: string | undefined = LOAD_CORE) {
    this.#process = startOwn(cores, "load");
  }

  async run(target: Target, order: Omit<LoadOrder, "port" | "headers" | "model">): Promise<LoadResult> {
    const { port, headers, model } = target;
    this.#process.send({ ...order, port, headers, model } satisfies LoadOrder);
    return nextMessage<LoadResult>(this.#process);
  }
}
