import { type Command, CommanderError } from "commander";
import { Fault } from "../base/faults.ts";
import { type Language, languageOf, type Text } from "../base/language.ts";
import { cliWords as words } from "../base/messages/cli.ts";
import { readEnvironment } from "../config/environment.ts";
import type { Whereabouts } from "./connection.ts";
import { CliContext } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { Failure } from "./failure.ts";
import type { VerbAction, VerbHost } from "./host.ts";
import { explain, languageInArguments, makeProgram } from "./program.ts";
import type { CliDependencies } from "./spec.ts";

/** Every verb and option with its help, for the documentation. Nothing of it can be run. */
export function describeCommands(language: Language): Command {
  const host: VerbHost = { language, say: (text) => text(language), does: () => {} };
  return makeProgram(host, { version: "", stdout: process.stdout, stderr: process.stderr });
}

interface GlobalValues {
  readonly json?: boolean;
  readonly input: boolean;
  readonly data?: string;
  readonly url?: string;
  readonly adminKey?: string;
  readonly lang?: string;
}

/**
 * Runs one command and resolves with the exit code of the program. Never throws: whatever goes wrong is told on
 * standard error, in the person's language (as JSON with `--json`).
 *
 * @param argv the arguments after the program's name
 *
 * @example process.exitCode = await runCli(process.argv.slice(2), dependencies);
 */
export async function runCli(argv: readonly string[], dependencies: CliDependencies): Promise<ExitCode> {
  const language = languageInArguments(argv) ?? languageOf(dependencies.environment);
  const run = new CommandRun(dependencies, language);
  ignoreClosedPipe(dependencies.stdout);
  ignoreClosedPipe(dependencies.stderr);
  try {
    await run.program.parseAsync(argv, { from: "user" });
    return run.exitCode;
  } catch (error) {
    return run.fail(error, argv);
  }
}

class CommandRun implements VerbHost {
  readonly language: Language;
  readonly program: Command;
  exitCode: ExitCode = EXIT.ok;
  readonly #dependencies: CliDependencies;
  /** The command that is being read: errors name it. */
  #current: Command;

  constructor(dependencies: CliDependencies, language: Language) {
    this.language = language;
    this.#dependencies = dependencies;
    this.program = makeProgram(this, dependencies);
    this.#current = this.program;
    for (const command of every(this.program)) {
      command.hook("preSubcommand", (_, sub) => {
        this.#current = sub;
      });
    }
  }

  readonly say = (text: Text): string => text(this.language);

  readonly does = <O>(command: Command, action: VerbAction<O>): void => {
    command.action(async () => {
      const context = this.#contextOf(command.optsWithGlobals<GlobalValues>());
      try {
        this.exitCode = (await action(context, command.processedArgs as string[], command.opts() as O)) ?? EXIT.ok;
      } finally {
        await context.close();
      }
    });
  };

  #contextOf(values: GlobalValues): CliContext {
    if (values.lang !== undefined && !/^(zh|en)/i.test(values.lang))
      throw new Failure(EXIT.usage, words.badLanguage(values.lang));
    if (values.url !== undefined && !/^https?:\/\/[^/]/i.test(values.url))
      throw new Failure(EXIT.usage, words.badUrl(values.url));
    const { environment } = this.#dependencies;
    const settings = readEnvironment(environment);
    const where: Whereabouts = {
      url: values.url,
      data: values.data ?? environment.MAIDAN_DATA,
      adminKey: values.adminKey ?? settings.adminKey,
      settings,
    };
    return new CliContext(
      this.#dependencies,
      this.language,
      { json: values.json ?? false, input: values.input },
      where,
    );
  }

  fail(error: unknown, argv: readonly string[]): ExitCode {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    const isHelp = error instanceof CommanderError && error.code === "commander.help";
    if (isHelp) return EXIT.usage; // a verb without its sub-verb: the help was shown
    const failure = failureOf(error, this.#current);
    const asJson = argv.includes("--json");
    const message = failure.text(this.language);
    const text = asJson
      ? JSON.stringify(failure.body ?? { error: { message, exitCode: failure.exitCode } })
      : `${this.say(words.errorHead())}${message}`;
    this.#dependencies.stderr.write(`${text}\n`);
    return failure.exitCode;
  }
}

function failureOf(error: unknown, command: Command): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof CommanderError) return explain(error, command);
  if (error instanceof Fault) {
    const code = error.code === "invalid_request" ? EXIT.usage : EXIT.failure;
    return new Failure(code, error.text, { cause: error });
  }
  const { code, message } = error as NodeJS.ErrnoException;
  return new Failure(EXIT.failure, words.unexpected(code, message ?? String(error)), { cause: error });
}

function every(command: Command): Command[] {
  return [command, ...command.commands.flatMap(every)];
}

/** `maidan usage | head` closes the pipe early: that is no error. */
function ignoreClosedPipe(stream: NodeJS.WritableStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}
