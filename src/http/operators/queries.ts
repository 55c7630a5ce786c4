import { Fault } from "../../base/faults.ts";
import { operatorWords } from "../../base/messages/operators.ts";
import { type Nano, parseAmount } from "../../base/money.ts";
import { instantOf } from "../../config/formats.ts";
import { dayPeriod } from "../../reports/periods.ts";
import type { OperatorsDependencies } from "./dependencies.ts";

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/;
const MOST_NANO = (1n << 63n) - 1n;

/**
 * A parameter that is an instant, as milliseconds; a day is its midnight in the zone. Throws `invalid_request`.
 */
export function readInstant(name: string, text: string | undefined, timezone = "UTC"): number | undefined {
  if (text === undefined) return undefined;
  const at = instantOf(text);
  if (at === undefined) throw new Fault("invalid_request", operatorWords.badInstant(name), { param: name });
  return DAY.test(text) ? dayPeriod(text, timezone).from : at;
}

/** A parameter that is a month. Throws `invalid_request`. */
export function readMonth(text: string): string {
  if (!MONTH.test(text)) throw new Fault("invalid_request", operatorWords.badMonth(), { param: "month" });
  return text;
}

/** A field that is an amount, which may be below zero. Throws `invalid_request`. */
export function readAmount(name: string, text: string): Nano {
  const amount = parseAmount(text);
  if (amount !== undefined && amount <= MOST_NANO && amount >= -MOST_NANO) return amount;
  throw new Fault("invalid_request", operatorWords.badAmount(name), { param: name });
}

/** The payer and all below it; one that is no more in the settings still has its entries. */
export function payersBelow(
  control: OperatorsDependencies["control"],
  payer: string | undefined,
): string[] | undefined {
  if (payer === undefined) return undefined;
  const ids = control.snapshot().payers.subtree(payer);
  return ids.length > 0 ? [...ids] : [payer];
}

/** Milliseconds as an instant, ISO 8601. */
export function showInstant(at: number): string {
  return new Date(at).toISOString();
}

/** A document with some of its fields replaced; a field that is null is taken out. */
export function patched(document: object, patch: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const result: Record<string, unknown> = { ...document };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else if (value !== undefined) result[name] = value;
  }
  return result;
}
