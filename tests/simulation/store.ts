import { Kysely } from "kysely";
import type { Batch } from "../../src/store/batch.ts";
import { GroupJournal } from "../../src/store/group-journal.ts";
import type { ReaderPool } from "../../src/store/reader-pool.ts";
import type { Schema } from "../../src/store/schema.ts";
import type { Journal, JournalRow, Seated, Store } from "../../src/store/spec.ts";
import { ThreadedSqliteDialect } from "../../src/store/sqlite-dialect.ts";
import { type StatementResult, threadError } from "../../src/store/statements.ts";
import { type DatabaseThread, StoreError, type ThreadRequest } from "../../src/store/thread.ts";
import type { Chance } from "./chance.ts";
import type { SimulatedDisk } from "./disk.ts";
import type { Owner, Schedule } from "./schedule.ts";

type Ask = ThreadRequest["ask"];

/** Something for the writer to do: it does one thing after the other. */
interface Task {
  readonly inside: boolean;
  readonly start: () => void;
}

/** Between threads of one process, milliseconds. */
const MESSAGE_MS = 0.05;
const READ_MS = 1;

/**
 * The threads of a store as the product's dialect and journal know them, with the disk of the simulation below: batches
 * and statements of administration take turns, and an open transaction holds all else up.
 */
class SimulatedThreads {
  readonly #disk: SimulatedDisk;
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  readonly #owner: Owner;
  readonly #writeBatch: (batch: Batch, rows: readonly JournalRow[]) => void;
  #queue: Task[] = [];
  #busy = false;
  #open = false;
  #failure: StoreError | undefined;
  #readsWaiting: (() => void)[] = [];
  committed: () => void = () => {};
  failed: (cause: StoreError) => void = () => {};

  constructor(disk: SimulatedDisk, schedule: Schedule, chance: Chance, owner: Owner) {
    this.#disk = disk;
    this.#schedule = schedule;
    this.#chance = chance;
    this.#owner = owner;
    this.#writeBatch = disk.batchWriter();
  }

  post(batch: Batch, rows: readonly JournalRow[]): void {
    const start = (): void => {
      const failure = this.#failure;
      if (failure) {
        this.#answer(() => this.failed(failure));
        return;
      }
      this.#disk.write({
        what: `a batch of ${rows.length}`,
        apply: () => this.#writeBatch(batch, rows),
        done: () => this.#answer(() => this.committed()),
        fail: (cause) => this.#fail(cause, () => {}),
      });
    };
    this.#add({ inside: false, start });
  }

  ask(ask: Ask, sql = "", parameters: readonly unknown[] = [], inside = false): Promise<StatementResult> {
    return new Promise((resolve, reject) => {
      this.#add({ inside, start: () => this.#perform(ask, sql, parameters, inside, resolve, reject) });
    });
  }

  read(sql: string, parameters: readonly unknown[]): Promise<StatementResult> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        // One connection stands for all: readers see no transaction before its end.
        if (this.#open) this.#readsWaiting.push(look);
        else settle(() => this.#disk.read(sql, parameters), resolve, reject);
      };
      this.#schedule.after(this.#chance.between(MESSAGE_MS, READ_MS), look, this.#owner);
    });
  }

  #add(task: Task): void {
    this.#queue.push(task);
    this.#next();
  }

  #next(): void {
    if (this.#busy) return;
    const place = this.#open ? this.#queue.findIndex(({ inside }) => inside) : 0;
    const [task] = place < 0 ? [] : this.#queue.splice(place, 1);
    if (!task) return;
    this.#busy = true;
    // The owner is the process: a thread ends with it.
    this.#schedule.after(this.#chance.between(0, MESSAGE_MS), () => task.start(), this.#owner);
  }

  #answer(tell: () => void): void {
    this.#busy = false;
    this.#schedule.after(this.#chance.between(0, MESSAGE_MS), tell, this.#owner);
    if (this.#owner.alive) this.#next();
  }

  #fail(cause: unknown, tell: (error: StoreError) => void): void {
    const error = new StoreError(threadError(cause));
    this.#failure = error;
    this.#answer(() => {
      tell(error);
      this.failed(error);
    });
  }

  #perform(
    ask: Ask,
    sql: string,
    parameters: readonly unknown[],
    inside: boolean,
    resolve: (result: StatementResult) => void,
    reject: (error: unknown) => void,
  ): void {
    if (this.#failure) {
      this.#answer(() => reject(this.#failure));
      return;
    }
    const run = (sql: string): StatementResult => this.#disk.read(sql, parameters);
    let result: StatementResult = { rows: [], changes: 0 };
    const begins = ask === "begin";
    if (begins || ask === "rollback" || (ask === "run" && inside)) {
      // Nothing of it reaches the disk before the commit.
      const error = attempt(() => {
        result = run(begins ? "begin immediate" : ask === "rollback" ? "rollback" : sql);
      });
      if (begins && !error) this.#open = true;
      if (ask === "rollback") this.#close();
      this.#answer(() => (error ? reject(error) : resolve(result)));
      return;
    }
    let error: StoreError | undefined;
    this.#disk.write({
      what: ask === "commit" ? "a transaction" : "a statement",
      apply: () => {
        error = attempt(() => {
          result = run(ask === "commit" ? "commit" : sql);
        });
      },
      done: () => {
        if (ask === "commit") this.#close();
        this.#answer(() => (error ? reject(error) : resolve(result)));
      },
      fail: (cause) => {
        if (ask === "commit") this.#close();
        this.#fail(cause, reject);
      },
    });
  }

  #close(): void {
    this.#open = false;
    const waiting = this.#readsWaiting;
    this.#readsWaiting = [];
    for (const look of waiting) this.#schedule.after(0, look, this.#owner);
  }
}

function attempt(run: () => void): StoreError | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return new StoreError(threadError(error));
  }
}

function settle<T>(run: () => T, resolve: (result: T) => void, reject: (error: unknown) => void): void {
  let result: T;
  try {
    result = run();
  } catch (error) {
    reject(new StoreError(threadError(error)));
    return;
  }
  resolve(result);
}

/** The product's journal, with somebody who looks at each row as it is queued. */
class WatchedJournal implements Journal {
  readonly #inner: GroupJournal;
  readonly #look: (row: JournalRow) => void;
  #gathering: JournalRow[] = [];
  #failed = false;

  constructor(
    post: (batch: Batch, rows: readonly JournalRow[]) => void,
    limit: number,
    look: (row: JournalRow) => void,
  ) {
    this.#look = look;
    this.#inner = new GroupJournal((batch) => {
      // A group is all that was queued since the last one left.
      const rows = this.#gathering;
      this.#gathering = [];
      post(batch, rows);
    }, limit);
  }

  get depth(): number {
    return this.#inner.depth;
  }

  get full(): boolean {
    return this.#inner.full;
  }

  sit(seat: Seated): void {
    this.#inner.sit(seat);
  }

  onFenced(listener: () => void): void {
    this.#inner.onFenced(listener);
  }

  append(row: JournalRow): Promise<void> {
    this.#gathering.push(row);
    const durable = this.#inner.append(row);
    // What is refused because the disk has failed was never queued.
    if (!this.#failed) this.#look(row);
    return durable;
  }

  onFailure(listener: (cause: unknown) => void): void {
    this.#inner.onFailure(listener);
  }

  onCommit(listener: (milliseconds: number) => void): void {
    this.#inner.onCommit(listener);
  }

  committed(): void {
    this.#inner.committed();
  }

  fail(cause: unknown): void {
    this.#failed = true;
    this.#inner.fail(cause);
  }
}

export interface SimulatedStoreOptions {
  readonly disk: SimulatedDisk;
  readonly schedule: Schedule;
  readonly chance: Chance;
  readonly owner: Owner;
  readonly journalQueue: number;
  /** Told of each row as it is queued. */
  readonly look: (row: JournalRow) => void;
}

/** Opens the store that a process sees on a disk: the product's own journal, writer and dialect, without its threads. */
export function openSimulatedStore(options: SimulatedStoreOptions): Store {
  const { disk, schedule, chance, owner, journalQueue, look } = options;
  const threads = new SimulatedThreads(disk, schedule, chance, owner);
  const journal = new WatchedJournal((batch, rows) => threads.post(batch, rows), journalQueue, look);
  threads.committed = () => journal.committed();
  threads.failed = (cause) => journal.fail(cause);
  const writer = { ask: threads.ask.bind(threads) } as unknown as DatabaseThread;
  const reader = { ask: (_ask: Ask, sql: string, parameters: readonly unknown[]) => threads.read(sql, parameters) };
  const readers = { pick: () => reader } as unknown as ReaderPool;
  const query = new Kysely<Schema>({ dialect: new ThreadedSqliteDialect(writer, readers) });
  return { engine: "sqlite", query, journal, warnings: [], setLimits: () => {}, close: () => Promise.resolve() };
}
