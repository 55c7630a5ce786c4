import type { DatabaseSync } from "@photostructure/sqlite";
import type { Value } from "./batch.ts";

type Database = InstanceType<typeof DatabaseSync>;
type Statement = ReturnType<Database["prepare"]>;

/** Rows of one statement: more make the statement dearer to keep and no row cheaper. */
const ROWS = 8;
const ALREADY_THERE = 1555; // SQLITE_CONSTRAINT_PRIMARYKEY

/** Inserts many rows of one form, several in a statement. Rows whose key is there already change nothing. */
export class BulkInsert {
  readonly #width: number;
  readonly #several: Statement;
  readonly #one: Statement;

  /**
   * @param into `table (columns)`
   * @param row the values of one row, `?` where one is given
   * @param width how many are given
   */
  constructor(database: Database, into: string, row: string, width: number) {
    this.#width = width;
    this.#several = database.prepare(`insert into ${into} values ${Array(ROWS).fill(`(${row})`).join(", ")}`);
    this.#one = database.prepare(`insert into ${into} values (${row}) on conflict do nothing`);
  }

  /** Returns the places in `values` at which rows begin that were there already; undefined where all were new. */
  insert(values: readonly Value[]): Set<number> | undefined {
    const step = ROWS * this.#width;
    let known: Set<number> | undefined;
    let at = 0;
    while (at + step <= values.length) {
      if (!this.#insertSeveral(values.slice(at, at + step))) known = this.#insertEach(values, at, at + step, known);
      at += step;
    }
    return this.#insertEach(values, at, values.length, known);
  }

  /** All or none: false where one of them was there already. */
  #insertSeveral(values: readonly Value[]): boolean {
    try {
      this.#several.run(...values);
      return true;
    } catch (error) {
      if ((error as { errcode?: number }).errcode === ALREADY_THERE) return false;
      throw error;
    }
  }

  #insertEach(
    values: readonly Value[],
    from: number,
    to: number,
    known: Set<number> | undefined,
  ): Set<number> | undefined {
    for (let at = from; at < to; at += this.#width) {
      if (Number(this.#one.run(...values.slice(at, at + this.#width)).changes) > 0) continue;
      known ??= new Set();
      known.add(at);
    }
    return known;
  }
}
