import { DatabaseSync } from "@photostructure/sqlite";
import { migrate } from "../../../src/store/migrate.ts";
import type { EntryRow } from "../../../src/store/spec.ts";
import type { ThreadError } from "../../../src/store/statements.ts";
import { type StatementResult, Statements, threadError } from "../../../src/store/statements.ts";
import type { Chance } from "../chance.ts";
import type { Schedule } from "../schedule.ts";
import { entryOf } from "./entry-rows.ts";

/** What comes back from the database; nothing where whoever asked is not told. */
export interface Reply {
  readonly result?: StatementResult;
  readonly error?: ThreadError;
  readonly fenced?: boolean;
}

/** Something that has arrived at the database. */
export interface Arrival {
  readonly what: "batch" | "read" | "write" | "begin" | "inside" | "commit" | "rollback";
  /** Of the transaction that it opens or is a part of. */
  readonly transaction?: string;
  readonly perform: () => Reply;
  /** Whether whoever asked has given it up, and its connection with it. */
  readonly isForsaken: () => boolean;
  readonly reply: (reply: Reply) => void;
}

/** What one commit has changed. */
export interface Commit {
  readonly entries: readonly EntryRow[];
}

const NOTHING: StatementResult = { rows: [], changes: 0 };

/**
 * One database for all nodes. One transaction after the other: what arrives while one is open waits. A transaction of
 * which nothing is heard is rolled back after a while. What it says is committed is on its disk.
 */
export class SimulatedDatabase {
  readonly database = new DatabaseSync(":memory:");
  readonly #statements: Statements;
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  /** After which a transaction is given up. */
  readonly #idleMs: number;
  readonly #tell: (what: string) => void;
  #awayUntil = 0;
  #open: { readonly name: string; idle: ReturnType<Schedule["after"]> } | undefined;
  #waiting: Arrival[] = [];
  /** Grows with every commit. */
  version = 0;
  onCommit: (commit: Commit) => void = () => {};

  constructor(schedule: Schedule, chance: Chance, tell: (what: string) => void) {
    this.#schedule = schedule;
    this.#chance = chance;
    this.#idleMs = chance.pick([900, 2_000]);
    this.#tell = tell;
    migrate(this.database);
    this.#statements = new Statements(this.database);
    // Told of every entry that is truly written: what is there already is not.
    this.database.exec(
      `create temp table written (attempt, phase, n);
       create temp trigger note_written after insert on main.entry_rows
       begin insert into written values (new.attempt, new.phase, new.n); end`,
    );
  }

  get isAway(): boolean {
    return this.#schedule.now < this.#awayUntil;
  }

  /** Whether a transaction is open. */
  get isBusy(): boolean {
    return this.#open !== undefined;
  }

  run(sql: string, parameters: readonly unknown[] = []): StatementResult {
    return this.#statements.run({ sql, parameters });
  }

  /** What is committed, for the world to look at; nothing while a transaction is open. */
  peek(sql: string): readonly unknown[] | undefined {
    return this.#open ? undefined : this.run(sql).rows;
  }

  close(): void {
    this.database.close();
  }

  /** Nobody reaches it for a while; what was open is rolled back, what waited is never answered. */
  goAway(ms: number): void {
    this.#awayUntil = this.#schedule.now + ms;
    this.#waiting = [];
    this.#giveUp("the database went away");
  }

  arrive(arrival: Arrival): void {
    if (this.isAway) return;
    if (this.#open && arrival.transaction !== this.#open.name) {
      const stale = arrival.what === "inside" || arrival.what === "commit" || arrival.what === "rollback";
      if (stale) arrival.reply({ error: GONE });
      else this.#waiting.push(arrival);
      return;
    }
    this.#handle(arrival);
  }

  #handle({ what, transaction, perform, reply }: Arrival): void {
    switch (what) {
      case "begin":
        this.database.exec("begin immediate");
        this.#open = { name: transaction!, idle: this.#watch() };
        reply({ result: NOTHING });
        return;
      case "inside":
        if (!this.#open) {
          reply({ error: GONE });
          return;
        }
        this.#schedule.cancel(this.#open.idle);
        this.#open.idle = this.#watch();
        reply(attempt(perform));
        return;
      case "commit":
      case "rollback":
        if (!this.#open) {
          reply({ error: GONE });
          return;
        }
        this.#schedule.cancel(this.#open.idle);
        this.#open = undefined;
        this.#finish(what);
        reply({ result: NOTHING });
        this.#serve();
        return;
      case "read":
        reply(attempt(perform));
        return;
      default: {
        this.database.exec("begin immediate");
        const done = attempt(perform);
        this.#finish(done.error ? "rollback" : "commit", what === "write");
        reply(done);
      }
    }
  }

  #finish(how: "commit" | "rollback", isPlain = false): void {
    if (how === "rollback") {
      this.database.exec("rollback");
      return;
    }
    const { rows } = this.run(
      `select entries.* from written join entries on entries.attempt = written.attempt
         and entries.phase = written.phase and entries.n = written.n order by attempt, phase, n`,
    );
    if (rows.length > 0) this.database.exec("delete from written");
    this.database.exec("commit");
    this.version += 1;
    // A sign of life, or an answer that is kept: nothing that anybody has to look at.
    if (isPlain && rows.length === 0) return;
    this.onCommit({ entries: (rows as Record<string, unknown>[]).map(entryOf) });
  }

  #watch(): ReturnType<Schedule["after"]> {
    return this.#schedule.after(
      this.#idleMs,
      () => {
        this.#giveUp("nothing was heard of it");
        this.#serve();
      },
      undefined,
    );
  }

  #giveUp(why: string): void {
    if (!this.#open) return;
    this.#tell(`database: the transaction ${this.#open.name} is rolled back: ${why}`);
    this.#schedule.cancel(this.#open.idle);
    this.#open = undefined;
    this.database.exec("rollback");
  }

  #serve(): void {
    while (!this.#open) {
      const next = this.#waiting.shift();
      if (!next) return;
      // What is done in one statement may be done all the same; a transaction that nobody goes on with is not begun.
      const isDropped = next.isForsaken() && (next.what === "begin" || this.#chance.happens(0.5));
      if (!isDropped) this.#handle(next);
    }
  }
}

const GONE: ThreadError = { message: "the transaction is no more", sqliteCode: undefined };

function attempt(perform: () => Reply): Reply {
  try {
    return perform();
  } catch (error) {
    // A rule of the simulation that is broken stays one.
    if ((error as { errcode?: unknown }).errcode === undefined) throw error;
    return { error: threadError(error) };
  }
}
