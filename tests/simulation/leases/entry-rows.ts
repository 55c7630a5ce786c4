import { USAGE_CLASSES } from "../../../src/base/usage.ts";
import type { EntryRow } from "../../../src/store/spec.ts";
import { USAGE_COLUMNS } from "../../../src/store/usage-columns.ts";

/** An entry as the product queues it, from a row of the view `entries`. */
export function entryOf(row: Record<string, unknown>): EntryRow {
  const usage = Object.fromEntries(USAGE_CLASSES.map((name, i) => [name, row[USAGE_COLUMNS[i]!] ?? undefined]));
  const shares = (JSON.parse(row.shares as string) as [string, number, string][]).map(([budget, window, amount]) => ({
    budget,
    window,
    amount: BigInt(amount),
  }));
  const { basis, overrun } = row;
  return { ...row, ...usage, basis: basis ?? undefined, overrun: overrun === 1, shares } as unknown as EntryRow;
}
