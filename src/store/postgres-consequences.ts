import { ENTRY_HEAD, type Value } from "./batch.ts";
import type { OtherEntry, OtherSteps } from "./batch-steps.ts";
import type { BatchSums } from "./batch-sums.ts";
import type { SlotRows } from "./opening-slots.ts";
import { arrayOf, columnArray } from "./postgres-arrays.ts";
import type { Ask } from "./postgres-statements.ts";
import { PHASE } from "./spec.ts";

const ADD_TO_THIRD = ["addToFirstThird", "addToSecondThird", "addToLastThird"] as const;

/** Writes what follows from the entries of a batch. Rows of a table are written in one order, so that two writers queue instead of waiting for each other. */
export class PostgresConsequences {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** @param seat 0 where one process has the store alone: a seat keeps sums of its windows itself */
  writeSums({ hours, windows }: ReturnType<BatchSums["take"]>, seat: number): void {
    if (hours.length > 0) {
      const rows = hours.map(({ hour, facts, sums }): SumRow => ({ key: [hour, ...facts, seat], sums }));
      this.#ask("addToHours", columnsOf(oneOfEach(rows)));
      for (const [third, name] of ADD_TO_THIRD.entries()) {
        const ofThird = hours.filter((sum) => sum.third.third === third);
        const days = ofThird.map(({ third: { day }, circumstances: { kin }, dayFigures }): SumRow => {
          return { key: [day, kin!, seat], sums: dayFigures };
        });
        if (days.length > 0) this.#ask(name, columnsOf(oneOfEach(days)));
      }
    }
    if (seat === 0 && windows.length > 0) this.#ask("addToWindows", columnsOf(inOrder(windows)));
  }

  writeSlots(rows: SlotRows | undefined, seat: number): void {
    if (!rows) return;
    const { begun, late, kin, times } = rows;
    const seats = (all: readonly number[]): string => arrayOf(all.map(() => seat));
    if (begun.length > 0) this.#ask("beginSlots", [arrayOf(begun), seats(begun)]);
    if (late.length > 0) this.#ask("beginLateSlots", [arrayOf(late), seats(late)]);
    this.#ask("noteKin", [arrayOf(kin), arrayOf(times), seats(kin)]);
  }

  writeTotals(totals: readonly Value[], width: number, seat: number): void {
    if (totals.length === 0) return;
    const columns = Array.from({ length: width }, (_, place) => columnArray(totals, width, place));
    const rows = totals.length / width;
    this.#ask("totals", [...columns, arrayOf(Array<number>(rows).fill(seat))]);
  }

  writeDoubts(entries: readonly OtherEntry[]): void {
    const doubts = new Map<string, readonly (string | number)[]>();
    const shares = new Map<string, readonly [string, string, number, bigint]>();
    const resolved = new Set<string>();
    for (const { values, circumstances, amounts } of entries) {
      const attempt = values[ENTRY_HEAD.attempt] as string;
      if (values[ENTRY_HEAD.kind] === "unsettled") {
        if (!doubts.has(attempt)) doubts.set(attempt, [attempt, values[ENTRY_HEAD.at] as number, reasonOf(values)]);
        circumstances.books.forEach((book, i) => {
          const window = circumstances.windows[i]!;
          const name = JSON.stringify([attempt, book, window]);
          shares.set(name, [attempt, book, window, (shares.get(name)?.[3] ?? 0n) + BigInt(amounts[i]!)]);
        });
      }
      if (values[ENTRY_HEAD.phase] === PHASE.resolve) {
        resolved.add(attempt);
        doubts.delete(attempt);
        for (const [name, share] of shares) if (share[0] === attempt) shares.delete(name);
      }
    }
    if (resolved.size > 0) {
      this.#ask("removeDoubts", [arrayOf([...resolved].sort())]);
      this.#ask("removeDoubtShares", [arrayOf([...resolved].sort())]);
    }
    if (doubts.size > 0) this.#ask("addDoubts", columnsOf([...doubts.values()]));
    if (shares.size > 0) this.#ask("addDoubtShares", columnsOf([...shares.values()]));
  }

  /**
   * @param news the entries that were not in the ledger before
   * @param mayBeThere the others may be in the ledger because this very batch wrote them, and the answers with them
   */
  writeKept(steps: OtherSteps["kept"], news: ReadonlySet<OtherEntry>, mayBeThere: boolean): void {
    const last = new Map<string, readonly Value[] | undefined>();
    for (const { id, values, entry } of steps) {
      if (!entry || news.has(entry)) last.set(id, values);
      // What came before it in the batch must not undo it now.
      else if (mayBeThere) last.delete(id);
    }
    const forgotten = [...last].filter(([, values]) => values === undefined).map(([id]) => id);
    if (forgotten.length > 0) this.#ask("forget", [arrayOf(forgotten.sort())]);
    // Each by itself: an answer may be long, and inside an array it would be twice as long.
    for (const values of last.values()) if (values) this.#ask("keep", values);
  }

  writeMarks(marks: ReadonlyMap<string, string>): void {
    if (marks.size > 0) this.#ask("mark", columnsOf([...marks].sort()));
  }
}

/** What is added to one row. */
interface SumRow {
  readonly key: readonly (string | number)[];
  readonly sums: readonly (number | bigint)[];
}

/** Rows of one key are one row, as those of circumstances that differ only in price, rates or budgets are. */
function oneOfEach(all: readonly SumRow[]): (string | number | bigint)[][] {
  const rows = new Map<string, { readonly key: SumRow["key"]; readonly sums: (number | bigint)[] }>();
  for (const { key, sums } of all) {
    const name = JSON.stringify(key);
    const row = rows.get(name);
    if (!row) rows.set(name, { key, sums: [...sums] });
    else for (let i = 0; i < sums.length; i++) row.sums[i] = add(row.sums[i]!, sums[i]!);
  }
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { key, sums }]) => [...key, ...sums]);
}

function add(a: number | bigint, b: number | bigint): number | bigint {
  return typeof a === "bigint" ? a + BigInt(b) : a + Number(b);
}

function inOrder<T extends readonly [string, number, ...unknown[]]>(rows: readonly T[]): T[] {
  return [...rows].sort((a, b) => (a[0] === b[0] ? a[1] - b[1] : a[0] < b[0] ? -1 : 1));
}

function columnsOf(rows: readonly (readonly (string | number | bigint)[])[]): string[] {
  return rows[0]!.map((_, i) => arrayOf(rows.map((row) => row[i]!)));
}

/** PostgreSQL's texts hold no zero byte, and JSON may name one. */
function reasonOf(values: readonly Value[]): string {
  const { reason } = JSON.parse(values[ENTRY_HEAD.detail] as string) as { reason?: string };
  return (reason ?? "").replaceAll("\0", "");
}
