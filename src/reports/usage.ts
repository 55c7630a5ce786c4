import type { Kysely } from "kysely";
import { Fault } from "../base/faults.ts";
import { reportWords } from "../base/messages/operators.ts";
import { type Currency, type Nano, type Ratio, UNIT_RATIO } from "../base/money.ts";
import type { Schema } from "../store/schema.ts";
import { ConvertedSum, type RateLookup, requireRate } from "./conversion.ts";
import { hasWholeHours, hourStart, type Period, type Segment, segmentsOf } from "./periods.ts";
import type { UsageAsk, UsageKey } from "./usage-ask.ts";
import { readUsage, type UsageGroup, usageExtent } from "./usage-groups.ts";

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

interface Sum {
  keys: Partial<Record<UsageKey, string>>;
  currency: Currency;
  calls: number;
  attempts: number;
  inputTokens: number;
  outputTokens: number;
  estimated: number;
  cost: ConvertedSum;
}

/**
 * What was used and what it cost, in rows by any combination of keys, sorted by them. Costs in another currency are
 * converted at the rate in force in the hour of use, summed exactly, and rounded once a row, half to even.
 *
 * Reads the hourly roll-up; the entries themselves where the zone's hours are not hours of UTC, or the period begins
 * or ends inside an hour.
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
  const source = hasWholeHours(segments) ? "usage_hourly" : "entries";
  const sums = new Map<string, Sum>();
  for (const segment of segments) {
    for (const group of await readUsage(query, source, ask, segment, bounds.reportRows + 1)) {
      addGroup(sums, ask, group, ratioOf(ask, group, segment, rateOf));
      if (sums.size > bounds.reportRows) {
        throw new Fault("invalid_request", reportWords.tooManyRows(bounds.reportRows), { param: "by" });
      }
    }
  }
  const rows = [...sums.values()].map(({ cost, ...rest }) => ({ ...rest, cost: cost.rounded }));
  return rows.sort((a, b) => compareRows(ask.by, a, b));
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

function ratioOf(ask: UsageAsk, group: UsageGroup, segment: Segment, rateOf: RateLookup): Ratio {
  const { currency } = ask;
  if (currency === undefined || currency === group.currency || group.cost === 0n) return UNIT_RATIO;
  return requireRate(rateOf, group.currency, currency, hourStart(segment.from));
}

function addGroup(sums: Map<string, Sum>, ask: UsageAsk, group: UsageGroup, ratio: Ratio): void {
  const currency = ask.currency ?? group.currency;
  const keys: Partial<Record<UsageKey, string>> = {};
  for (const key of ask.by) keys[key] = group.keys[key]!;
  const name = JSON.stringify([ask.by.map((key) => keys[key]), currency]);
  let sum = sums.get(name);
  if (!sum) {
    const cost = new ConvertedSum();
    sum = { keys, currency, calls: 0, attempts: 0, inputTokens: 0, outputTokens: 0, estimated: 0, cost };
    sums.set(name, sum);
  }
  sum.calls += group.calls;
  sum.attempts += group.attempts;
  sum.inputTokens += group.inputTokens;
  sum.outputTokens += group.outputTokens;
  sum.estimated += group.estimated;
  sum.cost.add(group.cost, ratio);
}

function compareRows(by: readonly UsageKey[], a: UsageRow, b: UsageRow): number {
  for (const key of by) {
    const left = a.keys[key]!;
    const right = b.keys[key]!;
    if (left === right) continue;
    // The hour that daylight saving repeats is written twice, with two offsets: the earlier comes first.
    if (key === "hour") return Date.parse(left) - Date.parse(right);
    return left < right ? -1 : 1;
  }
  return a.currency < b.currency ? -1 : a.currency > b.currency ? 1 : 0;
}
