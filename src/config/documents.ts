import { hash } from "node:crypto";
import type { z } from "zod";
import { checkWords } from "../base/messages/config.ts";
import { keepCredential, type Seal } from "./credentials.ts";
import type { Problem } from "./problems.ts";
import type { endpointSchema } from "./schemas.ts";
import type { Credential, EndpointSetting, KeySetting } from "./settings.ts";

/** Turns documents as operators write them into documents as the store keeps them: no secret in clear. */

type WrittenEndpoint = z.infer<typeof endpointSchema>;

/**
 * @param written the credentials as written, before variables were replaced
 */
export function keepEndpoint(
  endpoint: WrittenEndpoint,
  written: Readonly<Record<string, string>>,
  seal: Seal,
): { endpoint: EndpointSetting; problems: Problem[] } {
  const credentials: Record<string, Credential> = {};
  const problems: Problem[] = [];
  for (const [name, text] of Object.entries(written)) {
    const kept = keepCredential(text, seal);
    if (kept) credentials[name] = kept;
    else problems.push({ text: checkWords.foreignSeal(`credentials.${name}`), path: ["credentials", name] });
  }
  return { endpoint: { ...endpoint, credentials, models: endpoint.models ?? [] }, problems };
}

interface WrittenKey extends Omit<KeySetting, "hash"> {
  readonly secret?: string | undefined;
  readonly hash?: string | undefined;
}

/** Shorter secrets are accepted, with a warning. */
const ADVISED_SECRET_CHARACTERS = 20;

export function keepKey({ secret, ...key }: WrittenKey): {
  key: KeySetting;
  problems: Problem[];
  warnings: Problem[];
} {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  if (secret === undefined && key.hash === undefined) problems.push({ text: checkWords.noSecret(key.id), path: [] });
  if (secret !== undefined && key.hash !== undefined) {
    problems.push({ text: checkWords.twoSecrets(key.id), path: ["hash"] });
  }
  if (secret !== undefined && secret.length < ADVISED_SECRET_CHARACTERS) {
    warnings.push({ text: checkWords.shortSecret(key.id, secret.length), path: ["secret"] });
  }
  const kept = secret === undefined ? (key.hash ?? "") : hash("sha256", secret, "hex");
  return { key: { ...key, hash: kept }, problems, warnings };
}
