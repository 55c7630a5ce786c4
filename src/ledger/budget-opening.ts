import { type Kysely, sql } from "kysely";
import { Fault } from "../base/faults.ts";
import { firstIdAt } from "../base/ids.ts";
import { ledgerWords } from "../base/messages/ledger.ts";
import { convert, type Nano, type Ratio, UNIT_RATIO } from "../base/money.ts";
import type { BudgetSetting } from "../config/settings.ts";
import type { Schema } from "../store/schema.ts";
import { PHASE } from "../store/spec.ts";
import { transact } from "../store/transact.ts";
import type { BudgetAccount, WindowSums } from "./budget-account.ts";
import { readRate, readRates } from "./rates.ts";
import type { LedgerWorld } from "./spec.ts";

/** A call's id is older than its attempts' holds by the length of the call; no clock steps further than a day. */
const ID_SLACK_MS = 86_400_000;

/** Writes that books are being opened: from now on their names are theirs, whatever happens. */
export async function registerBooks(
  query: Kysely<Schema>,
  settings: readonly BudgetSetting[],
  windows: readonly number[],
  now: number,
): Promise<string[]> {
  return transact(query, async (transaction) => {
    const names: string[] = [];
    for (const [i, { id, payer, currency, window, timezone }] of settings.entries()) {
      const book = await freeName(transaction, id);
      names.push(book);
      await transaction
        .insertInto("budget_books")
        .values({
          book,
          budget: id,
          payer,
          currency,
          period: window,
          timezone: timezone ?? "UTC",
          opened_at: now,
          closed_at: null,
          base_window: windows[i]!,
          base: null,
        })
        .execute();
    }
    return names;
  });
}

/** The budget's own id, or the first of `id~2`, `id~3`, … that no book has had. */
export async function freeName(query: Kysely<Schema>, id: string): Promise<string> {
  const { books } = await query
    .selectFrom("budget_books")
    .where("budget", "=", id)
    .select(({ fn }) => fn.countAll<number>().as("books"))
    .executeTakeFirstOrThrow();
  for (let number = books + 1; ; number++) {
    const name = number === 1 ? id : `${id}~${number}`;
    const taken = await query.selectFrom("budget_books").select("book").where("book", "=", name).executeTakeFirst();
    if (!taken) return name;
  }
}

/**
 * What the payers below a budget spent in its window without its book being told: everything before the book was
 * opened, and nothing since, because from then on every entry names it.
 * Throws `invalid_request` where some of it cannot be converted.
 */
export async function readBase(
  query: Kysely<Schema>,
  account: BudgetAccount,
  window: WindowSums,
  world: LedgerWorld,
  now: number,
): Promise<Nano> {
  const { setting, book } = account;
  const named = `[${JSON.stringify(book)},`;
  const end = Math.min(window.end, Number.MAX_SAFE_INTEGER);
  const { rows } = await sql<{ payer: string; currency: string; rates: string; amount: bigint }>`
    select held.payer as payer, spent.currency as currency, spent.rates as rates, sum(spent.amount) as amount
    from entries as held join entries as spent on spent.attempt = held.attempt and spent.phase >= ${PHASE.close}
    where held.phase = ${PHASE.hold} and held.n = 0 and held.at >= ${window.start} and held.at < ${end}
      and held.attempt >= ${firstIdAt(window.start - ID_SLACK_MS)}
      and spent.kind in ('settle', 'adjust') and replace(spent.shares, ${named}, '') = spent.shares
    group by 1, 2, 3`.execute(query);
  let base = 0n;
  for (const { payer, currency, rates, amount } of rows) {
    if (payer !== setting.payer && !world.pathOf(payer).includes(setting.payer)) continue;
    base += convert(amount, rateInto(setting, currency, rates, world, now));
  }
  return base;
}

/** The rate by which an entry was converted already, or today's. */
function rateInto(setting: BudgetSetting, currency: string, rates: string, world: LedgerWorld, now: number): Ratio {
  if (currency === setting.currency) return UNIT_RATIO;
  const written = readRates(rates).get(setting.currency);
  const ratio = (written && readRate(written)) ?? world.rate(currency, setting.currency, now)?.ratio;
  if (!ratio) throw new Fault("invalid_request", ledgerWords.noRateForBudget(setting.id, currency, setting.currency));
  return ratio;
}

/** Writes what was read, and closes the books that are replaced: all or nothing. */
export async function writeBases(
  query: Kysely<Schema>,
  bases: readonly { readonly window: WindowSums; readonly base: Nano }[],
  closed: readonly string[],
  now: number,
): Promise<void> {
  if (bases.length + closed.length === 0) return;
  await transact(query, async (transaction) => {
    for (const { window, base } of bases) {
      const { book } = window.account;
      await transaction.updateTable("budget_books").set({ base }).where("book", "=", book).execute();
      await transaction
        .insertInto("budget_windows")
        .values({ book, window: window.start, settled: base })
        .onConflict((conflict) =>
          conflict.columns(["book", "window"]).doUpdateSet({ settled: sql`budget_windows.settled + excluded.settled` }),
        )
        .execute();
    }
    for (const book of closed) {
      await transaction.updateTable("budget_books").set({ closed_at: now }).where("book", "=", book).execute();
    }
  });
}

/** The configuration that a book was opened under. */
export function settingOfBook(row: {
  budget: string;
  payer: string;
  currency: string;
  period: string;
  timezone: string;
}): Omit<BudgetSetting, "amount"> {
  const { budget, payer, currency, period, timezone } = row;
  return { id: budget, payer, currency, window: period as BudgetSetting["window"], timezone };
}
