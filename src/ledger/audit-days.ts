import { type Kysely, type RawBuilder, sql } from "kysely";
import { auditWords } from "../base/messages/ledger.ts";
import { formatAmount } from "../base/money.ts";
import { type Schema, THIRD_MS } from "../store/schema.ts";
import { DAY_FIGURES, INPUT_COLUMNS, OUTPUT_COLUMNS, THIRDS } from "../store/usage-columns.ts";
import type { LedgerAudit } from "./spec.ts";

const sumOf = (columns: readonly string[]): RawBuilder<unknown> =>
  sql`sum(${sql.join(
    columns.map((column) => sql.ref(column)),
    sql` + `,
  )})`;

/** What a third of a day says, and the hours it is the sum of. */
const COMPARED: Readonly<Record<(typeof DAY_FIGURES)[number], RawBuilder<unknown>>> = {
  calls: sumOf(["calls"]),
  attempts: sumOf(["attempts"]),
  estimated: sumOf(["estimated"]),
  cost: sumOf(["cost"]),
  input_tokens: sumOf(INPUT_COLUMNS),
  output_tokens: sumOf(OUTPUT_COLUMNS),
};
const NAMES = DAY_FIGURES;
const FACTS = ["payer", "key", "route", "model", "currency"];

/** Thirds of days whose sums are not those of their hours. The first `limit` of them. */
export async function findThirds(query: Kysely<Schema>, limit: number): Promise<LedgerAudit["problems"][number][]> {
  const facts = sql.join(FACTS.map((name) => sql.ref(name)));
  const hourly = NAMES.map((name) => sql`${COMPARED[name]} as ${sql.ref(name)}`);
  const nothing = sql.join(NAMES.map(() => sql`0`));
  const start = sql`hour - hour % ${sql.lit(THIRD_MS)}`;
  const thirds = THIRDS.map((third) => {
    const figures = sql.join(NAMES.map((name) => sql.ref(`${name}_${third}`)));
    return sql`select day + ${sql.lit((third - 1) * THIRD_MS)}, ${facts}, ${nothing}, ${figures}
        from usage_days join kin on kin.id = usage_days.kin`;
  });
  const kept = (name: string): RawBuilder<unknown> => sql`sum(${sql.ref(`kept_${name}`)})`;
  const summed = (name: string): RawBuilder<unknown> => sql`sum(${sql.ref(name)})`;
  // Both under one another, each with nothing in the place of the other's sums.
  const { rows } = await sql<Record<string, string | number>>`
    with both_sides(third, ${facts}, ${sql.join(NAMES.map((name) => sql.ref(name)))},
      ${sql.join(NAMES.map((name) => sql.ref(`kept_${name}`)))}) as (
      select third, ${facts}, ${sql.join(hourly)}, ${nothing}
        from (select *, ${start} as third from usage_hourly) as hours group by third, ${facts}
      union all ${sql.join(thirds, sql` union all `)}
    )
    select third, payer, model, ${sql.join(
      NAMES.flatMap((name) => [
        sql`cast(${kept(name)} as text) as ${sql.ref(`kept_${name}`)}`,
        sql`cast(${summed(name)} as text) as ${sql.ref(name)}`,
      ]),
    )}
    from both_sides group by third, ${facts}
    having ${sql.join(
      NAMES.map((name) => sql`${kept(name)} <> ${summed(name)}`),
      sql` or `,
    )}
    limit ${sql.lit(limit)}`.execute(query);
  return rows.map((row) => {
    const name = NAMES.find((one) => row[`kept_${one}`] !== row[one])!;
    const shown = [row[`kept_${name}`], row[name]].map((value) =>
      name === "cost" ? formatAmount(BigInt(value!)) : String(value),
    );
    return {
      where: `${new Date(Number(row.third)).toISOString()} ${row.payer} ${row.model}`,
      what: auditWords.thirdDiffers(name, shown[0]!, shown[1]!),
    };
  });
}
