import type { Command } from "commander";
import { cliWords as words } from "../../base/messages/cli.ts";
import { helpWords as help } from "../../base/messages/cli-help.ts";
import { SIMULATORS } from "../../simulators/registry.ts";
import { serveSimulators } from "../../simulators/serve.ts";
import type { CliContext } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { Failure } from "../failure.ts";
import { readers, type VerbHost } from "../host.ts";
import { untilTold } from "../signals.ts";

interface ServeFlags {
  readonly host: string;
  readonly port: number;
  readonly only?: readonly string[];
}

const FIRST_PORT = 4100;

/** `maidan practice serve`: stand-ins for the vendors' own servers, for developing without a key. */
export function addPractice(program: Command, host: VerbHost): void {
  const { say } = host;
  const practice = program.command("practice").description(say(help.practice()));
  const command = practice
    .command("serve")
    .description(say(help.practiceServe()))
    .option("--host <address>", say(help.host()), "127.0.0.1")
    .option("--port <number>", say(help.practicePort()), readers(host).wholeNumber(0, 65_000), FIRST_PORT)
    .option("--only <protocols>", say(help.practiceOnly()), readers(host).list);
  host.does<ServeFlags>(command, async (context, _, { host: address, port, only }) => {
    refuseUnknown(only);
    const served = await start(address, port, only);
    try {
      if (context.json)
        context.printJson(served.running.map(({ simulator, baseUrl }) => ({ ...shown(simulator), baseUrl })));
      else context.write(`# ${context.say(words.practiceServes())}\n${served.settings}`);
      await untilStopped(context);
    } finally {
      await served.close();
    }
  });
}

function shown({ protocol, credentials, models }: (typeof SIMULATORS)[number]): object {
  return { protocol, credentials, models };
}

function refuseUnknown(only: readonly string[] | undefined): void {
  const known = SIMULATORS.map(({ protocol }) => protocol);
  const unknown = only?.find((protocol) => !known.includes(protocol));
  if (unknown !== undefined) throw new Failure(EXIT.usage, words.noSimulator(unknown, known));
}

async function start(host: string, port: number, protocols: readonly string[] | undefined) {
  try {
    return await serveSimulators({ host, port, protocols });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EADDRINUSE") throw cause;
    throw new Failure(EXIT.failure, words.portTaken(host, port), { cause });
  }
}

async function untilStopped(context: CliContext): Promise<void> {
  context.note(words.practiceRuns());
  await untilTold(context.dependencies);
}
