import { createHmac } from "node:crypto";

/** A request as Baidu's cloud signs it (BCE authentication, version 1). */
export interface BceRequest {
  readonly method: string;
  /** The whole path, without a query. Escapes in it are kept as they are. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

export interface BceKey {
  readonly accessKey: string;
  readonly secretKey: string;
}

export const BCE_SECONDS = 1800;
const USUAL_HEADERS: ReadonlySet<string> = new Set(["host", "content-length", "content-type", "content-md5"]);

/**
 * The `authorization` header: https://cloud.baidu.com/doc/Reference/s/wjwvz1xt2
 *
 * @param timestamp as `bceTime` writes it
 * @param seconds how long the signature is good for
 * @param signed names of the headers to sign, in lower case; none: the usual ones, which are then not listed
 */
export function authorizeBce(
  request: BceRequest,
  { accessKey, secretKey }: BceKey,
  timestamp: string,
  seconds: number,
  signed: readonly string[] = [],
): string {
  const prefix = `bce-auth-v1/${accessKey}/${timestamp}/${seconds}`;
  const text = [
    request.method,
    canonicalPath(request.path),
    canonicalQuery(request.query),
    canonicalHeaders(request.headers, signed),
  ].join("\n");
  return `${prefix}/${signed.join(";")}/${hmac(signingKey(secretKey, prefix), text)}`;
}

/** The key of one signature; it is used as the text of its hexadecimal digits. */
export function signingKey(secretKey: string, prefix: string): string {
  return hmac(secretKey, prefix);
}

/** UTC to the second: `2015-04-27T08:23:49Z`. */
export function bceTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, "Z");
}

/** Sorted as whole texts, not by their names: `text10=test` comes before `text1=…`. */
export function canonicalQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .filter(([name]) => name.toLowerCase() !== "authorization")
    .map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`)
    .sort()
    .join("&");
}

export function canonicalHeaders(headers: Readonly<Record<string, string>>, signed: readonly string[]): string {
  const chosen = (name: string): boolean =>
    signed.length > 0 ? signed.includes(name) : USUAL_HEADERS.has(name) || name.startsWith("x-bce-");
  return Object.entries(headers)
    .map(([name, value]) => [name.toLowerCase(), value.trim()] as const)
    .filter(([name, value]) => chosen(name) && value !== "")
    .map(([name, value]) => `${percentEncode(name)}:${percentEncode(value)}`)
    .sort()
    .join("\n");
}

function canonicalPath(path: string): string {
  return path
    .split("/")
    .map((segment) => percentEncode(decodeURIComponent(segment)))
    .join("/");
}

/** Percent-escapes all but the unreserved characters of RFC 3986. */
function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function hmac(key: string, text: string): string {
  return createHmac("sha256", key).update(text).digest("hex");
}
