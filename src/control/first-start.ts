import { KNOWN_VENDORS } from "../catalogue/vendor-table.ts";
import type { Vendor } from "../catalogue/vendors/vendor.ts";
import type { BudgetSetting, EndpointSetting, KeySetting, PayerSetting } from "../config/settings.ts";
import { type Environment, isSet } from "../config/variables.ts";
import { hashSecret, newSecret } from "../payers/secrets.ts";
import { Documents, documentsOf, type StoredDocument } from "./documents.ts";
import type { Plan } from "./plan.ts";

/** What the first start makes, so that the first call works at once. */
export interface FirstStart {
  readonly payer: PayerSetting;
  readonly budget: BudgetSetting;
  readonly key: KeySetting;
  /** To be shown once. */
  readonly secret: string;
  /** Of the vendors whose credentials stand in the environment, and of servers found on this machine. */
  readonly endpoints: readonly EndpointSetting[];
}

/**
 * @param now an instant in ISO form
 * @param local endpoints of servers that were found on this machine
 */
export function planFirstStart(
  environment: Environment,
  now: string,
  local: readonly EndpointSetting[],
): FirstStart & { readonly plan: Plan } {
  const secret = newSecret();
  const payer: PayerSetting = { id: "first", name: { zh: "首个付款方", en: "First payer" } };
  const budget: BudgetSetting = { id: "first-total", payer: "first", amount: "1.00", currency: "USD", window: "total" };
  const key: KeySetting = { id: "first-key", payer: "first", hash: hashSecret(secret), createdAt: now };
  const found = vendorsInEnvironment(environment);
  const endpoints = [...found, ...local.filter(({ id }) => !found.some((one) => one.id === id))];
  const { settings } = new Documents([]);
  const made = { ...settings, endpoints, payers: [payer], budgets: [budget], keys: [key] };
  const put: StoredDocument[] = [...documentsOf(made, "start")];
  const changes = put.map(({ kind, id }) => ({ action: "add" as const, kind, id }));
  return { payer, budget, key, secret, endpoints, plan: { put, remove: [], changes } };
}

/**
 * An endpoint for each vendor all of whose required credentials are set, named by the vendor: by its usual protocol, else by
 * the first other one whose own credentials are set.
 */
export function vendorsInEnvironment(
  environment: Environment,
  vendors: readonly Vendor[] = KNOWN_VENDORS.all,
): EndpointSetting[] {
  return vendors.flatMap(({ id, environment: usual, required, also = [], sameAs }) => {
    if (sameAs !== undefined) return [];
    const own = { protocol: undefined, environment: usual, required };
    const others = also.flatMap((way) =>
      way.region === undefined && way.environment && way.required
        ? [{ protocol: way.protocol, environment: way.environment, required: way.required }]
        : [],
    );
    const way = [own, ...others].find(
      (one) => one.required.length > 0 && one.required.every((name) => isSet(environment, one.environment[name])),
    );
    if (!way) return [];
    const credentials = Object.entries(way.environment)
      .filter(([, variable]) => isSet(environment, variable))
      .map(([name, variable]) => [name, { template: `\${${variable}}` }]);
    const { protocol } = way;
    const setting = { id, vendor: id, credentials: Object.fromEntries(credentials), models: [] };
    return [protocol === undefined ? setting : { ...setting, protocol }];
  });
}
