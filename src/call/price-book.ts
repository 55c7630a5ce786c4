import type { Kysely } from "kysely";
import type { PriceDocument } from "../catalogue/price-document.ts";
import { savePrice } from "../store/prices.ts";
import type { Schema } from "../store/schema.ts";

/** Keeps every price document that an entry names, so that a cost can be computed again for ever. */
export class PriceBook {
  readonly #query: Kysely<Schema>;
  readonly #written = new Set<string>();

  constructor(query: Kysely<Schema>) {
    this.#query = query;
  }

  /** Resolves (or returns undefined, when it long since is) once `price` is in the store. */
  keep(price: PriceDocument, now: number): Promise<void> | undefined {
    if (this.#written.has(price.id)) return undefined;
    return this.#write(price, now);
  }

  async #write(price: PriceDocument, now: number): Promise<void> {
    await savePrice(this.#query, { id: price.id, document: price.json, createdAt: now });
    this.#written.add(price.id);
  }
}
