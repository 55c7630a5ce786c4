import { sql, type Transaction } from "kysely";
import { USAGE_CLASSES } from "../base/usage.ts";
import { thirdOf, tokensOf } from "./batch-sums.ts";
import { booksOf, digestOf, KIN_COLUMNS } from "./circumstances.ts";
import type { EntriesTable, Schema } from "./schema.ts";
import { type BudgetShare, type EntryRow, PHASE, type Store } from "./spec.ts";
import { THIRDS, USAGE_COLUMNS } from "./usage-columns.ts";

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
    await addToUsage(transaction, entry, await kinOf(transaction, entry, circumstances));
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

/** The id of the entry's kin, to which its circumstances give their own where it is new. */
async function kinOf(transaction: Transaction<Schema>, entry: EntryRow, circumstances: number): Promise<number> {
  const { payer, key, route, model, currency } = entry;
  const find = () => {
    let rows = transaction.selectFrom("kin").select("id");
    for (const name of KIN_COLUMNS) rows = rows.where(name, "=", entry[name]);
    return rows.executeTakeFirst();
  };
  const known = await find();
  if (known) return known.id;
  await transaction
    .insertInto("kin")
    .values({ id: circumstances, payer, key, route, model, currency })
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

/** Adds an entry to its hour, and to its third of a day. They are no seat's. */
async function addToUsage(transaction: Transaction<Schema>, entry: EntryRow, kin: number): Promise<void> {
  const settles = entry.kind === "settle";
  const usage = USAGE_CLASSES.map((name) => (settles ? (entry[name] ?? 0) : 0));
  const counts = {
    calls: settles && (await isFirstSettlement(transaction, entry)) ? 1 : 0,
    attempts: settles ? 1 : 0,
    estimated: settles && entry.basis === "estimated" ? 1 : 0,
    cost: entry.amount,
  };
  const { payer, key, route, model, currency } = entry;
  const hour = Math.floor(entry.at / HOUR_MS) * HOUR_MS;
  await addTo(
    transaction,
    "usage_hourly",
    { hour, payer, key, route, model, currency, seat: 0 },
    { ...counts, ...Object.fromEntries(usage.map((count, i) => [USAGE_COLUMNS[i]!, count])) },
  );
  const [input_tokens, output_tokens] = tokensOf(usage);
  const { day, third } = thirdOf(hour);
  const figures = Object.entries({ ...counts, input_tokens, output_tokens });
  const ofThird = Object.fromEntries(figures.map(([name, count]) => [`${name}_${THIRDS[third]}`, count]));
  await addTo(transaction, "usage_days", { day, kin, seat: 0 }, ofThird);
}

async function addTo(
  transaction: Transaction<Schema>,
  table: "usage_hourly" | "usage_days",
  key: Readonly<Record<string, string | number>>,
  counts: Readonly<Record<string, number | bigint>>,
): Promise<void> {
  const sums = Object.keys(counts).map((name) => [
    name,
    sql`${sql.ref(`${table}.${name}`)} + ${sql.ref(`excluded.${name}`)}`,
  ]);
  await transaction
    .insertInto(table)
    .values({ ...key, ...counts } as never)
    .onConflict((conflict) => conflict.columns(Object.keys(key) as never[]).doUpdateSet(Object.fromEntries(sums)))
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
