import { Fault } from "../base/faults.ts";
import { ledgerWords } from "../base/messages/ledger.ts";
import { formatAmount } from "../base/money.ts";
import type { BudgetAccount } from "./budget-account.ts";
import type { HoldAsk } from "./spec.ts";

/** The refusal of a call, with everything that a person needs in order to do something about it. */
export function exhausted(ask: HoldAsk, account: BudgetAccount): Fault {
  const { setting, limit, settled, held, resetsAt } = account.state;
  const { id, payer, currency } = setting;
  const amounts = { limit: formatAmount(limit), settled: formatAmount(settled), held: formatAmount(held) };
  const resets = resetsAt === undefined ? undefined : new Date(resetsAt).toISOString();
  const needs = `${formatAmount(ask.full.bound)} ${ask.currency}`;
  return new Fault("budget_exhausted", ledgerWords.exhausted({ id, payer, currency, ...amounts, resets, needs }), {
    details: { budget: id, payer, ...amounts, currency, resetsAt: resets ?? null },
  });
}
