import { describe, expect, test } from "vitest";
import { GroupJournal } from "./group-journal.ts";
import { Fenced, type Seated } from "./spec.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const seated = (number: number): Seated => ({ number, epoch: 1, totals: () => [] });
const mark = (value: string) => ({ op: "mark", name: "name", value }) as const;

describe("a journal that gets another seat", () => {
  test("refuses what waited under the earlier one, and sends only what came since", async () => {
    const sent: number[][] = [];
    const journal = new GroupJournal((batch) => sent.push(batch.seat), 100);
    let fences = 0;
    journal.onFenced(() => fences++);
    journal.sit(seated(1));
    const underWay = journal.append(mark("1"));
    await turn();
    const waiting = journal.append(mark("2"));
    journal.sit(seated(2));
    await expect(waiting).rejects.toBeInstanceOf(Fenced);
    const fresh = journal.append(mark("3"));
    journal.fenced();
    await expect(underWay).rejects.toBeInstanceOf(Fenced);
    expect(sent).toEqual([
      [1, 1],
      [2, 1],
    ]);
    journal.committed();
    await fresh;
    expect(fences).toBe(0);
  });

  test("a late commit under the earlier seat counts, and nothing of that seat follows it", async () => {
    const sent: number[][] = [];
    const journal = new GroupJournal((batch) => sent.push(batch.seat), 100);
    journal.sit(seated(1));
    const underWay = journal.append(mark("1"));
    await turn();
    const waiting = journal.append(mark("2"));
    journal.sit(seated(2));
    journal.committed();
    await underWay;
    await expect(waiting).rejects.toBeInstanceOf(Fenced);
    await turn();
    expect(sent).toEqual([[1, 1]]);
  });
});
