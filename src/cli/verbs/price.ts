import type { Command } from "commander";
import { cliWords as words } from "../../base/messages/cli.ts";
import { helpWords as help } from "../../base/messages/cli-help.ts";
import { USAGE_CLASSES, type UsageClass } from "../../base/usage.ts";
import type { Row } from "../client.ts";
import { EXIT } from "../exit-codes.ts";
import { Failure } from "../failure.ts";
import { readers, type VerbHost } from "../host.ts";
import { RATES } from "../rates.ts";
import { type ColumnOf, tableOf } from "../tables.ts";

const MOST_TOKENS = 1e12;

/** Rates and classes of usage are options of their own: `cacheWrite5m` is `--cache-write-5m`. */
const flagOf = (name: string): string => name.replace(/[A-Z]|\d+/g, (part) => `-${part.toLowerCase()}`);

/** `maidan price list | show | compute | add`. */
export function addPrice(program: Command, host: VerbHost): void {
  const { say } = host;
  const price = program.command("price").description(say(help.price()));
  const list = price
    .command("list")
    .description(say(help.priceList()))
    .option("--model <name>", say(help.priceModel()));
  host.does<{ model?: string }>(list, async (context, _, { model }) => {
    const rows = await (await context.client()).list("models", { model });
    if (context.json) context.printJson(rows);
    else context.print(tableOf(rows, columnsOf(host), context.language));
  });
  addShow(price, host);
  addCompute(price, host);
  addAdd(price, host);
}

function addShow(price: Command, host: VerbHost): void {
  const command = price
    .command("show")
    .argument("<model>", host.say(help.priceModel()))
    .description(host.say(help.priceShow()));
  host.does(command, async (context, [model]) => {
    const client = await context.client();
    const [row] = await client.list("models", { model });
    const set = await client.list("prices", { model });
    if (context.json) return context.printJson({ ...row, set });
    if (!row?.price) throw new Failure(EXIT.refused, words.noPrice(model!));
    context.print(host.say(words.priceInForce(model!)));
    for (const line of factsOf(row.price as Row)) context.print(line);
    for (const price of set) {
      context.print(host.say(words.priceSet(String(price.id))));
      for (const line of factsOf(price)) context.print(line);
    }
  });
}

function addCompute(price: Command, host: VerbHost): void {
  const { say } = host;
  const command = price
    .command("compute")
    .argument("<model>", say(help.priceModel()))
    .description(say(help.priceCompute()))
    .option("--at <when>", say(help.priceAt()));
  const count = readers(host).wholeNumber(0, MOST_TOKENS);
  for (const name of USAGE_CLASSES) command.option(`--${flagOf(name)} <number>`, say(help.usageClass(name)), count);
  host.does<Partial<Record<UsageClass, number>> & { at?: string }>(command, async (context, [model], options) => {
    const usage = Object.fromEntries(
      USAGE_CLASSES.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
    );
    if (Object.keys(usage).length === 0) throw new Failure(EXIT.usage, words.noUsage());
    const body = { model, usage, at: options.at };
    const answer = (await (await context.client()).request("POST", "prices/compute", body)) as Row;
    if (context.json) return context.printJson(answer);
    const lines = Array.isArray(answer.lines) ? (answer.lines as Row[]) : [];
    context.print(
      tableOf([...lines, { class: say(words.total()), amount: answer.cost }], lineColumns(host), context.language),
    );
    context.print(`${answer.cost} ${answer.currency}`);
  });
}

function addAdd(price: Command, host: VerbHost): void {
  const { say } = host;
  const read = readers(host);
  const command = price
    .command("add")
    .argument("<model>", say(help.priceModel()))
    .description(say(help.priceAdd()))
    .requiredOption("--currency <code>", say(help.priceCurrency()))
    .option("--since <when>", say(help.priceSince()))
    .option("--source <text>", say(help.priceSource()))
    .option("--checked <day>", say(help.priceChecked()));
  for (const name of RATES) command.option(`--${flagOf(name)} <decimal>`, say(help.rate(name)), read.decimal);
  host.does<Record<string, string>>(command, async (context, [model], options) => {
    if (!RATES.some((name) => options[name] !== undefined)) throw new Failure(EXIT.usage, words.noRates());
    const made = await (await context.client()).request("POST", "prices", { model, ...options });
    if (context.json) context.printJson(made);
    context.note(words.added("price", model!));
  });
}

/** A price, a fact a line, as the declarative file names them. */
function factsOf(price: Row): string[] {
  return Object.entries(price).flatMap(([name, value]) => {
    if (name === "model" || name === "id" || value === null) return [];
    return `  ${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`;
  });
}

function columnsOf({ say }: VerbHost): ColumnOf[] {
  const of =
    (name: string) =>
    (row: Row): unknown =>
      (row.price as Row | null)?.[name];
  return [
    { title: say(words.columnModel()), value: (row: Row) => row.id },
    { title: say(words.columnCurrency()), value: of("currency") },
    { title: say(words.columnInput()), kind: "amount", value: of("input") },
    { title: say(words.columnCached()), kind: "amount", value: of("cachedInput") },
    { title: say(words.columnOutput()), kind: "amount", value: of("output") },
    { title: say(words.columnConditions()), value: conditionsOf },
    { title: say(words.columnSource()), value: of("source") },
    { title: say(words.columnChecked()), value: of("checked") },
  ];
}

function conditionsOf({ price }: Row): string[] {
  const names = ["tiers", "hours", "batch"];
  return names.filter((name) => (price as Row | null)?.[name] !== undefined);
}

function lineColumns({ say }: VerbHost): ColumnOf[] {
  return [
    { title: say(words.columnClass()), value: (row: Row) => row.class },
    { title: say(words.columnQuantity()), kind: "number", value: (row) => row.quantity },
    { title: say(words.columnUnitPrice()), kind: "amount", value: (row) => row.unitPrice },
    { title: say(words.columnPer()), kind: "number", value: (row) => row.per },
    { title: say(words.columnCost()), kind: "amount", value: (row) => row.amount },
  ];
}
