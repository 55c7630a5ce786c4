import { type RawBuilder, type SqlBool, sql } from "kysely";
import { PHASE } from "./spec.ts";

/** Of a row of `kept_answers`, in a statement on that table: the attempts of its call are its id, a dot and a number. */
const ATTEMPTS = sql`select 1 from entry_rows as held
  where held.attempt > kept_answers.call || '.' and held.attempt < kept_answers.call || '/'`;

/** No attempt of its call was ever held: nothing of it can have been sent. */
export const WAS_NEVER_HELD: RawBuilder<SqlBool> = sql`not exists (${ATTEMPTS})`;

/** An attempt of its call was held, and is not decided: it is under way or in doubt. */
export const IS_UNDECIDED: RawBuilder<SqlBool> = sql`exists (${ATTEMPTS} and held.phase = ${sql.lit(PHASE.hold)}
  and not exists (select 1 from entry_rows as later where later.attempt = held.attempt and
    (later.phase = ${sql.lit(PHASE.resolve)} or later.phase = ${sql.lit(PHASE.close)} and later.kind <> 'unsettled')))`;
