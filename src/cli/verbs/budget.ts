import { type Command, Option } from "commander";
import { cliWords as words } from "../../base/messages/cli.ts";
import { helpWords as help } from "../../base/messages/cli-help.ts";
import { budgetColumns } from "../budget-columns.ts";
import type { Row } from "../client.ts";
import { EXIT } from "../exit-codes.ts";
import { Failure } from "../failure.ts";
import { readers, type VerbHost } from "../host.ts";
import { tableOf } from "../tables.ts";

interface SetOptions {
  readonly payer?: string;
  readonly amount?: string;
  readonly currency?: string;
  readonly window?: string;
  readonly timezone?: string;
  readonly kind?: string;
}

/** `maidan budget list | show | set | remove`. */
export function addBudget(program: Command, host: VerbHost): void {
  const { say } = host;
  const budget = program.command("budget").description(say(help.budget()));
  const list = budget.command("list").description(say(help.budgetList())).option("--payer <id>", say(help.ofPayer()));
  host.does<{ payer?: string }>(list, async (context, _, { payer }) => {
    const rows = await (await context.client()).list("budgets", { payer });
    if (context.json) context.printJson(rows);
    else context.print(tableOf(rows, budgetColumns(host), context.language));
  });
  const one = budget.command("show").argument("<id>", say(help.budgetId())).description(say(help.budgetShow()));
  host.does(one, async (context, [id]) => {
    const row = (await (await context.client()).request("GET", `budgets/${encodeURIComponent(id!)}`)) as Row;
    if (context.json) context.printJson(row);
    else context.print(tableOf([row], budgetColumns(host), context.language));
  });
  addSet(budget, host);
  const remove = budget
    .command("remove")
    .argument("<id>", say(help.budgetId()))
    .description(say(help.budgetRemove()))
    .option("-y, --yes", say(help.yes()));
  host.does<{ yes?: boolean }>(remove, async (context, [id], { yes }) => {
    await context.confirm(words.askRemove("budget", id!), yes ?? false);
    await (await context.client()).request("DELETE", `budgets/${encodeURIComponent(id!)}`);
    if (context.json) context.printJson({ id, removed: true });
    context.note(words.removed("budget", id!));
  });
}

function addSet(budget: Command, host: VerbHost): void {
  const { say } = host;
  const command = budget
    .command("set")
    .argument("<id>", say(help.budgetId()))
    .description(say(help.budgetSet()))
    .option("--payer <id>", say(help.budgetPayer()))
    .option("--amount <decimal>", say(help.budgetAmount()), readers(host).decimal)
    .option("--currency <code>", say(help.budgetCurrency()))
    .addOption(
      new Option("--window <window>", say(help.budgetWindow())).choices(["hour", "day", "week", "month", "total"]),
    )
    .option("--timezone <zone>", say(help.budgetTimezone()))
    .addOption(new Option("--kind <kind>", say(help.budgetKind())).choices(["hard", "soft"]));
  host.does<SetOptions>(command, async (context, [id], options) => {
    const client = await context.client();
    const path = `budgets/${encodeURIComponent(id!)}`;
    const known = await client.find(path);
    if (known) requireSamePayer(id!, known, options);
    else requireAll(id!, options);
    const { payer, ...changes } = options;
    const row = (
      known
        ? await client.request("PATCH", path, changes)
        : await client.request("POST", "budgets", { id, payer, ...changes })
    ) as Row;
    if (context.json) context.printJson(row);
    else context.print(tableOf([row], budgetColumns(host), context.language));
    context.note(known ? words.changed("budget", id!) : words.added("budget", id!));
  });
}

/** What a budget has counted is its payer's. */
function requireSamePayer(id: string, known: Row, { payer }: SetOptions): void {
  if (payer !== undefined && payer !== known.payer)
    throw new Failure(EXIT.usage, words.budgetStays(id, String(known.payer)));
}

/** A budget that does not exist yet needs more than one that is changed. */
function requireAll(id: string, options: SetOptions): void {
  const missing = (["payer", "amount", "currency", "window"] as const).filter((name) => options[name] === undefined);
  if (missing.length > 0)
    throw new Failure(
      EXIT.usage,
      words.newBudgetNeeds(
        id,
        missing.map((name) => `--${name}`),
      ),
    );
}
