import { writeFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import { cliWords as words } from "../../base/messages/cli.ts";
import { helpWords as help } from "../../base/messages/cli-help.ts";
import { pathOf } from "../client.ts";
import type { VerbHost } from "../host.ts";

interface StatementOptions {
  readonly month?: string;
  readonly format?: string;
  readonly currency?: string;
  readonly output?: string;
}

/** `maidan statement <payer>`: what a payer owes for a month. */
export function addStatement(program: Command, host: VerbHost): void {
  const { say } = host;
  const command = program
    .command("statement")
    .argument("<payer>", say(help.payerId()))
    .description(say(help.statement()))
    .option("--month <month>", say(help.month()))
    .addOption(new Option("--format <format>", say(help.format())).choices(["table", "json", "csv", "focus"]))
    .option("--currency <code>", say(help.reportCurrency()))
    .option("-o, --output <file>", say(help.output()));
  host.does<StatementOptions>(command, async (context, [payer], { month, format, currency, output }) => {
    const query = {
      payer,
      month: month ?? new Date().toISOString().slice(0, 7),
      format: format ?? (context.json ? "json" : "table"),
      currency,
    };
    const text = await (await context.client()).text("GET", pathOf("statements", query));
    if (output === undefined) return context.write(text.endsWith("\n") ? text : `${text}\n`);
    await writeFile(output, text);
    context.note(words.written(output));
  });
}
