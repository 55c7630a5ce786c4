import { type Kysely, PostgresAdapter, type RawBuilder, sql } from "kysely";
import type { Schema } from "./schema.ts";

/** What the two engines have no common spelling for. All other SQL of the product is the same for both. */
export interface DialectWords {
  /** Unfolds a text of JSON that is an array into the table `name`, one row an element: `name.value`, of JSON. */
  elements(text: RawBuilder<unknown>, name: string): RawBuilder<unknown>;
  /** What stands in `text` before the first `mark`. */
  before(text: RawBuilder<unknown>, mark: string): RawBuilder<unknown>;
}

const SQLITE: DialectWords = {
  elements: (text, name) => sql`json_each(${text}) as ${sql.id(name)}`,
  before: (text, mark) => sql`substr(${text}, 1, instr(${text}, ${sql.lit(mark)}) - 1)`,
};

const POSTGRES: DialectWords = {
  elements: (text, name) => sql`json_array_elements(cast(${text} as json)) as ${sql.id(name)}(value)`,
  before: (text, mark) => sql`split_part(${text}, ${sql.lit(mark)}, 1)`,
};

/** The words of the engine that a query goes to. */
export function wordsOf(query: Kysely<Schema>): DialectWords {
  return query.getExecutor().adapter instanceof PostgresAdapter ? POSTGRES : SQLITE;
}
