import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { cliWords as words } from "../../base/messages/cli.ts";
import { helpWords as help } from "../../base/messages/cli-help.ts";
import type { VerbHost } from "../host.ts";

/** `maidan export`: every setting as a declarative file. */
export function addExport(program: Command, host: VerbHost): void {
  const command = program
    .command("export")
    .description(host.say(help.export()))
    .option("-o, --output <file>", host.say(help.output()));
  host.does<{ output?: string }>(command, async (context, _, { output }) => {
    const yaml = await (await context.client()).text("GET", "export");
    if (output === undefined) {
      if (context.json) context.printJson({ yaml });
      else context.write(yaml);
      return;
    }
    await writeFile(output, yaml, { mode: 0o600 });
    context.note(words.written(output));
  });
}
