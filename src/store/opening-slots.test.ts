import { DatabaseSync } from "@photostructure/sqlite";
import fc from "fast-check";
import { expect, test } from "vitest";
import { firstIdAt } from "../base/ids.ts";
import { MIGRATIONS, SQLITE_WORDS } from "./migrations.ts";
import { SLOT_MOST_MS } from "./schema.ts";
import { SqliteSlots } from "./sqlite-slots.ts";

const START = Date.parse("2026-11-24T06:00:00Z");
const SIZE = 5;

function openDatabase(): InstanceType<typeof DatabaseSync> {
  const database = new DatabaseSync(":memory:");
  database.exec("create table meta (name text not null primary key, value text not null) strict, without rowid");
  for (const { statements } of MIGRATIONS) for (const statement of statements(SQLITE_WORDS)) database.exec(statement);
  return database;
}

/**
 * Some milliseconds pass, or none, or more than a slot may last; a call may have waited since before; a batch ends; the
 * program starts anew, or the seat is another node's, whose clock is behind.
 */
const step = fc.record({
  seat: fc.constantFrom(0, 0, 3),
  kin: fc.integer({ min: 1, max: 4 }),
  passes: fc.oneof(
    fc.constant(0),
    fc.nat(50),
    fc.constantFrom(SLOT_MOST_MS - 1, SLOT_MOST_MS, SLOT_MOST_MS + 1, 9_000_000),
  ),
  waited: fc.oneof(
    { weight: 5, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.nat(200) },
    { weight: 1, arbitrary: fc.nat(3 * SLOT_MOST_MS) },
  ),
  ends: fc.boolean(),
  restarts: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.boolean() }),
  isBehind: fc.boolean(),
});

test("every opening is in a slot in which its kin was noted, however late it comes", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 120 }), (steps) => {
      const database = openDatabase();
      const write = database.prepare(
        `insert into entry_rows (attempt, phase, n, kind, at, circumstances, amount, held, detail)
         values (?, 0, 0, 'hold', 0, ?, 0, 0, '{}')`,
      );
      const writers = new Map<number, { slots: SqliteSlots; epoch: number; behind: number }>();
      let now = START;
      const openings: { seat: number; kin: number; attempt: string; time: number }[] = [];
      const end = (seat: number): void => writers.get(seat)!.slots.write(seat);
      for (const [n, one] of steps.entries()) {
        const { seat, kin } = one;
        now += one.passes;
        const known = writers.get(seat);
        if (known && one.restarts) end(seat);
        if (!known || one.restarts) {
          const behind = one.isBehind ? 2 * SLOT_MOST_MS : 0;
          writers.set(seat, { slots: new SqliteSlots(database, SIZE), epoch: (known?.epoch ?? 0) + 1, behind });
        }
        const { slots, epoch, behind } = writers.get(seat)!;
        slots.open(seat === 0 ? [] : [seat, epoch]);
        const time = now - one.waited - behind;
        const attempt = `${firstIdAt(time)}${String(n).padStart(11, "0")}.1`;
        slots.see(kin, attempt);
        write.run(attempt, kin);
        openings.push({ seat, kin, attempt, time });
        if (one.ends) end(seat);
      }
      for (const seat of writers.keys()) end(seat);
      type Noted = { since: number; seat: number; kin: number };
      const slots = database.prepare("select since, seat from opening_slots order by since").all() as Noted[];
      const noted = database.prepare("select kin, since, seat from kin_slots").all() as Noted[];
      const slotOf = ({ seat, time }: { seat: number; time: number }): number | undefined =>
        slots.findLast((slot) => slot.seat === seat && slot.since <= time && time < slot.since + SLOT_MOST_MS)?.since;
      for (const opening of openings) {
        expect(noted).toContainEqual({ kin: opening.kin, since: slotOf(opening), seat: opening.seat });
      }
      for (const { kin, since, seat } of noted) {
        expect(openings.some((one) => one.kin === kin && one.seat === seat && slotOf(one) === since)).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});

test("a slot is left when it is full or long, and the next one begins behind all that was seen", () => {
  const database = openDatabase();
  const slots = new SqliteSlots(database, SIZE);
  slots.open([]);
  const times = Array.from({ length: 4 * SIZE }, (_, n) => START + n).concat(START + 15 + SLOT_MOST_MS);
  for (const time of times) slots.see(1, `${firstIdAt(time)}00000000000.1`);
  slots.write(0);
  const starts = database.prepare("select since from opening_slots order by since").all();
  expect(starts).toEqual([0, 5, 10, 15, 15 + SLOT_MOST_MS].map((n) => ({ since: START + n })));
});

test("what happened in the same millisecond is in the same slot", () => {
  const database = openDatabase();
  const slots = new SqliteSlots(database, SIZE);
  slots.open([]);
  for (let n = 0; n < 3 * SIZE; n++) slots.see(1, `${firstIdAt(START)}${String(n).padStart(11, "0")}.1`);
  slots.write(0);
  expect(database.prepare("select since from opening_slots").all()).toEqual([{ since: START }]);
});
