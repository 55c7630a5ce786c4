import type { Currency } from "../base/money.ts";

export const USAGE_KEYS = ["payer", "model", "endpoint", "key", "route", "month", "day", "hour"] as const;
export type UsageKey = (typeof USAGE_KEYS)[number];

export interface UsageAsk {
  readonly by: readonly UsageKey[];
  /** Milliseconds, `to` not included; undefined for all there is. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** The IANA zone whose days, hours and months are meant. */
  readonly timezone: string;
  /** What costs are shown in; undefined for a row of each currency. */
  readonly currency?: Currency | undefined;
  /** Ids of payers, any of which; undefined for all. */
  readonly payers?: readonly string[] | undefined;
}
