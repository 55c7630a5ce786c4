import { type RawBuilder, sql } from "kysely";

/**
 * Whether a row's payer is one of `payers`: one parameter, however many there are. They travel as the keys of an object,
 * because that is what `json_each` unfolds in SQLite and in PostgreSQL alike.
 */
export function payerIsAmong(payers: readonly string[]): RawBuilder<boolean> {
  const listed = JSON.stringify(Object.fromEntries(payers.map((payer) => [payer, 1])));
  return sql<boolean>`payer in (select listed.key from json_each(${listed}) as listed)`;
}
