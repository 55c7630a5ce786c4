import { type RawBuilder, type SqlBool, sql } from "kysely";
import { PHASE } from "./spec.ts";

/**
 * The first attempt of a row of `kept_answers`, in a statement on that table: attempts of a call are its id, a dot and a
 * number. In this form, and in no other, PostgreSQL always finds it by the key.
 */
const firstAttempt = (condition: RawBuilder<unknown>): RawBuilder<unknown> => sql`(select held.attempt
  from entry_rows as held where held.attempt > kept_answers.call || '.' and held.attempt < kept_answers.call || '/'
  ${condition} order by held.attempt limit 1)`;

/** No attempt of its call was ever held: nothing of it can have been sent. */
export const WAS_NEVER_HELD: RawBuilder<SqlBool> = sql`${firstAttempt(sql``)} is null`;

/** No attempt of its call is held and not decided, as those are that are under way or in doubt. */
export const IS_DECIDED: RawBuilder<SqlBool> = sql`${firstAttempt(sql`and held.phase = ${sql.lit(PHASE.hold)}
  and not exists (select 1 from entry_rows as later where later.attempt = held.attempt and
    (later.phase = ${sql.lit(PHASE.resolve)} or later.phase = ${sql.lit(PHASE.close)} and later.kind <> 'unsettled'))`)} is null`;
