import type { Value } from "./batch.ts";

/**
 * One column of many rows as the text of a PostgreSQL array: rows go to the server as one array a column, so that a
 * statement is the same however many rows it writes.
 *
 * @param values rows of `width` values each, one after the other
 * @param place of the column in a row
 * @param change what is written instead of a value
 */
export function columnArray(
  values: readonly Value[],
  width: number,
  place: number,
  change?: (value: Value) => Value,
): string {
  let text = "{";
  for (let at = place; at < values.length; at += width) {
    const value = change ? change(values[at]!) : values[at]!;
    text += at === place ? element(value) : `,${element(value)}`;
  }
  return `${text}}`;
}

export function arrayOf(values: readonly (Value | bigint)[]): string {
  return `{${values.map(element).join(",")}}`;
}

function element(value: Value | bigint): string {
  if (value === null) return "NULL";
  if (typeof value === "string") return `"${/["\\]/.test(value) ? value.replace(/["\\]/g, "\\$&") : value}"`;
  return String(value);
}
