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
   */
  async recompute(entry: EntryRow): Promise<Recomputed | undefined> {
    if (entry.basis === "vendor-bill") return undefined;
    const usage = usageOfEntry(entry);
    const price = await this.price(entry.price);
    if (!price) return undefined;
    const { amount, lines } = priceUsage(price, usage ?? {}, { at: await this.#startOf(entry) });
    const equal = amount === entry.amount;
    return usage || equal ? { cost: amount, lines, equal } : undefined;
  }

  /** A resolution by a person does not say when its attempt was priced; the entries before it do. */
  async #startOf(entry: EntryRow): Promise<number> {
    if (entry.phase !== PHASE.resolve) return pricedAt([entry]);
    const rows = await this.#query
      .selectFrom("entries")
      .selectAll()
      .where("attempt", "=", entry.attempt)
      .orderBy("phase", "desc")
      .orderBy("n", "desc")
      .execute();
    return pricedAt(rows.map(entryOfRow));
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
