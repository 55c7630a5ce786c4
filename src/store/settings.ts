import type { Kysely } from "kysely";
import {
  type DocumentKind,
  type DocumentSource,
  GENERAL_ID,
  type GeneralSetting,
  NO_SETTINGS,
  SETTING_KINDS,
  type Settings,
} from "../config/settings.ts";
import type { Schema } from "./schema.ts";
import { transact } from "./transact.ts";

/** Settings as the store keeps them, with who wrote each document. */
export interface StoredSettings {
  readonly settings: Settings;
  /** By `nameOfDocument`. */
  readonly sources: ReadonlyMap<string, DocumentSource>;
}

/** Writes a document, or removes it. */
export type DocumentChange =
  | {
      readonly kind: DocumentKind;
      readonly id: string;
      readonly document: unknown;
      readonly source: DocumentSource;
    }
  | { readonly kind: DocumentKind; readonly id: string; readonly document: undefined };

/** The name of a document among all of them: `budgets/acme-month`. */
export function nameOfDocument(kind: DocumentKind, id: string): string {
  return `${kind}/${id}`;
}

/** All settings in the order of their ids. */
export async function loadSettings(query: Kysely<Schema>): Promise<StoredSettings> {
  const rows = await query.selectFrom("settings").selectAll().orderBy("kind").orderBy("id").execute();
  const documents: Record<string, unknown[]> = Object.fromEntries(SETTING_KINDS.map((kind) => [kind, []]));
  const sources = new Map<string, DocumentSource>();
  let general: GeneralSetting = NO_SETTINGS.general;
  for (const { kind, id, document, source } of rows) {
    sources.set(nameOfDocument(kind as DocumentKind, id), source as DocumentSource);
    if (kind === GENERAL_ID) general = JSON.parse(document) as GeneralSetting;
    else documents[kind]?.push(JSON.parse(document));
  }
  return { settings: { ...(documents as unknown as Omit<Settings, "general">), general }, sources };
}

/** Writes all changes, or none. Durable when it resolves. @param now milliseconds */
export async function saveSettings(
  query: Kysely<Schema>,
  changes: readonly DocumentChange[],
  now: number,
): Promise<void> {
  if (changes.length === 0) return;
  await transact(query, async (transaction) => {
    for (const change of changes) {
      const { kind, id } = change;
      if (change.document === undefined) {
        await transaction.deleteFrom("settings").where("kind", "=", kind).where("id", "=", id).execute();
        continue;
      }
      const row = { document: JSON.stringify(change.document), source: change.source, updated_at: now };
      await transaction
        .insertInto("settings")
        .values({ kind, id, ...row })
        .onConflict((conflict) => conflict.columns(["kind", "id"]).doUpdateSet(row))
        .execute();
    }
  });
}
