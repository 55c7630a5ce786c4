import { parentPort, workerData } from "node:worker_threads";
import { BatchWriter } from "./batch-writer.ts";
import { LogApplier } from "./log/log-applier.ts";
import { LOG_FILES, openLogFileForReading } from "./log/log-files.ts";
import { type ConnectionOptions, foldLog, openForWriting } from "./sqlite-connection.ts";
import { isDiskFailure, Statements, type ThreadError, threadError } from "./statements.ts";
import type { BatchOutcome, LogAnswer, LogMessage, SourcedBatch, ThreadAnswer, ThreadRequest } from "./thread.ts";

/** The thread that writes, alone. Batches of the journal and statements of administration take turns. */
const port = parentPort!;
const options = workerData as ConnectionOptions;
const database = openForWriting(options);
const statements = new Statements(database);
/** By the process that sends them: each describes its own circumstances. */
const writers = new Map<number, BatchWriter>();
let log: { readonly applier: LogApplier; readonly files: readonly number[] } | undefined;
const beginBatch = database.prepare("begin immediate");
const commitBatch = database.prepare("commit");

/** An open transaction of administration holds everything else up: it may not idle for longer than this. */
const IDLE_TRANSACTION_MS = 5_000;

type Message = SourcedBatch | LogMessage | ThreadRequest;

let failed = false;
let open = false;
let idle: NodeJS.Timeout | undefined;
let waiting: Message[] = [];
/** Batches of several processes that came in one turn of the event loop: one commit is enough for them. */
let together: SourcedBatch[] = [];

port.on("message", (message: Message) => {
  if (open && !isInside(message)) waiting.push(message);
  else handle(message);
});

function isInside(message: Message): boolean {
  return "inside" in message && message.inside;
}

function handle(message: Message): void {
  if ("ask" in message) {
    commitTogether();
    port.postMessage(answer(message));
  } else if ("stretch" in message) apply(message);
  else if (message.source === 0) port.postMessage(commit([message])[0]);
  else {
    if (together.length === 0) setImmediate(commitTogether);
    together.push(message);
  }
}

function commitTogether(): void {
  if (together.length === 0) return;
  const batches = together;
  together = [];
  for (const outcome of commit(batches)) port.postMessage(outcome);
}

/** A failure ends the thread, and with it the store: what the disk holds now, nobody knows. */
function apply({ stretch }: LogMessage): void {
  if (failed) return;
  try {
    log ??= {
      applier: new LogApplier(database, writerOf(0), options.durability),
      files: LOG_FILES.map((_, file) => openLogFileForReading(options.folder, file)),
    };
    log.applier.applyStretch(stretch, log.files[stretch.file]!);
    port.postMessage({ applied: stretch } satisfies LogAnswer);
  } catch (error) {
    failed = true;
    port.postMessage({ source: 0, error: threadError(error) } satisfies BatchOutcome);
  }
}

/** One transaction for all of them. A failure is final: what the disk holds now, nobody knows. */
function commit(batches: readonly SourcedBatch[]): BatchOutcome[] {
  const outcome = (source: number, rest: Omit<BatchOutcome, "source"> = {}): BatchOutcome => ({ source, ...rest });
  const failure = (error: ThreadError): BatchOutcome[] => batches.map(({ source }) => outcome(source, { error }));
  if (failed) return failure({ message: "the store has failed before", sqliteCode: undefined });
  try {
    beginBatch.run();
    const outcomes = batches.map(({ source, batch }) =>
      writerOf(source).write(batch) ? outcome(source) : outcome(source, { fenced: true }),
    );
    commitBatch.run();
    return outcomes;
  } catch (error) {
    failed = true;
    return failure(threadError(error));
  }
}

function writerOf(source: number): BatchWriter {
  let writer = writers.get(source);
  if (!writer) writers.set(source, (writer = new BatchWriter(database)));
  return writer;
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
    case "fold":
      foldLog(database);
      return {};
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
