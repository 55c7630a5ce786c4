import { readSync } from "node:fs";
import { Fault } from "../../base/faults.ts";
import { storeWords } from "../../base/messages/ledger.ts";
import type { Durability } from "../../config/environment.ts";
import { BatchWriter } from "../batch-writer.ts";
import type { ConnectionOptions, Database } from "../sqlite-connection.ts";
import { type Frame, frameAbove, framesFrom } from "./frames.ts";
import { LOG_FILES, readLogFile } from "./log-files.ts";

/** The row of `meta` with the number of the newest frame that is in the tables, written in the same transaction. */
const APPLIED = "log-applied";
/** Bytes of frames in one transaction: then readers and administration have their turn. */
const TRANSACTION_BYTES = 1024 * 1024;

/** A stretch of the log that is durable there and not yet in the tables. */
export interface LogStretch {
  readonly file: number;
  /** Bytes, on the borders of frames. */
  readonly from: number;
  readonly to: number;
  /** Of its newest frame. */
  readonly number: number;
  /** That it is in the tables must be durable, too: the file will be written over. */
  readonly final: boolean;
}

/** Brings what stands in the log into the tables, in order, each frame once. */
export class LogApplier {
  readonly #database: Database;
  readonly #writer: BatchWriter;
  /** Commits are made durable one by one, else. */
  readonly #durability: Durability;
  readonly #setApplied: ReturnType<Database["prepare"]>;

  constructor(database: Database, writer: BatchWriter, durability: Durability) {
    this.#database = database;
    this.#writer = writer;
    this.#durability = durability;
    this.#setApplied = database.prepare(
      `insert into meta (name, value) values ('${APPLIED}', ?) on conflict (name) do update set value = excluded.value`,
    );
  }

  /** @param descriptor of the file, open for reading */
  applyStretch({ from, to, number, final }: LogStretch, descriptor: number): void {
    const bytes = Buffer.allocUnsafe(to - from);
    for (let read = 0; read < bytes.length; ) {
      const more = readSync(descriptor, bytes, read, bytes.length - read, from + read);
      if (more === 0) throw new Error(`the log ends at ${from + read}, before ${to}`);
      read += more;
    }
    const newest = this.apply(framesFrom(bytes), number, final);
    if (newest !== number) throw new Error(`the log cannot be read behind frame ${newest}, before ${number}`);
  }

  /**
   * Returns the number of the last one. @param number that there should be, or is in the tables already where there are none
   * @param final whether the commits are made durable
   */
  apply(frames: Iterable<Frame>, number: number, final: boolean): number {
    let newest = number;
    let begun: number | undefined;
    for (const frame of frames) {
      if (begun === undefined) {
        this.#begin(final);
        begun = frame.from;
      }
      this.#writer.write(frame.batch);
      newest = frame.number;
      if (newest === number || frame.to - begun < TRANSACTION_BYTES) continue;
      this.#commit(newest, final);
      begun = undefined;
    }
    // A stretch that is final makes durable what was written before it, too.
    if (begun === undefined && final) this.#begin(final);
    if (begun !== undefined || final) this.#commit(newest, final);
    return newest;
  }

  #begin(final: boolean): void {
    // The log is the promise: until it is written over, the database need not reach the disk.
    if (!final && this.#durability === "disk") this.#database.exec("pragma synchronous = normal");
    this.#database.exec("begin immediate");
  }

  #commit(newest: number, final: boolean): void {
    this.#setApplied.run(String(newest));
    this.#database.exec("commit");
    if (!final && this.#durability === "disk") this.#database.exec("pragma synchronous = full");
  }
}

/** The number of the newest frame that is in the tables; 0 where there was none yet. */
export function appliedFrame(database: Database): number {
  const row = database.prepare(`select value from meta where name = '${APPLIED}'`).get() as
    | { value: string }
    | undefined;
  return row ? Number(row.value) : 0;
}

/**
 * Brings into the tables what a crash or a power cut left in the log alone. Of the last frame some may be missing: it was
 * never acknowledged, and is as if it had never been written. Throws `internal_error` where something before the last
 * frame is missing or damaged.
 */
export function recoverLog(database: Database, { folder, durability }: ConnectionOptions): number {
  const files = LOG_FILES.map((_, file) => readLogFile(folder, file));
  const fillings = files.map((bytes) => [...framesFrom(bytes)]).filter((frames) => frames.length > 0);
  fillings.sort((a, b) => a[0]!.since - b[0]!.since);
  const applied = appliedFrame(database);
  const writer = new BatchWriter(database);
  const applier = new LogApplier(database, writer, durability);
  let newest = applied;
  for (const frames of fillings) {
    // What the tables have still tells who is meant by the numbers in those that they have not.
    for (const { batch } of frames.filter(({ number }) => number <= applied)) writer.learn(batch);
    const missing = frames.filter(({ number }) => number > applied);
    if (missing.length === 0) continue;
    if (missing[0]!.number !== newest + 1) throw damaged(folder, newest + 1);
    newest = applier.apply(missing, missing.at(-1)!.number, true);
  }
  if (files.some((bytes) => frameAbove(bytes, newest, 0))) throw damaged(folder, newest + 1);
  return newest;
}

function damaged(folder: string, number: number): Fault {
  return new Fault("internal_error", storeWords.logDamaged(folder, LOG_FILES.join(", "), number));
}
