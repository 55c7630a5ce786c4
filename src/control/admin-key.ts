import type { Kysely } from "kysely";
import { hasHash, hashSecret, newAdminKey } from "../payers/secrets.ts";
import type { Schema } from "../store/schema.ts";

const META_NAME = "admin-key-hash";

/** Longer texts are no key. */
const MOST_CHARACTERS = 512;

/** The key of operators. Only its hash is kept, in memory as well. */
export class AdminKey {
  readonly #hash: string;
  /** A key that was made just now, to be shown once. */
  readonly made: string | undefined;

  private constructor(hash: string, made?: string) {
    this.#hash = hash;
    this.made = made;
  }

  /**
   * The key given by `MAIDAN_ADMIN_KEY`, else the one made earlier, else a new one.
   *
   * @param given the value of `MAIDAN_ADMIN_KEY`; it is not stored
   */
  static async open(given: string | undefined, query: Kysely<Schema>): Promise<AdminKey> {
    if (given !== undefined) return new AdminKey(hashSecret(given));
    const read = query.selectFrom("meta").select("value").where("name", "=", META_NAME);
    const kept = await read.executeTakeFirst();
    if (kept) return new AdminKey(kept.value);
    const made = newAdminKey();
    const hash = hashSecret(made);
    await query
      .insertInto("meta")
      .values({ name: META_NAME, value: hash })
      .onConflict((conflict) => conflict.column("name").doNothing())
      .execute();
    // Of nodes that start at a time on a new store, one made the key.
    const { value } = await read.executeTakeFirstOrThrow();
    return new AdminKey(value, value === hash ? made : undefined);
  }

  /** Whether `secret` is the admin key. The time taken does not depend on how much of it is right. */
  readonly verify = (secret: string): boolean => secret.length <= MOST_CHARACTERS && hasHash(secret, this.#hash);
}
