import { type Seal, sameCredential } from "../config/credentials.ts";
import type { DeclarativeFile } from "../config/declarative.ts";
import { type Change, diffDocuments, type Sameness } from "../config/diff.ts";
import type { Credential, DocumentKind, DocumentOf, DocumentSource, KeySetting } from "../config/settings.ts";
import { GENERAL_ID, NO_SETTINGS, SETTING_KINDS } from "../config/settings.ts";
import { type Documents, documentsOf, type StoredDocument, type Writing } from "./documents.ts";

/** What a change of settings will do: shown to people as `changes`, told to the store as `writing`. */
export interface Plan extends Writing {
  readonly changes: readonly Change[];
}

/**
 * What makes the documents agree with a file: what it says is added or changed, what an earlier file said and this one
 * does not is removed, and what others made is left alone.
 *
 * @param now an instant in ISO form, for keys that are new
 */
export function planFile(before: Documents, file: DeclarativeFile, seal: Seal, now: string): Plan {
  const plan = new Planning(before, seal, now);
  if (file.hasGeneral) plan.put({ kind: "general", id: GENERAL_ID, document: file.settings.general, source: "file" });
  for (const document of documentsOf(file.settings, "file")) plan.put(document);
  plan.removeOthersOfFile();
  return plan.inOrder();
}

/** What writes one document, or removes it. A document of a file stays the file's, so that the file goes on governing it. */
export function planDocument<K extends DocumentKind>(
  before: Documents,
  kind: K,
  id: string,
  document: DocumentOf<K> | undefined,
  { source, seal, now }: { readonly source: DocumentSource; readonly seal: Seal; readonly now: string },
): Plan {
  const plan = new Planning(before, seal, now);
  if (document === undefined) plan.remove(kind, id);
  else plan.put({ kind, id, document, source: before.get(kind, id)?.source ?? source });
  return plan.inOrder();
}

const KIND_ORDER: readonly DocumentKind[] = ["general", ...SETTING_KINDS];

class Planning {
  readonly #before: Documents;
  readonly #same: Sameness;
  readonly #now: string;
  readonly #put: StoredDocument[] = [];
  readonly #remove: { kind: DocumentKind; id: string }[] = [];
  readonly #changes: Change[] = [];
  readonly #said = new Set<string>();

  constructor(before: Documents, seal: Seal, now: string) {
    this.#before = before;
    this.#same = sameness(seal);
    this.#now = now;
  }

  put({ kind, id, document, source }: StoredDocument): void {
    this.#said.add(`${kind} ${id}`);
    const old = this.#before.get(kind, id);
    const general = kind === "general" ? NO_SETTINGS.general : undefined;
    const earlier = old?.document ?? general;
    const next =
      kind === "keys" ? this.#keepKeyHistory(document as KeySetting, earlier as KeySetting | undefined) : document;
    const fields = earlier && diffDocuments(kind, earlier, next, this.#same);
    if (fields?.length === 0) {
      // A document that another wrote becomes the file's; a general setting that is the default needs no document.
      if (old ? old.source !== source : source === "file") this.#put.push({ kind, id, document: earlier!, source });
      return;
    }
    this.#put.push({ kind, id, document: next, source });
    this.#changes.push(fields ? { action: "change", kind, id, fields } : { action: "add", kind, id });
  }

  remove(kind: DocumentKind, id: string): void {
    const old = this.#before.get(kind, id);
    if (!old) return;
    this.#remove.push({ kind, id });
    if (kind !== "general") {
      this.#changes.push({ action: "remove", kind, id });
      return;
    }
    const fields = diffDocuments("general", old.document as DocumentOf<"general">, NO_SETTINGS.general);
    if (fields.length > 0) this.#changes.push({ action: "change", kind, id, fields });
  }

  removeOthersOfFile(): void {
    for (const { kind, id, source } of this.#before.all()) {
      if (source === "file" && !this.#said.has(`${kind} ${id}`)) this.remove(kind, id);
    }
  }

  /** A key's creation and revocation go with its secret: a file that does not speak of them does not undo them. */
  #keepKeyHistory(key: KeySetting, earlier: KeySetting | undefined): KeySetting {
    if (earlier?.hash !== key.hash) return key.createdAt === undefined ? { ...key, createdAt: this.#now } : key;
    const { createdAt, revokedAt } = earlier;
    return {
      ...(createdAt === undefined ? {} : { createdAt }),
      ...(revokedAt === undefined ? {} : { revokedAt }),
      ...key,
    };
  }

  inOrder(): Plan {
    const changes = this.#changes.sort((a, b) => KIND_ORDER.indexOf(a.kind) - KIND_ORDER.indexOf(b.kind));
    return { put: this.#put, remove: this.#remove, changes };
  }
}

/** Credentials are the same where they were written alike, however often they were sealed. */
function sameness(seal: Seal): Sameness {
  return (kind, path, before, after) =>
    kind === "endpoints" &&
    path.length === 2 &&
    path[0] === "credentials" &&
    before !== undefined &&
    after !== undefined
      ? sameCredential(before as Credential, after as Credential, seal)
      : undefined;
}
