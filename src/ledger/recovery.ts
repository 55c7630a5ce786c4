import type { Kysely } from "kysely";
import type { Text } from "../base/language.ts";
import { ledgerWords } from "../base/messages/ledger.ts";
import { type Nano, parseAmount, type Ratio, UNIT_RATIO } from "../base/money.ts";
import type { BudgetSetting } from "../config/settings.ts";
import type { EntriesTable, Schema } from "../store/schema.ts";
import { type BudgetShare, OPEN_SINCE, PHASE, type Store } from "../store/spec.ts";
import { BudgetAccount } from "./budget-account.ts";
import type { BudgetBooks } from "./budget-books.ts";
import { settingOfBook } from "./budget-opening.ts";
import type { DoubtShare, Doubts } from "./doubts.ts";
import { type AttemptFacts, makeEntry } from "./entries.ts";
import { readRate, readRates } from "./rates.ts";

/** The reason of attempts that a crash left open. */
export const CRASH = "crash";

/** The newest attempt of the ledger, or undefined where there is none: new ids must sort after it. */
export async function readLastAttempt(query: Kysely<Schema>): Promise<string | undefined> {
  const row = await query
    .selectFrom("entries")
    .select("attempt")
    .orderBy("attempt", "desc")
    .limit(1)
    .executeTakeFirst();
  return row?.attempt;
}

export async function readOpenSince(query: Kysely<Schema>): Promise<string> {
  const row = await query.selectFrom("meta").select("value").where("name", "=", OPEN_SINCE).executeTakeFirst();
  return row?.value ?? "";
}

/**
 * Every hold without a close becomes an attempt in doubt, at its bound with all top-ups: the vendor may have served it.
 * Returns the attempts, once that is durable.
 */
export async function closeCrashed(store: Store, openSince: string, now: number): Promise<string[]> {
  const rows = await store.query
    .selectFrom("entries as held")
    .selectAll()
    .where("attempt", ">=", openSince)
    .where("phase", "=", PHASE.hold)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom("entries as closed")
            .select("closed.attempt")
            .whereRef("closed.attempt", "=", "held.attempt")
            .where("closed.phase", "=", PHASE.close),
        ),
      ),
    )
    .orderBy("attempt")
    .orderBy("n")
    .execute();
  const attempts = new Map<string, EntriesTable[]>();
  for (const row of rows) {
    const others = attempts.get(row.attempt);
    if (others) others.push(row);
    else attempts.set(row.attempt, [row]);
  }
  const written: Promise<void>[] = [];
  for (const holds of attempts.values()) {
    let bound = 0n;
    for (const hold of holds) bound += hold.held;
    const entry = makeEntry(factsOf(holds[0]!), {
      phase: PHASE.close,
      n: 0,
      kind: "unsettled",
      at: now,
      amount: bound,
      held: bound,
      shares: sumShares(holds.map((hold) => readShares(hold.shares))),
      rates: holds.at(-1)!.rates, // Of budgets that came into being meanwhile, too.
      detail: JSON.stringify({ reason: CRASH }),
    });
    written.push(store.journal.append({ op: "entry", entry }));
  }
  await Promise.all(written);
  return [...attempts.keys()];
}

/**
 * Rebuilds the accounts of budgets that go on from before: the window that is open now (or that was open last, should
 * the clock have gone back), and what was settled in it. Books without a known past are returned.
 */
export async function loadBooks(
  query: Kysely<Schema>,
  books: BudgetBooks,
  budgets: readonly BudgetSetting[],
  now: number,
): Promise<{ account: BudgetAccount; baseWindow: number }[]> {
  const rows = await query.selectFrom("budget_books").selectAll().where("closed_at", "is", null).execute();
  const latestOf = await readLatestWindows(query);
  const settings = new Map(budgets.map((budget) => [budget.id, budget]));
  const unread: { account: BudgetAccount; baseWindow: number }[] = [];
  for (const row of rows) {
    const amount = settings.get(row.budget)?.amount ?? "0";
    const kind = settings.get(row.budget)?.kind;
    const account = new BudgetAccount(row.book, { ...settingOfBook(row), amount, kind }, now);
    const latest = latestOf.get(row.book);
    if (latest) account.advance(latest.window);
    if (latest?.window === account.window.start) account.window.settled = latest.settled;
    books.add(account);
    if (row.base === null) unread.push({ account, baseWindow: row.base_window });
    else books.putInForce(account);
  }
  return unread;
}

/** The last window of each book in which anything was settled. */
async function readLatestWindows(query: Kysely<Schema>): Promise<Map<string, { window: number; settled: Nano }>> {
  const rows = await query
    .selectFrom("budget_windows as one")
    .innerJoin(
      (inner) =>
        inner
          .selectFrom("budget_windows")
          .groupBy("book")
          .select(({ fn }) => ["book", fn.max("window").as("latest")])
          .as("last"),
      (join) => join.onRef("last.book", "=", "one.book").onRef("last.latest", "=", "one.window"),
    )
    .selectAll("one")
    .execute();
  return new Map(rows.map(({ book, window, settled }) => [book, { window, settled }]));
}

/** Brings back the attempts in doubt, each in the windows in which it was held. */
export async function loadDoubts(
  query: Kysely<Schema>,
  books: BudgetBooks,
  doubts: Doubts,
  problems: Text[],
): Promise<void> {
  const rows = await query
    .selectFrom("unsettled")
    .innerJoin("entries as closed", "closed.attempt", "unsettled.attempt")
    .innerJoin("entries as held", "held.attempt", "unsettled.attempt")
    // Said so, or the plan begins with all entries there are.
    .where("closed.attempt", "in", query.selectFrom("unsettled").select("attempt"))
    .where("closed.phase", "=", PHASE.close)
    .where("held.phase", "=", PHASE.hold)
    .where("held.n", "=", 0)
    .select(["closed.attempt", "closed.payer", "closed.key", "closed.route", "closed.model", "closed.currency"])
    .select(["closed.price", "closed.rates", "closed.amount", "closed.shares", "closed.detail"])
    .select(["held.at as held_at", "unsettled.since", "unsettled.reason"])
    .execute();
  for (const row of rows) {
    const shares: DoubtShare[] = [];
    for (const share of readShares(row.shares)) {
      const account = books.book(share.budget);
      if (!account) continue; // A budget that is no more.
      account.advance(share.window);
      const { currency } = account.setting;
      const ratio = ratioOf(row.currency, currency, row.rates) ?? ratioOfShare(row.amount, share.amount);
      if (ratio) shares.push({ window: account.windowFrom(share.window, books.past), ratio, bound: share.amount });
      else problems.push(ledgerWords.noRateForDoubt(row.attempt, row.currency, currency));
    }
    const { estimate } = JSON.parse(row.detail) as { estimate?: string };
    doubts.add({
      facts: factsOf(row),
      bound: row.amount,
      heldAt: row.held_at,
      since: row.since,
      reason: row.reason,
      estimate: estimate === undefined ? undefined : parseAmount(estimate),
      rates: row.rates,
      shares,
    });
  }
}

export function factsOf(row: AttemptFacts): AttemptFacts {
  const { attempt, payer, key, route, model, currency, price } = row;
  return { attempt, payer, key, route, model, currency, price };
}

export function readShares(text: string): BudgetShare[] {
  const shares = JSON.parse(text) as [string, number, string][];
  return shares.map(([budget, window, amount]) => ({ budget, window, amount: BigInt(amount) }));
}

/** The rate that an entry was converted by. */
export function ratioOf(from: string, to: string, rates: string): Ratio | undefined {
  if (from === to) return UNIT_RATIO;
  const written = readRates(rates).get(to);
  return written === undefined ? undefined : readRate(written);
}

/** Where the rate cannot be read any more, what it made of the bound still tells it, to the nano-unit of the bound. */
export function ratioOfShare(amount: Nano, share: Nano): Ratio | undefined {
  return amount > 0n && share > 0n ? { numerator: share, denominator: amount } : undefined;
}

export function sumShares(all: readonly (readonly BudgetShare[])[]): BudgetShare[] {
  const sums = new Map<string, BudgetShare>();
  for (const { budget, window, amount } of all.flat()) {
    const name = `${window} ${budget}`;
    sums.set(name, { budget, window, amount: (sums.get(name)?.amount ?? 0n) + amount });
  }
  return [...sums.values()];
}
