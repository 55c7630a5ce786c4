import type { Kysely } from "kysely";
import { Fault } from "../base/faults.ts";
import { reportWords } from "../base/messages/operators.ts";
import { type Currency, type Nano, UNIT_RATIO } from "../base/money.ts";
import { readDoubts } from "../records/costing-entries.ts";
import type { Schema } from "../store/schema.ts";
import { type Charge, readCharges } from "./charges.ts";
import { ConvertedSum, type RateLookup, requireRate } from "./conversion.ts";
import { hourStart, monthPeriod, type Period } from "./periods.ts";
import { addQuantity } from "./quantities.ts";
import type { Recalculation } from "./recalculation.ts";
import { readUsage } from "./usage-groups.ts";

export interface StatementAsk {
  /** Whose statement: shown, and what `payers` belong to; undefined for all payers. */
  readonly payer: string | undefined;
  /** Ids of the payer and of all below it; undefined for all. */
  readonly payers: readonly string[] | undefined;
  /** `2026-11`. */
  readonly month: string;
  readonly timezone: string;
  /** What the total is converted to as well. */
  readonly currency?: Currency | undefined;
}

export interface StatementLine {
  /** `endpoint/model`. */
  readonly model: string;
  readonly class: Charge["class"];
  readonly priceId: string;
  readonly unitPrice: string | undefined;
  readonly per: string | undefined;
  readonly quantity: number;
  readonly amount: Nano;
  readonly currency: Currency;
}

export interface StatementAdjustment {
  readonly attempt: string;
  readonly at: number;
  readonly payer: string;
  readonly model: string;
  readonly amount: Nano;
  readonly currency: Currency;
  readonly reason: string | undefined;
}

export interface StatementDoubt {
  readonly attempt: string;
  readonly since: number;
  readonly payer: string;
  readonly model: string;
  readonly amount: Nano;
  readonly currency: Currency;
  readonly reason: string;
}

export interface StatementTotal {
  readonly currency: Currency;
  /** Of the lines, of the adjustments, and of both. */
  readonly usage: Nano;
  readonly adjustments: Nano;
  readonly total: Nano;
}

export interface Statement extends Period {
  readonly payer: string | undefined;
  readonly month: string;
  readonly timezone: string;
  readonly calls: number;
  readonly attempts: number;
  readonly estimated: number;
  readonly lines: readonly StatementLine[];
  readonly adjustments: readonly StatementAdjustment[];
  /** Adjustments that are in the totals but not listed, because there are too many. */
  readonly moreAdjustments: number;
  /** In doubt when the period ended: not in the totals. */
  readonly unsettled: readonly StatementDoubt[];
  /** Whether more were in doubt than are listed. */
  readonly moreUnsettled: boolean;
  readonly totals: readonly StatementTotal[];
  readonly converted: { readonly currency: Currency; readonly total: Nano } | undefined;
}

export interface StatementBounds {
  readonly reportRows: number;
  readonly pageRows: number;
}

/**
 * What a payer and all below it owe for a calendar month in a zone. The amounts of its lines and adjustments add up to
 * the ledger's, to the nano-unit; each is what was settled or adjusted within the month. The converted total is made at
 * the rate in force in the hour of each entry, summed exactly and rounded once, half to even.
 *
 * Throws `invalid_request` where a rate is missing or the statement would be longer than its bound.
 */
export async function makeStatement(
  query: Kysely<Schema>,
  ask: StatementAsk,
  recalculation: Recalculation,
  rateOf: RateLookup,
  bounds: StatementBounds,
): Promise<Statement> {
  const period = monthPeriod(ask.month, ask.timezone);
  const gathering = new Gathering(ask, rateOf, bounds);
  for await (const charge of readCharges(query, recalculation, period, ask.payers)) gathering.add(charge);
  const doubts = await readDoubts(query, period.to, ask.payers, bounds.pageRows + 1);
  const counts = await countAttempts(query, period, ask.payers);
  const { payer, month, timezone } = ask;
  return {
    payer,
    month,
    timezone,
    ...period,
    ...counts,
    ...gathering.result(),
    unsettled: doubts.slice(0, bounds.pageRows).map(({ entry, reason }) => ({
      attempt: entry.attempt,
      since: entry.at,
      payer: entry.payer,
      model: entry.model,
      amount: entry.amount,
      currency: entry.currency,
      reason,
    })),
    moreUnsettled: doubts.length > bounds.pageRows,
  };
}

async function countAttempts(
  query: Kysely<Schema>,
  period: Period,
  payers: readonly string[] | undefined,
): Promise<Pick<Statement, "calls" | "attempts" | "estimated">> {
  const segment = { ...period, offsetMs: 0 };
  const groups = await readUsage(query, "entries", { by: [], timezone: "UTC", payers }, segment, MOST_CURRENCIES);
  const sum = (of: "calls" | "attempts" | "estimated"): number => groups.reduce((total, group) => total + group[of], 0);
  return { calls: sum("calls"), attempts: sum("attempts"), estimated: sum("estimated") };
}

/** One group a currency. */
const MOST_CURRENCIES = 10_000;

type Growing<T> = { -readonly [K in keyof T]: T[K] };

/** Sums charges as they are read. */
class Gathering {
  readonly #ask: StatementAsk;
  readonly #rateOf: RateLookup;
  readonly #bounds: StatementBounds;
  readonly #lines = new Map<string, Growing<StatementLine>>();
  readonly #totals = new Map<Currency, { usage: Nano; adjustments: Nano }>();
  readonly #adjustments: StatementAdjustment[] = [];
  #moreAdjustments = 0;
  readonly #converted = new ConvertedSum();

  constructor(ask: StatementAsk, rateOf: RateLookup, bounds: StatementBounds) {
    this.#ask = ask;
    this.#rateOf = rateOf;
    this.#bounds = bounds;
  }

  add(charge: Charge): void {
    const { entry, amount } = charge;
    const { currency } = entry;
    let total = this.#totals.get(currency);
    if (!total) this.#totals.set(currency, (total = { usage: 0n, adjustments: 0n }));
    if (charge.class === "adjustment") {
      total.adjustments += amount;
      this.#addAdjustment(charge);
    } else {
      total.usage += amount;
      this.#addLine(charge);
    }
    this.#convert(charge);
  }

  #addLine({ entry, quantity, unitPrice, per, amount, class: name }: Charge): void {
    const { model, currency, price: priceId } = entry;
    const key = JSON.stringify([model, name, priceId, unitPrice, currency]);
    const line = this.#lines.get(key);
    if (line) {
      line.quantity = addQuantity(line.quantity, quantity);
      line.amount += amount;
      return;
    }
    if (this.#lines.size >= this.#bounds.reportRows) {
      throw new Fault("invalid_request", reportWords.tooManyRows(this.#bounds.reportRows));
    }
    this.#lines.set(key, { model, class: name, priceId, unitPrice, per, quantity, amount, currency });
  }

  #addAdjustment({ entry, amount, reason }: Charge): void {
    if (this.#adjustments.length >= this.#bounds.pageRows) {
      this.#moreAdjustments += 1;
      return;
    }
    const { attempt, at, payer, model, currency } = entry;
    this.#adjustments.push({ attempt, at, payer, model, amount, currency, reason });
  }

  #convert({ entry, amount }: Charge): void {
    const { currency } = this.#ask;
    if (currency === undefined || amount === 0n) return;
    if (entry.currency === currency) this.#converted.add(amount, UNIT_RATIO);
    else this.#converted.add(amount, requireRate(this.#rateOf, entry.currency, currency, hourStart(entry.at)));
  }

  result(): Pick<Statement, "lines" | "adjustments" | "moreAdjustments" | "totals" | "converted"> {
    const { currency } = this.#ask;
    return {
      lines: [...this.#lines.values()].sort(compareLines),
      adjustments: this.#adjustments,
      moreAdjustments: this.#moreAdjustments,
      totals: [...this.#totals]
        .map(([of, { usage, adjustments }]) => ({ currency: of, usage, adjustments, total: usage + adjustments }))
        .sort((a, b) => (a.currency < b.currency ? -1 : 1)),
      converted: currency === undefined ? undefined : { currency, total: this.#converted.rounded },
    };
  }
}

function compareLines(a: StatementLine, b: StatementLine): number {
  const left = [a.model, a.currency, a.class, a.priceId, a.unitPrice ?? ""].join("\u0000");
  const right = [b.model, b.currency, b.class, b.priceId, b.unitPrice ?? ""].join("\u0000");
  return left < right ? -1 : left > right ? 1 : 0;
}
