import { expect, test } from "vitest";
import { costOf } from "../harness/arithmetic.ts";
import { DEAR_RATES } from "../harness/settings.ts";
import type { TallyRow } from "../harness/upstream-behaviour.ts";
import { booksAfter, type Call } from "./books-after.ts";

/** Books that a crash must not leave behind, and that must be found. */

const billed = { input: 100, cachedInput: 0, output: 50, reasoning: 0 };
const bill = costOf(billed, DEAR_RATES);
const row = (id: string): TallyRow => ({
  ...{ id, model: "mini", tag: "1.w0.0", stream: false, state: "served", billed, at: 0 },
});
const call = (id: string, state: string, vendorRequestId?: string, cost = bill): Call => ({
  ...{ id, key: "w0", state },
  attempts: [
    {
      id: `${id}.1`,
      state,
      bound: "0.01",
      cost: `0.${String(cost).padStart(9, "0")}`,
      vendorRequestId: vendorRequestId!,
    },
  ],
});
const doubt = call("b", "unsettled");

test("a call that is settled, one in doubt that was served, and one that was not", () => {
  const found = booksAfter(["w0"], [row("1"), row("2")], [call("a", "settled", "1"), doubt]);
  expect(found).toMatchObject({ served: 2, lost: [], doubled: [], wrong: [] });
  expect(found.doubts).toEqual([{ attempt: "b.1", bound: 10_000_000n, bill }]);
  expect(booksAfter(["w0"], [], [doubt]).doubts).toEqual([{ attempt: "b.1", bound: 10_000_000n, bill: undefined }]);
});

test.each<[string, TallyRow[], Call[], object]>([
  ["lost", [row("1")], [], { lost: 1, doubled: 0, wrong: 0 }],
  ["released, but served", [row("1")], [call("a", "released")], { lost: 1, doubled: 0, wrong: 0 }],
  ["one doubt for two", [row("1"), row("2")], [doubt], { lost: 1, doubled: 0, wrong: 0 }],
  [
    "settled twice",
    [row("1")],
    [call("a", "settled", "1"), call("b", "settled", "1")],
    { lost: 0, doubled: 1, wrong: 0 },
  ],
  ["settled, never served", [], [call("a", "settled", "1")], { lost: 0, doubled: 1, wrong: 0 }],
  ["at another cost", [row("1")], [call("a", "settled", "1", bill + 1n)], { lost: 0, doubled: 0, wrong: 1 }],
  ["still held", [], [call("a", "held")], { lost: 0, doubled: 0, wrong: 1 }],
  ["two doubts of one caller", [row("1")], [doubt, call("c", "unsettled")], { lost: 0, doubled: 0, wrong: 1 }],
])("finds what is %s", (_, rows, calls, counts) => {
  const { lost, doubled, wrong } = booksAfter(["w0"], rows, calls);
  expect({ lost: lost.length, doubled: doubled.length, wrong: wrong.length }).toEqual(counts);
});
