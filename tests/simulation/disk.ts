import { DatabaseSync } from "@photostructure/sqlite";
import type { Batch } from "../../src/store/batch.ts";
import { BatchWriter } from "../../src/store/batch-writer.ts";
import { migrate } from "../../src/store/migrate.ts";
import type { JournalRow } from "../../src/store/spec.ts";
import { type StatementResult, Statements } from "../../src/store/statements.ts";
import type { Chance } from "./chance.ts";
import type { Schedule } from "./schedule.ts";

/** One write on its way to the disk, all of it or nothing: SQLite's own log promises that, and is not simulated. */
export interface DiskWrite {
  readonly what: string;
  /** Makes it so in the database. */
  readonly apply: () => void;
  readonly done: () => void;
  readonly fail: (cause: Error) => void;
}

export interface DiskHabits {
  /** Milliseconds of an ordinary fsync, at the most. */
  readonly fsyncMs: number;
  /** How many are slow, and how slow at the most. */
  readonly slowRate: number;
  readonly slowMs: number;
  /** How many fail. */
  readonly failureRate: number;
}

const IO_ERROR = 10;

/**
 * A disk with one database on it. What the database holds is what is durable: a write is made in it when its fsync has
 * ended, and at a crash chance says of the one under way whether it was.
 */
export class SimulatedDisk {
  readonly database = new DatabaseSync(":memory:");
  readonly statements: Statements;
  readonly habits: DiskHabits;
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  readonly #tell: (what: string) => void;
  #underWay: { readonly write: DiskWrite; readonly event: ReturnType<Schedule["after"]> } | undefined;
  /** From now on nothing fails. */
  calm = false;
  /** Told of the rows of each batch at the moment in which they are durable. */
  onDurable: (rows: readonly JournalRow[]) => void = () => {};

  constructor(schedule: Schedule, chance: Chance, habits: DiskHabits, tell: (what: string) => void) {
    this.#schedule = schedule;
    this.#chance = chance;
    this.habits = habits;
    this.#tell = tell;
    migrate(this.database);
    this.statements = new Statements(this.database);
  }

  /** A writer of batches, as each process has its own. */
  batchWriter(): (batch: Batch, rows: readonly JournalRow[]) => void {
    const writer = new BatchWriter(this.database);
    return (batch, rows) => {
      this.database.exec("begin immediate");
      writer.write(batch);
      this.database.exec("commit");
      this.onDurable(rows);
    };
  }

  /** Writes one after the other: never asked while one is under way. */
  write(write: DiskWrite): void {
    if (this.#underWay) throw new Error("two writes at once");
    const { fsyncMs, slowRate, slowMs, failureRate } = this.habits;
    const slow = this.#chance.happens(slowRate);
    const fails = this.#chance.happens(failureRate) && !this.calm;
    const ms = this.#chance.between(0.05, slow ? slowMs : fsyncMs);
    const event = this.#schedule.after(ms, () => this.#finish(write, fails), undefined);
    this.#underWay = { write, event };
  }

  /** The machine loses its power: what was under way is there in full or not at all. */
  crash(): void {
    const underWay = this.#underWay;
    this.#underWay = undefined;
    if (underWay) {
      this.#schedule.cancel(underWay.event);
      const survives = this.#chance.happens(0.5);
      this.#tell(`disk: ${underWay.write.what} under way ${survives ? "survives" : "is lost"}`);
      if (survives) underWay.write.apply();
    }
    if (this.database.isTransaction) this.database.exec("rollback");
  }

  read(sql: string, parameters: readonly unknown[]): StatementResult {
    return this.statements.run({ sql, parameters });
  }

  close(): void {
    this.database.close();
  }

  #finish(write: DiskWrite, fails: boolean): void {
    this.#underWay = undefined;
    if (!fails) {
      write.apply();
      write.done();
      return;
    }
    // The page cache may have reached the disk all the same: nobody can tell.
    const survives = this.#chance.happens(0.5);
    this.#tell(`disk: fsync of ${write.what} fails, ${survives ? "though all is there" : "and nothing is there"}`);
    if (survives) write.apply();
    else if (this.database.isTransaction) this.database.exec("rollback");
    write.fail(Object.assign(new Error("disk I/O error"), { errcode: IO_ERROR }));
  }
}
