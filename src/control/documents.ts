import {
  type DocumentKind,
  type DocumentOf,
  type DocumentSource,
  GENERAL_ID,
  type GeneralSetting,
  idOf,
  NO_SETTINGS,
  SETTING_KINDS,
  type Settings,
} from "../config/settings.ts";
import { nameOfDocument, type StoredSettings } from "../store/settings.ts";

/** A setting as the store keeps it, and who wrote it. */
export interface StoredDocument<K extends DocumentKind = DocumentKind> {
  readonly kind: K;
  readonly id: string;
  readonly document: DocumentOf<K>;
  readonly source: DocumentSource;
}

/** What must be written to make one state of the documents the next. */
export interface Writing {
  readonly put: readonly StoredDocument[];
  readonly remove: readonly { readonly kind: DocumentKind; readonly id: string }[];
}

/** All settings with their sources. Never changes: `with` makes the next state. */
export class Documents {
  readonly settings: Settings;
  readonly #byName: ReadonlyMap<string, StoredDocument>;

  constructor(documents: Iterable<StoredDocument>) {
    this.#byName = new Map(Array.from(documents, (document) => [nameOfDocument(document.kind, document.id), document]));
    this.settings = assemble(this.#byName.values());
  }

  get isEmpty(): boolean {
    return this.#byName.size === 0;
  }

  get<K extends DocumentKind>(kind: K, id: string): StoredDocument<K> | undefined {
    return this.#byName.get(nameOfDocument(kind, id)) as StoredDocument<K> | undefined;
  }

  all(): Iterable<StoredDocument> {
    return this.#byName.values();
  }

  with({ put, remove }: Writing): Documents {
    const next = new Map(this.#byName);
    for (const { kind, id } of remove) next.delete(nameOfDocument(kind, id));
    for (const document of put) next.set(nameOfDocument(document.kind, document.id), document);
    return new Documents(next.values());
  }
}

/** Settings as documents of one source, without the general ones. */
export function* documentsOf(settings: Settings, source: DocumentSource): Generator<StoredDocument> {
  for (const kind of SETTING_KINDS) {
    for (const document of settings[kind]) yield { kind, id: idOf(kind, document as never), document, source };
  }
}

/** What the store holds. */
export function fromStore({ settings, sources }: StoredSettings): Documents {
  const documents: StoredDocument[] = [];
  const source = (kind: DocumentKind, id: string) => sources.get(nameOfDocument(kind, id));
  const general = source("general", GENERAL_ID);
  if (general) documents.push({ kind: "general", id: GENERAL_ID, document: settings.general, source: general });
  for (const document of documentsOf(settings, "api")) {
    documents.push({ ...document, source: source(document.kind, document.id) ?? "api" });
  }
  return new Documents(documents);
}

function assemble(documents: Iterable<StoredDocument>): Settings {
  let general: GeneralSetting = NO_SETTINGS.general;
  const lists: Record<(typeof SETTING_KINDS)[number], unknown[]> = {
    rates: [],
    vendors: [],
    endpoints: [],
    prices: [],
    routes: [],
    payers: [],
    budgets: [],
    keys: [],
  };
  for (const { kind, id, document } of documents) {
    if (kind !== "general") lists[kind].push(document);
    else if (id === GENERAL_ID) general = document as GeneralSetting;
  }
  return { general, ...(lists as unknown as Omit<Settings, "general">) };
}
