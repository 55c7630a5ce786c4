import { type RawBuilder, sql } from "kysely";

/** Whether a row's payer is one of `payers`: one parameter, however many there are. */
export function payerIsAmong(payers: readonly string[]): RawBuilder<boolean> {
  return sql<boolean>`payer in (select value from json_each(${JSON.stringify(payers)}))`;
}
