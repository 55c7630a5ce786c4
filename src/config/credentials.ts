import type { Credential } from "./settings.ts";
import { type Environment, substitute } from "./variables.ts";

/** Encrypts and decrypts what must not stand in the store in clear. */
export interface Seal {
  seal(text: string): string;
  /** Undefined where the text was sealed with another key, or changed. */
  open(sealed: string): string | undefined;
}

/** How an export writes a sealed credential, so that the same installation can read it back. */
const SEALED_PREFIX = "sealed:";

/**
 * Keeps a credential as an operator wrote it: a template where it names variables, else sealed. Undefined where it is
 * the sealed text of another installation.
 */
export function keepCredential(written: string, seal: Seal): Credential | undefined {
  if (written.startsWith(SEALED_PREFIX)) {
    const sealed = written.slice(SEALED_PREFIX.length);
    return seal.open(sealed) === undefined ? undefined : { sealed };
  }
  const { text, names } = substitute(written, {});
  return names.length > 0 ? { template: written } : { sealed: seal.seal(text) };
}

/** The text from which `keepCredential` makes the same credential again. */
export function writeCredential(credential: Credential): string {
  return "template" in credential ? credential.template : SEALED_PREFIX + credential.sealed;
}

/** Whether two credentials were written alike: sealing the same secret twice gives two different texts. */
export function sameCredential(a: Credential, b: Credential, seal: Seal): boolean {
  if ("template" in a || "template" in b) {
    return "template" in a && "template" in b && a.template === b.template;
  }
  if (a.sealed === b.sealed) return true;
  const opened = seal.open(a.sealed);
  return opened !== undefined && opened === seal.open(b.sealed);
}

/** A credential in clear, to be held in memory only; undefined where a variable of it is not set, or it does not open. */
export function openCredential(
  credential: Credential,
  environment: Environment,
  seal: Pick<Seal, "open">,
): string | undefined {
  if ("sealed" in credential) return seal.open(credential.sealed);
  const { text, missing } = substitute(credential.template, environment);
  return missing.length > 0 ? undefined : text;
}
