import type { Command } from "commander";
import { cliWords as words } from "../../base/messages/cli.ts";
import { helpWords as help } from "../../base/messages/cli-help.ts";
import type { Row } from "../client.ts";
import { readers, type VerbHost } from "../host.ts";
import { type ColumnOf, tableOf } from "../tables.ts";

interface UsageOptions {
  readonly by: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly currency?: string;
  readonly timezone?: string;
  readonly payer?: string;
}

/** `maidan usage`: what was used and what it cost. */
export function addUsage(program: Command, host: VerbHost): void {
  const { say } = host;
  const command = program
    .command("usage")
    .description(say(help.usage()))
    .option("--by <keys>", say(help.usageBy()), readers(host).list, ["payer", "model"])
    .option("--from <when>", say(help.from()))
    .option("--to <when>", say(help.to()))
    .option("--currency <code>", say(help.reportCurrency()))
    .option("--timezone <zone>", say(help.timezone()))
    .option("--payer <id>", say(help.payerAndBelow()));
  host.does<UsageOptions>(command, async (context, _, options) => {
    const { by, ...rest } = options;
    const rows = await (await context.client()).list("usage", { by: by.join(","), ...rest });
    if (context.json) return context.printJson(rows);
    if (rows.length === 0) return context.note(words.nothingUsed());
    context.print(tableOf(rows, columnsOf(by, host), context.language));
  });
}

function columnsOf(by: readonly string[], { say }: VerbHost): ColumnOf[] {
  const keys = by.map((key): ColumnOf => ({ title: say(words.usageKey(key)), value: (row) => row[key] }));
  return [
    ...keys,
    { title: say(words.columnCalls()), kind: "number", value: (row: Row) => row.calls },
    { title: say(words.columnAttempts()), kind: "number", value: (row) => row.attempts },
    { title: say(words.columnInput()), kind: "number", value: (row) => row.inputTokens },
    { title: say(words.columnOutput()), kind: "number", value: (row) => row.outputTokens },
    { title: say(words.columnCost()), kind: "amount", value: (row) => row.cost },
    { title: say(words.columnCurrency()), value: (row) => row.currency },
    { title: say(words.columnEstimated()), kind: "number", value: (row) => row.estimated },
  ];
}
