import { IANAZone } from "luxon";
import { Fault } from "../base/faults.ts";
import { priceWords } from "../base/messages/prices.ts";
import { FORMATS } from "../config/formats.ts";
import type { PriceHours } from "../config/settings.ts";
import { type Rates, readRates, writeRates } from "./price-rates.ts";

const WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
type Weekday = (typeof WEEK)[number];

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
const EPOCH_WEEKDAY = 3; // 1970-01-01 was a Thursday

/** Rates of a time of day, by the clock on the wall of a zone. */
export interface HoursWindow {
  /** Minutes after midnight: from `from` on, before `to`; `to` at or before `from` is on the next day. */
  readonly from: number;
  readonly to: number;
  readonly zone: IANAZone;
  /** Indexed from Monday. */
  readonly days: readonly boolean[];
  /** Days since 1970-01-01 in the zone on which no window begins. */
  readonly except: ReadonlySet<number>;
  readonly rates: Rates;
}

/** Throws `invalid_request` that says what of `where` is wrong. */
export function readHours(setting: PriceHours, where: string): HoursWindow {
  check(FORMATS.timezone(setting.timezone), priceWords.badZone, `${where}.timezone`, setting.timezone);
  const days = setting.days ?? WEEK;
  for (const day of days) check(WEEK.includes(day), priceWords.badWeekday, `${where}.days`, day);
  for (const day of setting.except ?? []) check(FORMATS.day(day), priceWords.badDay, `${where}.except`, day);
  return {
    from: readTime(setting.from, `${where}.from`),
    to: readTime(setting.to, `${where}.to`),
    zone: IANAZone.create(setting.timezone),
    days: WEEK.map((day) => days.includes(day)),
    except: new Set((setting.except ?? []).map((day) => Date.parse(day) / (DAY_MINUTES * MINUTE_MS))),
    rates: readRates(setting, where),
  };
}

/** The window as a setting in a fixed order. */
export function writeHours(window: HoursWindow): PriceHours {
  const days: Weekday[] = WEEK.filter((_, index) => window.days[index]);
  const except = [...window.except].sort((a, b) => a - b).map(writeDay);
  return {
    from: writeTime(window.from),
    to: writeTime(window.to),
    timezone: window.zone.name,
    ...(days.length < WEEK.length && { days }),
    ...(except.length > 0 && { except }),
    ...writeRates(window.rates),
  };
}

/**
 * Whether the window is open at an instant (milliseconds). The clock on the wall decides: where daylight saving turns
 * it back, an hour inside the window counts twice, and where it jumps, not at all. A window that runs across midnight
 * belongs, with all its hours, to the day on which it began: `days` and `except` are asked of that day.
 */
export function hoursHold(window: HoursWindow, at: number): boolean {
  const minutes = Math.floor(at / MINUTE_MS + window.zone.offset(at));
  const day = Math.floor(minutes / DAY_MINUTES);
  const minute = minutes - day * DAY_MINUTES;
  if (window.from < window.to) return minute >= window.from && minute < window.to && begins(window, day);
  return (minute >= window.from && begins(window, day)) || (minute < window.to && begins(window, day - 1));
}

function begins(window: HoursWindow, day: number): boolean {
  const weekday = (((day + EPOCH_WEEKDAY) % 7) + 7) % 7;
  return window.days[weekday]! && !window.except.has(day);
}

function readTime(text: string, where: string): number {
  check(FORMATS.clockTime(text), priceWords.badTime, where, text);
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}

function writeTime(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

function writeDay(day: number): string {
  return new Date(day * DAY_MINUTES * MINUTE_MS).toISOString().slice(0, 10);
}

function check(right: boolean, words: typeof priceWords.badDay, where: string, text: string): void {
  if (!right) throw new Fault("invalid_request", words(where, String(text)), { param: where });
}
