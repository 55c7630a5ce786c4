import type { DatabaseSync } from "@photostructure/sqlite";

type Database = InstanceType<typeof DatabaseSync>;
type Statement = ReturnType<Database["prepare"]>;

/** One statement as it travels to a thread. */
export interface StatementMessage {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

export interface StatementResult {
  readonly rows: readonly unknown[];
  readonly changes: number;
}

/** Columns of nano-units: read as bigint, whatever they hold. An expression counts by the name it is given. */
export const MONEY: ReadonlySet<string> = new Set([
  "amount",
  "held",
  "settled",
  "cost",
  "base",
  "granted",
  "wanted",
  "bound",
]);

const PREPARED = 128;

/** Runs statements on one connection and keeps the newest ones prepared. */
export class Statements {
  readonly #database: Database;
  readonly #prepared = new Map<string, { statement: Statement; columns: readonly string[] }>();

  constructor(database: Database) {
    this.#database = database;
  }

  run({ sql, parameters }: StatementMessage): StatementResult {
    const { statement, columns } = this.#prepare(sql);
    const values = parameters.map(bindable);
    if (columns.length === 0) return { rows: [], changes: Number(statement.run(...values).changes) };
    const rows = statement.all(...values) as Record<string, unknown>[];
    const counts = columns.filter((column) => !MONEY.has(column));
    for (const row of rows) {
      for (const column of counts) {
        const value = row[column];
        if (typeof value === "bigint") row[column] = narrow(value);
      }
    }
    return { rows, changes: rows.length };
  }

  #prepare(sql: string): { statement: Statement; columns: readonly string[] } {
    const known = this.#prepared.get(sql);
    if (known) {
      this.#prepared.delete(sql);
      this.#prepared.set(sql, known);
      return known;
    }
    const statement = this.#database.prepare(sql);
    statement.setReadBigInts(true);
    const prepared = { statement, columns: statement.columns().map((column) => column.name) };
    this.#prepared.set(sql, prepared);
    if (this.#prepared.size > PREPARED) this.#prepared.delete(this.#prepared.keys().next().value!);
    return prepared;
  }
}

/** A number where it is exact as one. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function bindable(value: unknown): unknown {
  if (value === undefined) return null;
  return typeof value === "boolean" ? Number(value) : value;
}

/** What is left of an error when it crosses between threads. */
export interface ThreadError {
  readonly message: string;
  /** SQLite's extended result code, or undefined where it is none of SQLite's. */
  readonly sqliteCode: number | undefined;
  /** How long the database had been away, where that is why nothing more is tried. */
  readonly awayMs?: number;
}

export function threadError(error: unknown): ThreadError {
  const { message, errcode } = error as { message?: string; errcode?: number };
  return { message: message ?? String(error), sqliteCode: typeof errcode === "number" ? errcode : undefined };
}

/** The primary result codes after which nothing written may be trusted: the disk failed, is full or is damaged. */
const DISK_FAILURES = new Set([10 /* IOERR */, 11 /* CORRUPT */, 13 /* FULL */, 14 /* CANTOPEN */, 26 /* NOTADB */]);

export function isDiskFailure(error: ThreadError): boolean {
  return error.sqliteCode !== undefined && DISK_FAILURES.has(error.sqliteCode & 0xff);
}

export const READ_ONLY = 8;
