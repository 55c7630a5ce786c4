import fc from "fast-check";
import { expect, test } from "vitest";
import { type Placed, Roster } from "./roster.ts";

test("holds what was added and not removed, each at its place", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(30), { maxLength: 200 }), (steps) => {
      const roster = new Roster<Placed>();
      const there = new Set<Placed>();
      for (const step of steps) {
        const known = [...there][step];
        if (known) {
          roster.remove(known);
          there.delete(known);
        } else {
          const added = { place: -1 };
          roster.add(added);
          there.add(added);
        }
        expect(new Set(roster)).toEqual(there);
        expect(roster.size).toBe(there.size);
        for (const thing of there) expect(roster.at(thing.place)).toBe(thing);
      }
    }),
  );
});
