import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PHASE } from "../store/spec.ts";
import { Books } from "./books.suite.ts";
import { readCosting } from "./costing-entries.ts";

const START = Date.parse("2026-11-24T06:00:00Z");
const PERIOD = { from: START + 2_000, to: START + 20_000 };

describe("the entries that changed what was spent in a period", () => {
  let books: Books;
  const right: string[] = [];

  beforeAll(async () => {
    books = await Books.open();
    for (let n = 0; n < 30; n++) {
      const at = START + n * 1_000;
      const id = await books.attempt({ at, took: 0, end: n % 5 === 4 ? "release" : "settle" });
      if (n % 5 !== 4 && at >= PERIOD.from && at < PERIOD.to) right.push(`${id} ${PHASE.close} 0`);
      if (n % 3 !== 0 || n % 5 === 4) continue;
      for (const number of [1, 2]) {
        await books.later(id, { phase: PHASE.adjust, kind: "adjust", n: number, at: START + 10_000, amount: -1n });
        right.push(`${id} ${PHASE.adjust} ${number}`);
      }
    }
  });
  afterAll(() => books.close());

  test.each([1, 2, 3, 7, 1_000])("come each once, in batches of %i", async (batchRows) => {
    const read: string[] = [];
    for await (const batch of readCosting(books.store.query, PERIOD, undefined, batchRows)) {
      expect(batch.length).toBeLessThanOrEqual(batchRows);
      read.push(...batch.map(({ attempt, phase, n }) => `${attempt} ${phase} ${n}`));
    }
    expect(read.toSorted()).toEqual(right.toSorted());
  });
});
