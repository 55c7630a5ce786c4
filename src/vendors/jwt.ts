import { createHmac } from "node:crypto";

/** A JSON Web Token signed with HMAC-SHA256 (RFC 7515, 7519). The fields are written in the order in which they are given. */
export function signJwt(header: object, claims: object, secret: string): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
