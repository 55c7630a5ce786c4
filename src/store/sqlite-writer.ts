import { parentPort, workerData } from "node:worker_threads";
import type { Batch } from "./batch.ts";
import { BatchWriter } from "./batch-writer.ts";
import { type ConnectionOptions, openForWriting, reserveLog } from "./sqlite-connection.ts";
import { isDiskFailure, Statements, threadError } from "./statements.ts";
import type { ThreadAnswer, ThreadRequest } from "./thread.ts";

/** The thread that writes, alone. Batches of the journal and statements of administration take turns. */
const port = parentPort!;
const options = workerData as ConnectionOptions & { readonly reserve?: boolean };
const database = openForWriting(options);
// On this connection, which stays open: the log goes when the last one closes.
if (options.reserve) reserveLog(database);
const statements = new Statements(database);
let batches = new BatchWriter(database);
const beginBatch = database.prepare("begin immediate");
const commitBatch = database.prepare("commit");

/** An open transaction of administration holds everything else up: it may not idle for longer than this. */
const IDLE_TRANSACTION_MS = 5_000;

let failed = false;
let open = false;
let idle: NodeJS.Timeout | undefined;
let waiting: (Batch | ThreadRequest)[] = [];

port.on("message", (message: Batch | ThreadRequest) => {
  if (open && !isInside(message)) waiting.push(message);
  else handle(message);
});

function isInside(message: Batch | ThreadRequest): boolean {
  return "inside" in message && message.inside;
}

function handle(message: Batch | ThreadRequest): void {
  port.postMessage("ask" in message ? answer(message) : commit(message));
}

/** One transaction for the whole batch. A failure is final: what the disk holds now, nobody knows. */
function commit(batch: Batch): ThreadAnswer | 0 {
  if (failed) return { id: 0, error: { message: "the store has failed before", sqliteCode: undefined } };
  try {
    beginBatch.run();
    if (batches.write(batch)) {
      commitBatch.run();
      return 0;
    }
    database.exec("rollback");
    // Whoever takes a seat anew describes everything anew.
    batches = new BatchWriter(database);
    return { id: 0, fenced: true };
  } catch (error) {
    failed = true;
    return { id: 0, error: threadError(error), fatal: true };
  }
}

function answer(request: ThreadRequest): ThreadAnswer {
  const { id, ask } = request;
  if (failed && ask !== "close")
    return { id, error: { message: "the store has failed before", sqliteCode: undefined } };
  try {
    return { id, ...perform(request) };
  } catch (error) {
    const cause = threadError(error);
    failed ||= isDiskFailure(cause);
    return { id, error: cause, fatal: failed };
  }
}

function perform({ ask, sql, parameters, inside }: ThreadRequest): Pick<ThreadAnswer, "result"> {
  if (inside && !open) throw new Error(`the transaction was idle for ${IDLE_TRANSACTION_MS} ms and was rolled back`);
  switch (ask) {
    case "begin":
      database.exec("begin immediate");
      open = true;
      watch();
      return {};
    case "commit":
    case "rollback":
      try {
        database.exec(ask);
      } finally {
        if (database.isTransaction) database.exec("rollback");
        release();
      }
      return {};
    case "run":
      if (inside) watch();
      return { result: statements.run({ sql, parameters }) };
    case "close":
      database.close();
      return {};
  }
}

function watch(): void {
  clearTimeout(idle);
  idle = setTimeout(() => {
    database.exec("rollback");
    release();
  }, IDLE_TRANSACTION_MS);
}

function release(): void {
  clearTimeout(idle);
  open = false;
  const held = waiting;
  waiting = [];
  for (let i = 0; i < held.length; i++) {
    if (open && !isInside(held[i]!)) waiting.push(held[i]!);
    else handle(held[i]!);
  }
}
