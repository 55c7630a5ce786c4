import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, Option } from "commander";
import { cliWords as words } from "../../base/messages/cli.ts";
import { helpWords as help } from "../../base/messages/cli-help.ts";
import { DURABILITIES, type Durability } from "../../config/environment.ts";
import { showStart, writeBanner } from "../banner.ts";
import { folderOf } from "../connection.ts";
import type { CliContext } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Failure } from "../failure.ts";
import { readers, type VerbHost } from "../host.ts";
import { hearSignals } from "../signals.ts";
import type { CliDependencies, StartedServer, StartOptions } from "../spec.ts";
import { tellReady, workerNumber } from "../workers.ts";

interface StartFlags {
  readonly host?: string;
  readonly port?: number;
  readonly apply?: string;
  readonly durability?: Durability;
  readonly workers?: number;
}

/** `maidan start`: serves until Ctrl-C. */
export function addStart(program: Command, host: VerbHost): void {
  const { say } = host;
  const command = program
    .command("start")
    .description(say(help.start()))
    .option("--host <address>", say(help.host()))
    .option("--port <number>", say(help.port()), readers(host).wholeNumber(0, 65_535))
    .option("--apply <file>", say(help.startApply()))
    .addOption(new Option("--durability <kind>", say(help.durability())).choices([...DURABILITIES]))
    .option("--workers <number>", say(help.workers()), readers(host).wholeNumber(1, MOST_WORKERS));
  host.does<StartFlags>(command, async (context, _, flags) => {
    const options = await optionsOf(context, flags);
    const worker = workerNumber();
    if (worker === undefined && (flags.workers ?? 1) > 1) return serveWithWorkers(context, options, flags.workers!);
    const server = await startServer(context.dependencies, options);
    if ((worker ?? 1) === 1) {
      if (context.json) context.printJson(showStart(server));
      else context.write(writeBanner(server, context));
      for (const note of server.notes ?? []) context.note(note);
    }
    if (worker === undefined) return serveUntilTold(context, server, context.dependencies);
    tellReady();
    // A Ctrl-C reaches the process that started this one as well: that one says when to stop.
    process.on("SIGINT", () => {});
    return serveUntilTold(context, server, { ...context.dependencies, onSignal: onTermination });
  });
}

async function optionsOf(context: CliContext, flags: StartFlags): Promise<StartOptions> {
  const { settings, adminKey } = context.where;
  let apply: StartOptions["apply"];
  if (flags.apply !== undefined) {
    try {
      apply = { name: basename(flags.apply), content: await readFile(flags.apply, "utf8") };
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? "?";
      throw new Failure(EXIT.failure, words.fileUnreadable(flags.apply, code), { cause });
    }
  }
  return {
    host: flags.host ?? settings.host,
    port: flags.port ?? settings.port,
    dataFolder: folderOf(context.where),
    durability: flags.durability ?? settings.durability,
    language: context.language,
    adminKey,
    apply,
  };
}

async function startServer(dependencies: CliDependencies, options: StartOptions): Promise<StartedServer> {
  try {
    return await dependencies.startServer(options);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") throw new Failure(EXIT.failure, words.portTaken(options.host, options.port), { cause });
    if (code === "EACCES") throw new Failure(EXIT.failure, words.portForbidden(options.port), { cause });
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
      throw new Failure(EXIT.failure, words.hostUnknown(options.host), { cause });
    throw cause;
  }
}

/** More than any machine gains by. */
const MOST_WORKERS = 256;

async function serveWithWorkers(context: CliContext, options: StartOptions, count: number): Promise<ExitCode> {
  const group = await context.dependencies.startWorkers(options, count);
  return serveUntilTold(context, { failed: group.failed, close: () => group.stop() }, context.dependencies);
}

function onTermination(listener: (signal: string) => void): () => void {
  process.on("SIGTERM", listener);
  return () => process.off("SIGTERM", listener);
}

/** How long a server that failed may tell those who wait for it. */
const LAST_WORDS_MS = 1_000;

/** Serves until the first Ctrl-C, then closes in order; a second one ends at once. */
async function serveUntilTold(
  context: CliContext,
  server: Pick<StartedServer, "failed" | "close">,
  signals: Pick<CliDependencies, "onSignal">,
): Promise<ExitCode> {
  const listeners: ((signal: string) => void)[] = [];
  const next = (): Promise<string> => new Promise((resolve) => listeners.push(resolve));
  const stopHearing = hearSignals(signals, (signal) => listeners.shift()?.(signal));
  try {
    const told = await Promise.race([
      next().then((signal) => ({ signal })),
      server.failed.then((cause) => ({ cause })),
    ]);
    if ("cause" in told) {
      const { cause } = told;
      await Promise.race([server.close().catch(() => {}), sleep(LAST_WORDS_MS)]);
      throw new Failure(EXIT.failure, words.stoppedItself(cause instanceof Error ? cause.message : String(cause)), {
        cause,
      });
    }
    context.note(words.stopping());
    const impatient = next();
    const ended = await Promise.race([server.close().then(() => true), impatient.then(() => false)]);
    if (!ended) return EXIT.interrupted;
    context.note(words.stopped());
    return EXIT.ok;
  } finally {
    stopHearing();
  }
}
