import { VENDORS } from "../catalogue/vendors/table.ts";
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

/** An endpoint for each vendor all of whose required credentials are set, named by the vendor. */
export function vendorsInEnvironment(environment: Environment): EndpointSetting[] {
  const found: EndpointSetting[] = [];
  for (const { id, environment: variables, required } of VENDORS) {
    if (required.length === 0 || !required.every((name) => isSet(environment, variables[name]))) continue;
    const credentials = Object.entries(variables)
      .filter(([, variable]) => isSet(environment, variable))
      .map(([name, variable]) => [name, { template: `\${${variable}}` }]);
    found.push({ id, vendor: id, credentials: Object.fromEntries(credentials), models: [] });
  }
  return found;
}
