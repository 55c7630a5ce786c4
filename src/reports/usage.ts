import type { Kysely } from "kysely";
import { type Currency, type Nano, type Ratio, UNIT_RATIO } from "../base/money.ts";
import type { Schema } from "../store/schema.ts";
import { type RateLookup, requireRate } from "./conversion.ts";
import { hasWholeHours, hourStart, type Period, type Segment, segmentsOf } from "./periods.ts";
import type { UsageAsk, UsageKey } from "./usage-ask.ts";
import { addDays } from "./usage-days.ts";
import { readUsage, type UsageSource, usageExtent } from "./usage-groups.ts";
import { UsageSums } from "./usage-sums.ts";

export interface UsageRow {
  /** The values of `by`, in its order. */
  readonly keys: Readonly<Partial<Record<UsageKey, string>>>;
  readonly calls: number;
  readonly attempts: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cost: Nano;
  readonly currency: Currency;
  /** Attempts whose usage or cost was estimated. */
  readonly estimated: number;
}

export interface UsageBounds {
  /** Rows of one report. */
  readonly reportRows: number;
}

/**
 * What was used and what it cost, in rows by any combination of keys, sorted by them. Costs in another currency are
 * converted at the rate in force in the hour of use, summed exactly, and rounded once a row, half to even.
 *
 * Reads roll-ups: by thirds of a day as far as they go, by hours at the edges and where hours are asked for. Reads the
 * entries themselves where the zone's hours are not hours of UTC, or the period begins or ends inside an hour.
 *
 * @param rateChanges the instants at which any exchange rate changes, milliseconds
 * Throws `invalid_request` where a rate is missing or the report would be longer than its bound.
 */
export async function reportUsage(
  query: Kysely<Schema>,
  ask: UsageAsk,
  rateOf: RateLookup,
  rateChanges: readonly number[],
  bounds: UsageBounds,
): Promise<UsageRow[]> {
  const period = await periodOf(query, ask);
  if (!period) return [];
  const byTime = ask.by.some((key) => key === "day" || key === "hour" || key === "month");
  // Without days or hours to tell apart the zone does not matter.
  const zone = byTime ? ask.timezone : "UTC";
  const segments = segmentsOf(period, zone, ask.currency === undefined ? [] : rateChanges.map(nextHour));
  const sums = new UsageSums(ask, bounds.reportRows);
  const whole = hasWholeHours(segments);
  for (const segment of segments) {
    const ratioOf = ratiosIn(ask, segment, rateOf);
    if (!whole) await addGroups(query, "entries", ask, segment, sums, ratioOf, bounds);
    else if (ask.by.includes("hour") || !(await addDays(query, ask, segment, sums, ratioOf))) {
      await addGroups(query, "usage_hourly", ask, segment, sums, ratioOf, bounds);
    }
  }
  return sums.rows();
}

async function addGroups(
  query: Kysely<Schema>,
  source: UsageSource,
  ask: UsageAsk,
  segment: Segment,
  sums: UsageSums,
  ratioOf: (currency: Currency) => Ratio,
  bounds: UsageBounds,
): Promise<void> {
  for (const group of await readUsage(query, source, ask, segment, bounds.reportRows + 1)) {
    const { keys, currency, cost } = group;
    sums.add(sums.time(keys), sums.rest(keys, currency), group, cost === 0n ? UNIT_RATIO : ratioOf(currency));
  }
}

async function periodOf(query: Kysely<Schema>, ask: UsageAsk): Promise<Period | undefined> {
  const extent = await usageExtent(query);
  if (!extent) return undefined;
  const from = Math.max(ask.from ?? extent.from, extent.from);
  const to = Math.min(ask.to ?? extent.to, extent.to);
  return from < to ? { from, to } : undefined;
}

/** The roll-up knows whole hours only: a rate that changes inside one holds from the next on. */
function nextHour(at: number): number {
  return Math.ceil(at / 3_600_000) * 3_600_000;
}

/** The ratio from each currency that is met into the one that is asked for, looked for once. */
function ratiosIn(ask: UsageAsk, segment: Segment, rateOf: RateLookup): (from: Currency) => Ratio {
  const { currency } = ask;
  const known = new Map<Currency, Ratio>();
  return (from) => {
    if (currency === undefined || currency === from) return UNIT_RATIO;
    let ratio = known.get(from);
    if (!ratio) known.set(from, (ratio = requireRate(rateOf, from, currency, hourStart(segment.from))));
    return ratio;
  };
}
