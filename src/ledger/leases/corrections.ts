import type { Kysely, Transaction } from "kysely";
import { Fault } from "../../base/faults.ts";
import { ledgerWords } from "../../base/messages/ledger.ts";
import { convert, parseAmount, type Ratio } from "../../base/money.ts";
import { writeEntry } from "../../store/entry-writing.ts";
import { writeKept } from "../../store/kept-writing.ts";
import type { EntriesTable, Schema } from "../../store/schema.ts";
import { type BudgetShare, PHASE, type Store } from "../../store/spec.ts";
import { adjustmentEntry, readCurrencies, readSpending } from "../adjustments.ts";
import type { BudgetBooks } from "../budget-books.ts";
import { addRate } from "../rates.ts";
import { factsOf, ratioOf, ratioOfShare, readShares } from "../recovery.ts";
import { resolutionEntry } from "../resolution.ts";
import type { Adjustment, LedgerWorld, Resolution, Settlement, UnsettledAttempt } from "../spec.ts";
import { deed, lockWindows } from "./windows.ts";

/** What corrections are made with. */
export interface Correcting {
  readonly store: Store;
  readonly books: BudgetBooks;
  readonly world: LedgerWorld;
}

/** What an attempt in doubt will be charged to: a window of a book, and the rate into its currency. */
interface Charge {
  readonly budget: string;
  readonly window: number;
  readonly ratio: Ratio;
}

/** Resolves an attempt in doubt, once over all nodes. Rejects with `not_found` where it is not in doubt (any more). */
export async function resolveDoubt(
  { store, books, world }: Correcting,
  attempt: string,
  resolution: Resolution,
  at: number,
  kept: Settlement["kept"],
): Promise<void> {
  await deed(store.query, async (transaction) => {
    // Whoever removes it resolves it; another one waits for that here, and finds nothing.
    const { numDeletedRows } = await transaction
      .deleteFrom("unsettled")
      .where("attempt", "=", attempt)
      .executeTakeFirst();
    if (numDeletedRows === 0n) throw new Fault("not_found", ledgerWords.notInDoubt(attempt), { details: { attempt } });
    const entries = await transaction.selectFrom("entries").selectAll().where("attempt", "=", attempt).execute();
    const closed = entries.find((entry) => entry.phase === PHASE.close)!;
    const held = entries.find((entry) => entry.phase === PHASE.hold && entry.n === 0)!;
    const { charges, rates } = await chargesOf(transaction, books, world, closed, held.at);
    await lockWindows(
      store,
      transaction,
      charges.map(({ budget: book, window }) => ({ book, window })),
    );
    const shares = resolution.action === "settle" ? charges.map((charge) => shareOf(charge, resolution.cost)) : [];
    const doubt = { facts: factsOf(closed), bound: closed.amount, rates };
    await writeEntry(store, transaction, resolutionEntry(doubt, resolution, shares, at));
    if (kept) await writeKept(transaction, kept);
  });
}

function shareOf({ budget, window, ratio }: Charge, cost: bigint): BudgetShare {
  return { budget, window, amount: convert(cost, ratio) };
}

/** The budgets in which it was held, and those that came into being since and count the time in which it was. */
async function chargesOf(
  transaction: Transaction<Schema>,
  books: BudgetBooks,
  world: LedgerWorld,
  closed: EntriesTable,
  heldAt: number,
): Promise<{ charges: Charge[]; rates: string }> {
  const shares = readShares(closed.shares);
  const currencies = await readCurrencies(
    transaction,
    shares.map(({ budget }) => budget),
  );
  const charges: Charge[] = [];
  let { rates } = closed;
  for (const { budget, window, amount } of shares) {
    const currency = currencies.get(budget) ?? closed.currency;
    const ratio = ratioOf(closed.currency, currency, rates) ?? ratioOfShare(closed.amount, amount);
    if (ratio) charges.push({ budget, window, ratio });
  }
  for (const account of books.accountsOf(world.pathOf(closed.payer))) {
    const { start, end } = account.window;
    if (heldAt < start || heldAt >= end || shares.some(({ budget }) => budget === account.book)) continue;
    const { currency } = account.setting;
    const rate = world.rate(closed.currency, currency, heldAt);
    const ratio = ratioOf(closed.currency, currency, rates) ?? rate?.ratio;
    if (!ratio) continue;
    if (rate && currency !== closed.currency) rates = addRate(rates, currency, rate);
    charges.push({ budget: account.book, window: start, ratio });
  }
  return { charges, rates };
}

const MOST_TRIES = 10;

/** Corrects what a closed attempt cost, beside corrections that other nodes make at the same time. */
export async function correct({ store, books, world }: Correcting, adjustment: Adjustment, at: number): Promise<void> {
  for (let tries = 1; ; tries++) {
    const isWritten = await deed(store.query, async (transaction) => {
      const entry = adjustmentEntry(await readSpending(transaction, adjustment), books, world, adjustment, at);
      await lockWindows(
        store,
        transaction,
        entry.shares.map(({ budget: book, window }) => ({ book, window })),
      );
      return writeEntry(store, transaction, entry);
    });
    if (isWritten) return;
    if (tries === MOST_TRIES) throw new Fault("conflict", ledgerWords.notClosed(adjustment.attempt));
  }
}

/** Attempts in doubt, oldest first. */
export async function listDoubts(query: Kysely<Schema>): Promise<UnsettledAttempt[]> {
  const rows = await query
    .selectFrom("unsettled")
    .innerJoin("entries as closed", "closed.attempt", "unsettled.attempt")
    // Said so, or the plan begins with all entries there are.
    .where("closed.attempt", "in", query.selectFrom("unsettled").select("attempt"))
    .where("closed.phase", "=", PHASE.close)
    .select(["closed.attempt", "closed.payer", "closed.key", "closed.model", "closed.amount", "closed.currency"])
    .select(["closed.detail", "unsettled.since", "unsettled.reason"])
    .orderBy("unsettled.since")
    .orderBy("unsettled.attempt")
    .execute();
  return rows.map(({ detail, ...row }) => {
    const { estimate } = JSON.parse(detail) as { estimate?: string };
    return { ...row, estimate: estimate === undefined ? undefined : parseAmount(estimate) };
  });
}
