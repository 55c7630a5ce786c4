import { type Kysely, type RawBuilder, sql } from "kysely";
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

/** Rows of the ledger that one statement goes through: a fraction of a second. */
const ROWS_OF_A_READ = 400_000;

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
 * opened, and nothing since, because from then on every entry names it. Reads a bounded part of the ledger at a time,
 * so that other questions get their turn.
 * Throws `invalid_request` where some of it cannot be converted.
 */
export async function readBase(
  query: Kysely<Schema>,
  account: BudgetAccount,
  window: WindowSums,
  world: LedgerWorld,
  now: number,
): Promise<Nano> {
  const { setting } = account;
  const known = await query.selectFrom("kin").select("payer").distinct().execute();
  const below = known.map(({ payer }) => payer).filter((payer) => isBelow(setting.payer, payer, world));
  if (below.length === 0) return 0n;
  const sums = new Map<string, Spent>();
  let from: string | undefined = firstIdAt(window.start - ID_SLACK_MS);
  while (from !== undefined) {
    const to = await attemptAfter(query, from, ROWS_OF_A_READ);
    for (const spent of await readSpent(query, account, window, below, { from, to })) {
      const name = JSON.stringify([spent.payer, spent.currency, spent.rates]);
      sums.set(name, { ...spent, amount: (sums.get(name)?.amount ?? 0n) + spent.amount });
    }
    from = to;
  }
  let base = 0n;
  for (const { currency, rates, amount } of sums.values()) {
    base += convert(amount, rateInto(setting, currency, rates, world, now));
  }
  return base;
}

function isBelow(top: string, payer: string, world: LedgerWorld): boolean {
  return payer === top || world.pathOf(payer).includes(top);
}

interface Spent {
  readonly payer: string;
  readonly currency: string;
  readonly rates: string;
  readonly amount: bigint;
}

/** The attempt that stands so many rows behind another, or undefined where there are not so many. */
async function attemptAfter(query: Kysely<Schema>, attempt: string, rows: number): Promise<string | undefined> {
  const row = await query
    .selectFrom("entry_rows")
    .select("attempt")
    .where("attempt", ">", attempt)
    .orderBy("attempt")
    .orderBy("phase")
    .orderBy("n")
    .limit(1)
    .offset(rows)
    .executeTakeFirst();
  return row?.attempt;
}

/** What attempts in a part of the ledger that were held in the window spent without naming the book. */
async function readSpent(
  query: Kysely<Schema>,
  { book }: BudgetAccount,
  window: WindowSums,
  payers: readonly string[],
  { from, to }: { readonly from: string; readonly to: string | undefined },
): Promise<readonly Spent[]> {
  const named = `[${JSON.stringify(book)},`;
  const names = (text: string): RawBuilder<boolean> => sql`replace(${sql.ref(text)}, ${named}, '') <> ${sql.ref(text)}`;
  const end = Math.min(window.end, Number.MAX_SAFE_INTEGER);
  // As the keys of an object, because that is what `json_each` unfolds on both engines.
  const listed = JSON.stringify(Object.fromEntries(payers.map((payer) => [payer, 1])));
  const ofPayers = sql`(select id from circumstances
    where payer in (select listed.key from json_each(${listed}) as listed))`;
  // Whether the book is named is mostly said by the circumstances, once for all rows that have them.
  const { rows } = await sql<Spent>`
    select payer, currency, rates, sum(alone + case when ${names("books")} then 0 else plain end) as amount
    from (
      select spent.circumstances as id, sum(case when spent.shares is null then spent.amount else 0 end) as plain,
        sum(case when spent.shares is null or ${names("spent.shares")} then 0 else spent.amount end) as alone
      from entry_rows as held
      join entry_rows as spent on spent.attempt = held.attempt and spent.phase >= ${sql.lit(PHASE.close)}
      where held.phase = ${sql.lit(PHASE.hold)} and held.n = 0 and held.at >= ${window.start} and held.at < ${end}
        and held.attempt >= ${from} ${to === undefined ? sql`` : sql`and held.attempt < ${to}`}
        and held.circumstances in ${ofPayers} and spent.kind in ('settle', 'adjust')
      group by spent.circumstances
    ) as summed join circumstances on circumstances.id = summed.id
    group by payer, currency, rates`.execute(query);
  return rows;
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
