import { type Command, Option } from "commander";
import { cliWords as words } from "../../base/messages/cli.ts";
import { helpWords as help } from "../../base/messages/cli-help.ts";
import type { Row } from "../client.ts";
import { EXIT } from "../exit-codes.ts";
import { Failure } from "../failure.ts";
import { readers, type VerbHost } from "../host.ts";
import { type ColumnOf, tableOf } from "../tables.ts";

interface ResolveOptions {
  readonly cost?: string;
  readonly currency?: string;
  readonly release?: boolean;
  readonly basis?: string;
  readonly reason: string;
  readonly yes?: boolean;
}

/** `maidan unsettled list | resolve`: attempts of which nobody knows whether the vendor billed them. */
export function addUnsettled(program: Command, host: VerbHost): void {
  const { say } = host;
  const unsettled = program.command("unsettled").description(say(help.unsettled()));
  const list = unsettled.command("list").description(say(help.unsettledList()));
  host.does(list, async (context) => {
    const rows = await (await context.client()).list("unsettled");
    if (context.json) return context.printJson(rows);
    if (rows.length === 0) return context.note(words.nothingUnsettled());
    context.print(tableOf(rows, columnsOf(host), context.language));
  });
  addResolve(unsettled, host);
}

function addResolve(unsettled: Command, host: VerbHost): void {
  const { say } = host;
  const command = unsettled
    .command("resolve")
    .argument("<attempt>", say(help.attempt()))
    .description(say(help.resolve()))
    .option("--cost <decimal>", say(help.resolveCost()), readers(host).decimal)
    .option("--currency <code>", say(help.resolveCurrency()))
    .addOption(
      new Option("--basis <basis>", say(help.resolveBasis())).choices(["vendor-bill", "reported", "estimated"]),
    )
    .addOption(new Option("--release", say(help.resolveRelease())).conflicts(["cost", "basis", "currency"]))
    .requiredOption("--reason <text>", say(help.resolveReason()))
    .option("-y, --yes", say(help.yes()));
  host.does<ResolveOptions>(command, async (context, [attempt], options) => {
    const { cost, release, reason } = options;
    if (cost === undefined && !release) throw new Failure(EXIT.usage, words.costOrRelease());
    if (release) await context.confirm(words.askRelease(attempt!), options.yes ?? false);
    const client = await context.client();
    const body = release
      ? { action: "release", reason }
      : await settlement(attempt!, options, await client.list("unsettled"));
    const answer = await client.request("POST", `unsettled/${encodeURIComponent(attempt!)}`, body);
    if (context.json) context.printJson(answer);
    context.note(release ? words.released(attempt!) : words.settled(attempt!));
  });
}

/** The cost is in the attempt's own currency unless another is named; the gateway refuses a wrong one. */
async function settlement(attempt: string, options: ResolveOptions, unsettled: readonly Row[]): Promise<object> {
  const row = unsettled.find((one) => one.attempt === attempt);
  const currency = options.currency ?? row?.currency;
  return {
    action: "settle",
    cost: options.cost,
    currency,
    basis: options.basis ?? "vendor-bill",
    reason: options.reason,
  };
}

function columnsOf({ say }: VerbHost): ColumnOf[] {
  return [
    { title: say(words.columnAttempt()), value: (row: Row) => row.attempt },
    { title: say(words.columnPayer()), value: (row) => row.payer },
    { title: say(words.columnModel()), value: (row) => row.model },
    { title: say(words.columnHeld()), kind: "amount", value: (row) => row.amount },
    { title: say(words.columnCurrency()), value: (row) => row.currency },
    { title: say(words.columnSince()), value: (row) => row.since },
    { title: say(words.columnReason()), value: (row) => row.reason },
  ];
}
