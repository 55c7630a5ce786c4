import { Command, type CommanderError, type Option } from "commander";
import type { Language } from "../base/language.ts";
import { cliWords as words } from "../base/messages/cli.ts";
import { helpWords as help, helpTitle } from "../base/messages/cli-help.ts";
import { nearest } from "../base/nearest.ts";
import { displayWidth } from "../reports/text-table.ts";
import { EXIT } from "./exit-codes.ts";
import { Failure } from "./failure.ts";
import type { VerbHost } from "./host.ts";
import type { CliDependencies } from "./spec.ts";
import { addApply } from "./verbs/apply.ts";
import { addBudget } from "./verbs/budget.ts";
import { addCall } from "./verbs/call.ts";
import { addCatalogue } from "./verbs/catalogue.ts";
import { addDoctor } from "./verbs/doctor.ts";
import { addExport } from "./verbs/export.ts";
import { addKey } from "./verbs/key.ts";
import { addPayer } from "./verbs/payer.ts";
import { addPractice } from "./verbs/practice.ts";
import { addPrice } from "./verbs/price.ts";
import { addStart } from "./verbs/start.ts";
import { addStatement } from "./verbs/statement.ts";
import { addUnsettled } from "./verbs/unsettled.ts";
import { addUsage } from "./verbs/usage.ts";

const VERBS = [
  addStart,
  addApply,
  addExport,
  addCall,
  addKey,
  addPayer,
  addBudget,
  addCatalogue,
  addPrice,
  addPractice,
  addUsage,
  addStatement,
  addUnsettled,
  addDoctor,
];

/** The whole command line, with its help in the person's language. */
export function makeProgram(
  host: VerbHost,
  dependencies: Pick<CliDependencies, "version" | "stdout" | "stderr" | "columns">,
): Command {
  const { say, language } = host;
  const program = new Command("maidan")
    .description(say(help.program()))
    .version(dependencies.version, "-V, --version", say(help.version()))
    .option("--json", say(help.json()))
    .option("--no-input", say(help.noInput()))
    .option("--data <folder>", say(help.data()))
    .option("--url <address>", say(help.url()))
    .option("--admin-key <key>", say(help.adminKey()))
    .option("--lang <zh|en>", say(help.lang()))
    .helpOption("-h, --help", say(help.help()))
    .helpCommand("help [command]", say(help.helpCommand()))
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void dependencies.stdout.write(text),
      writeErr: (text) => void dependencies.stderr.write(text),
      outputError: () => {}, // told by `explain`, in the person's language
      getOutHelpWidth: () => dependencies.columns ?? 100,
      getErrHelpWidth: () => dependencies.columns ?? 100,
    })
    .configureHelp({
      showGlobalOptions: true,
      styleTitle: (title) => helpTitle(title, language),
      displayWidth: (text) => displayWidth(text),
    })
    .addHelpText("after", `\n${say(help.more())}`);
  for (const add of VERBS) add(program, host);
  return program;
}

/** What commander found wrong, in the person's language and with the nearest right name. */
export function explain(error: CommanderError, command: Command): Failure {
  const [first = "", second = ""] = [...error.message.matchAll(/'([^']*)'/g)].map((match) => match[1]!);
  switch (error.code) {
    case "commander.unknownCommand":
      return wrong(words.unknownVerb(pathOf(command), first, nearest(first, namesOf(command)), namesOf(command)));
    case "commander.unknownOption":
      return wrong(words.unknownOption(first, nearest(first, flagsOf(command)), pathOf(command)));
    case "commander.missingArgument":
      return wrong(words.missingArgument(first, pathOf(command)));
    case "commander.optionMissingArgument":
      return wrong(words.optionNeedsValue(first));
    case "commander.missingMandatoryOptionValue":
      return wrong(words.optionMissing(first, pathOf(command)));
    case "commander.excessArguments":
      return wrong(words.tooManyArguments(pathOf(command)));
    case "commander.conflictingOption":
      return wrong(words.conflict(first, second));
    case "commander.invalidArgument":
      return wrong(words.invalidValue(first, second, error.message.split("is invalid. ")[1] ?? ""));
    default:
      return wrong(() => error.message.replace(/^error: /, ""));
  }
}

function wrong(text: ReturnType<typeof words.tooManyArguments>): Failure {
  return new Failure(EXIT.usage, text);
}

function namesOf(command: Command): string[] {
  return command.commands.map((one) => one.name());
}

function flagsOf(command: Command): string[] {
  const flags: string[] = [];
  for (let one: Command | null = command; one; one = one.parent)
    flags.push(...one.options.flatMap((option: Option) => option.long ?? []));
  return flags;
}

function pathOf(command: Command): string {
  const names: string[] = [];
  for (let one: Command | null = command; one; one = one.parent) names.unshift(one.name());
  return names.join(" ");
}

/** The language named by `--lang`, looked for before anything else so that help and errors speak it too. */
export function languageInArguments(argv: readonly string[]): Language | undefined {
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i]!;
    if (argument === "--") return undefined;
    const value = argument === "--lang" ? argv[i + 1] : argument.startsWith("--lang=") ? argument.slice(7) : undefined;
    if (value !== undefined) return value.toLowerCase().startsWith("zh") ? "zh" : "en";
  }
  return undefined;
}
