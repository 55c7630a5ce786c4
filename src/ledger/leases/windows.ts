import type { Expression, ExpressionBuilder, Kysely, SqlBool, Transaction } from "kysely";
import type { Nano } from "../../base/money.ts";
import type { Schema } from "../../store/schema.ts";
import type { Store } from "../../store/spec.ts";
import { transact } from "../../store/transact.ts";

/** One window of a budget's book. */
export interface Place {
  readonly book: string;
  /** Its start, milliseconds; 0 for `total`. */
  readonly window: number;
}

export function placeName({ book, window }: Place): string {
  return `${window} ${book}`;
}

/** Does one deed of the protocol, all or nothing: it decides by rows that it has locked. */
export function deed<T>(query: Kysely<Schema>, work: (transaction: Transaction<Schema>) => Promise<T>): Promise<T> {
  return transact(query, work, { isolation: "read committed" });
}

/** Rows that are of one of the windows. */
export function within(places: readonly Place[]) {
  return <T extends "leases" | "node_windows" | "doubt_shares" | "budget_windows">({
    eb,
    or,
    and,
  }: ExpressionBuilder<Schema, T>): Expression<SqlBool> => {
    const of = eb as unknown as ExpressionBuilder<Schema, "budget_windows">;
    return or(places.map(({ book, window }) => and([of("book", "=", book), of("window", "=", window)])));
  };
}

/**
 * Locks windows, always in the same order, so that no two transactions wait for each other. Returns what is settled in
 * each beside what nodes have settled under their leases.
 */
export async function lockWindows(
  { engine }: Store,
  transaction: Transaction<Schema>,
  places: readonly Place[],
): Promise<ReadonlyMap<string, Nano>> {
  if (places.length === 0) return new Map();
  const ordered = [...places].sort((a, b) => (a.book < b.book ? -1 : a.book > b.book ? 1 : a.window - b.window));
  await transaction
    .insertInto("budget_windows")
    .values(ordered.map(({ book, window }) => ({ book, window, settled: 0n })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const rows = transaction
    .selectFrom("budget_windows")
    .selectAll()
    .where(within(ordered))
    .orderBy("book")
    .orderBy("window");
  const locked = await (engine === "postgres" ? rows.forUpdate().execute() : rows.execute());
  return new Map(locked.map((row) => [placeName(row), row.settled]));
}

/** What is in doubt in each window. */
export async function readBounds(
  transaction: Transaction<Schema>,
  places: readonly Place[],
): Promise<ReadonlyMap<string, Nano>> {
  if (places.length === 0) return new Map();
  const rows = await transaction
    .selectFrom("doubt_shares")
    .where(within(places))
    .groupBy(["book", "window"])
    .select(({ fn }) => ["book", "window", fn.sum<bigint>("bound").as("bound")])
    .execute();
  return new Map(rows.map((row) => [placeName(row), BigInt(row.bound)]));
}
