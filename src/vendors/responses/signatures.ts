import { isObject, parseJson, stringOf } from "../json-values.ts";

/** What another vendor wants back with its reasoning, carried in `encrypted_content` and told apart from OpenAI's own. */
const MARK = "maidan.";

interface Signature {
  readonly signature?: string | undefined;
  readonly redacted?: string | undefined;
}

export function writeSignature({ signature, redacted }: Signature): string | undefined {
  if (signature === undefined && redacted === undefined) return undefined;
  return MARK + Buffer.from(JSON.stringify({ signature, redacted })).toString("base64url");
}

/** Undefined where it is none of Maidan's: then only OpenAI could read it. */
export function readSignature(content: unknown): Signature | undefined {
  if (typeof content !== "string" || !content.startsWith(MARK)) return undefined;
  const document = parseJson(Buffer.from(content.slice(MARK.length), "base64url").toString("utf8"));
  if (!isObject(document)) return undefined;
  const signature = stringOf(document.signature);
  const redacted = stringOf(document.redacted);
  return { ...(signature !== undefined && { signature }), ...(redacted !== undefined && { redacted }) };
}
