import fc from "fast-check";
import { DateTime } from "luxon";
import { expect, test } from "vitest";
import { windowAt } from "./budget-windows.ts";

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(".000Z", "Z");

test.each([
  ["hour", "UTC", "2026-11-05T10:59:59.999Z", "2026-11-05T10:00:00Z", "2026-11-05T11:00:00Z"],
  ["hour", "Asia/Kolkata", "2026-11-05T10:29:59Z", "2026-11-05T09:30:00Z", "2026-11-05T10:30:00Z"],
  ["day", "Asia/Shanghai", "2026-11-05T15:59:59Z", "2026-11-04T16:00:00Z", "2026-11-05T16:00:00Z"],
  ["week", "UTC", "2026-11-05T10:00:00Z", "2026-11-02T00:00:00Z", "2026-11-09T00:00:00Z"],
  ["week", "UTC", "2027-01-01T00:00:00Z", "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"],
  ["month", "Asia/Shanghai", "2026-11-30T16:00:00Z", "2026-11-30T16:00:00Z", "2026-12-31T16:00:00Z"],
  // Daylight saving: a day of 23 hours, one of 25, and a day that begins at one o'clock.
  ["day", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"],
  ["day", "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"],
  ["day", "Africa/Cairo", "2026-04-24T12:00:00Z", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"],
  ["month", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"],
  // The hour that comes twice is two windows.
  ["hour", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"],
  ["hour", "Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"],
  // Clocks set by half an hour: a window of half an hour.
  ["hour", "Australia/Lord_Howe", "2026-04-04T14:59:00Z", "2026-04-04T14:00:00Z", "2026-04-04T15:00:00Z"],
  ["hour", "Australia/Lord_Howe", "2026-04-04T15:10:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:30:00Z"],
] as const)("%s in %s at %s", (window, zone, at, start, end) => {
  const span = windowAt(window, zone, Date.parse(at));
  expect([iso(span.start), iso(span.end)]).toEqual([start, end]);
});

test("total begins at 0 and never ends", () => {
  expect(windowAt("total", "UTC", 5)).toEqual({ start: 0, end: Number.POSITIVE_INFINITY });
});

test("every instant lies in its window, and windows follow each other without gap", () => {
  const zones = fc.constantFrom(
    "UTC",
    "Asia/Shanghai",
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",
    "Africa/Cairo",
  );
  const windows = fc.constantFrom("hour", "day", "week", "month");
  const instants = fc.oneof(
    fc.integer({ min: Date.parse("2015-01-01"), max: Date.parse("2035-01-01") }),
    // Around the changes of Lord Howe, New York and Berlin.
    fc
      .tuple(
        fc.constantFrom("2026-04-04T15:00:00Z", "2026-10-03T15:30:00Z", "2026-11-01T06:00:00Z", "2026-03-29T01:00:00Z"),
        fc.integer({ min: -7_200_000, max: 7_200_000 }),
      )
      .map(([change, offset]) => Date.parse(change) + offset),
  );
  fc.assert(
    fc.property(windows, zones, instants, (window, zone, at) => {
      const { start, end } = windowAt(window, zone, at);
      expect(start <= at && at < end).toBe(true);
      expect(windowAt(window, zone, start)).toEqual({ start, end });
      expect(windowAt(window, zone, end - 1)).toEqual({ start, end });
      expect(windowAt(window, zone, end).start).toBe(end);
      if (window !== "hour") expect(DateTime.fromMillis(start, { zone }).startOf("day").toMillis()).toBe(start);
    }),
    { numRuns: 500 },
  );
});

test("an unknown zone is named", () => {
  expect(() => windowAt("day", "Mars/Olympus", 0)).toThrow(/Mars\/Olympus/);
});
