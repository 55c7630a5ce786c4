import { Fault } from "../base/faults.ts";
import { payerWords } from "../base/messages/payers.ts";
import type { AdmissionLimits, KeySetting, PayerSetting, Settings } from "../config/settings.ts";
import { hashSecret } from "./secrets.ts";
import { growTree, type PayerNode } from "./tree.ts";

/** Who calls, and who pays for it. Made once for each key, not for each call. */
export interface Identity {
  /** The key; undefined for callers inside this process. */
  readonly key: KeySetting | undefined;
  readonly payer: string;
  /** Ids of the payers from the caller's to the root. */
  readonly path: readonly string[];
}

/** A key or a payer whose limits a call must respect. */
export interface LimitedNode {
  /** Unique among keys and payers: `payer acme`, `key support-bot`. */
  readonly name: string;
  readonly limits: AdmissionLimits;
}

interface KeyEntry extends Identity {
  readonly key: KeySetting;
  /** Milliseconds; Infinity for never. */
  readonly expiresAt: number;
  readonly revokedAt: number;
  readonly mayCall: (name: string) => boolean;
}

/** Longer texts are no key of ours, and not worth hashing. */
const LONGEST_SECRET = 512;

/** The tree of payers and their keys, from one state of the settings. Never changes: a new state makes a new one. */
export class Payers {
  readonly #nodes: ReadonlyMap<string, PayerNode>;
  readonly #keys = new Map<string, KeyEntry>();
  readonly #keysById = new Map<string, KeyEntry>();
  /** Secrets that were used, so that each is hashed once. One a key, since only those that are a key's come here. */
  readonly #used = new Map<string, KeyEntry>();
  readonly #inside = new Map<string, Identity>();
  readonly #limited = new WeakMap<Identity, readonly LimitedNode[]>();

  /** Throws `invalid_request` where the payers form no tree, or a key has no payer. */
  constructor(settings: Pick<Settings, "payers" | "keys">) {
    this.#nodes = growTree(settings.payers);
    for (const key of settings.keys) {
      const node = this.#nodes.get(key.payer);
      if (!node) throw new Fault("invalid_request", payerWords.keyWithoutPayer(key.id, key.payer));
      const entry: KeyEntry = {
        key,
        payer: key.payer,
        path: node.path,
        expiresAt: timeOf(key.expiresAt),
        revokedAt: timeOf(key.revokedAt),
        mayCall: permission(key.routes),
      };
      this.#keys.set(key.hash, entry);
      this.#keysById.set(key.id, entry);
    }
  }

  /**
   * Who has this secret. Throws `invalid_api_key` where nobody has, or the key was revoked or has expired. A secret that
   * is nobody's is always hashed and the hash looked up, so that the time taken says nothing of the secrets that exist.
   *
   * @param now milliseconds
   */
  identify(secret: string, now: number): Identity {
    const entry = this.#used.get(secret) ?? this.#lookUp(secret);
    if (!entry) throw new Fault("invalid_api_key", payerWords.unknownKey());
    const { id, revokedAt, expiresAt } = entry.key;
    if (now >= entry.revokedAt) throw new Fault("invalid_api_key", payerWords.revokedKey(id, revokedAt!));
    if (now >= entry.expiresAt) throw new Fault("invalid_api_key", payerWords.expiredKey(id, expiresAt!));
    return entry;
  }

  #lookUp(secret: string): KeyEntry | undefined {
    const entry = secret.length <= LONGEST_SECRET ? this.#keys.get(hashSecret(secret)) : undefined;
    if (entry) this.#used.set(secret, entry);
    return entry;
  }

  /** The identity of a caller inside this process, who needs no key. Throws `not_found`. */
  identityOf(payer: string): Identity {
    const known = this.#inside.get(payer);
    if (known) return known;
    const node = this.#nodes.get(payer);
    if (!node) throw new Fault("not_found", payerWords.unknownPayer(payer));
    const identity: Identity = { key: undefined, payer, path: node.path };
    this.#inside.set(payer, identity);
    return identity;
  }

  /** Whether the caller may ask for `name`, a route or an `endpoint/model`. */
  mayCall(identity: Identity, name: string): boolean {
    return identity.key === undefined || this.#keysById.get(identity.key.id)?.mayCall(name) === true;
  }

  /** The key and every payer up to the root that has limits of its own. */
  limitedNodes(identity: Identity): readonly LimitedNode[] {
    let nodes = this.#limited.get(identity);
    if (nodes) return nodes;
    const found: LimitedNode[] = [];
    const { key, path } = identity;
    if (isLimited(key?.limits)) found.push({ name: `key ${key!.id}`, limits: key!.limits! });
    for (const id of path) {
      const limits = this.#nodes.get(id)?.setting.limits;
      if (isLimited(limits)) found.push({ name: `payer ${id}`, limits: limits! });
    }
    nodes = found;
    this.#limited.set(identity, nodes);
    return nodes;
  }

  payer(id: string): PayerSetting | undefined {
    return this.#nodes.get(id)?.setting;
  }

  /** Ids from the payer to the root; empty where there is no such payer. */
  path(id: string): readonly string[] {
    return this.#nodes.get(id)?.path ?? [];
  }

  /** Ids of the payers directly below. */
  children(id: string): readonly string[] {
    return this.#nodes.get(id)?.children ?? [];
  }

  /** Ids of the payer and of all below it; empty where there is no such payer. */
  subtree(id: string): readonly string[] {
    if (!this.#nodes.has(id)) return [];
    const ids = [id];
    for (let i = 0; i < ids.length; i++) {
      for (const child of this.children(ids[i]!)) ids.push(child);
    }
    return ids;
  }

  /** Every payer, each after its parent. */
  all(): readonly PayerSetting[] {
    return [...this.#nodes.values()].map((node) => node.setting);
  }

  key(id: string): KeySetting | undefined {
    return this.#keysById.get(id)?.key;
  }
}

function timeOf(text: string | undefined): number {
  return text === undefined ? Number.POSITIVE_INFINITY : Date.parse(text);
}

function isLimited(limits: AdmissionLimits | undefined): boolean {
  return limits !== undefined && Object.values(limits).some((limit) => limit !== undefined);
}

/** What a key's `routes` allow: exact names, and beginnings with `*` after them. */
function permission(routes: readonly string[] | undefined): (name: string) => boolean {
  if (routes === undefined) return () => true;
  const exact = new Set(routes.filter((route) => !route.endsWith("*")));
  const beginnings = routes.filter((route) => route.endsWith("*")).map((route) => route.slice(0, -1));
  return (name) => exact.has(name) || beginnings.some((beginning) => name.startsWith(beginning));
}
