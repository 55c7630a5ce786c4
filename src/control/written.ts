import type { Text } from "../base/language.ts";
import { fileWords } from "../base/messages/config.ts";
import type { Seal } from "../config/credentials.ts";
import { writeCredential } from "../config/credentials.ts";
import { DOCUMENT_SCHEMAS } from "../config/document-schemas.ts";
import { keepEndpoint, keepKey } from "../config/documents.ts";
import type { Problem } from "../config/problems.ts";
import { refusal } from "../config/problems.ts";
import type { Credential, DocumentKind, DocumentOf, EndpointSetting, KeySetting } from "../config/settings.ts";
import { shapeProblems } from "../config/shape.ts";
import { newSecret } from "../payers/secrets.ts";

/** One document as the store keeps it, made of one that somebody wrote. */
export interface KeptDocument<K extends DocumentKind> {
  readonly document: DocumentOf<K>;
  /** The secret of a new key, if it was made here. */
  readonly secret: string | undefined;
  readonly warnings: readonly Problem[];
}

const THE_DOCUMENT: Text = fileWords.theDocument();

/**
 * Checks a document by the schema of its kind and takes its secrets out of sight: credentials are sealed, a key's
 * secret is hashed, and a key without one gets a new one. Throws one `invalid_request` fault that lists every problem.
 */
export function keepDocument<K extends DocumentKind>(kind: K, written: unknown, seal: Seal): KeptDocument<K> {
  const schema = DOCUMENT_SCHEMAS[kind];
  const value = kind === "endpoints" ? writtenEndpoint(written) : written;
  const { data, error } = schema.safeParse(value);
  if (error) throw refusal(THE_DOCUMENT, shapeProblems(error.issues, schema, value));
  if (kind === "endpoints") {
    const endpoint = data as Parameters<typeof keepEndpoint>[0];
    const kept = keepEndpoint(endpoint, endpoint.credentials ?? {}, seal);
    if (kept.problems.length > 0) throw refusal(THE_DOCUMENT, kept.problems);
    return { document: kept.endpoint as DocumentOf<K>, secret: undefined, warnings: [] };
  }
  if (kind === "keys") return keepWrittenKey(data as Parameters<typeof keepKey>[0]) as KeptDocument<K>;
  return { document: data as DocumentOf<K>, secret: undefined, warnings: [] };
}

function keepWrittenKey(written: Parameters<typeof keepKey>[0]): KeptDocument<"keys"> {
  const secret = written.secret === undefined && written.hash === undefined ? newSecret() : undefined;
  const { key, problems, warnings } = keepKey(secret === undefined ? written : { ...written, secret });
  if (problems.length > 0) throw refusal(THE_DOCUMENT, problems);
  return { document: key satisfies KeySetting, secret, warnings };
}

/** A document in the form in which operators write it: `keepDocument` makes the same one of it again. */
export function writeDocument(kind: DocumentKind, document: DocumentOf<DocumentKind>): unknown {
  return kind === "endpoints" ? writtenEndpoint(document as EndpointSetting) : document;
}

/** Credentials as texts, also where they come in the form in which they are kept. */
function writtenEndpoint(value: unknown): unknown {
  const credentials = (value as { credentials?: unknown } | null | undefined)?.credentials;
  if (typeof credentials !== "object" || credentials === null || Array.isArray(credentials)) return value;
  const texts = Object.entries(credentials).map(([name, credential]) => [
    name,
    isKept(credential) ? writeCredential(credential) : credential,
  ]);
  return { ...(value as object), credentials: Object.fromEntries(texts) };
}

function isKept(credential: unknown): credential is Credential {
  if (typeof credential !== "object" || credential === null) return false;
  const { template, sealed } = credential as { template?: unknown; sealed?: unknown };
  return typeof template === "string" || typeof sealed === "string";
}
