import { sql, type Transaction } from "kysely";
import { USAGE_CLASSES } from "../base/usage.ts";
import { booksOf, digestOf } from "./circumstances.ts";
import type { EntriesTable, Schema } from "./schema.ts";
import { type BudgetShare, type EntryRow, PHASE, type Store } from "./spec.ts";
import { USAGE_COLUMNS } from "./usage-columns.ts";

const HOUR_MS = 3_600_000;
const FACTS = ["payer", "key", "route", "model", "currency", "price", "rates"] as const;

/**
 * Writes one entry with all that follows from it, as the journal does, inside a transaction of administration: for the
 * few entries that no node's lease covers. Tells whether it was new; an entry whose key is there already changes nothing.
 */
export async function writeEntry(
  { engine }: Pick<Store, "engine">,
  transaction: Transaction<Schema>,
  entry: EntryRow,
): Promise<boolean> {
  const circumstances = await circumstancesOf(engine, transaction, entry);
  const { attempt, phase, n, kind, at, amount, held, shares, detail } = entry;
  const usage = Object.fromEntries(USAGE_CLASSES.map((name, i) => [USAGE_COLUMNS[i]!, entry[name] ?? null]));
  const { numInsertedOrUpdatedRows } = await transaction
    .insertInto("entry_rows")
    .values({
      attempt,
      phase,
      n,
      kind,
      at,
      circumstances,
      amount,
      held,
      shares: JSON.stringify(shares.map(({ budget, window, amount: part }) => [budget, window, part.toString()])),
      basis: entry.basis ?? null,
      overrun: entry.overrun ? 1 : 0,
      ...(usage as UsageColumns),
      detail,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (!numInsertedOrUpdatedRows) return false;
  if (kind === "settle" || kind === "adjust") {
    for (const share of shares) await addToWindow(transaction, share);
    await addToHour(transaction, entry);
  } else if (kind === "unsettled") {
    const { reason = "" } = JSON.parse(detail) as { reason?: string };
    await transaction.insertInto("unsettled").values({ attempt, since: at, reason }).execute();
    for (const { budget: book, window, amount: bound } of shares) {
      await transaction.insertInto("doubt_shares").values({ attempt, book, window, bound }).execute();
    }
  }
  if (phase === PHASE.resolve) {
    await transaction.deleteFrom("unsettled").where("attempt", "=", attempt).execute();
    await transaction.deleteFrom("doubt_shares").where("attempt", "=", attempt).execute();
  }
  return true;
}

type UsageColumns = Pick<EntriesTable, "input" | "cached_input" | "cache_write_5m" | "cache_write_1h" | "input_audio"> &
  Pick<EntriesTable, "input_image" | "output" | "reasoning" | "output_audio" | "images" | "seconds" | "tool_calls">;

async function circumstancesOf(
  engine: Store["engine"],
  transaction: Transaction<Schema>,
  entry: EntryRow,
): Promise<number> {
  const facts = Object.fromEntries(FACTS.map((name) => [name, entry[name]])) as Pick<EntryRow, (typeof FACTS)[number]>;
  const names = entry.shares.map(({ budget }) => budget);
  const windows = entry.shares.map(({ window }) => window);
  const books = booksOf({ books: names, windows });
  const find = () => {
    let rows = transaction.selectFrom("circumstances").select("id").where("lease", "=", "").where("books", "=", books);
    for (const name of FACTS) rows = rows.where(name, "=", facts[name]);
    return rows.executeTakeFirst();
  };
  const known = await find();
  if (known) return known.id;
  const digest = digestOf({ facts: [...FACTS.map((name) => facts[name]), ""], books: names, windows });
  await transaction
    .insertInto("circumstances")
    .values({ ...facts, lease: "", books, ...(engine === "postgres" && { digest }) } as never)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return (await find())!.id;
}

async function addToWindow(transaction: Transaction<Schema>, { budget, window, amount }: BudgetShare): Promise<void> {
  await transaction
    .insertInto("budget_windows")
    .values({ book: budget, window, settled: amount })
    .onConflict((conflict) =>
      conflict.columns(["book", "window"]).doUpdateSet({ settled: sql`budget_windows.settled + excluded.settled` }),
    )
    .execute();
}

async function addToHour(transaction: Transaction<Schema>, entry: EntryRow): Promise<void> {
  const settles = entry.kind === "settle";
  const counts: Record<string, number | bigint> = {
    calls: settles && (await isFirstSettlement(transaction, entry)) ? 1 : 0,
    attempts: settles ? 1 : 0,
    estimated: settles && entry.basis === "estimated" ? 1 : 0,
    cost: entry.amount,
  };
  for (const [i, name] of USAGE_CLASSES.entries()) counts[USAGE_COLUMNS[i]!] = settles ? (entry[name] ?? 0) : 0;
  const { payer, key, route, model, currency } = entry;
  const hour = Math.floor(entry.at / HOUR_MS) * HOUR_MS;
  const sums = Object.keys(counts).map((name) => [
    name,
    sql`${sql.ref(`usage_hourly.${name}`)} + ${sql.ref(`excluded.${name}`)}`,
  ]);
  await transaction
    .insertInto("usage_hourly")
    .values({ hour, payer, key, route, model, currency, seat: 0, ...counts } as never)
    .onConflict((conflict) =>
      conflict
        .columns(["hour", "payer", "key", "route", "model", "currency", "seat"])
        .doUpdateSet(Object.fromEntries(sums)),
    )
    .execute();
}

/** A call is counted once, with the first of its attempts that is settled. */
async function isFirstSettlement(transaction: Transaction<Schema>, { attempt }: EntryRow): Promise<boolean> {
  const call = attempt.slice(0, attempt.lastIndexOf("."));
  const other = await transaction
    .selectFrom("entry_rows")
    .select("attempt")
    .where("attempt", ">=", `${call}.`)
    .where("attempt", "<", `${call}/`)
    .where("attempt", "<>", attempt)
    .where("kind", "=", "settle")
    .limit(1)
    .executeTakeFirst();
  return other === undefined;
}
