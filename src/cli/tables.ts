import type { Language } from "../base/language.ts";
import { type Column, writeTable } from "../reports/text-table.ts";
import type { Row } from "./client.ts";

/** How a column of a table is filled from a row of the API. */
export interface ColumnOf {
  readonly title: string;
  /** `amount`: aligned at the decimal point; `number`: to the right. */
  readonly kind?: "text" | "number" | "amount";
  readonly value: (row: Row) => unknown;
}

/** A table of rows for a terminal. Amounts stand under each other by their decimal points. */
export function tableOf(rows: readonly Row[], columns: readonly ColumnOf[], language: Language): string {
  const cells = columns.map((column) => {
    const values = rows.map((row) => show(column.value(row), language));
    return column.kind === "amount" ? alignAmounts(values) : values;
  });
  const heads = columns.map(
    ({ title, kind }): Column => ({ title, align: kind === undefined || kind === "text" ? "left" : "right" }),
  );
  return writeTable(
    heads,
    rows.map((_, index) => cells.map((column) => column[index]!)),
  );
}

/** What is unknown is shown as `–`, never as nothing or zero. */
export function show(value: unknown, language: Language): string {
  if (value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0)) return "–";
  if (Array.isArray(value)) return value.map((one) => show(one, language)).join(", ");
  if (typeof value === "object") return nameIn(value as Readonly<Record<string, unknown>>, language);
  return String(value);
}

function nameIn(name: Readonly<Record<string, unknown>>, language: Language): string {
  const text = name[language] ?? name.en ?? name.zh;
  return typeof text === "string" ? text : JSON.stringify(name);
}

const LEAST_PLACES = 2;

/** Pads decimals so that their points stand under each other: `5` and `0.000123` become `5.00    ` and `0.000123`. */
export function alignAmounts(amounts: readonly string[]): string[] {
  const padded = amounts.map((amount) => {
    if (!/^-?\d+(\.\d+)?$/.test(amount)) return amount;
    const [whole, fraction = ""] = amount.split(".");
    return `${whole}.${fraction.padEnd(LEAST_PLACES, "0")}`;
  });
  const places = padded.map((amount) => amount.length - amount.indexOf(".") - 1);
  const most = Math.max(0, ...padded.map((amount, index) => (amount.includes(".") ? places[index]! : 0)));
  return padded.map((amount, index) => (amount.includes(".") ? amount + " ".repeat(most - places[index]!) : amount));
}
