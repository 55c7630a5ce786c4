import type { Command } from "commander";
import { cliWords as words } from "../../base/messages/cli.ts";
import { helpWords as help } from "../../base/messages/cli-help.ts";
import type { ShownReport } from "../../control/doctor/doctor.ts";
import { displayWidth } from "../../reports/text-table.ts";
import { coloursOf } from "../colours.ts";
import type { CliContext } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { VerbHost } from "../host.ts";

const SIGNS = { ok: "✓", warning: "!", problem: "✗" } as const;

/** `maidan doctor`: what is wrong, where, and what to do. Ends with 5 where there are problems. */
export function addDoctor(program: Command, host: VerbHost): void {
  const command = program.command("doctor").description(host.say(help.doctor()));
  host.does(command, async (context): Promise<ExitCode> => {
    const report = (await (await context.client()).request("GET", "doctor")) as ShownReport;
    if (context.json) context.printJson(report);
    else printReport(context, report);
    const count = (state: string): number => report.checks.filter((check) => check.state === state).length;
    context.note(words.doctorSummary(count("problem"), count("warning")));
    return report.state === "problem" ? EXIT.problems : EXIT.ok;
  });
}

function printReport(context: CliContext, report: ShownReport): void {
  const colours = coloursOf(context.dependencies);
  const paint = { ok: colours.green, warning: colours.yellow, problem: colours.red };
  const width = Math.max(...report.checks.map((check) => displayWidth(check.title)));
  for (const check of report.checks) {
    const title = check.title + " ".repeat(width - displayWidth(check.title));
    context.print(`${paint[check.state](SIGNS[check.state])} ${title}  ${check.what}`);
    if (check.state === "ok") continue;
    const indent = " ".repeat(width + 4);
    if (check.where) context.print(`${indent}${colours.dim(check.where)}`);
    if (check.do) context.print(`${indent}→ ${check.do}`);
  }
}
