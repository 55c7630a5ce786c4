/**
 * What Maidan writes into fields that clients of this protocol give back unchanged, on behalf of vendors that speak another
 * one. A mark tells it from Anthropic's own: in a later turn it must reach the vendor it came from, and nobody else.
 *
 * Anthropic's signatures are base64, which has no dot.
 */
const MARK = "maidan.";
const CALL = `${MARK}call.`;
const HIDDEN = `${MARK}hidden.`;

/** In the bytes of a body: whether any mark may stand in it. */
export const MARK_IN_JSON = `"${MARK}`;

/** Thinking of a vendor that signs nothing. */
export const UNSIGNED = MARK;

/** Another vendor's signature (or none) of a text of thinking. */
export function writeSignature(signature: string | undefined): string {
  return MARK + (signature ?? "");
}

/** Another vendor's thinking that only it can read. */
export function writeHidden(thinking: string): string {
  return HIDDEN + thinking;
}

/** What another vendor wants back with a tool call: this protocol has no place for it on the call itself. */
export function writeCallSignature(id: string, signature: string): string {
  return CALL + Buffer.from(JSON.stringify([id, signature])).toString("base64url");
}

export function isMarked(value: unknown): value is string {
  return typeof value === "string" && value.startsWith(MARK);
}

/** The other vendor's signature; undefined where it gave none, or where the signature is Anthropic's. */
export function readSignature(value: unknown): string | undefined {
  return isMarked(value) && value.length > MARK.length ? value.slice(MARK.length) : undefined;
}

export function readHidden(value: unknown): string | undefined {
  return typeof value === "string" && value.startsWith(HIDDEN) ? value.slice(HIDDEN.length) : undefined;
}

export function readCallSignature(value: unknown): { readonly id: string; readonly signature: string } | undefined {
  if (typeof value !== "string" || !value.startsWith(CALL)) return undefined;
  try {
    const read = JSON.parse(Buffer.from(value.slice(CALL.length), "base64url").toString("utf8")) as unknown;
    if (!Array.isArray(read)) return undefined;
    const [id, signature] = read as unknown[];
    return typeof id === "string" && typeof signature === "string" ? { id, signature } : undefined;
  } catch {
    return undefined;
  }
}

/** The ids that Anthropic takes. Other vendors write `functions.look_up:0`, and want that back. */
const PLAIN_ID = /^[a-zA-Z0-9_-]+$/;
const SPELLED_ID = "maidan_";

/** Another vendor's id of a tool call, as one that Anthropic would take, too. */
export function writeCallId(id: string): string {
  if (PLAIN_ID.test(id) && !id.startsWith(SPELLED_ID)) return id;
  return SPELLED_ID + Buffer.from(id).toString("base64url");
}

/** The id as its vendor wrote it. */
export function readCallId(id: string): string {
  if (!id.startsWith(SPELLED_ID)) return id;
  const read = Buffer.from(id.slice(SPELLED_ID.length), "base64url").toString("utf8");
  return writeCallId(read) === id ? read : id;
}

/**
 * Anthropic's signatures on their way through the neutral form. A dialect gives them back as they came; with the mark it is
 * known in the next turn that they are Anthropic's and no other vendor's.
 */
const NATIVE = "anthropic:";

export function fromNative(signature: string): string {
  return NATIVE + signature;
}

/** Anthropic's own signature, or undefined where another vendor (or nobody) signed. */
export function toNative(signature: string | undefined): string | undefined {
  return signature?.startsWith(NATIVE) ? signature.slice(NATIVE.length) : undefined;
}
