/** Figures as text. */

/** Columns as wide as their widest cell; the first is of words. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join("  "),
    )
    .join("\n");
}

export const figure = (value: number, digits = 0): string => (Number.isNaN(value) ? "–" : value.toFixed(digits));

/** A goal, and whether it was reached. */
export function verdict(label: string, values: readonly number[], goal: string, isReached: boolean): string {
  const shown = values.map((value) => figure(value, 2)).join(", ");
  return `${(isReached ? "reached" : "missed").padEnd(8)} ${label}: ${shown} (goal ${goal})`;
}
