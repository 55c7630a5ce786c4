import { Socket } from "node:net";
import pg from "pg";
import type { Durability } from "../config/environment.ts";

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?sslmode=…`, as `pg` takes it. */
  readonly url: string;
  readonly durability: Durability;
}

const CONNECT_MS = 10_000;
const KEEP_ALIVE_MS = 10_000;
/** A transaction that idles holds others up, all the more when its node was cut off from the network. */
const IDLE_TRANSACTION_MS = 10_000;

/** What every connection of this program has in common. */
export function connectionConfig(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    fallback_application_name: "maidan",
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  };
}

/** Where the database is, for people: host, port and name, and nothing else of the URL. */
export function placeOf(url: string): string {
  const { host, port, database } = new pg.Client(connectionConfig(url));
  return `${host}:${port}/${database ?? ""}`;
}

/** One connection that is used alone, and can be cut. */
export interface SingleConnection {
  readonly client: pg.Client;
  /** Ends it at once: what is on its way fails. */
  cut(): void;
}

/**
 * @param pipeline whether queries are sent without waiting for the answers to those before
 * @param withinMs after which it is given up
 */
export async function connect(
  options: PostgresOptions,
  { pipeline = false, withinMs = CONNECT_MS }: { readonly pipeline?: boolean; readonly withinMs?: number } = {},
): Promise<SingleConnection> {
  const socket = new Socket();
  const client = new pg.Client({ ...connectionConfig(options.url), pipeline, stream: () => socket });
  // Whoever has asked something hears of it; between questions there is nobody to tell.
  client.on("error", () => {});
  const cut = (): void => void socket.destroy();
  const timer = setTimeout(cut, Math.min(CONNECT_MS, withinMs));
  try {
    await client.connect();
    await prepareSession(client, options.durability);
  } catch (error) {
    cut();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return { client, cut };
}

/**
 * Sets what this program relies on. `disk`: a commit is on the server's disk when it returns, and on those of its
 * standbys where the server is set so; `process`: it may be lost should the server itself crash.
 */
export async function prepareSession(client: pg.ClientBase, durability: Durability): Promise<void> {
  // Ranges of ids are taken for far larger than they are, and then compiling a statement takes longer than running it.
  await setWhereKnown(client, "jit", "off");
  await setWhereKnown(client, "idle_in_transaction_session_timeout", String(IDLE_TRANSACTION_MS));
  if (durability === "process") {
    await setWhereKnown(client, "synchronous_commit", "off");
    return;
  }
  const level = await readSetting(client, "synchronous_commit");
  if (level !== undefined && level !== "on" && level !== "remote_apply") {
    await client.query("set synchronous_commit = on");
  }
}

/** What the server has set, or undefined where it does not know the name: some that speak its protocol do not. */
export async function readSetting(client: pg.ClientBase, name: string): Promise<string | undefined> {
  const { rows } = await client.query<{ value: string | null }>("select current_setting($1, true) as value", [name]);
  return rows[0]?.value ?? undefined;
}

async function setWhereKnown(client: pg.ClientBase, name: string, value: string): Promise<void> {
  if ((await readSetting(client, name)) !== undefined) await client.query(`set ${name} = ${value}`);
}
