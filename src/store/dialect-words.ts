import { type Kysely, PostgresAdapter, type RawBuilder, sql } from "kysely";
import type { Schema } from "./schema.ts";

/** What the two engines have no common spelling for. All other SQL of the product is the same for both. */
export interface DialectWords {
  /** Unfolds a text of JSON that is an array into the table `name`, one row an element: `name.value`, of JSON. */
  elements(text: RawBuilder<unknown>, name: string): RawBuilder<unknown>;
  /** Whole numbers of 64 bits as one text, with commas between them. */
  listed(numbers: readonly RawBuilder<unknown>[]): RawBuilder<unknown>;
  /** Joins the entries of each call, by an expression that is its id. */
  entriesOf(call: RawBuilder<unknown>): RawBuilder<unknown>;
  /** What stands in `text` before the first `mark`. */
  before(text: RawBuilder<unknown>, mark: string): RawBuilder<unknown>;
}

/** Of one call: more than any can have. */
export const MOST_ENTRIES = 1_000_000;

/** '.' follows an attempt's call id, and '/' is the next character: a range of the primary key for each call. */
function ofCall(call: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`entries.attempt >= ${call} || '.' and entries.attempt < ${call} || '/'`;
}

const SQLITE: DialectWords = {
  elements: (text, name) => sql`json_each(${text}) as ${sql.id(name)}`,
  listed: (numbers) =>
    sql.join(
      numbers.map((number) => sql`cast(${number} as text)`),
      sql` || ',' || `,
    ),
  entriesOf: (call) => sql`join entries on ${ofCall(call)}`,
  before: (text, mark) => sql`substr(${text}, 1, instr(${text}, ${sql.lit(mark)}) - 1)`,
};

const POSTGRES: DialectWords = {
  elements: (text, name) => sql`json_array_elements(cast(${text} as json)) as ${sql.id(name)}(value)`,
  // A third of what it takes to put the text together piece by piece.
  listed: (numbers) => sql`array_to_string(array[${sql.join(numbers)}], ',')`,
  // PostgreSQL takes a range that it does not know yet for a ninth of the table, and reads all of it but where an order is
  // asked for that an index has.
  entriesOf: (call) => sql`cross join lateral (select * from entries where ${ofCall(call)}
    order by attempt, phase, n limit ${sql.lit(MOST_ENTRIES)}) as entries`,
  before: (text, mark) => sql`split_part(${text}, ${sql.lit(mark)}, 1)`,
};

/** The words of the engine that a query goes to. */
export function wordsOf(query: Kysely<Schema>): DialectWords {
  return query.getExecutor().adapter instanceof PostgresAdapter ? POSTGRES : SQLITE;
}
