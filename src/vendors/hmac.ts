import { createHmac } from "node:crypto";

/** The keyed hash of a text, in base64. */
export function hmacBase64(algorithm: "sha1" | "sha256", key: string, text: string): string {
  return createHmac(algorithm, key).update(text).digest("base64");
}
