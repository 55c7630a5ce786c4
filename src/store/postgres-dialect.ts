import {
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from "kysely";
import type pg from "pg";
import { isConflict, isLostConnection, shownFault } from "./postgres-errors.ts";
import { parameterOf, readRows, TYPES } from "./postgres-values.ts";
import { pause } from "./transact.ts";

/** PostgreSQL as Kysely sees it: values as SQLite would give them, and a connection that broke is not its user's trouble. */
export class PooledPostgresDialect implements Dialect {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  createDriver(): Driver {
    return new PooledDriver(this.#pool);
  }

  createQueryCompiler(): QueryCompiler {
    return new PostgresQueryCompiler();
  }

  createAdapter(): DialectAdapter {
    return new PostgresAdapter();
  }

  // biome-ignore lint/suspicious/noExplicitAny: Kysely's own signature
  createIntrospector(database: Kysely<any>): DatabaseIntrospector {
    return new PostgresIntrospector(database);
  }
}

class PooledDriver implements Driver {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return new PooledConnection(this.#pool);
  }

  async beginTransaction(connection: DatabaseConnection, { isolationLevel }: TransactionSettings): Promise<void> {
    await (connection as PooledConnection).begin(`begin isolation level ${isolationLevel ?? "serializable"}`);
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await (connection as PooledConnection).end("commit");
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await (connection as PooledConnection).end("rollback");
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}
}

const READING = /^\s*(?:select|values|explain|show)\b/i;
/** Of a statement outside of a transaction: with the pauses between them, long enough for a server to start again. */
const MOST_TRIES = 12;

class PooledConnection implements DatabaseConnection {
  readonly #pool: pg.Pool;
  /** Set while a transaction is open. */
  #client: pg.PoolClient | undefined;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async begin(statement: string): Promise<void> {
    await this.#withClient(true, async (client) => {
      await client.query(statement);
      this.#client = client;
    });
  }

  async end(how: "commit" | "rollback"): Promise<void> {
    const client = this.#client;
    // A commit that failed has rolled back: Kysely's rollback after it has nothing to do.
    if (!client) return;
    this.#client = undefined;
    let isDone = false;
    try {
      const { command } = await client.query(how);
      isDone = command === how.toUpperCase();
    } catch (error) {
      throw shownFault(error);
    } finally {
      client.release(!isDone);
    }
    if (!isDone) throw new Error("the server rolled back what was to be committed");
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { sql, parameters } = query;
    const ask = async (client: pg.PoolClient): Promise<pg.QueryArrayResult> =>
      client.query({ text: sql, values: parameters.map(parameterOf), rowMode: "array", types: TYPES });
    const reads = query.query.kind === "SelectQueryNode" || (query.query.kind === "RawNode" && READING.test(sql));
    const result = this.#client ? await this.#inside(ask(this.#client)) : await this.#withClient(reads, ask);
    const rows = readRows(result) as R[];
    return result.command === "SELECT" ? { rows } : { rows, numAffectedRows: BigInt(result.rowCount ?? 0) };
  }

  /** A transaction that lost its connection is over. */
  async #inside<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      throw shownFault(error);
    }
  }

  /** @param mayRepeat whether it may be done again where it is unknown whether it was done */
  async #withClient<T>(mayRepeat: boolean, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried++) {
      let client: pg.PoolClient | undefined;
      try {
        client = await this.#pool.connect();
        const result = await work(client);
        if (this.#client !== client) client.release();
        return result;
      } catch (error) {
        const isLost = isLostConnection(error);
        client?.release(isLost);
        // What never had a connection changed nothing.
        const mayTry = isConflict(error) || (isLost && (mayRepeat || !client));
        if (!mayTry || tried === MOST_TRIES || this.#pool.ending) throw shownFault(error);
        await pause(tried);
      }
    }
  }

  // biome-ignore lint/correctness/useYield: Kysely asks for the method; long results are read page by page instead
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("this store does not stream results: read them page by page");
  }
}
