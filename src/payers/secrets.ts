import { hash, randomBytes, timingSafeEqual } from "node:crypto";

/** SHA-256 of a secret in hexadecimal: all that is ever stored of it. About 2 µs. */
export function hashSecret(secret: string): string {
  return hash("sha256", secret, "hex");
}

/** A secret for a client's key: `mk-` and 43 URL-safe characters, 256 random bits. */
export function newSecret(): string {
  return `mk-${randomBytes(32).toString("base64url")}`;
}

/** An operator's key: `ma-` and 43 URL-safe characters, 256 random bits. */
export function newAdminKey(): string {
  return `ma-${randomBytes(32).toString("base64url")}`;
}

/** Whether `secret` has the hash, in time that does not depend on where they differ. */
export function hasHash(secret: string, hash: string): boolean {
  return timingSafeEqual(
    Buffer.from(hashSecret(secret), "latin1"),
    Buffer.from(hash.padEnd(64).slice(0, 64), "latin1"),
  );
}
