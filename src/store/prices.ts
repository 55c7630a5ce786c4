import type { Kysely } from "kysely";
import type { Schema } from "./schema.ts";

/** A price document as it was when an entry was computed by it. */
export interface StoredPrice {
  readonly id: string;
  /** JSON. */
  readonly document: string;
  readonly createdAt: number;
}

/** Keeps a price document for ever, once. Its id tells its content, so one that is there already is the same. */
export async function savePrice(query: Kysely<Schema>, price: StoredPrice): Promise<void> {
  await query
    .insertInto("prices")
    .values({ id: price.id, document: price.document, created_at: price.createdAt })
    .onConflict((conflict) => conflict.column("id").doNothing())
    .execute();
}

/** The price documents with the given ids, by id; those that do not exist are not in it. */
export async function loadPrices(
  query: Kysely<Schema>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, StoredPrice>> {
  const found = new Map<string, StoredPrice>();
  for (let i = 0; i < ids.length; i += PARAMETERS) {
    const rows = await query
      .selectFrom("prices")
      .selectAll()
      .where("id", "in", ids.slice(i, i + PARAMETERS))
      .execute();
    for (const { id, document, created_at } of rows) found.set(id, { id, document, createdAt: created_at });
  }
  return found;
}

/** Of one statement. */
const PARAMETERS = 500;
