import { type Kysely, type RawBuilder, sql } from "kysely";
import { auditWords } from "../base/messages/ledger.ts";
import { formatAmount } from "../base/money.ts";
import { wordsOf } from "../store/dialect-words.ts";
import type { Schema } from "../store/schema.ts";
import { PHASE } from "../store/spec.ts";
import { USAGE_COLUMNS } from "../store/usage-columns.ts";
import { findThirds } from "./audit-days.ts";
import type { LedgerAudit } from "./spec.ts";

type Problem = LedgerAudit["problems"][number];

/** More findings than anybody reads. */
const MOST_PROBLEMS = 100;

const LIMIT = sql.lit(MOST_PROBLEMS);
const COSTING = sql`kind in ('settle', 'adjust')`;
const HOLD = sql.lit(PHASE.hold);
const CLOSE = sql.lit(PHASE.close);
const RESOLVE = sql.lit(PHASE.resolve);

/**
 * Whether the books balance: what every attempt set aside was given back, what was in doubt was resolved in full, and
 * the sums of budgets and hours and the list of doubts are those of the entries. Each check is one statement, so that
 * it sees one moment of a ledger in use.
 */
export async function audit(query: Kysely<Schema>): Promise<LedgerAudit> {
  const { entries } = await query
    .selectFrom("entries")
    .select(({ fn }) => fn.countAll<number>().as("entries"))
    .executeTakeFirstOrThrow();
  const problems = [
    ...(await findAttempts(query)),
    ...(await findWindows(query)),
    ...(await findHours(query)),
    ...(await findThirds(query, MOST_PROBLEMS)),
    ...(await findDoubts(query)),
  ];
  return { entries, problems: problems.slice(0, MOST_PROBLEMS), balances: await balance(query) };
}

/** Attempts that gave back another amount than they had set aside. */
async function findAttempts(query: Kysely<Schema>): Promise<Problem[]> {
  const { rows } = await sql<{
    attempt: string;
    opened: number;
    closed: number;
    resolved: number;
    doubts: number;
    set_aside: string;
    given_back: string;
    doubted: string;
    cleared: string;
  }>`
    with sums as (
      select attempt,
        count(*) filter (where phase = ${HOLD} and n = 0) as opened,
        count(*) filter (where phase = ${CLOSE}) as closed,
        count(*) filter (where phase = ${RESOLVE}) as resolved,
        count(*) filter (where phase = ${CLOSE} and kind = 'unsettled') as doubts,
        sum(case when phase = ${HOLD} then held else 0 end) as set_aside,
        sum(case when phase = ${CLOSE} then held else 0 end) as given_back,
        sum(case when phase = ${CLOSE} and kind = 'unsettled' then amount else 0 end) as doubted,
        sum(case when phase = ${RESOLVE} then held else 0 end) as cleared
      from entries group by attempt
    )
    select attempt, opened, closed, resolved, doubts, cast(set_aside as text) as set_aside,
      cast(given_back as text) as given_back, cast(doubted as text) as doubted, cast(cleared as text) as cleared
    from sums
    where opened <> 1
      or (closed > 0 and set_aside <> given_back)
      or (resolved > 0 and (doubted <> cleared or doubts = 0))
    limit ${LIMIT}`.execute(query);
  return rows.map((row) => {
    const where = row.attempt;
    if (row.opened !== 1) return { where, what: auditWords.closedWithoutHold() };
    if (row.closed > 0 && row.set_aside !== row.given_back) {
      return { where, what: auditWords.heldDiffers(decimal(row.set_aside), decimal(row.given_back)) };
    }
    if (row.doubts === 0) return { where, what: auditWords.resolvedWithoutDoubt() };
    return { where, what: auditWords.doubtDiffers(decimal(row.doubted), decimal(row.cleared)) };
  });
}

/** Windows of budgets whose sum is not that of the entries and of what was spent before the book was opened. */
async function findWindows(query: Kysely<Schema>): Promise<Problem[]> {
  const { rows } = await sql<{ book: string; start: number; kept: string; total: string }>`
    with parts as (
      select share.value ->> 0 as book, cast(share.value ->> 1 as bigint) as start,
        cast(share.value ->> 2 as bigint) as part
        from entries, ${wordsOf(query).elements(sql`entries.shares`, "share")} where ${COSTING}
      union all select book, base_window, base from budget_books where base is not null
    ), sums as (select book, start, sum(part) as total from parts group by book, start),
    noted as (
      select book, "window", settled from budget_windows union all select book, "window", settled from node_windows
    ), kept as (select book, "window", sum(settled) as settled from noted group by book, "window")
    select coalesce(sums.book, kept.book) as book, coalesce(sums.start, kept."window") as start,
      cast(coalesce(kept.settled, 0) as text) as kept, cast(coalesce(sums.total, 0) as text) as total
    from sums full join kept on kept.book = sums.book and kept."window" = sums.start
    where coalesce(kept.settled, 0) <> coalesce(sums.total, 0)
    limit ${LIMIT}`.execute(query);
  return rows.map(({ book, start, kept, total }) => ({
    where: start === 0 ? book : `${book} ${new Date(start).toISOString()}`,
    what: auditWords.windowDiffers(decimal(kept), decimal(total)),
  }));
}

const COUNTED = ["attempts", "estimated", "cost", ...USAGE_COLUMNS];

/** Hours whose sums are not those of their entries. Which of a call's attempts counts the call is told by their order alone. */
async function findHours(query: Kysely<Schema>): Promise<Problem[]> {
  const sums: RawBuilder<unknown>[] = COUNTED.map((column) => {
    if (column === "attempts") return sql`count(*) filter (where kind = 'settle') as attempts`;
    if (column === "estimated") {
      return sql`count(*) filter (where kind = 'settle' and basis = 'estimated') as estimated`;
    }
    if (column === "cost") return sql`sum(amount) as cost`;
    return sql`sum(case when kind = 'settle' then coalesce(${sql.ref(column)}, 0) else 0 end) as ${sql.ref(column)}`;
  });
  const keys = ["payer", "key", "route", "model", "currency"].map((name) => sql.ref(name));
  const differs = COUNTED.map((name) => sql`kept.${sql.ref(name)} is distinct from sums.${sql.ref(name)}`);
  const both = COUNTED.flatMap((name) => [
    sql`cast(coalesce(kept.${sql.ref(name)}, 0) as text) as ${sql.ref(`kept_${name}`)}`,
    sql`cast(coalesce(sums.${sql.ref(name)}, 0) as text) as ${sql.ref(`sum_${name}`)}`,
  ]);
  const { rows } = await sql<Record<string, string | number>>`
    with sums as (
      select at - at % 3600000 as hour, ${sql.join(keys)}, ${sql.join(sums)}
      from entries where ${COSTING} group by at - at % 3600000, ${sql.join(keys)}
    ), kept as (
      select hour, ${sql.join(keys)}, ${sql.join(COUNTED.map((name) => sql`sum(${sql.ref(name)}) as ${sql.ref(name)}`))}
      from usage_hourly group by hour, ${sql.join(keys)}
    )
    select coalesce(kept.hour, sums.hour) as hour, coalesce(kept.payer, sums.payer) as payer,
      coalesce(kept.model, sums.model) as model, ${sql.join(both)}
    from sums full join kept on kept.hour = sums.hour and ${sql.join(
      keys.map((key) => sql`kept.${key} = sums.${key}`),
      sql` and `,
    )}
    where ${sql.join(differs, sql` or `)}
    limit ${LIMIT}`.execute(query);
  return rows.map((row) => {
    const column = COUNTED.find((name) => row[`kept_${name}`] !== row[`sum_${name}`]) ?? "attempts";
    const [kept, sum] = [String(row[`kept_${column}`]), String(row[`sum_${column}`])];
    const shown = column === "cost" ? [decimal(kept), decimal(sum)] : [kept, sum];
    return {
      where: `${new Date(Number(row.hour)).toISOString()} ${row.payer} ${row.model}`,
      what: auditWords.hourDiffers(column, shown[0]!, shown[1]!),
    };
  });
}

/** The list of attempts in doubt against the entries. */
async function findDoubts(query: Kysely<Schema>): Promise<Problem[]> {
  const { rows } = await sql<{ attempt: string; listed: number }>`
    with doubted as (
      select attempt from entries where phase = ${CLOSE} and kind = 'unsettled'
      except select attempt from entries where phase = ${RESOLVE}
    )
    select attempt, 0 as listed from doubted where attempt not in (select attempt from unsettled)
    union all select attempt, 1 from unsettled where attempt not in (select attempt from doubted)
    limit ${LIMIT}`.execute(query);
  return rows.map(({ attempt, listed }) => ({
    where: attempt,
    what: listed ? auditWords.listedWithoutDoubt() : auditWords.doubtNotListed(),
  }));
}

/** The trial balance: every entry moves the same amount out of one account and into another. */
async function balance(query: Kysely<Schema>): Promise<LedgerAudit["balances"]> {
  const { rows } = await sql<{ currency: string; held: bigint; unsettled: string; spent: string }>`
    select currency,
      sum(case phase when ${HOLD} then held when ${CLOSE} then -held else 0 end) as held,
      cast(sum(case when kind = 'unsettled' then amount when phase = ${RESOLVE} then -held else 0 end) as text)
        as unsettled,
      cast(sum(case when ${COSTING} then amount else 0 end) as text) as spent
    from entries group by currency order by currency`.execute(query);
  return rows.map(({ currency, held, unsettled, spent }) => ({
    currency,
    held,
    unsettled: BigInt(unsettled),
    spent: BigInt(spent),
  }));
}

function decimal(nano: string): string {
  return formatAmount(BigInt(nano));
}
