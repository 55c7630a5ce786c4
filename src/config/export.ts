import { stringify } from "yaml";
import { writeCredential } from "./credentials.ts";
import type { BudgetSetting, EndpointSetting, KeySetting, PayerSetting, Settings } from "./settings.ts";
import { escapeVariables } from "./variables.ts";

/** Deeper payers are written beside the tree, with their `parent`: readers of YAML bound its depth. */
const NESTED_PAYERS = 24;

/**
 * Writes settings as a declarative file. Applied where it came from, it changes nothing: keys are written as hashes,
 * credentials as the variable they come from or as sealed text.
 */
export function exportSettings(settings: Settings): string {
  const { general, rates, vendors, endpoints, prices, routes } = settings;
  const file = {
    currency: general.currency,
    limits: general.limits,
    rates: listed(rates.map(plain)),
    vendors: listed(vendors.map(plain)),
    endpoints: listed(endpoints.map(writeEndpoint)),
    prices: listed(prices.map(plain)),
    routes: listed(routes.map(plain)),
    payers: listed(new PayerWriter(settings).write()),
  };
  return stringify(file, { schema: "core", lineWidth: 0, aliasDuplicateObjects: false, keepUndefined: false });
}

function listed(items: readonly object[]): readonly object[] | undefined {
  return items.length > 0 ? items : undefined;
}

/** A copy in which no text is taken for a variable. */
function plain<T>(value: T): T {
  if (typeof value === "string") return escapeVariables(value) as T;
  if (Array.isArray(value)) return value.map(plain) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)])) as T;
}

function writeEndpoint({ id, vendor, protocol, baseUrl, credentials, models, ...rest }: EndpointSetting): object {
  const written = Object.entries(credentials).map(([name, credential]) => [name, writeCredential(credential)]);
  return {
    ...plain({ id, vendor, protocol, baseUrl }),
    credentials: written.length > 0 ? Object.fromEntries(written) : undefined,
    ...plain(rest),
    models: listed(models.map(plain)),
  };
}

class PayerWriter {
  readonly #children: Map<string | undefined, PayerSetting[]>;
  readonly #budgets: Map<string, BudgetSetting[]>;
  readonly #keys: Map<string, KeySetting[]>;
  /** Payers that would stand too deep. */
  readonly #beside: PayerSetting[] = [];

  constructor({ payers, budgets, keys }: Settings) {
    this.#children = grouped(payers, (payer) => payer.parent);
    this.#budgets = grouped(budgets, (budget) => budget.payer);
    this.#keys = grouped(keys, (key) => key.payer);
  }

  write(): object[] {
    const written = (this.#children.get(undefined) ?? []).map((payer) => this.#payer(payer, 1));
    for (let next = this.#beside.shift(); next; next = this.#beside.shift()) {
      written.push({ ...this.#payer(next, 1), parent: next.parent });
    }
    return written;
  }

  #payer({ id, name, limits }: PayerSetting, depth: number): object {
    const children = this.#children.get(id) ?? [];
    if (depth >= NESTED_PAYERS) this.#beside.push(...children);
    const nested = depth >= NESTED_PAYERS ? [] : children;
    return {
      id,
      name: plain(name),
      limits,
      budgets: listed((this.#budgets.get(id) ?? []).map(({ payer: _, ...budget }) => budget)),
      keys: listed((this.#keys.get(id) ?? []).map(writeKey)),
      payers: listed(nested.map((child) => this.#payer(child, depth + 1))),
    };
  }
}

function writeKey({ id, hash, routes, limits, createdAt, expiresAt, revokedAt }: KeySetting): object {
  return { id, hash, routes: plain(routes), limits, created: createdAt, expires: expiresAt, revoked: revokedAt };
}

function grouped<T, K>(items: readonly T[], by: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(by(item));
    if (group) group.push(item);
    else groups.set(by(item), [item]);
  }
  return groups;
}
