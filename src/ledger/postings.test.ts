import fc from "fast-check";
import { expect, test } from "vitest";
import { type EntryKind, PHASE } from "../store/spec.ts";
import { makeEntry } from "./entries.ts";
import { postings } from "./postings.ts";

const FACTS = {
  attempt: "call_1.1",
  payer: "acme",
  key: "k",
  route: "r",
  model: "lab/mini/x",
  currency: "USD",
  price: "p",
};

function legs(kind: EntryKind, phase: number, amount: bigint, held: bigint): Record<string, bigint> {
  const entry = makeEntry(FACTS, { phase, n: 0, kind, at: 0, amount, held, shares: [], rates: "", detail: "{}" });
  return Object.fromEntries(postings(entry).map((leg) => [leg.account, leg.amount]));
}

test.each([
  ["hold", PHASE.hold, 3n, 10n, { "held:acme": 10n, "committed:lab": -10n }],
  ["top-up", PHASE.hold, 3n, 10n, { "held:acme": 10n, "committed:lab": -10n }],
  ["settle", PHASE.close, 7n, 10n, { "held:acme": -10n, "committed:lab": 10n, "spent:acme": 7n, "owed:lab": -7n }],
  ["settle", PHASE.close, 0n, 10n, { "held:acme": -10n, "committed:lab": 10n }],
  ["release", PHASE.close, 0n, 10n, { "held:acme": -10n, "committed:lab": 10n }],
  [
    "unsettled",
    PHASE.close,
    10n,
    10n,
    { "held:acme": -10n, "committed:lab": 10n, "unsettled:acme": 10n, "contingent:lab": -10n },
  ],
  [
    "settle",
    PHASE.resolve,
    7n,
    10n,
    { "unsettled:acme": -10n, "contingent:lab": 10n, "spent:acme": 7n, "owed:lab": -7n },
  ],
  ["release", PHASE.resolve, 0n, 10n, { "unsettled:acme": -10n, "contingent:lab": 10n }],
  ["adjust", PHASE.adjust, -4n, 0n, { "spent:acme": -4n, "owed:lab": 4n }],
] as const)("%s in phase %i", (kind, phase, amount, held, expected) => {
  expect(legs(kind, phase, amount, held)).toEqual(expected);
});

test("whatever the life of an attempt, its postings sum to zero and leave nothing held or in doubt", () => {
  const nano = fc.bigInt({ min: 0n, max: 2n ** 62n });
  fc.assert(
    fc.property(nano, nano, nano, fc.boolean(), (bound, more, cost, doubted) => {
      const steps = [
        legs("hold", PHASE.hold, bound, bound),
        legs("top-up", PHASE.hold, more, more),
        ...(doubted
          ? [
              legs("unsettled", PHASE.close, bound + more, bound + more),
              legs("settle", PHASE.resolve, cost, bound + more),
            ]
          : [legs("settle", PHASE.close, cost, bound + more)]),
      ];
      const balances: Record<string, bigint> = {};
      for (const step of steps) {
        expect(Object.values(step).reduce((sum, amount) => sum + amount, 0n)).toBe(0n);
        for (const [account, amount] of Object.entries(step)) balances[account] = (balances[account] ?? 0n) + amount;
      }
      const { "spent:acme": spent = 0n, "owed:lab": owed = 0n, ...rest } = balances;
      expect([spent, owed]).toEqual([cost, -cost]);
      expect(Object.values(rest).every((amount) => amount === 0n)).toBe(true);
    }),
  );
});
