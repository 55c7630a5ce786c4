import { createHash } from "node:crypto";
import { CIRCUMSTANCES_KEPT, type Value } from "./batch.ts";
import type { HourlySum } from "./batch-sums.ts";
import { SHARE_MARK } from "./schema.ts";

/** payer, key, route, model, currency, price, rates, lease. */
export const FACT_COLUMNS = ["payer", "key", "route", "model", "currency", "price", "rates", "lease"] as const;

/** Those of them that kin share. */
export const KIN_COLUMNS = ["payer", "key", "route", "model", "currency"] as const;

/** What the entries of a batch have in common, as a writer knows it. */
export interface Circumstances {
  /** Of its row; undefined until the writer has written it, or found it. */
  id: number | undefined;
  /** The id of their kin, which is known when theirs is. */
  kin: number | undefined;
  /** As `FACT_COLUMNS`. */
  readonly facts: readonly string[];
  readonly books: readonly string[];
  readonly windows: readonly number[];
  /** What the batch under way has added so far, in the hour of its last entry. */
  sum: HourlySum | undefined;
}

/** The circumstances that a writer has heard of, by the numbers that batches use. */
export class KnownCircumstances {
  readonly #byNumber = new Map<number, Circumstances>();

  /** Takes in what a batch describes, and returns it. */
  meet(values: readonly Value[]): Circumstances[] {
    const met: Circumstances[] = [];
    for (let at = 0; at < values.length; ) {
      const number = values[at] as number;
      const facts = values.slice(at + 1, at + 1 + FACT_COLUMNS.length) as string[];
      const count = values[at + 1 + FACT_COLUMNS.length] as number;
      at += FACT_COLUMNS.length + 2;
      const books: string[] = [];
      const windows: number[] = [];
      for (let i = 0; i < count; i++, at += 2) {
        books.push(values[at] as string);
        windows.push(values[at + 1] as number);
      }
      const circumstances = { id: undefined, kin: undefined, facts, books, windows, sum: undefined };
      // As the newest, even where an encoder before this one had used the number.
      this.#byNumber.delete(number);
      this.#byNumber.set(number, circumstances);
      met.push(circumstances);
    }
    return met;
  }

  find(number: Value | undefined): Circumstances {
    const circumstances = this.#byNumber.get(number as number);
    if (!circumstances) throw new Error(`a batch names circumstances that nobody described (${String(number)})`);
    return circumstances;
  }

  values(): Iterable<Circumstances> {
    return this.#byNumber.values();
  }

  /** The journal names none but the newest. */
  forgetOldest(): void {
    if (this.#byNumber.size <= 2 * CIRCUMSTANCES_KEPT) return;
    for (const number of this.#byNumber.keys()) {
      if (this.#byNumber.size <= CIRCUMSTANCES_KEPT) return;
      this.#byNumber.delete(number);
    }
  }
}

/** As the column `books` has it. */
export function booksOf({ books, windows }: Pick<Circumstances, "books" | "windows">): string {
  return sharesJson(books, windows, Array<string>(books.length).fill(SHARE_MARK));
}

/** As the column `shares` of an entry has them. */
export function sharesJson(books: readonly string[], windows: readonly number[], amounts: readonly string[]): string {
  let text = "[";
  for (let i = 0; i < books.length; i++) {
    text += `${i > 0 ? "," : ""}[${JSON.stringify(books[i])},${windows[i]},"${amounts[i]}"]`;
  }
  return `${text}]`;
}

export function digestOf(circumstances: Pick<Circumstances, "facts" | "books" | "windows">): string {
  const text = JSON.stringify([...circumstances.facts, booksOf(circumstances)]);
  return createHash("sha256").update(text).digest("hex");
}
