import type { Kysely } from "kysely";
import { Fault } from "../base/faults.ts";
import { ledgerWords } from "../base/messages/ledger.ts";
import { convert, type Nano, type Ratio } from "../base/money.ts";
import type { EntriesTable, Schema } from "../store/schema.ts";
import { type BudgetShare, type EntryRow, PHASE, type Store } from "../store/spec.ts";
import type { BudgetAccount } from "./budget-account.ts";
import type { BudgetBooks } from "./budget-books.ts";
import { makeEntry } from "./entries.ts";
import { factsOf, ratioOf, readShares } from "./recovery.ts";
import type { Adjustment, LedgerWorld } from "./spec.ts";

/** What one attempt cost so far in one window of one book. */
interface Charged {
  readonly book: string;
  readonly window: number;
  amount: Nano;
}

/** Writes a correction, and moves the budgets that the attempt was charged to. Returns them, once it is durable. */
export async function adjustAttempt(
  store: Store,
  books: BudgetBooks,
  world: LedgerWorld,
  adjustment: Adjustment,
  now: number,
): Promise<BudgetAccount[]> {
  const spending = await readSpending(store.query, adjustment);
  // From here to the entry nothing is waited for: a budget that is opened now either is told, or reads the entry as its past.
  const entry = adjustmentEntry(spending, books, world, adjustment, now);
  const moved: BudgetAccount[] = [];
  for (const { budget, window, amount } of entry.shares) {
    const account = books.book(budget);
    if (!account) continue;
    account.windowFrom(window, books.past).settle(amount);
    moved.push(account);
  }
  await store.journal.append({ op: "entry", entry });
  return moved;
}

/** What an attempt that is to be corrected cost so far, and where. */
interface Spending {
  readonly opening: EntriesTable;
  readonly last: EntriesTable;
  readonly before: Nano;
  /** By window and book. */
  readonly charged: Map<string, Charged>;
  readonly currencies: Map<string, string>;
  /** The number of its next correction. */
  readonly next: number;
}

/** Throws where the attempt cannot be corrected so. */
export async function readSpending(
  query: Kysely<Schema>,
  { attempt, amount, currency }: Adjustment,
): Promise<Spending> {
  const entries = await readEntries(query, attempt);
  const opening = entries.find((entry) => entry.phase === PHASE.hold);
  const last = entries.findLast((entry) => entry.phase === PHASE.resolve || entry.phase === PHASE.close);
  if (!opening || !last || last.kind === "unsettled") {
    throw new Fault("not_found", ledgerWords.notClosed(attempt), { details: { attempt } });
  }
  if (currency !== last.currency) {
    throw new Fault("invalid_request", ledgerWords.otherCurrency(attempt, last.currency, currency), {
      param: "currency",
    });
  }
  const spent = entries.filter((entry) => entry.kind === "settle" || entry.kind === "adjust");
  const before = spent.reduce((sum, entry) => sum + entry.amount, 0n);
  if (before + amount < 0n) throw new Fault("invalid_request", ledgerWords.belowZero(attempt), { param: "amount" });
  const charged = chargesOf(entries, spent);
  const names = [...charged.values()].map(({ book }) => book);
  const numbers = entries.filter((entry) => entry.phase === PHASE.adjust).map((entry) => entry.n);
  const currencies = await readCurrencies(query, names);
  return { opening, last, before, charged, currencies, next: Math.max(-1, ...numbers) + 1 };
}

/** The entry of a correction: what it changes in every budget that the attempt was, or would have been, charged to. */
export function adjustmentEntry(
  { opening, last, before, charged, currencies, next: n }: Spending,
  books: BudgetBooks,
  world: LedgerWorld,
  { amount, reason }: Adjustment,
  now: number,
): EntryRow {
  const known = new Set([...charged.values()].map(({ book }) => book));
  for (const account of books.accountsOf(world.pathOf(last.payer))) {
    const { start, end } = account.window;
    if (known.has(account.book) || opening.at < start || opening.at >= end) continue;
    // Its past was read as a sum when it was opened: this attempt's part of it is what it would have been charged.
    const ratio = rateInto(account.setting.currency, last, world, opening.at);
    if (!ratio) continue;
    const name = `${start} ${account.book}`;
    charged.set(name, { book: account.book, window: start, amount: convert(before, ratio) });
    currencies.set(account.book, account.setting.currency);
  }
  const shares: BudgetShare[] = [];
  for (const { book, window, amount: earlier } of charged.values()) {
    const ratio = rateInto(currencies.get(book) ?? last.currency, last, world, opening.at);
    if (ratio) shares.push({ budget: book, window, amount: convert(before + amount, ratio) - earlier });
  }
  const detail = JSON.stringify({ reason });
  const { rates } = last;
  const content = { phase: PHASE.adjust, n, kind: "adjust", at: now, amount, held: 0n, shares, rates, detail } as const;
  return makeEntry(factsOf(last), content);
}

async function readEntries(query: Kysely<Schema>, attempt: string): Promise<EntriesTable[]> {
  return query.selectFrom("entries").selectAll().where("attempt", "=", attempt).orderBy("phase").orderBy("n").execute();
}

/** By window and book: every one that the attempt was ever held in or charged to. */
function chargesOf(entries: readonly EntriesTable[], spent: readonly EntriesTable[]): Map<string, Charged> {
  const charged = new Map<string, Charged>();
  for (const entry of entries) {
    for (const { budget, window, amount } of readShares(entry.shares)) {
      const name = `${window} ${budget}`;
      let charge = charged.get(name);
      if (!charge) charged.set(name, (charge = { book: budget, window, amount: 0n }));
      if (spent.includes(entry)) charge.amount += amount;
    }
  }
  return charged;
}

/** The currencies of budgets' books, by book. */
export async function readCurrencies(query: Kysely<Schema>, books: readonly string[]): Promise<Map<string, string>> {
  if (books.length === 0) return new Map();
  const rows = await query.selectFrom("budget_books").select(["book", "currency"]).where("book", "in", books).execute();
  return new Map(rows.map(({ book, currency }) => [book, currency]));
}

/** The rate by which the attempt was converted, or the one that held when it began. */
function rateInto(currency: string, entry: EntriesTable, world: LedgerWorld, at: number): Ratio | undefined {
  return ratioOf(entry.currency, currency, entry.rates) ?? world.rate(entry.currency, currency, at)?.ratio;
}
