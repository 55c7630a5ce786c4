import { USAGE_CLASSES, type Usage } from "../base/usage.ts";
import type { EntriesTable } from "../store/schema.ts";
import type { BudgetShare, EntryKind, EntryRow } from "../store/spec.ts";

/** An entry as it was written, read back from the store. */
export function entryOfRow(row: EntriesTable): EntryRow {
  return {
    attempt: row.attempt,
    phase: Number(row.phase),
    n: Number(row.n),
    kind: row.kind as EntryKind,
    at: Number(row.at),
    payer: row.payer,
    key: row.key,
    route: row.route,
    model: row.model,
    currency: row.currency,
    amount: BigInt(row.amount),
    held: BigInt(row.held),
    shares: sharesOf(row.shares),
    price: row.price,
    rates: row.rates,
    basis: row.basis ?? undefined,
    overrun: Number(row.overrun) !== 0,
    input: countOf(row.input),
    cachedInput: countOf(row.cached_input),
    cacheWrite5m: countOf(row.cache_write_5m),
    cacheWrite1h: countOf(row.cache_write_1h),
    inputAudio: countOf(row.input_audio),
    inputImage: countOf(row.input_image),
    output: countOf(row.output),
    reasoning: countOf(row.reasoning),
    outputAudio: countOf(row.output_audio),
    images: countOf(row.images),
    seconds: countOf(row.seconds),
    toolCalls: countOf(row.tool_calls),
    detail: row.detail,
  };
}

/** The token classes of an entry that are known, or undefined where none is. */
export function usageOfEntry(entry: EntryRow): Usage | undefined {
  const usage: Record<string, number> = {};
  let known = false;
  for (const name of USAGE_CLASSES) {
    const count = entry[name];
    if (count === undefined) continue;
    usage[name] = count;
    known = true;
  }
  return known ? usage : undefined;
}

/** The id of the call that an attempt (`<call id>.<number>`) belongs to. */
export function callOfAttempt(attempt: string): string {
  const dot = attempt.lastIndexOf(".");
  return dot < 0 ? attempt : attempt.slice(0, dot);
}

/** What an entry's detail says, or nothing where it is no object. */
export function detailOfEntry(entry: Pick<EntryRow, "detail">): Readonly<Record<string, unknown>> {
  if (entry.detail === "") return {};
  try {
    const detail: unknown = JSON.parse(entry.detail);
    return typeof detail === "object" && detail !== null ? (detail as Record<string, unknown>) : {};
  } catch {
    return {}; // A detail is for people; a broken one must not hide the row's money.
  }
}

/**
 * The instant (milliseconds) by which an attempt is priced: the start of the attempt. Its entries say it in their
 * detail, the newest first; an attempt that a crash left open says it only by the time of its hold.
 */
export function pricedAt(newestFirst: readonly EntryRow[]): number {
  for (const entry of newestFirst) {
    const { pricedAt: said } = detailOfEntry(entry);
    if (typeof said === "number") return said;
  }
  return newestFirst.at(-1)!.at;
}

function sharesOf(text: string): BudgetShare[] {
  const shares = JSON.parse(text === "" ? "[]" : text) as [string, number, string][];
  return shares.map(([budget, window, amount]) => ({ budget, window, amount: BigInt(amount) }));
}

function countOf(value: number | null): number | undefined {
  return value === null ? undefined : Number(value);
}
