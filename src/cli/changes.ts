import type { AppliedChange } from "./spec.ts";

const SIGNS = { add: "+", change: "~", remove: "-" } as const;

/** What an application changed, a line each: `~ budgets acme-month (amount)`. */
export function writeChanges(changes: readonly AppliedChange[]): string[] {
  return changes.map(({ action, kind, id, fields }) => {
    const what = fields && fields.length > 0 ? ` (${fields.join(", ")})` : "";
    return `${SIGNS[action]} ${kind} ${id}${what}`;
  });
}
