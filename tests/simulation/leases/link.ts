import { Kysely } from "kysely";
import { type Batch, OP } from "../../../src/store/batch.ts";
import { readOthers } from "../../../src/store/batch-steps.ts";
import { BatchWriter } from "../../../src/store/batch-writer.ts";
import { KnownCircumstances } from "../../../src/store/circumstances.ts";
import { GroupJournal } from "../../../src/store/group-journal.ts";
import type { ReaderPool } from "../../../src/store/reader-pool.ts";
import type { Schema } from "../../../src/store/schema.ts";
import type { JournalRow, Seated, Store } from "../../../src/store/spec.ts";
import { ThreadedSqliteDialect } from "../../../src/store/sqlite-dialect.ts";
import type { StatementResult } from "../../../src/store/statements.ts";
import { type DatabaseThread, StoreError, type ThreadRequest } from "../../../src/store/thread.ts";
import { pause } from "../../../src/store/transact.ts";
import type { Chance } from "../chance.ts";
import type { OpeningOptions } from "../ground.ts";
import type { Owner, Schedule } from "../schedule.ts";
import type { Arrival, Reply, SimulatedDatabase } from "./database.ts";

/** How the way to the database is, for all nodes. */
export interface LinkHabits {
  readonly delayMs: number;
  readonly slowRate: number;
  readonly slowMs: number;
  /** Of answers that are lost on their way. */
  readonly answerLossRate: number;
  /** The same, of batches. */
  readonly batchLossRate: number;
  /** How long a node waits for an answer. */
  readonly patienceMs: number;
  /** How long the database may be away before the process stops. */
  readonly awayMs: number;
}

type Ask = ThreadRequest["ask"];

/** As often as the product's pool asks again what may be asked again. */
const MOST_TRIES = 12;
const LONGEST_PAUSE_MS = 1_000;

/** The way of one node's processes to the database: slow, cut off at times, and with answers that never come. */
export class NodeNetwork {
  cutUntil = 0;
  /** From now on nothing is lost. */
  calm = false;
  readonly schedule: Schedule;
  readonly chance: Chance;
  readonly habits: LinkHabits;
  readonly database: SimulatedDatabase;
  readonly tell: (what: string) => void;
  transactions = 0;

  constructor(
    database: SimulatedDatabase,
    habits: LinkHabits,
    parts: { readonly schedule: Schedule; readonly chance: Chance; readonly tell: (what: string) => void },
  ) {
    this.database = database;
    this.habits = habits;
    this.schedule = parts.schedule;
    this.chance = parts.chance;
    this.tell = parts.tell;
  }

  get isCut(): boolean {
    return this.schedule.now < this.cutUntil;
  }

  /** When something that leaves now arrives; undefined where it never does. */
  arrival(after: number): number | undefined {
    const { chance, habits, schedule } = this;
    // What a network has taken may come out of it when it is whole again.
    if (this.isCut && chance.happens(0.5)) return undefined;
    const ms = chance.between(0.05, !this.calm && chance.happens(habits.slowRate) ? habits.slowMs : habits.delayMs);
    return Math.max(after, Math.max(schedule.now, this.cutUntil) + ms);
  }

  losesAnswer(what: Arrival["what"]): boolean {
    const { answerLossRate, batchLossRate } = this.habits;
    return !this.calm && this.chance.happens(what === "batch" ? batchLossRate : answerLossRate);
  }
}

/** One connection: what is sent on it arrives in order. */
class Lane {
  readonly #network: NodeNetwork;
  readonly #owner: Owner;
  #lastArrival = 0;

  constructor(network: NodeNetwork, owner: Owner) {
    this.#network = network;
    this.#owner = owner;
  }

  /** Resolves with the reply, or with undefined where none came in time. What is on its way may arrive, whoever dies. */
  send(arrival: Pick<Arrival, "what" | "transaction" | "perform">): Promise<Reply | undefined> {
    const { schedule, database, habits } = this.#network;
    return new Promise((resolve) => {
      let isForsaken = false;
      const forsake = (): void => {
        isForsaken = true;
        resolve(undefined);
      };
      const patience = schedule.after(habits.patienceMs, forsake, this.#owner);
      const answered = (reply: Reply): void => {
        schedule.cancel(patience);
        resolve(reply);
      };
      const at = this.#network.arrival(this.#lastArrival);
      if (at === undefined) return;
      this.#lastArrival = at;
      const arrive = (): void => {
        if (!this.#owner.alive && this.#network.chance.happens(0.5)) return;
        const reply = (reply: Reply): void => this.#answer(arrival.what, reply, answered);
        database.arrive({ ...arrival, reply, isForsaken: () => isForsaken || !this.#owner.alive });
      };
      schedule.at(at, arrive, undefined);
    });
  }

  #answer(what: Arrival["what"], reply: Reply, resolve: (reply: Reply) => void): void {
    const { schedule } = this.#network;
    if (this.#network.losesAnswer(what)) {
      this.#network.tell(`${this.#owner.name}: the answer to a ${what} is lost`);
      return;
    }
    const at = this.#network.arrival(schedule.now);
    if (at !== undefined) schedule.at(at, () => resolve(reply), this.#owner);
  }
}

/** The store of a process that shares a database: what PostgreSQL's connections do, over SQLite's statements. */
class Connections {
  readonly #network: NodeNetwork;
  readonly #owner: Owner;
  readonly #asks: Lane;
  readonly #batches: Lane;
  readonly #writer: BatchWriter;
  readonly #known = new KnownCircumstances();
  readonly #committed = new WeakSet<Batch>();
  #transaction = "";
  answered: (reply: Pick<Reply, "fenced"> & { readonly error?: ConstructorParameters<typeof StoreError>[0] }) => void =
    () => {};

  constructor(network: NodeNetwork, owner: Owner) {
    this.#network = network;
    this.#owner = owner;
    this.#asks = new Lane(network, owner);
    this.#batches = new Lane(network, owner);
    this.#writer = new BatchWriter(network.database.database);
  }

  async ask(ask: Ask, sql = "", parameters: readonly unknown[] = [], inside = false): Promise<StatementResult> {
    if (ask === "begin") this.#transaction = `${this.#owner.name}/${++this.#network.transactions}`;
    const what = ask !== "run" ? (ask as "begin" | "commit" | "rollback") : inside ? "inside" : "write";
    const { database } = this.#network;
    const perform = (): Reply => ({ result: database.run(sql, parameters) });
    const ofTransaction = what === "write" ? {} : { transaction: this.#transaction };
    return this.#result(await this.#asks.send({ what, perform, ...ofTransaction }));
  }

  /** What only reads may be asked again and again. */
  async read(sql: string, parameters: readonly unknown[]): Promise<StatementResult> {
    const { database } = this.#network;
    for (let tried = 1; ; tried++) {
      const perform = (): Reply => ({ result: database.run(sql, parameters) });
      const reply = await new Lane(this.#network, this.#owner).send({ what: "read", perform });
      if (reply || tried === MOST_TRIES) return this.#result(reply);
      await pause(tried);
    }
  }

  #result(reply: Reply | undefined): StatementResult {
    if (!reply) throw new StoreError({ message: "no answer from the database", sqliteCode: undefined });
    if (reply.error) throw new StoreError(reply.error);
    return reply.result!;
  }

  /** Again and again, until it is known what became of it. */
  async write(batch: Batch): Promise<void> {
    const { habits } = this.#network;
    let awaySince: number | undefined;
    for (let tried = 1; ; tried++) {
      const reply = await this.#batches.send({ what: "batch", perform: () => this.#perform(batch) });
      if (reply) {
        this.answered(reply);
        return;
      }
      awaySince ??= performance.now();
      const awayMs = performance.now() - awaySince;
      if (awayMs >= habits.awayMs) {
        this.answered({ error: { message: "the database is away", sqliteCode: undefined, awayMs } });
        return;
      }
      await pause(tried, LONGEST_PAUSE_MS);
    }
  }

  #perform(batch: Batch): Reply {
    const isThere = this.#committed.has(batch);
    this.#known.meet(batch.circumstances);
    const copy = structuredClone(batch);
    if (isThere) {
      this.#network.tell(`${this.#owner.name}: a batch is written again`);
      copy.others.splice(0, copy.others.length, ...this.#forgotten(batch));
    }
    // As the product's writer for PostgreSQL finds out where it is refused what it may have written before.
    if (!this.#writer.write(copy)) return isThere ? {} : { fenced: true };
    this.#committed.add(batch);
    return {};
  }

  /** Of what is written again: entries are there, and the answers that came with them; what is forgotten is so again. */
  #forgotten({ others }: Batch): (string | number)[] {
    const last = new Map<string, boolean>();
    for (const { id, values } of readOthers(others, this.#known).kept) last.set(id, values === undefined);
    return [...last].filter(([, isForgotten]) => isForgotten).flatMap(([id]) => [OP.forgetKept, id]);
  }
}

/** The product's journal, with somebody who looks at each row as it is queued, and at each seat that is taken. */
class SharedJournal extends GroupJournal {
  look: (row: JournalRow) => void = () => {};
  seated: (seat: Seated) => void = () => {};

  override append(row: JournalRow): Promise<void> {
    this.look(row);
    return super.append(row);
  }

  override sit(seat: Seated): void {
    super.sit(seat);
    this.seated(seat);
  }
}

/** Opens the store that a process of a node sees. */
export function openLinkedStore(
  network: NodeNetwork,
  { owner, journalQueue, look }: OpeningOptions,
  seated: (seat: Seated) => void,
): Store {
  const connections = new Connections(network, owner);
  const journal = new SharedJournal((batch) => void connections.write(batch), journalQueue);
  journal.look = look;
  journal.seated = seated;
  connections.answered = (reply) => journal.answered(reply);
  const writer = { ask: connections.ask.bind(connections) } as unknown as DatabaseThread;
  const reader = { ask: (_: Ask, sql: string, values: readonly unknown[]) => connections.read(sql, values) };
  const readers = { pick: () => reader } as unknown as ReaderPool;
  const query = new Kysely<Schema>({ dialect: new ThreadedSqliteDialect(writer, readers) });
  return { engine: "sqlite", query, journal, warnings: [], setLimits: () => {}, close: () => Promise.resolve() };
}
