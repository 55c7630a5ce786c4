import type { Command } from "commander";
import { cliWords as words } from "../../base/messages/cli.ts";
import { helpWords as help } from "../../base/messages/cli-help.ts";
import type { Row } from "../client.ts";
import { readers, type VerbHost } from "../host.ts";
import { addLimitOptions, type LimitOptions, limitsOf } from "../limit-options.ts";
import { tableOf } from "../tables.ts";

interface CreateOptions extends LimitOptions {
  readonly payer: string;
  readonly id?: string;
  readonly expires?: string;
  readonly routes?: readonly string[];
}

/** `maidan key create | list | revoke`. */
export function addKey(program: Command, host: VerbHost): void {
  const { say } = host;
  const key = program.command("key").description(say(help.key()));
  addCreate(key, host);
  const list = key.command("list").description(say(help.keyList())).option("--payer <id>", say(help.ofPayer()));
  host.does<{ payer?: string }>(list, async (context, _, { payer }) => {
    const rows = await (await context.client()).list("keys", { payer });
    if (context.json) context.printJson(rows);
    else context.print(tableOf(rows, columnsOf(host), context.language));
  });
  const revoke = key
    .command("revoke")
    .argument("<id>", say(help.keyId()))
    .description(say(help.keyRevoke()))
    .option("-y, --yes", say(help.yes()));
  host.does<{ yes?: boolean }>(revoke, async (context, [id], { yes }) => {
    await context.confirm(words.askRevoke(id!), yes ?? false);
    const client = await context.client();
    const answer = await client.request("DELETE", `keys/${encodeURIComponent(id!)}`);
    if (context.json) context.printJson(answer ?? { id, revoked: true });
    context.note(words.revoked(id!));
  });
}

function addCreate(key: Command, host: VerbHost): void {
  const { say } = host;
  const read = readers(host);
  const create = key
    .command("create")
    .description(say(help.keyCreate()))
    .requiredOption("--payer <id>", say(help.keyPayer()))
    .option("--id <id>", say(help.keyNewId()))
    .option("--expires <when>", say(help.keyExpires()), read.instant)
    .option("--routes <names>", say(help.keyRoutes()), read.list);
  addLimitOptions(create, host);
  host.does<CreateOptions>(create, async (context, _, options) => {
    const { payer, id, expires, routes } = options;
    const body = { id, payer, expiresAt: expires, routes, limits: limitsOf(options) };
    const made = (await (await context.client()).request("POST", "keys", body)) as Row;
    if (context.json) context.printJson(made);
    else context.print(String(made.secret));
    context.note(words.keyMade(String(made.id), payer));
  });
}

function columnsOf({ say }: VerbHost) {
  return [
    { title: say(words.columnKey()), value: (row: Row) => row.id },
    { title: say(words.columnPayer()), value: (row: Row) => row.payer },
    { title: say(words.columnState()), value: (row: Row) => say(words.keyState(String(row.state))) },
    { title: say(words.columnExpires()), value: (row: Row) => row.expiresAt },
    { title: say(words.columnRoutes()), value: (row: Row) => row.routes ?? "*" },
  ];
}
