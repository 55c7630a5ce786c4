import {
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type QueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import type { Readers } from "./reader-pool.ts";
import { READ_ONLY, type StatementResult } from "./statements.ts";
import { type DatabasePort, StoreError } from "./thread.ts";

type CaughtUp = () => Promise<void>;

/** SQLite in threads, as Kysely sees it: reads go to a thread of their own, writes to the one that writes. */
export class ThreadedSqliteDialect implements Dialect {
  readonly #writer: DatabasePort;
  readonly #readers: Readers;
  readonly #caughtUp: CaughtUp;

  /** @param caughtUp waited for before each question that begins something: until the tables have what was queued before it */
  constructor(writer: DatabasePort, readers: Readers, caughtUp: CaughtUp = async () => {}) {
    this.#writer = writer;
    this.#readers = readers;
    this.#caughtUp = caughtUp;
  }

  createDriver(): Driver {
    return new ThreadedSqliteDriver(this.#writer, this.#readers, this.#caughtUp);
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler();
  }

  createAdapter(): DialectAdapter {
    return new SqliteAdapter();
  }

  // biome-ignore lint/suspicious/noExplicitAny: Kysely's own signature
  createIntrospector(database: Kysely<any>): DatabaseIntrospector {
    return new SqliteIntrospector(database);
  }
}

class ThreadedSqliteDriver implements Driver {
  readonly #writer: DatabasePort;
  readonly #readers: Readers;
  readonly #caughtUp: CaughtUp;
  /** Resolves when the transaction that is open now has ended. */
  #turn: Promise<void> = Promise.resolve();

  constructor(writer: DatabasePort, readers: Readers, caughtUp: CaughtUp) {
    this.#writer = writer;
    this.#readers = readers;
    this.#caughtUp = caughtUp;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return new ThreadedConnection(this.#writer, this.#readers, this.#caughtUp);
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    const before = this.#turn;
    let end!: () => void;
    this.#turn = new Promise((resolve) => {
      end = resolve;
    });
    await before;
    try {
      await this.#caughtUp();
      await this.#writer.ask("begin");
    } catch (error) {
      end();
      throw error;
    }
    (connection as ThreadedConnection).endTurn = end;
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#end(connection as ThreadedConnection, "commit");
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#end(connection as ThreadedConnection, "rollback");
  }

  async #end(connection: ThreadedConnection, how: "commit" | "rollback"): Promise<void> {
    const end = connection.endTurn;
    // A commit that failed has rolled back: Kysely's rollback after it has nothing to do.
    if (!end) return;
    connection.endTurn = undefined;
    try {
      await this.#writer.ask(how, "", [], true);
    } finally {
      end();
    }
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}
}

const READING = /^\s*(?:select|with|values|explain|pragma)\b/i;

class ThreadedConnection implements DatabaseConnection {
  readonly #writer: DatabasePort;
  readonly #readers: Readers;
  readonly #caughtUp: CaughtUp;
  /** Set while a transaction is open on this connection. */
  endTurn: (() => void) | undefined;

  constructor(writer: DatabasePort, readers: Readers, caughtUp: CaughtUp) {
    this.#writer = writer;
    this.#readers = readers;
    this.#caughtUp = caughtUp;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, changes } = await this.#run(query);
    return { rows: rows as R[], numAffectedRows: BigInt(changes) };
  }

  async #run({ sql, parameters, query }: CompiledQuery): Promise<StatementResult> {
    if (this.endTurn) return this.#writer.ask("run", sql, parameters, true);
    await this.#caughtUp();
    const reads = query.kind === "SelectQueryNode" || (query.kind === "RawNode" && READING.test(sql));
    if (!reads) return this.#writer.ask("run", sql, parameters);
    try {
      return await this.#readers.pick().ask("run", sql, parameters);
    } catch (error) {
      const writes = error instanceof StoreError && error.sqliteCode !== undefined;
      if (!writes || (error.sqliteCode! & 0xff) !== READ_ONLY) throw error;
      return this.#writer.ask("run", sql, parameters);
    }
  }

  // biome-ignore lint/correctness/useYield: Kysely asks for the method; long results are read page by page instead
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("this store does not stream results: read them page by page");
  }
}
