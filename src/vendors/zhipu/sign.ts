import { signJwt } from "../jwt.ts";

const TOKEN_LIFE_MS = 3_600_000;

/** The bearer token for a key of the form `id.secret`, good for an hour. Any other key is a token itself. */
export function tokenOf(apiKey: string, sentAt: number): string {
  const [, id, secret] = /^([^.]+)\.([^.]+)$/.exec(apiKey) ?? [];
  if (id === undefined || secret === undefined) return apiKey;
  const claims = { api_key: id, exp: sentAt + TOKEN_LIFE_MS, timestamp: sentAt };
  return signJwt({ alg: "HS256", sign_type: "SIGN" }, claims, secret);
}
