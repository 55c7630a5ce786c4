import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { PROJECT } from "./compile.ts";
import { Printed } from "./lines.ts";
import { fetchJson, type RawAnswer, type RawRequest, send } from "./requests.ts";

export const ADMIN_KEY = "admin-key-of-the-tests";

export interface MaidanOptions {
  /** A declarative file, applied once the server answers. */
  readonly yaml?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Options of `maidan start`. */
  readonly flags?: readonly string[];
  /** A data folder that outlives the server; default: a new one, removed at `stop`. */
  readonly dataFolder?: string;
}

/** The built program, running as a process of its own. */
export interface RunningMaidan {
  /** `http://127.0.0.1:port` */
  readonly address: string;
  readonly process: ChildProcess;
  readonly printed: Printed;
  readonly dataFolder: string;
  readonly admin: Admin;
  /** An official client of OpenAI that speaks to this server and never retries. */
  client(key: string, options?: ConstructorParameters<typeof OpenAI>[0]): OpenAI;
  /** A request with a key, byte by byte. */
  ask(path: string, key: string | undefined, options?: RawRequest): Promise<RawAnswer>;
  /** `kill -9`: nothing is said to it. */
  kill(): Promise<void>;
  /** SIGTERM, and the folder is removed where it was made here. */
  stop(): Promise<void>;
}

/** The operators' API. */
export class Admin {
  readonly #address: string;

  constructor(address: string) {
    this.#address = address;
  }

  // The shapes are the contract's, and the tests look at every field that they use.
  // biome-ignore lint/suspicious/noExplicitAny: answers are read as the contract describes them
  get(path: string): Promise<any> {
    return this.#send("GET", path);
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers are read as the contract describes them
  post(path: string, body: object | string = {}): Promise<any> {
    return this.#send("POST", path, body);
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers are read as the contract describes them
  patch(path: string, body: object): Promise<any> {
    return this.#send("PATCH", path, body);
  }

  delete(path: string): Promise<unknown> {
    return this.#send("DELETE", path);
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers are read as the contract describes them
  apply(yaml: string): Promise<any> {
    return this.#send("POST", "apply", yaml, { "content-type": "application/yaml" });
  }

  /** The answer as it came, whatever its status. */
  raw(path: string, options: RawRequest = {}): Promise<RawAnswer> {
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, ...options.headers };
    return send(`${this.#address}/api/v1/${path}`, { ...options, headers });
  }

  /** All pages of a list. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are read as the contract describes them
  async all(path: string): Promise<any[]> {
    const items: unknown[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < 10_000; page++) {
      const query = `${path.includes("?") ? "&" : "?"}limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`;
      const answer = await this.get(path + query);
      items.push(...answer.items);
      cursor = answer.next ?? undefined;
      if (cursor === undefined) return items;
    }
    throw new Error(`${path} has no last page`);
  }

  #send(method: string, path: string, body?: object | string, headers: Record<string, string> = {}): Promise<unknown> {
    return fetchJson(method, `${this.#address}/api/v1/${path}`, body, {
      authorization: `Bearer ${ADMIN_KEY}`,
      ...headers,
    });
  }
}

/** Only what a program needs: nothing of this machine's own settings or credentials reaches the server. */
function environmentOf(options: MaidanOptions): Record<string, string> {
  const { PATH = "", HOME = "", TMPDIR = "" } = process.env;
  return { PATH, HOME, TMPDIR, MAIDAN_ADMIN_KEY: ADMIN_KEY, MAIDAN_LANG: "en", ...options.environment };
}

/** Starts the program and waits for nothing. */
export function launchMaidan(dataFolder: string, options: MaidanOptions = {}): ChildProcess {
  const main = join(PROJECT, "dist/main.js");
  if (!existsSync(main)) throw new Error("these tests run the built program: `npm run build` first");
  return spawn(process.execPath, [main, "start", "--port", "0", "--data", dataFolder, ...(options.flags ?? [])], {
    env: environmentOf(options),
    cwd: tmpdir(),
    stdio: ["ignore", "pipe", "pipe"],
  });
}

export async function startMaidan(options: MaidanOptions = {}): Promise<RunningMaidan> {
  const dataFolder = options.dataFolder ?? mkdtempSync(join(tmpdir(), "maidan-test-"));
  const child = launchMaidan(dataFolder, options);
  const printed = new Printed(child);
  const ended = once(child, "exit");
  try {
    const match = await printed.find(/http:\/\/127\.0\.0\.1:(\d+)/, "Maidan did not start");
    const address = `http://127.0.0.1:${match[1]}`;
    const admin = new Admin(address);
    if (options.yaml !== undefined) await admin.apply(options.yaml);
    return running(child, printed, dataFolder, address, admin, ended, options.dataFolder === undefined);
  } catch (cause) {
    child.kill("SIGKILL");
    throw cause;
  }
}

function running(
  child: ChildProcess,
  printed: Printed,
  dataFolder: string,
  address: string,
  admin: Admin,
  ended: Promise<unknown>,
  temporary: boolean,
): RunningMaidan {
  let killed = false;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
    await ended;
    clearTimeout(timer);
  };
  return {
    address,
    process: child,
    printed,
    dataFolder,
    admin,
    client: (key, more = {}) => new OpenAI({ apiKey: key, baseURL: `${address}/v1`, maxRetries: 0, ...more }),
    ask: (path, key, request = {}) => {
      const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` };
      return send(address + path, { ...request, headers: { ...authorization, ...request.headers } });
    },
    kill: () => {
      killed = true;
      return end("SIGKILL");
    },
    stop: async () => {
      await end("SIGTERM");
      if (child.signalCode === "SIGKILL" && !killed) throw new Error("Maidan did not stop when it was asked to");
      if (temporary) rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}
