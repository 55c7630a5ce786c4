import { basename } from "node:path";
import type { Command } from "commander";
import { cliWords as words } from "../../base/messages/cli.ts";
import { helpWords as help } from "../../base/messages/cli-help.ts";
import { writeChanges } from "../changes.ts";
import { pathOf } from "../client.ts";
import { readInput } from "../file-input.ts";
import type { VerbHost } from "../host.ts";
import type { AppliedChanges } from "../spec.ts";

interface Warning {
  readonly message: string;
  readonly line?: number;
}

/** `maidan apply <file>`: makes the store agree with a declarative file. */
export function addApply(program: Command, host: VerbHost): void {
  const { say } = host;
  const command = program
    .command("apply")
    .argument("<file>", say(help.applyFile()))
    .description(say(help.apply()))
    .option("--dry-run", say(help.dryRun()));
  host.does<{ dryRun?: boolean }>(command, async (context, [file], { dryRun }) => {
    const content = await readInput(file!, context.dependencies.stdin);
    const client = await context.client({ mayCreate: !dryRun });
    const answer = await client.text(
      "POST",
      pathOf("apply", { dryRun: dryRun ? "true" : undefined, name: file === "-" ? undefined : basename(file!) }),
      content,
    );
    const outcome = JSON.parse(answer) as AppliedChanges & { readonly warnings?: readonly Warning[] };
    if (context.json) context.printJson(outcome);
    else for (const line of writeChanges(outcome.changes)) context.print(line);
    for (const warning of outcome.warnings ?? []) context.note(words.warning(warning.message, warning.line));
    context.note(
      words.applied(countOf(outcome, "add"), countOf(outcome, "change"), countOf(outcome, "remove"), outcome.applied),
    );
  });
}

function countOf(outcome: AppliedChanges, action: string): number {
  return outcome.changes.filter((change) => change.action === action).length;
}
