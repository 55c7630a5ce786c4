import type { Command } from "commander";
import { cliWords as words } from "../../base/messages/cli.ts";
import { helpWords as help } from "../../base/messages/cli-help.ts";
import { AnswerPrinter } from "../answer-printer.ts";
import { failureOf, type Row } from "../client.ts";
import { folderOf, liveSocket } from "../connection.ts";
import type { CliContext } from "../context.ts";
import { httpExchange, openRequest } from "../exchange.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Failure } from "../failure.ts";
import { readInput } from "../file-input.ts";
import { readers, type VerbHost } from "../host.ts";

interface CallOptions {
  readonly key?: string;
  readonly file?: string;
  readonly system?: string;
  readonly maxTokens?: number;
  readonly stream: boolean;
}

const MOST_TOKENS = 10_000_000;

/** `maidan call <model> [prompt]`: one call through the gateway. The text goes to standard output as it comes. */
export function addCall(program: Command, host: VerbHost): void {
  const { say } = host;
  const command = program
    .command("call")
    .argument("<model>", say(help.callModel()))
    .argument("[prompt]", say(help.callPrompt()))
    .description(say(help.call()))
    .option("--key <key>", say(help.callKey()))
    .option("--file <file>", say(help.callFile()))
    .option("--system <text>", say(help.callSystem()))
    .option("--max-tokens <number>", say(help.callMaxTokens()), readers(host).wholeNumber(1, MOST_TOKENS))
    .option("--no-stream", say(help.noStream()));
  host.does<CallOptions>(command, async (context, [model, prompt], options) => {
    const key = options.key ?? context.dependencies.environment.MAIDAN_KEY;
    if (!key) throw new Failure(EXIT.usage, words.keyMissing());
    const content = await promptOf(context, prompt, options.file);
    const url = await addressOf(context);
    const stream = options.stream && !context.json;
    const messages = [
      ...(options.system === undefined ? [] : [{ role: "system", content: options.system }]),
      { role: "user", content },
    ];
    const body = {
      model,
      messages,
      ...(options.maxTokens !== undefined && { max_tokens: options.maxTokens }),
      ...(stream && { stream: true, stream_options: { include_usage: true } }),
    };
    return callModel(context, url, key, body, stream);
  });
}

async function promptOf(context: CliContext, prompt: string | undefined, file: string | undefined): Promise<string> {
  if (prompt !== undefined && prompt !== "-" && file !== undefined)
    throw new Failure(EXIT.usage, words.conflict("[prompt]", "--file"));
  if (file !== undefined) return readInput(file, context.dependencies.stdin);
  if (prompt !== undefined && prompt !== "-") return prompt;
  if (prompt === undefined && context.dependencies.isTerminal) throw new Failure(EXIT.usage, words.promptMissing());
  return readInput("-", context.dependencies.stdin);
}

/** Where the gateway serves clients: named, or told by the server that runs on the data folder. */
async function addressOf(context: CliContext): Promise<string> {
  const { where } = context;
  if (where.url !== undefined) return where.url;
  if (where.data === undefined && where.settings.url !== undefined) return where.settings.url;
  const folder = folderOf(where);
  const socketPath = await liveSocket(folder);
  if (socketPath !== undefined) {
    const exchange = httpExchange({ socketPath }, { host: "localhost" }, words.placeSocket(folder));
    const answer = await exchange.send({ method: "GET", path: "/api/v1/status", headers: {} });
    const { address } = JSON.parse(answer.body) as Row;
    if (typeof address === "string") return address;
  }
  if (where.settings.url !== undefined) return where.settings.url;
  const { host, port } = where.settings;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

async function callModel(
  context: CliContext,
  url: string,
  key: string,
  body: object,
  stream: boolean,
): Promise<ExitCode> {
  const message = await openRequest(
    { url },
    {
      method: "POST",
      path: "/v1/chat/completions",
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        "accept-language": context.language,
      },
      body: JSON.stringify(body),
    },
  );
  const headers = message.headers as Readonly<Record<string, string | undefined>>;
  const printer = new AnswerPrinter(context);
  const isStream = stream && message.statusCode === 200;
  let text = "";
  message.setEncoding("utf8");
  for await (const chunk of message as AsyncIterable<string>) {
    if (isStream) printer.push(chunk);
    else text += chunk;
  }
  if (message.statusCode !== 200) throw failureOf({ status: message.statusCode!, headers, body: text });
  if (!isStream) printer.whole(text, headers["x-maidan-cost"]);
  return printer.finish(headers);
}
