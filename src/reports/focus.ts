import type { Kysely } from "kysely";
import { Fault } from "../base/faults.ts";
import { timeOfId } from "../base/ids.ts";
import { reportWords } from "../base/messages/operators.ts";
import { formatAmount, formatDecimal, type Nano, parseDecimal } from "../base/money.ts";
import type { Schema } from "../store/schema.ts";
import { type Charge, readCharges } from "./charges.ts";
import { type CsvField, writeCsv } from "./csv.ts";
import { dayOf, dayPeriod, monthPeriod, type Period } from "./periods.ts";
import { addQuantity, writeQuantity } from "./quantities.ts";
import type { Recalculation } from "./recalculation.ts";
import type { StatementAsk, StatementBounds } from "./statement.ts";

/** What FOCUS wants to know of names, from the settings in force. */
export interface FocusNames {
  /** The name of a payer, or its id where it has none. */
  readonly payerName: (id: string) => string;
  /** The payer at the root above a payer: the billing account. */
  readonly rootOf: (id: string) => string;
  /** Who sells what an endpoint leads to. */
  readonly vendorOf: (endpoint: string) => string;
}

/** One row: a token type of a model at a price, used by a payer through a key and route on a day. */
interface FocusRow {
  readonly charge: Charge;
  readonly day: string;
  quantity: number;
  amount: Nano;
}

/**
 * A month as FOCUS 1.4 has it (FinOps Open Cost and Usage Specification), as CSV: a row a token type and day.
 * `BilledCost` adds up to the ledger exactly. `ListCost` and `ContractedCost` are unit price × quantity, unrounded, as
 * the specification wants; they differ from what was billed by the rounding of each attempt to a whole nano-unit.
 */
export async function writeFocus(
  query: Kysely<Schema>,
  ask: StatementAsk,
  recalculation: Recalculation,
  names: FocusNames,
  bounds: StatementBounds,
): Promise<string> {
  const period = monthPeriod(ask.month, ask.timezone);
  const rows = new Map<string, FocusRow>();
  // Most charges are of the day of the one before.
  let day = "";
  let times: Period = { from: 0, to: 0 };
  for await (const charge of readCharges(query, recalculation, period, ask.payers)) {
    const { at } = charge.entry;
    if (at < times.from || at >= times.to) {
      day = dayOf(at, ask.timezone);
      times = dayPeriod(day, ask.timezone);
    }
    const key = keyOf(charge, day);
    const row = rows.get(key);
    if (row) {
      row.quantity = addQuantity(row.quantity, charge.quantity);
      row.amount += charge.amount;
      continue;
    }
    if (rows.size >= bounds.reportRows) {
      throw new Fault("invalid_request", reportWords.tooManyRows(bounds.reportRows));
    }
    rows.set(key, { charge, day, quantity: charge.quantity, amount: charge.amount });
  }
  const fields = [...rows.values()].map((row) => fieldsOf(row, period, ask, names));
  return writeCsv(
    FOCUS_COLUMNS,
    fields.map((row) => FOCUS_COLUMNS.map((column) => row[column])),
  );
}

function keyOf({ entry, class: name, unitPrice, reason }: Charge, day: string): string {
  const { payer, key, route, model, currency, price, attempt } = entry;
  const alone = name === "adjustment" ? [attempt, entry.n, reason] : [];
  return JSON.stringify([day, payer, key, route, model, currency, price, name, unitPrice, ...alone]);
}

export const FOCUS_COLUMNS = [
  "BilledCost",
  "BillingAccountId",
  "BillingAccountName",
  "BillingCurrency",
  "BillingPeriodEnd",
  "BillingPeriodStart",
  "ChargeCategory",
  "ChargeClass",
  "ChargeDescription",
  "ChargeFrequency",
  "ChargePeriodEnd",
  "ChargePeriodStart",
  "ConsumedQuantity",
  "ConsumedUnit",
  "ContractedCost",
  "ContractedUnitPrice",
  "EffectiveCost",
  "HostProviderName",
  "InvoiceIssuerName",
  "ListCost",
  "ListUnitPrice",
  "PricingCategory",
  "PricingQuantity",
  "PricingUnit",
  "ServiceCategory",
  "ServiceName",
  "ServiceProviderName",
  "ServiceSubcategory",
  "SkuId",
  "SkuMeter",
  "SkuPriceDetails",
  "SkuPriceId",
  "SubAccountId",
  "SubAccountName",
  "Tags",
] as const;

type FocusFields = Record<(typeof FOCUS_COLUMNS)[number], CsvField>;

/** What each class is called as a meter, and in which units it is consumed. */
const METERS: Readonly<Record<Charge["class"], { readonly meter: string; readonly unit: string }>> = {
  input: { meter: "Input Tokens", unit: "Tokens" },
  cachedInput: { meter: "Cached Input Tokens", unit: "Tokens" },
  cacheWrite5m: { meter: "Cache Write Tokens (5 minutes)", unit: "Tokens" },
  cacheWrite1h: { meter: "Cache Write Tokens (1 hour)", unit: "Tokens" },
  inputAudio: { meter: "Input Audio Tokens", unit: "Tokens" },
  inputImage: { meter: "Input Image Tokens", unit: "Tokens" },
  output: { meter: "Output Tokens", unit: "Tokens" },
  reasoning: { meter: "Reasoning Tokens", unit: "Tokens" },
  outputAudio: { meter: "Output Audio Tokens", unit: "Tokens" },
  images: { meter: "Images", unit: "Images" },
  seconds: { meter: "Seconds", unit: "Seconds" },
  toolCalls: { meter: "Tool Calls", unit: "Calls" },
  call: { meter: "Requests", unit: "Requests" },
  "as-settled": { meter: "Requests", unit: "Requests" },
  adjustment: { meter: "Adjustment", unit: "Requests" },
};

const MILLION_TOKENS = "1000000 Tokens";

function fieldsOf(row: FocusRow, billing: Period, ask: StatementAsk, names: FocusNames): FocusFields {
  const { charge, day, amount } = row;
  const { entry } = charge;
  const period = dayPeriod(day, ask.timezone);
  const root = names.rootOf(entry.payer);
  const vendor = names.vendorOf(entry.model.slice(0, entry.model.indexOf("/")));
  const isAdjustment = charge.class === "adjustment";
  const tags = { "maidan/key": entry.key, "maidan/route": entry.route, "maidan/timezone": ask.timezone };
  const { meter } = METERS[charge.class];
  return {
    BilledCost: formatAmount(amount),
    BillingAccountId: root,
    BillingAccountName: names.payerName(root),
    BillingCurrency: entry.currency,
    BillingPeriodEnd: instant(billing.to),
    BillingPeriodStart: instant(billing.from),
    ChargeCategory: isAdjustment ? "Adjustment" : "Usage",
    // An adjustment of what was used before this month corrects a period that is closed.
    ChargeClass: isAdjustment && timeOfId(entry.attempt) < billing.from ? "Correction" : undefined,
    ChargeDescription: isAdjustment
      ? `Adjustment of ${entry.attempt}${charge.reason === undefined ? "" : `: ${charge.reason}`}`
      : `${entry.model} ${meter}`,
    ChargeFrequency: isAdjustment ? "One-Time" : "Usage-Based",
    ChargePeriodEnd: instant(period.to),
    ChargePeriodStart: instant(period.from),
    EffectiveCost: formatAmount(amount),
    HostProviderName: vendor,
    InvoiceIssuerName: vendor,
    ServiceCategory: "AI and Machine Learning",
    ServiceName: entry.model,
    ServiceProviderName: vendor,
    ServiceSubcategory: "Generative AI",
    SubAccountId: entry.payer,
    SubAccountName: names.payerName(entry.payer),
    Tags: JSON.stringify(tags),
    ...(isAdjustment ? unpriced(amount) : priced(row)),
  };
}

type PricedFields = Pick<
  FocusFields,
  | "ConsumedQuantity"
  | "ConsumedUnit"
  | "ContractedCost"
  | "ContractedUnitPrice"
  | "ListCost"
  | "ListUnitPrice"
  | "PricingCategory"
  | "PricingQuantity"
  | "PricingUnit"
  | "SkuId"
  | "SkuMeter"
  | "SkuPriceDetails"
  | "SkuPriceId"
>;

function unpriced(amount: Nano): PricedFields {
  return {
    ConsumedQuantity: undefined,
    ConsumedUnit: undefined,
    ContractedCost: formatAmount(amount),
    ContractedUnitPrice: undefined,
    ListCost: formatAmount(amount),
    ListUnitPrice: undefined,
    PricingCategory: undefined,
    PricingQuantity: undefined,
    PricingUnit: undefined,
    SkuId: undefined,
    SkuMeter: undefined,
    SkuPriceDetails: undefined,
    SkuPriceId: undefined,
  };
}

function priced({ charge, quantity, amount }: FocusRow): PricedFields {
  const { entry, unitPrice, per, class: name } = charge;
  const { meter, unit } = METERS[name];
  const perMillion = per === "1M tokens";
  const listCost = unitPrice === undefined ? formatAmount(amount) : multiply(unitPrice, quantity, perMillion);
  return {
    ConsumedQuantity: writeQuantity(quantity),
    ConsumedUnit: unit,
    ContractedCost: listCost,
    ContractedUnitPrice: unitPrice,
    ListCost: listCost,
    ListUnitPrice: unitPrice,
    // A cost that no price explains was agreed in another way.
    PricingCategory: unitPrice === undefined ? "Other" : "Standard",
    PricingQuantity: perMillion ? formatDecimal(BigInt(quantity), 6) : writeQuantity(quantity),
    PricingUnit: perMillion ? MILLION_TOKENS : unit,
    SkuId: `${entry.model}#${name}`,
    SkuMeter: meter,
    SkuPriceDetails: JSON.stringify({ x_Model: entry.model, x_TokenType: name }),
    SkuPriceId: `${entry.price}#${name}`,
  };
}

const PRICE_DIGITS = 9;
const QUANTITY_DIGITS = 6;

/** Unit price × quantity, exact: nine places of the price, six of the quantity. */
function multiply(unitPrice: string, quantity: number, perMillion: boolean): string {
  const price = parseDecimal(unitPrice, PRICE_DIGITS)!;
  const exact = perMillion ? BigInt(quantity) : parseDecimal(writeQuantity(quantity), QUANTITY_DIGITS)!;
  return formatDecimal(price * exact, PRICE_DIGITS + QUANTITY_DIGITS);
}

/** FOCUS wants UTC, to the second. */
function instant(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
