import { DEFAULT_LIMITS } from "../../base/limits.ts";
import { doctorWords as words } from "../../base/messages/doctor.ts";
import type { DoctorBounds, DoctorDependencies, ExaminedModel, Finding } from "./spec.ts";

const modelsOf = (dependencies: Pick<DoctorDependencies, "endpoints">): ExaminedModel[] =>
  dependencies.endpoints().flatMap((endpoint) => endpoint.models);

/** Models without a price are refused, or served for nothing. */
export function checkPrices(dependencies: Pick<DoctorDependencies, "endpoints">): readonly Finding[] {
  const models = modelsOf(dependencies);
  const findings = models
    .filter((model) => model.priceCurrency === undefined)
    .map(({ ref, allowUnpriced }): Finding => {
      const where = words.model(ref);
      if (allowUnpriced) return { state: "warning", what: words.free(), where, remedy: words.priceDo(ref) };
      return { state: "problem", what: words.unpriced(), where, remedy: words.priceDo(ref) };
    });
  return findings.length > 0 ? findings : [{ state: "ok", what: words.pricesGood(models.length) }];
}

/** A model that does not say how long its answers get is held for at a bound far above what it costs. */
export function checkOutputLimits(dependencies: Pick<DoctorDependencies, "endpoints">): readonly Finding[] {
  const findings: Finding[] = [];
  for (const { id, address, models } of dependencies.endpoints()) {
    const open = models.filter((model) => model.billsOutput && model.maxOutputTokens === undefined);
    if (open.length === 0) continue;
    const names = open.map((model) => model.ref);
    findings.push({
      state: "warning",
      what: words.noOutputLimit(DEFAULT_LIMITS.unknownOutputTokens, names),
      where: words.endpoint(id, address),
      remedy: words.noOutputLimitDo(),
    });
  }
  return findings.length > 0 ? findings : [{ state: "ok", what: words.outputLimitsGood() }];
}

/** A budget can only hold what is priced in its currency, or can be converted to it. */
export function checkRates(
  dependencies: Pick<DoctorDependencies, "endpoints" | "budgetCurrencies" | "hasRate">,
): readonly Finding[] {
  const priced = new Set(modelsOf(dependencies).flatMap((model) => model.priceCurrency ?? []));
  const budgets = new Map<string, string[]>();
  for (const { budget, currency } of dependencies.budgetCurrencies())
    budgets.set(currency, [...(budgets.get(currency) ?? []), budget]);
  const findings: Finding[] = [];
  for (const [currency, users] of budgets) {
    const missing = [...priced].filter((price) => price !== currency && !dependencies.hasRate(price, currency)).sort();
    for (const price of missing)
      findings.push({
        // With no price that it can hold, the budget refuses every call there is.
        state: missing.length === priced.size ? "problem" : "warning",
        what: words.noRate(price, currency),
        where: words.budgets(users),
        remedy: words.noRateDo(price, currency),
      });
  }
  return findings.length > 0 ? findings : [{ state: "ok", what: words.ratesGood() }];
}

/** Keys that will stop working soon, or have just stopped. */
export function checkKeys(
  dependencies: Pick<DoctorDependencies, "keys" | "clock">,
  bounds: DoctorBounds,
): readonly Finding[] {
  const now = dependencies.clock.now();
  const findings: Finding[] = [];
  let valid = 0;
  for (const key of dependencies.keys()) {
    if (key.revoked) continue;
    const left = key.expiresAt === undefined ? Number.POSITIVE_INFINITY : key.expiresAt - now;
    if (left > 0) valid++;
    if (Math.abs(left) > bounds.keyWarningMs) continue;
    const at = new Date(key.expiresAt!).toISOString();
    const what = left > 0 ? words.keyExpires(at) : words.keyExpired(at);
    findings.push({ state: "warning", what, where: words.key(key.id, key.payer), remedy: words.keyDo(key.payer) });
  }
  return findings.length > 0 ? findings : [{ state: "ok", what: words.keysGood(valid) }];
}
