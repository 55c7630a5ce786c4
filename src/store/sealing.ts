import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { closeSync, constants, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Kysely } from "kysely";
import { Fault } from "../base/faults.ts";
import { storeWords } from "../base/messages/ledger.ts";
import type { Schema } from "./schema.ts";

const FILE = "sealing.key";
const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** The first byte of everything sealed: how it was. */
const VERSION = 1;
const HEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES;

/**
 * Encrypts what must not stand in the store in clear: credentials and kept answers. AES-256-GCM under a key that never
 * leaves this machine; what another installation sealed, or somebody changed, does not open.
 */
export class Sealer {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  seal(text: string): string {
    return this.sealBytes(Buffer.from(text, "utf8")).toString("base64");
  }

  /** Undefined where the text was sealed with another key, or changed. */
  open(sealed: string): string | undefined {
    return this.#decrypt(Buffer.from(sealed, "base64"))?.toString("utf8");
  }

  /** Version, nonce, tag, then as many bytes as there were in clear. */
  sealBytes(clear: Uint8Array): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG_BYTES });
    const hidden = cipher.update(clear);
    cipher.final();
    return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), hidden]);
  }

  /** Throws `internal_error` where the bytes were sealed with another key, or changed. */
  openBytes(sealed: Uint8Array): Buffer {
    const clear = this.#decrypt(sealed);
    if (!clear) throw new Fault("internal_error", storeWords.foreignSeal());
    return clear;
  }

  #decrypt(sealed: Uint8Array): Buffer | undefined {
    if (sealed.length < HEAD_BYTES || sealed[0] !== VERSION) return undefined;
    const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
    const decipher = createDecipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(sealed.subarray(1 + NONCE_BYTES, HEAD_BYTES));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(HEAD_BYTES)), decipher.final()]);
    } catch {
      return undefined; // GCM says only that it does not fit: another key, or a changed byte.
    }
  }
}

/**
 * The sealer of a data folder. Its key is made at the first use, readable by its owner only; nodes on several machines are
 * given the same one. Throws `internal_error` where the file is no key.
 *
 * @param given 32 bytes in base64, instead of the folder's own
 */
export function openSealer(folder: string, given?: string): Sealer {
  if (given !== undefined) return new Sealer(Buffer.from(given, "base64"));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, FILE);
  const key = readKey(file) ?? makeKey(file);
  if (key.length !== KEY_BYTES) throw new Fault("internal_error", storeWords.brokenSealingKey(file));
  return new Sealer(key);
}

/** The row of `meta` that only the store's own sealing key opens. */
const PROOF = "sealing-proof";

/** Throws `invalid_request` where what the store holds was sealed with another key. The first one to ask leaves the proof. */
export async function proveSealer(query: Kysely<Schema>, sealer: Sealer): Promise<void> {
  await query
    .insertInto("meta")
    .values({ name: PROOF, value: sealer.seal(PROOF) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const row = await query.selectFrom("meta").select("value").where("name", "=", PROOF).executeTakeFirstOrThrow();
  if (sealer.open(row.value) !== PROOF) throw new Fault("invalid_request", storeWords.otherSealingKey());
}

function readKey(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Fault("internal_error", storeWords.folderUnusable(file, (error as Error).message), { cause: error });
  }
}

/** Durable before anything is sealed with it. Of two processes that make it at once, one makes it and both read it. */
function makeKey(file: string): Buffer {
  const key = randomBytes(KEY_BYTES);
  let handle: number;
  try {
    handle = openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return readFileSync(file);
    throw new Fault("internal_error", storeWords.folderUnusable(file, (error as Error).message), { cause: error });
  }
  try {
    writeSync(handle, key);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  return key;
}
