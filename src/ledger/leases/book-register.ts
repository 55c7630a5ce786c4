import type { Kysely } from "kysely";
import type { BudgetSetting } from "../../config/settings.ts";
import type { Schema } from "../../store/schema.ts";
import { readSettingsVersion } from "../../store/settings.ts";
import { transact } from "../../store/transact.ts";
import { configurationOf } from "../budget-books.ts";
import { freeName, settingOfBook } from "../budget-opening.ts";

/** The open book of a budget under its configuration: the one that another node has opened, or a new one. */
export async function openBook(
  query: Kysely<Schema>,
  setting: BudgetSetting,
  window: number,
  now: number,
): Promise<string> {
  const { id, payer, currency, timezone } = setting;
  for (;;) {
    const found = await transact(query, async (transaction) => {
      const open = await readOpen(transaction, id);
      const same = open.find(
        (row) => configurationOf({ ...settingOfBook(row), amount: "" }) === configurationOf(setting),
      );
      if (same) return same.book;
      const book = await freeName(transaction, id);
      const { numInsertedOrUpdatedRows } = await transaction
        .insertInto("budget_books")
        .values({
          book,
          budget: id,
          payer,
          currency,
          period: setting.window,
          timezone: timezone ?? "UTC",
          opened_at: now,
          closed_at: null,
          base_window: window,
          base: null,
        })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      return numInsertedOrUpdatedRows ? book : undefined;
    });
    if (found !== undefined) return found;
  }
}

export async function closeBooks(query: Kysely<Schema>, books: readonly string[], now: number): Promise<void> {
  if (books.length === 0) return;
  await query
    .updateTable("budget_books")
    .set({ closed_at: now })
    .where("book", "in", books)
    .where("closed_at", "is", null)
    .execute();
}

/**
 * Closes books that no budget has any more: a node ended between the change of the settings and that of the books. Not
 * where the settings have changed since this node read them.
 */
export async function closeStaleBooks(
  query: Kysely<Schema>,
  configurations: ReadonlySet<string>,
  version: number,
  now: number,
): Promise<void> {
  await transact(query, async (transaction) => {
    if ((await readSettingsVersion(transaction)) !== version) return;
    const stale = (await readOpen(transaction)).filter(
      (open) => !configurations.has(configurationOf({ ...settingOfBook(open), amount: "" })),
    );
    await closeBooks(
      transaction,
      stale.map(({ book }) => book),
      now,
    );
  });
}

function readOpen(query: Kysely<Schema>, budget?: string) {
  const rows = query.selectFrom("budget_books").selectAll().where("closed_at", "is", null).orderBy("book");
  return budget === undefined ? rows.execute() : rows.where("budget", "=", budget).execute();
}
