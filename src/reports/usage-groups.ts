import { type Kysely, type RawBuilder, sql } from "kysely";
import { DateTime } from "luxon";
import type { Currency, Nano } from "../base/money.ts";
import { costingEntries } from "../records/costing-entries.ts";
import { payerIsAmong } from "../records/payer-filter.ts";
import { type DialectWords, wordsOf } from "../store/dialect-words.ts";
import type { Schema } from "../store/schema.ts";
import { DAY_MS, type Period, type Segment } from "./periods.ts";
import type { UsageAsk, UsageKey } from "./usage-ask.ts";

/** One group of a segment, as the database summed it. */
export interface UsageGroup {
  readonly keys: Readonly<Partial<Record<UsageKey, string>>>;
  readonly currency: Currency;
  readonly calls: number;
  readonly attempts: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly estimated: number;
  readonly cost: Nano;
}

export type UsageSource = "usage_hourly" | "entries";

const HOUR_MS = 3_600_000;

/** From the first hour with usage to the end of the last, or undefined where nothing was ever used. */
export async function usageExtent(query: Kysely<Schema>): Promise<Period | undefined> {
  // Each is found by itself at an end of the table; both together would be looked for in all of it.
  const { rows } = await sql<{ first: number | null; last: number | null }>`
    select (select min(hour) from usage_hourly) as first, (select max(hour) from usage_hourly) as last`.execute(query);
  const [row] = rows;
  if (!row || row.first === null || row.last === null) return undefined;
  return { from: Number(row.first), to: Number(row.last) + HOUR_MS };
}

/** The usage of one segment in groups of what is asked for. Sums and groups in the database. */
export async function readUsage(
  query: Kysely<Schema>,
  source: UsageSource,
  ask: UsageAsk,
  segment: Segment,
  limit: number,
): Promise<UsageGroup[]> {
  const columns: RawBuilder<unknown>[] = [];
  const fine = finestTime(ask.by);
  const time = source === "entries" ? sql`at` : sql`hour`;
  if (fine) {
    const unit = fine === "hour" ? HOUR_MS : DAY_MS;
    const local = sql`(${time} + ${sql.lit(segment.offsetMs)})`;
    columns.push(sql`${local} - ${local} % ${sql.lit(unit)}`);
  }
  const words = wordsOf(query);
  const plain = ask.by.filter((key) => key in PLAIN_COLUMNS) as (keyof typeof PLAIN_COLUMNS)[];
  for (const key of plain) columns.push(PLAIN_COLUMNS[key](words));
  const grouped = [...columns, sql`currency`];
  const names = grouped.map((column, i) => sql`${column} as ${sql.ref(`k${i}`)}`);
  const { rows } = await sql<Record<string, unknown>>`
    select ${sql.join(names)}, ${source === "entries" ? entrySums(words) : HOURLY_SUMS}
    from ${source === "entries" ? costingEntries(segment) : sql.table(source)}
    where ${time} >= ${segment.from} and ${time} < ${segment.to}
      ${ask.payers ? sql`and ${payerIsAmong(ask.payers)}` : sql``}
    group by ${sql.join(grouped.map((_, i) => sql.lit(i + 1)))}
    limit ${sql.lit(limit)}
  `.execute(query);
  return rows.map((row) => groupOf(row, ask.by, fine, plain, segment));
}

const PLAIN_COLUMNS = {
  payer: () => sql`payer`,
  model: () => sql`model`,
  endpoint: (words: DialectWords) => words.before(sql`model`, "/"),
  key: () => sql.ref("key"),
  route: () => sql`route`,
};

const INPUT = ["input", "cached_input", "cache_write_5m", "cache_write_1h", "input_audio", "input_image"];
const OUTPUT = ["output", "reasoning", "output_audio"];
const sumOf = (columns: readonly string[]): RawBuilder<unknown> =>
  sql`sum(${sql.join(
    columns.map((column) => sql`coalesce(${sql.ref(column)}, 0)`),
    sql` + `,
  )})`;

const TOKEN_SUMS = sql`${sumOf(INPUT)} as input_tokens, ${sumOf(OUTPUT)} as output_tokens`;

const HOURLY_SUMS = sql`sum(calls) as calls, sum(attempts) as attempts, sum(estimated) as estimated,
  cast(sum(cost) as text) as cost, ${TOKEN_SUMS}`;

/** What the roll-up counts, told from the entries: a call is counted with the first of its attempts that was settled. */
function entrySums(words: DialectWords): RawBuilder<unknown> {
  const call = words.before(sql`costing.attempt`, ".");
  return sql`count(*) filter (where kind = 'settle') as attempts,
    count(*) filter (where kind = 'settle' and basis = 'estimated') as estimated,
    sum(case when kind = 'settle' and (select earlier.attempt from entries as earlier
      where earlier.attempt >= ${call} || '.' and earlier.attempt < ${call} || '/'
        and earlier.kind = 'settle' and earlier.attempt <> costing.attempt
        and (earlier.at < costing.at or (earlier.at = costing.at and earlier.attempt < costing.attempt))
      order by earlier.attempt limit 1) is null
      then 1 else 0 end) as calls,
    cast(sum(amount) as text) as cost, ${TOKEN_SUMS}`;
}

function finestTime(by: readonly UsageKey[]): "hour" | "day" | undefined {
  if (by.includes("hour")) return "hour";
  return by.includes("day") || by.includes("month") ? "day" : undefined;
}

function groupOf(
  row: Record<string, unknown>,
  by: readonly UsageKey[],
  fine: "hour" | "day" | undefined,
  plain: readonly UsageKey[],
  segment: Segment,
): UsageGroup {
  const keys: Partial<Record<UsageKey, string>> = {};
  let column = 0;
  if (fine) {
    const text = DateTime.fromMillis(Number(row[`k${column++}`]), { zone: "UTC" });
    if (by.includes("hour")) keys.hour = text.toFormat("yyyy-MM-dd'T'HH:mm:ss") + offsetText(segment.offsetMs);
    if (by.includes("day")) keys.day = text.toFormat("yyyy-MM-dd");
    if (by.includes("month")) keys.month = text.toFormat("yyyy-MM");
  }
  for (const key of plain) keys[key] = String(row[`k${column++}`]);
  return {
    keys,
    currency: String(row[`k${column}`]),
    calls: Number(row.calls),
    attempts: Number(row.attempts),
    inputTokens: Number(row.input_tokens),
    outputTokens: Number(row.output_tokens),
    estimated: Number(row.estimated),
    cost: BigInt(String(row.cost)),
  };
}

function offsetText(offsetMs: number): string {
  if (offsetMs === 0) return "Z";
  const minutes = Math.abs(offsetMs) / 60_000;
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${offsetMs < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
