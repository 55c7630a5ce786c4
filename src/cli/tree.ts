import type { Language } from "../base/language.ts";
import type { Row } from "./client.ts";
import { show } from "./tables.ts";

/** The tree of payers, a line each. A payer whose parent is not among them stands as a root; none is lost in a circle. */
export function writeTree(rows: readonly Row[], language: Language): string[] {
  const ids = new Set(rows.map((row) => row.id));
  const children = new Map<unknown, Row[]>();
  for (const row of rows) {
    const parent = ids.has(row.parent) ? row.parent : undefined;
    children.set(parent, [...(children.get(parent) ?? []), row]);
  }
  const lines: string[] = [];
  const seen = new Set<unknown>();
  const add = (row: Row, head: string, rest: string): void => {
    if (seen.has(row.id)) return;
    seen.add(row.id);
    const name = row.name === undefined || row.name === null ? "" : `  ${show(row.name, language)}`;
    lines.push(`${head}${row.id}${name}`);
    const below = children.get(row.id) ?? [];
    for (const [index, child] of below.entries()) {
      const last = index === below.length - 1;
      add(child, `${rest}${last ? "└─ " : "├─ "}`, `${rest}${last ? "   " : "│  "}`);
    }
  };
  for (const root of children.get(undefined) ?? []) add(root, "", "");
  for (const row of rows) add(row, "", "");
  return lines;
}
