import type { Command } from "commander";
import { cliWords as words } from "../../base/messages/cli.ts";
import { helpWords as help } from "../../base/messages/cli-help.ts";
import { budgetColumns } from "../budget-columns.ts";
import type { Row } from "../client.ts";
import type { VerbHost } from "../host.ts";
import { addLimitOptions, type LimitOptions, limitsOf } from "../limit-options.ts";
import { show, tableOf } from "../tables.ts";
import { writeTree } from "../tree.ts";

interface AddOptions extends LimitOptions {
  readonly parent?: string;
  readonly name?: string;
  readonly nameZh?: string;
}

/** `maidan payer list | show | add | remove`. */
export function addPayer(program: Command, host: VerbHost): void {
  const { say } = host;
  const payer = program.command("payer").description(say(help.payer()));
  const list = payer.command("list").description(say(help.payerList()));
  host.does(list, async (context) => {
    const rows = await (await context.client()).list("payers");
    if (context.json) context.printJson(rows);
    else for (const line of writeTree(rows, context.language)) context.print(line);
  });
  addShow(payer, host);
  addAdd(payer, host);
  const remove = payer
    .command("remove")
    .argument("<id>", say(help.payerId()))
    .description(say(help.payerRemove()))
    .option("-y, --yes", say(help.yes()));
  host.does<{ yes?: boolean }>(remove, async (context, [id], { yes }) => {
    await context.confirm(words.askRemove("payer", id!), yes ?? false);
    await (await context.client()).request("DELETE", `payers/${encodeURIComponent(id!)}`);
    if (context.json) context.printJson({ id, removed: true });
    context.note(words.removed("payer", id!));
  });
}

function addShow(payer: Command, host: VerbHost): void {
  const { say } = host;
  const command = payer.command("show").argument("<id>", say(help.payerId())).description(say(help.payerShow()));
  host.does(command, async (context, [id]) => {
    const client = await context.client();
    const row = (await client.request("GET", `payers/${encodeURIComponent(id!)}`)) as Row;
    const [budgets, keys] = [await client.list("budgets", { payer: id }), await client.list("keys", { payer: id })];
    if (context.json) return context.printJson({ ...row, budgets, keys });
    const name = row.name === undefined || row.name === null ? "" : `  ${show(row.name, context.language)}`;
    context.print(`${row.id}${name}`);
    const facts = [
      [words.columnParent(), row.parent],
      [words.columnLimits(), row.limits && JSON.stringify(row.limits)],
      [words.columnKeys(), keys.map((key) => key.id)],
    ] as const;
    for (const [title, value] of facts) context.print(`  ${say(title)}: ${show(value, context.language)}`);
    if (budgets.length > 0) context.print(tableOf(budgets, budgetColumns(host), context.language));
  });
}

function addAdd(payer: Command, host: VerbHost): void {
  const { say } = host;
  const command = payer
    .command("add")
    .argument("<id>", say(help.payerId()))
    .description(say(help.payerAdd()))
    .option("--parent <id>", say(help.payerParent()))
    .option("--name <name>", say(help.payerName()))
    .option("--name-zh <name>", say(help.payerNameZh()));
  addLimitOptions(command, host);
  host.does<AddOptions>(command, async (context, [id], options) => {
    const { parent, name: en, nameZh: zh } = options;
    const name = zh === undefined ? en : { zh, ...(en !== undefined && { en }) };
    const body = { id, parent, name, limits: limitsOf(options) };
    const made = await (await context.client()).request("POST", "payers", body);
    if (context.json) context.printJson(made);
    context.note(words.added("payer", id!));
  });
}
