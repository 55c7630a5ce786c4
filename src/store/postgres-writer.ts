import { parentPort, workerData } from "node:worker_threads";
import type { Limits } from "../base/limits.ts";
import type { Batch } from "./batch.ts";
import { PostgresBatchWriter } from "./postgres-batch-writer.ts";
import { connect, type PostgresOptions, type SingleConnection } from "./postgres-connection.ts";
import { isConflict, isFinal, sayOf } from "./postgres-errors.ts";
import type { ThreadAnswer, ThreadRequest } from "./thread.ts";
import { pause } from "./transact.ts";

/** What changes while the thread runs. */
export type WriterLimits = Pick<Limits, "storeAwayMs">;

/**
 * The thread that writes the journal's batches, one after the other, on one connection. A batch whose outcome is unknown
 * is written again until it is known: nothing of it can be there twice.
 */
const port = parentPort!;
const { storeAwayMs: firstAwayMs, ...options } = workerData as PostgresOptions & WriterLimits;
let storeAwayMs = firstAwayMs;

/** A server that has not answered for so long is taken for lost: this may be a network that swallows everything. */
const ANSWER_MS = 15_000;
const LONGEST_PAUSE_MS = 1_000;

const batches = new PostgresBatchWriter();
let connection: SingleConnection | undefined;
let turn: Promise<void> = Promise.resolve();

port.on("message", (message: Batch | ThreadRequest | WriterLimits) => {
  if ("storeAwayMs" in message) {
    // At once, also for a batch that is tried again and again meanwhile.
    storeAwayMs = message.storeAwayMs;
    return;
  }
  turn = turn.then(async () => port.postMessage("ask" in message ? await answer(message) : await commit(message)));
});

async function answer({ id, ask }: ThreadRequest): Promise<ThreadAnswer> {
  if (ask === "close") {
    await connection?.client.end().catch(() => {});
    connection = undefined;
    return { id };
  }
  return { id, error: { message: `this thread only writes batches (${ask})`, sqliteCode: undefined } };
}

async function commit(batch: Batch): Promise<ThreadAnswer | 0> {
  let awaySince: number | undefined;
  let mayBeThere = false;
  for (let tried = 1; ; tried++) {
    try {
      return (await write(batch, awaySince, mayBeThere)) ? 0 : { id: 0, fenced: true };
    } catch (error) {
      const message = sayOf(error);
      if (isFinal(error)) return { id: 0, error: { message, sqliteCode: undefined }, fatal: true };
      if (!isConflict(error)) mayBeThere = true;
      if (!isConflict(error) || !(await rollback())) disconnect();
      const now = performance.now();
      awaySince ??= now;
      const awayMs = now - awaySince;
      if (awayMs >= storeAwayMs) return { id: 0, error: { message, sqliteCode: undefined, awayMs }, fatal: true };
      await pause(tried, Math.min(LONGEST_PAUSE_MS, storeAwayMs - awayMs));
    }
  }
}

/** One try. It is cut off when it takes too long: the server's own time-outs end what it had begun. */
async function write(batch: Batch, awaySince: number | undefined, mayBeThere: boolean): Promise<boolean> {
  const left = (): number => Math.max(1, storeAwayMs - (awaySince === undefined ? 0 : performance.now() - awaySince));
  if (!connection) {
    connection = await connect(options, { pipeline: true, withinMs: left() });
    batches.forgetRows();
  }
  const { client, cut } = connection;
  const watchdog = setTimeout(cut, Math.min(ANSWER_MS, left()));
  try {
    return await batches.write(client, batch, mayBeThere);
  } finally {
    clearTimeout(watchdog);
  }
}

/** After a conflict the connection is as good as before. */
async function rollback(): Promise<boolean> {
  try {
    await connection?.client.query("rollback");
    return connection !== undefined;
  } catch {
    return false;
  }
}

function disconnect(): void {
  connection?.cut();
  connection = undefined;
}
