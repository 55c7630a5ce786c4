import type { Language, Text } from "../base/language.ts";
import { cliWords as words } from "../base/messages/cli.ts";
import { OperatorsClient } from "./client.ts";
import { findServer, type Whereabouts } from "./connection.ts";
import { EXIT } from "./exit-codes.ts";
import { Failure } from "./failure.ts";
import type { CliDependencies } from "./spec.ts";

export interface GlobalOptions {
  readonly json: boolean;
  /** Never ask anything: what would have to be asked is an error. */
  readonly input: boolean;
}

/** What a verb works with. Results go to standard output, all else to standard error. */
export class CliContext {
  readonly language: Language;
  readonly json: boolean;
  readonly where: Whereabouts;
  readonly dependencies: CliDependencies;
  readonly #asks: boolean;
  #client: OperatorsClient | undefined;

  constructor(dependencies: CliDependencies, language: Language, options: GlobalOptions, where: Whereabouts) {
    this.dependencies = dependencies;
    this.language = language;
    this.json = options.json;
    this.where = where;
    this.#asks = options.input && dependencies.isTerminal;
  }

  /** Writes a line of the result. */
  print(text: string): void {
    this.dependencies.stdout.write(`${text}\n`);
  }

  printJson(value: unknown): void {
    this.print(JSON.stringify(value, undefined, 2));
  }

  /** Writes something as it is: without a line end of its own. */
  write(text: string): void {
    this.dependencies.stdout.write(text);
  }

  /** Tells a person something that is not the result. */
  note(text: Text): void {
    this.dependencies.stderr.write(`${text(this.language)}\n`);
  }

  say(text: Text): string {
    return text(this.language);
  }

  /** The operators' API; found at the first use, closed when the verb ends. */
  async client(options: { readonly mayCreate?: boolean } = {}): Promise<OperatorsClient> {
    if (this.#client) return this.#client;
    const exchange = await findServer(this.where, this.dependencies, options.mayCreate ?? false);
    if (this.dependencies.isTerminal && !this.json) this.note(exchange.place);
    this.#client = new OperatorsClient(exchange, this.language);
    return this.#client;
  }

  async close(): Promise<void> {
    await this.#client?.close();
    this.#client = undefined;
  }

  /** Asks before something that cannot be undone. Where nobody can be asked, `--yes` must have been given. */
  async confirm(question: Text, yes: boolean): Promise<void> {
    if (yes) return;
    if (!this.#asks) throw new Failure(EXIT.usage, words.needsYes(question));
    this.dependencies.stderr.write(`${question(this.language)} ${words.yesNo()(this.language)} `);
    const answer = await readLine(this.dependencies.stdin);
    if (!/^\s*(y|yes|是|好)\s*$/i.test(answer)) throw new Failure(EXIT.failure, words.notConfirmed());
  }
}

const LONGEST_LINE = 1_000;

async function readLine(input: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  for await (const chunk of input) {
    text += String(chunk);
    const end = text.indexOf("\n");
    if (end >= 0) return text.slice(0, end);
    if (text.length > LONGEST_LINE) break;
  }
  return text;
}
