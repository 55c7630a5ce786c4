import { signJwt } from "../jwt.ts";

const LIFE_SECONDS = 1800;
/** The vendor's clock may be a little behind. */
const EARLY_SECONDS = 5;

/** The bearer token of an access key, good for half an hour. */
export function tokenOf(accessKeyId: string, accessKeySecret: string, sentAt: number): string {
  const now = Math.floor(sentAt / 1000);
  const claims = { iss: accessKeyId, exp: now + LIFE_SECONDS, nbf: now - EARLY_SECONDS };
  return signJwt({ alg: "HS256", typ: "JWT" }, claims, accessKeySecret);
}
