import { doctorWords as words } from "../../base/messages/doctor.ts";
import { formatAmount } from "../../base/money.ts";
import type { DoctorDependencies, Finding } from "./spec.ts";

/** Whether the database itself is whole, and keeps what it is given. */
export async function checkStore(
  dependencies: Pick<DoctorDependencies, "checkStore" | "storeWarnings">,
): Promise<readonly Finding[]> {
  const warnings = dependencies.storeWarnings().map((what): Finding => {
    return { state: "warning", what, remedy: words.storeForgetsDo() };
  });
  const lines = await dependencies.checkStore();
  if (lines === undefined) return [...warnings, { state: "ok", what: words.storeAnswers() }];
  if (lines.length === 1 && lines[0] === "ok") return [...warnings, { state: "ok", what: words.storeGood() }];
  const broken = lines.map((line): Finding => {
    return { state: "problem", what: words.storeBroken(line), remedy: words.storeBrokenDo() };
  });
  return [...broken, ...warnings];
}

/** Whether the books balance: every entry by its own row, and every total by its entries. */
export async function checkLedger(dependencies: Pick<DoctorDependencies, "auditLedger">): Promise<readonly Finding[]> {
  const { entries, problems } = await dependencies.auditLedger();
  if (problems.length === 0) return [{ state: "ok", what: words.ledgerGood(entries) }];
  return problems.map(({ where, what }) => ({
    state: "problem",
    what: words.unbalanced(what),
    where: () => where,
    remedy: words.unbalancedDo(),
  }));
}

/** Attempts in doubt: they count against their budgets until somebody says what became of them. */
export function checkUnsettled(dependencies: Pick<DoctorDependencies, "unsettled" | "clock">): readonly Finding[] {
  const attempts = [...dependencies.unsettled()].sort((a, b) => a.since - b.since);
  if (attempts.length === 0) return [{ state: "ok", what: words.nothingUnsettled() }];
  const now = dependencies.clock.now();
  return attempts.map((attempt) => ({
    state: "warning",
    what: words.unsettled(
      formatAmount(attempt.amount),
      attempt.currency,
      attempt.reason,
      Math.floor((now - attempt.since) / 60_000),
    ),
    where: () => `${attempt.attempt} · ${attempt.payer} · ${attempt.model}`,
    remedy: words.unsettledDo(attempt.attempt),
  }));
}
