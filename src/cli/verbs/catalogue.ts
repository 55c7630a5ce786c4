import type { Command } from "commander";
import { lookWords as words } from "../../base/messages/catalogue.ts";
import { lookHelp } from "../../base/messages/catalogue-help.ts";
import { modelColumns, vendorColumns, writeComparison, writeVendor } from "../catalogue-tables.ts";
import { pathOf, type Row } from "../client.ts";
import type { CliContext } from "../context.ts";
import type { VerbHost } from "../host.ts";
import { tableOf } from "../tables.ts";

interface SearchOptions {
  readonly vendor?: string;
  readonly modality?: string;
  readonly tools?: boolean;
  readonly reasoning?: boolean;
  readonly large?: string;
  readonly currency?: string;
}

/** `maidan catalogue [search | vendors | show | compare]`. */
export function addCatalogue(program: Command, host: VerbHost): void {
  const catalogue = program.command("catalogue").description(host.say(lookHelp.catalogue()));
  addSearch(catalogue, host);
  addVendors(catalogue, host);
  addShow(catalogue, host);
  addCompare(catalogue, host);
}

function addSearch(catalogue: Command, host: VerbHost): void {
  const { say } = host;
  const command = catalogue
    .command("search", { isDefault: true })
    .argument("[words...]", say(lookHelp.words()))
    .description(say(lookHelp.search()))
    .option("--vendor <id>", say(lookHelp.vendor()))
    .option("--modality <kind>", say(lookHelp.modality()))
    .option("--tools", say(lookHelp.tools()))
    .option("--no-tools", say(lookHelp.noTools()))
    .option("--reasoning", say(lookHelp.reasoning()))
    .option("--no-reasoning", say(lookHelp.noReasoning()))
    .option("--large <definition>", say(lookHelp.large()))
    .option("--currency <code>", say(lookHelp.currency()));
  host.does<SearchOptions>(command, async (context, [asked], options) => {
    const q = (asked as unknown as readonly string[]).join(" ");
    const { tools, reasoning, ...others } = options;
    const query = { ...others, ...said("tools", tools), ...said("reasoning", reasoning), ...(q !== "" && { q }) };
    if (Object.keys(query).length === 0) return listVendors(context, host, "");
    const rows = await (await context.client()).list("catalogue", query);
    if (context.json) return context.printJson(rows);
    if (rows.length === 0) return context.note(words.nothingFound());
    context.print(tableOf(rows, modelColumns(host), context.language));
    context.note(words.howLarge());
  });
}

/** An option that is neither on nor off asks for nothing. */
function said(name: string, value: boolean | undefined): Record<string, string> {
  return value === undefined ? {} : { [name]: String(value) };
}

function addVendors(catalogue: Command, host: VerbHost): void {
  const command = catalogue
    .command("vendors")
    .argument("[words...]", host.say(lookHelp.words()))
    .description(host.say(lookHelp.vendors()));
  host.does(command, (context, [asked]) =>
    listVendors(context, host, (asked as unknown as readonly string[]).join(" ")),
  );
}

async function listVendors(context: CliContext, host: VerbHost, q: string): Promise<void> {
  const rows = await (await context.client()).list("vendors", q === "" ? {} : { q });
  if (context.json) return context.printJson(rows);
  if (rows.length === 0) return context.note(words.nothingFound());
  context.print(tableOf(rows, vendorColumns(host), context.language));
}

function addShow(catalogue: Command, host: VerbHost): void {
  const command = catalogue
    .command("show")
    .argument("<vendor>", host.say(lookHelp.vendorId()))
    .description(host.say(lookHelp.show()));
  host.does(command, async (context, [id]) => {
    const vendor = (await (await context.client()).request("GET", `catalogue/${encodeURIComponent(id!)}`)) as Row;
    if (context.json) return context.printJson(vendor);
    for (const line of writeVendor(vendor, host)) context.print(line);
  });
}

function addCompare(catalogue: Command, host: VerbHost): void {
  const command = catalogue
    .command("compare")
    .argument("<models...>", host.say(lookHelp.models()))
    .description(host.say(lookHelp.compare()));
  host.does(command, async (context, [asked]) => {
    const compare = (asked as unknown as readonly string[]).join(",");
    const { items } = (await (await context.client()).request("GET", pathOf("catalogue", { compare }))) as {
      readonly items: readonly Row[];
    };
    if (context.json) return context.printJson(items);
    context.print(writeComparison(items, host));
  });
}
