import { DateTime, IANAZone } from "luxon";

/** Milliseconds, `to` not included. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

export interface Segment extends Period {
  /** What the zone adds to UTC throughout the segment. */
  readonly offsetMs: number;
}

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
const MINUTE_MS = 60_000;

/** A calendar month (`2026-11`) in a zone: midnight of its first day to midnight of the next month's. */
export function monthPeriod(month: string, timezone: string): Period {
  const start = DateTime.fromISO(`${month}-01T00:00:00`, { zone: timezone });
  return { from: start.toMillis(), to: start.plus({ months: 1 }).toMillis() };
}

/** A calendar day (`2026-11-24`) in a zone. */
export function dayPeriod(day: string, timezone: string): Period {
  const start = DateTime.fromISO(`${day}T00:00:00`, { zone: timezone }).startOf("day");
  return { from: start.toMillis(), to: start.plus({ days: 1 }).startOf("day").toMillis() };
}

/** The start of the UTC hour that an instant is in. */
export function hourStart(at: number): number {
  return Math.floor(at / HOUR_MS) * HOUR_MS;
}

/** The day (`2026-11-24`) that an instant falls on in a zone. */
export function dayOf(at: number, timezone: string): string {
  return DateTime.fromMillis(at, { zone: timezone }).toFormat("yyyy-MM-dd");
}

/** The pieces of a period in which the zone's offset does not change and that contain none of `cuts` inside. */
export function segmentsOf(period: Period, timezone: string, cuts: readonly number[]): Segment[] {
  const zone = IANAZone.create(timezone);
  const offsetAt = (at: number): number => zone.offset(at) * MINUTE_MS;
  const edges = new Set([period.from, period.to]);
  for (const cut of cuts) if (cut > period.from && cut < period.to) edges.add(cut);
  for (let at = period.from; at < period.to; ) {
    const next = Math.min(at + DAY_MS, period.to);
    if (offsetAt(at) !== offsetAt(next)) edges.add(changeBetween(at, next, offsetAt));
    at = next;
  }
  const sorted = [...edges].sort((a, b) => a - b);
  return sorted.slice(1).map((to, i) => ({ from: sorted[i]!, to, offsetMs: offsetAt(sorted[i]!) }));
}

/** Whether hours of UTC are hours of the zone too, all through the period. */
export function hasWholeHours(segments: readonly Segment[]): boolean {
  return segments.every((one) => one.offsetMs % HOUR_MS === 0 && one.from % HOUR_MS === 0 && one.to % HOUR_MS === 0);
}

/** The first minute in (low, high] at which the offset is another than at `low`. */
function changeBetween(low: number, high: number, offsetAt: (at: number) => number): number {
  const before = offsetAt(low);
  let same = low;
  let changed = high;
  while (changed - same > MINUTE_MS) {
    const middle = same + Math.floor((changed - same) / 2 / MINUTE_MS) * MINUTE_MS || same + MINUTE_MS;
    if (offsetAt(middle) === before) same = middle;
    else changed = middle;
  }
  return changed;
}
