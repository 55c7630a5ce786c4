import { DatabaseSync } from "@photostructure/sqlite";
import fc from "fast-check";
import { expect, test } from "vitest";
import { firstIdAt } from "../base/ids.ts";
import { MIGRATIONS, SQLITE_WORDS } from "./migrations.ts";
import { type Kin, OpeningSlots } from "./opening-slots.ts";

const START = Date.parse("2026-11-24T06:00:00Z");
const SIZE = 5;

function openDatabase(): InstanceType<typeof DatabaseSync> {
  const database = new DatabaseSync(":memory:");
  database.exec("create table meta (name text not null primary key, value text not null) strict, without rowid");
  for (const { statements } of MIGRATIONS) for (const statement of statements(SQLITE_WORDS)) database.exec(statement);
  return database;
}

/** Some milliseconds pass, or none; a call may have waited since before; the program starts anew. */
const step = fc.record({
  kin: fc.integer({ min: 1, max: 4 }),
  passes: fc.oneof(fc.constant(0), fc.nat(50), fc.constant(9_000_000)),
  waited: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(200) }),
  restarts: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.boolean() }),
});

test("every opening is in a slot in which its kin was noted, however late it comes, and slots stay small", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 120 }), (steps) => {
      const database = openDatabase();
      const write = database.prepare(
        `insert into entry_rows (attempt, phase, n, kind, at, circumstances, amount, held, detail)
         values (?, 0, 0, 'hold', 0, ?, 0, 0, '{}')`,
      );
      let slots = new OpeningSlots(database, SIZE);
      let kin = new Map<number, Kin>();
      let now = START;
      const openings: { kin: number; attempt: string }[] = [];
      for (const [n, one] of steps.entries()) {
        now += one.passes;
        const attempt = `${firstIdAt(now - one.waited)}${String(n).padStart(11, "0")}.1`;
        let seen = kin.get(one.kin);
        if (!seen) kin.set(one.kin, (seen = { id: one.kin, slot: -1 }));
        slots.see(seen, attempt);
        write.run(attempt, one.kin);
        openings.push({ kin: one.kin, attempt });
        if (one.restarts) {
          slots = new OpeningSlots(database, SIZE);
          kin = new Map();
        }
      }
      const starts = (
        database.prepare("select since from opening_slots order by since").all() as { since: number }[]
      ).map(({ since }) => since);
      const noted = database.prepare("select kin, since from kin_slots").all() as { kin: number; since: number }[];
      const first = (since: number): string => (since === 0 ? "" : firstIdAt(since));
      const slotOf = (attempt: string): number => starts.findLast((since) => first(since) <= attempt)!;
      for (const { kin: id, attempt } of openings) {
        expect(noted).toContainEqual({ kin: id, since: slotOf(attempt) });
      }
      for (const { kin: id, since } of noted) {
        expect(openings.some((one) => one.kin === id && slotOf(one.attempt) === since)).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

test("a slot is left when it is full, and the next one begins behind all that was seen", () => {
  const database = openDatabase();
  const slots = new OpeningSlots(database, SIZE);
  const kin: Kin = { id: 1, slot: -1 };
  for (let n = 0; n < 4 * SIZE; n++) {
    slots.see(kin, `${firstIdAt(START + n)}00000000000.1`);
  }
  const starts = database.prepare("select since from opening_slots order by since").all();
  expect(starts).toEqual([0, 5, 10, 15].map((n) => ({ since: n === 0 ? 0 : START + n })));
});
