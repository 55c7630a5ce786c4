import { cliWords as words } from "../base/messages/cli.ts";
import type { Row } from "./client.ts";
import type { VerbHost } from "./host.ts";
import type { ColumnOf } from "./tables.ts";

/** A budget as it stands: limit, what is spent, set aside and left. */
export function budgetColumns({ say }: VerbHost): ColumnOf[] {
  return [
    { title: say(words.columnBudget()), value: (row: Row) => row.id },
    { title: say(words.columnPayer()), value: (row) => row.payer },
    { title: say(words.columnLimit()), kind: "amount", value: (row) => row.limit },
    { title: say(words.columnSettled()), kind: "amount", value: (row) => row.settled },
    { title: say(words.columnHeld()), kind: "amount", value: (row) => row.held },
    { title: say(words.columnLeft()), kind: "amount", value: (row) => row.left },
    { title: say(words.columnCurrency()), value: (row) => row.currency },
    { title: say(words.columnWindow()), value: (row) => say(words.window(String(row.window))) },
    { title: say(words.columnKind()), value: (row) => say(words.budgetKind(String(row.kind ?? "hard"))) },
    { title: say(words.columnResets()), value: (row) => row.resetsAt },
  ];
}
