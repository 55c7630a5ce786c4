import { type DocumentKind, type DocumentOf, GENERAL_ID, idOf, SETTING_KINDS, type Settings } from "./settings.ts";

/** One document that an application of settings adds, changes or removes. */
export interface Change {
  readonly action: "add" | "change" | "remove";
  readonly kind: DocumentKind;
  readonly id: string;
  /** What changed within it: `models.mini.price.output`. */
  readonly fields?: readonly string[] | undefined;
}

/** Whether two values at a path within documents of a kind mean the same, as a whole; undefined to look into them. */
export type Sameness = (
  kind: DocumentKind,
  path: readonly string[],
  before: unknown,
  after: unknown,
) => boolean | undefined;

const EQUALITY: Sameness = () => undefined;

/**
 * What must be done to `before` to make it `after`, by kind and id: the order of documents and of fields, and fields
 * that are undefined, make no difference.
 *
 * @param same tells of values that are written differently and mean the same, such as a secret sealed twice
 */
export function diffSettings(before: Settings, after: Settings, same: Sameness = EQUALITY): Change[] {
  const changes: Change[] = [];
  const general = diffDocuments("general", before.general, after.general, same);
  if (general.length > 0) changes.push({ action: "change", kind: "general", id: GENERAL_ID, fields: general });
  for (const kind of SETTING_KINDS) {
    const old = byId(before, kind);
    const now = byId(after, kind);
    for (const [id, document] of now) {
      const earlier = old.get(id);
      if (earlier === undefined) {
        changes.push({ action: "add", kind, id });
        continue;
      }
      const fields = diffDocuments(kind, earlier, document, same);
      if (fields.length > 0) changes.push({ action: "change", kind, id, fields });
    }
    for (const id of old.keys()) if (!now.has(id)) changes.push({ action: "remove", kind, id });
  }
  return changes;
}

/** The fields in which two documents differ; none where they mean the same. */
export function diffDocuments<K extends DocumentKind>(
  kind: K,
  before: DocumentOf<K>,
  after: DocumentOf<K>,
  same: Sameness = EQUALITY,
): string[] {
  const fields: string[] = [];
  compare(before, after, [], (path, a, b) => same(kind, path, a, b), fields);
  return fields;
}

type Same = (path: readonly string[], before: unknown, after: unknown) => boolean | undefined;

function compare(before: unknown, after: unknown, path: readonly string[], same: Same, fields: string[]): void {
  if (Object.is(before, after)) return;
  const told = same(path, before, after);
  if (told !== undefined) {
    if (!told) fields.push(path.join("."));
    return;
  }
  const old = partsOf(before);
  const now = partsOf(after);
  if (!old || !now || Array.isArray(before) !== Array.isArray(after)) {
    if (canonical(before) !== canonical(after)) fields.push(path.join("."));
    return;
  }
  const count = fields.length;
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    compare(old.get(name), now.get(name), [...path, name], same, fields);
  }
  // The same things in another order: tiers and routes are read in order.
  const order = Array.isArray(before) && [...old.keys()].join("\n") !== [...now.keys()].join("\n");
  if (order && fields.length === count) fields.push(path.join("."));
}

/** JSON in which the order of fields makes no difference. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_, field: unknown) => {
    if (typeof field !== "object" || field === null || Array.isArray(field)) return field;
    return Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** The fields of a mapping, or the things of a list by their ids; undefined for all that is compared as a whole. */
function partsOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (Array.isArray(value)) {
    const ids = value.map((item) => (item as { id?: unknown } | null)?.id);
    const named = ids.every((id) => typeof id === "string") && new Set(ids).size === ids.length;
    return named && ids.length > 0 ? new Map(value.map((item, i) => [ids[i] as string, item])) : undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  return new Map(Object.entries(value).filter(([, field]) => field !== undefined));
}

function byId(settings: Settings, kind: (typeof SETTING_KINDS)[number]): Map<string, never> {
  return new Map(settings[kind].map((document) => [idOf(kind, document as never), document as never]));
}
