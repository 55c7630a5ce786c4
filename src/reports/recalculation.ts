import type { Kysely } from "kysely";
import type { Nano } from "../base/money.ts";
import type { Usage } from "../base/usage.ts";
import type { CostLine } from "../catalogue/cost-lines.ts";
import { type PriceDocument, parsePriceDocument } from "../catalogue/price-document.ts";
import { type Cost, priceUsage } from "../catalogue/price-engine.ts";
import { entryOfRow, pricedAt, usageOfEntry } from "../records/entry-rows.ts";
import type { Schema } from "../store/schema.ts";
import { type EntryRow, PHASE } from "../store/spec.ts";

/** What a settled entry's cost is made of, computed again from its own row. */
export interface Recomputed {
  readonly cost: Nano;
  readonly lines: readonly CostLine[];
  /** Whether the result is the entry's amount, to the nano-unit. */
  readonly equal: boolean;
}

/** Price documents that are kept in memory; they never change. */
const MOST_DOCUMENTS = 1_000;

/** Computes costs again from entries: usage and time from the rows, the price from the document that they name. */
export class Recalculation {
  readonly #query: Kysely<Schema>;
  readonly #documents = new Map<string, PriceDocument>();

  constructor(query: Kysely<Schema>) {
    this.#query = query;
  }

  /**
   * The arithmetic of a settled entry, or undefined where its cost does not come from usage and price: a vendor's bill,
   * a person's word, or no price at all.
   *
   * @param starts what `startsOf` found for this entry and others; looked for where not given
   */
  async recompute(entry: EntryRow, starts?: ReadonlyMap<string, number>): Promise<Recomputed | undefined> {
    if (entry.basis === "vendor-bill") return undefined;
    const usage = usageOfEntry(entry);
    const price = await this.price(entry.price);
    if (!price) return undefined;
    const { amount, lines } = priceUsage(price, usage ?? {}, {
      at: starts?.get(entry.attempt) ?? (await this.#startOf(entry)),
    });
    const equal = amount === entry.amount;
    return usage || equal ? { cost: amount, lines, equal } : undefined;
  }

  /**
   * When the attempts of these entries were priced, milliseconds, by attempt. A resolution by a person does not say it; the
   * entries before it do: one question for all of them.
   */
  async startsOf(entries: readonly EntryRow[]): Promise<Map<string, number>> {
    const resolved = entries.filter(({ phase }) => phase === PHASE.resolve).map(({ attempt }) => attempt);
    const starts = new Map<string, number>();
    if (resolved.length === 0) return starts;
    const rows = await this.#query
      .selectFrom("entries")
      .selectAll()
      .where("attempt", "in", resolved)
      .orderBy("attempt")
      .orderBy("phase", "desc")
      .orderBy("n", "desc")
      .execute();
    const histories = new Map<string, EntryRow[]>();
    for (const row of rows) {
      const history = histories.get(row.attempt);
      if (history) history.push(entryOfRow(row));
      else histories.set(row.attempt, [entryOfRow(row)]);
    }
    for (const [attempt, history] of histories) starts.set(attempt, pricedAt(history));
    return starts;
  }

  async #startOf(entry: EntryRow): Promise<number> {
    if (entry.phase !== PHASE.resolve) return pricedAt([entry]);
    return (await this.startsOf([entry])).get(entry.attempt)!;
  }

  /** What usage costs by the price document with this id, at an instant; undefined where there is no such document. */
  async costOf(priceId: string, usage: Usage, at: number): Promise<Cost | undefined> {
    const price = await this.price(priceId);
    return price && priceUsage(price, usage, { at });
  }

  /** The price document with this id, or undefined where the store has none. */
  async price(id: string): Promise<PriceDocument | undefined> {
    const known = this.#documents.get(id);
    if (known) return known;
    const row = await this.#query.selectFrom("prices").select("document").where("id", "=", id).executeTakeFirst();
    if (!row) return undefined;
    const document = parsePriceDocument(row.document, id);
    if (this.#documents.size >= MOST_DOCUMENTS) this.#documents.delete(this.#documents.keys().next().value!);
    this.#documents.set(id, document);
    return document;
  }
}
