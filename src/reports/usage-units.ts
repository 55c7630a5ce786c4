import { DateTime } from "luxon";
import { THIRD_MS } from "../store/schema.ts";
import type { Period, Segment } from "./periods.ts";
import type { UsageKey } from "./usage-ask.ts";

/** A day or a month of a zone, or as much of it as was asked for; or all of the time, where nobody tells it apart. */
export interface Unit extends Period {
  readonly keys: Readonly<Partial<Record<UsageKey, string>>>;
}

/** The units of a segment, one after the other. */
export function unitsOf({ from, to, offsetMs }: Segment, by: readonly UsageKey[]): Unit[] {
  const byDay = by.includes("day");
  const byMonth = by.includes("month");
  if (!byDay && !byMonth) return [{ from, to, keys: {} }];
  const units: Unit[] = [];
  for (let at = from; at < to; at = units.at(-1)!.to) {
    const local = DateTime.fromMillis(at + offsetMs, { zone: "UTC" });
    const start = local.startOf(byDay ? "day" : "month");
    const next = start.plus(byDay ? { days: 1 } : { months: 1 }).toMillis() - offsetMs;
    const keys: Partial<Record<UsageKey, string>> = {};
    if (byDay) keys.day = local.toFormat("yyyy-MM-dd");
    if (byMonth) keys.month = local.toFormat("yyyy-MM");
    units.push({ from: at, to: Math.min(next, to), keys });
  }
  return units;
}

/** Whole thirds of days that are counted in one unit. */
export interface ThirdSpan extends Period {
  readonly unit: number;
}

/** Hours that are counted in one unit, and not in the other, where their third was counted. */
export interface HourSpan extends Period {
  readonly into: number;
  readonly outOf: number | undefined;
}

/**
 * Units made of whole thirds of days (of UTC) as far as they go, and of hours at the edges. A third in which one unit
 * ends and the next begins is counted in the one that has more of it, and the hours of the other are taken out again: four at the most.
 *
 * @param units of whole hours, at least a day long but for the first and the last
 */
export function coverUnits(units: readonly Unit[]): { readonly thirds: ThirdSpan[]; readonly hours: HourSpan[] } {
  const thirds: ThirdSpan[] = [];
  const hours: HourSpan[] = [];
  const low = Math.ceil(units[0]!.from / THIRD_MS) * THIRD_MS;
  const high = Math.floor(units.at(-1)!.to / THIRD_MS) * THIRD_MS;
  const addHours = (from: number, to: number, into: number, outOf?: number): void => {
    if (from < to) hours.push({ from, to, into, outOf });
  };
  if (low >= high) {
    for (const [unit, { from, to }] of units.entries()) addHours(from, to, unit);
    return { thirds, hours };
  }
  let next = low;
  for (const [unit, { from, to }] of units.entries()) {
    addHours(from, Math.min(to, low), unit);
    addHours(Math.max(from, high), to, unit);
    const end = Math.min(to, high);
    if (end <= low) continue;
    const start = Math.floor(end / THIRD_MS) * THIRD_MS;
    const isMine = end - start > THIRD_MS / 2;
    if (isMine) addHours(end, start + THIRD_MS, unit + 1, unit);
    else addHours(start, end, unit, unit + 1);
    const stop = isMine ? start + THIRD_MS : start;
    if (next < stop) thirds.push({ from: next, to: stop, unit });
    next = stop;
  }
  return { thirds, hours };
}
