import { expect, test } from "vitest";
import { CallIds, firstIdAt, timeOfId } from "./ids.ts";

const NOW = Date.parse("2026-11-24T09:00:00Z");

test("ids sort in the order in which they were made, whatever the clock does, and never repeat", () => {
  const ids = new CallIds();
  const steps = [0, 0, 1, 0, -5_000, 3, 0, 0, 86_400_000, -1];
  let now = NOW;
  const made = Array.from({ length: 5_000 }, (_, n) => ids.next((now += steps[n % steps.length]!)));
  expect(new Set(made).size).toBe(made.length);
  expect([...made].sort()).toEqual(made);
  for (const id of made) expect(id).toMatch(/^call_[0-9a-hjkmnp-tv-z]{20}$/);
});

test("an id tells its millisecond", () => {
  const id = new CallIds().next(NOW);
  expect(timeOfId(id)).toBe(NOW);
  expect(id.startsWith(firstIdAt(NOW))).toBe(true);
});

test("ids go on after the last one of the store, even where the clock is behind it", () => {
  const last = new CallIds().next(NOW + 60_000);
  const ids = new CallIds(last);
  const made = [ids.next(NOW), ids.next(NOW), ids.next(NOW + 120_000)];
  expect([last, ...made].sort()).toEqual([last, ...made]);
});

test("nodes that go on after one id of a store, with clocks behind it, make different ids", () => {
  const last = new CallIds().next(NOW + 60_000);
  const made = Array.from({ length: 600 }, () => new CallIds(last).next(NOW));
  expect(new Set(made).size).toBe(made.length);
});

test("ids of one millisecond begin where nobody can guess", () => {
  const begins = Array.from({ length: 600 }, (_, n) => new CallIds().next(NOW + n).slice(14));
  expect(new Set(begins).size).toBe(begins.length);
});
