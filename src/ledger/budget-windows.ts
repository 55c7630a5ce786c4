import { DateTime } from "luxon";
import { Fault } from "../base/faults.ts";
import { ledgerWords } from "../base/messages/ledger.ts";
import type { BudgetWindow } from "../config/settings.ts";

/** A window of a budget, in milliseconds: start ≤ t < end. `total` begins at 0 and never ends. */
export interface WindowSpan {
  readonly start: number;
  readonly end: number;
}

const HOUR_MS = 3_600_000;
const TOTAL: WindowSpan = { start: 0, end: Number.POSITIVE_INFINITY };

/**
 * The window of a budget in which an instant lies. Days, ISO weeks (from Monday) and months begin at local midnight, or
 * at the first instant of the day where midnight is skipped; hours begin at the full hour of local time.
 *
 * @param timezone an IANA zone
 * @param at milliseconds
 */
export function windowAt(window: BudgetWindow, timezone: string, at: number): WindowSpan {
  if (window === "total") return TOTAL;
  const local = DateTime.fromMillis(at, { zone: timezone });
  if (!local.isValid) throw new Fault("invalid_request", ledgerWords.unknownZone(timezone));
  if (window === "hour") {
    const offset = local.offset * 60_000;
    const start = Math.floor((at + offset) / HOUR_MS) * HOUR_MS - offset;
    const end = start + HOUR_MS;
    return { start: offsetChange(timezone, start, at) ?? start, end: offsetChange(timezone, at, end - 1) ?? end };
  }
  const start = local.startOf(window);
  const end = start.plus({ [`${window}s`]: 1 }).startOf(window);
  return { start: start.toMillis(), end: end.toMillis() };
}

/** The instant after `from` and until `to` at which the zone's offset changes: clocks may be set by half an hour. */
function offsetChange(timezone: string, from: number, to: number): number | undefined {
  const offsetAt = (at: number): number => DateTime.fromMillis(at, { zone: timezone }).offset;
  const last = offsetAt(to);
  if (offsetAt(from) === last) return undefined;
  let [before, after] = [from, to];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(middle) === last) after = middle;
    else before = middle;
  }
  return after;
}
