import fc from "fast-check";
import { expect, test } from "vitest";
import { THIRD_MS } from "../store/schema.ts";
import { segmentsOf } from "./periods.ts";
import { coverUnits, unitsOf } from "./usage-units.ts";

const HOUR_MS = 3_600_000;
const START = Date.parse("2026-10-20T00:00:00Z");

const zone = fc.constantFrom("UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Pacific/Auckland");
const by = fc.constantFrom<("day" | "month")[]>(["day"], ["month"], ["day", "month"], []);

test("every hour of a segment is counted once, in the unit it falls in, and few hours are read", () => {
  fc.assert(
    fc.property(zone, by, fc.nat(500), fc.integer({ min: 1, max: 900 }), (timezone, keys, start, length) => {
      const from = START + start * HOUR_MS;
      for (const segment of segmentsOf({ from, to: from + length * HOUR_MS }, timezone, [])) {
        const units = unitsOf(segment, keys);
        expect([units[0]!.from, units.at(-1)!.to]).toEqual([segment.from, segment.to]);
        for (const [n, { to }] of units.slice(0, -1).entries()) expect(to).toBe(units[n + 1]!.from);
        const counted = new Map<number, number[]>();
        const count = (hour: number, unit: number, sign: number): void => {
          const counts = counted.get(hour) ?? Array<number>(units.length).fill(0);
          counts[unit]! += sign;
          counted.set(hour, counts);
        };
        const { thirds, hours } = coverUnits(units);
        for (const { from: low, to: high, unit } of thirds) {
          expect([low % THIRD_MS, high % THIRD_MS, low < high]).toEqual([0, 0, true]);
          for (let hour = low; hour < high; hour += HOUR_MS) count(hour, unit, 1);
        }
        let read = 0;
        for (const { from: low, to: high, into, outOf } of hours) {
          for (let hour = low; hour < high; hour += HOUR_MS) {
            read += 1;
            count(hour, into, 1);
            if (outOf !== undefined) count(hour, outOf, -1);
          }
        }
        expect(read).toBeLessThanOrEqual(14 + 4 * (units.length - 1));
        const wanted = new Map<number, number[]>();
        for (const [unit, { from: low, to: high }] of units.entries()) {
          for (let hour = low; hour < high; hour += HOUR_MS)
            wanted.set(
              hour,
              units.map((_, n) => (n === unit ? 1 : 0)),
            );
        }
        expect(counted).toEqual(wanted);
      }
    }),
  );
});

test("units are the zone's own days and months", () => {
  const segment = { from: Date.parse("2026-10-30T16:00:00Z"), to: Date.parse("2026-11-01T16:00:00Z") };
  const units = unitsOf({ ...segment, offsetMs: 8 * HOUR_MS }, ["month", "day"]);
  expect(units.map(({ keys }) => keys)).toEqual([
    { month: "2026-10", day: "2026-10-31" },
    { month: "2026-11", day: "2026-11-01" },
  ]);
});
