import { cliWords as words } from "../base/messages/cli.ts";
import type { CliContext } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { Failure } from "./failure.ts";

interface ChatChunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly message?: { readonly content?: string | null };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: {
    readonly prompt_tokens?: number;
    readonly completion_tokens?: number;
    readonly cost?: string | number;
    readonly cost_currency?: string;
  } | null;
  readonly error?: { readonly message?: string };
}

/** One event of a stream may not be longer than this. */
const LONGEST_EVENT = 16 * 1024 * 1024;

/** Prints an answer of `/v1/chat/completions`: its text as it comes, and in the end what it cost. */
export class AnswerPrinter {
  readonly #context: CliContext;
  #buffer = "";
  #usage: ChatChunk["usage"];
  #cost: string | undefined;
  #finish: string | undefined;
  #fault: string | undefined;
  #done = false;
  #endsInLine = true;

  constructor(context: CliContext) {
    this.#context = context;
  }

  /** Takes a piece of an event stream, cut anywhere. */
  push(piece: string): void {
    this.#buffer += piece;
    const lines = this.#buffer.split(/\r?\n/);
    this.#buffer = lines.pop()!;
    if (this.#buffer.length > LONGEST_EVENT) throw new Failure(EXIT.failure, words.answerTooLong(LONGEST_EVENT));
    for (const line of lines) if (line.startsWith("data:")) this.#event(line.slice(5).trim());
  }

  /** Takes a whole answer. */
  whole(text: string, cost: string | undefined): void {
    this.#cost = cost;
    this.#done = true;
    const answer = JSON.parse(text) as ChatChunk;
    if (this.#context.json) this.#context.write(`${text.trimEnd()}\n`);
    else this.#text(answer.choices?.[0]?.message?.content);
    this.#usage = answer.usage;
    this.#finish = answer.choices?.[0]?.finish_reason ?? undefined;
  }

  /** Ends the answer: tells what it cost, and whether all of it came. */
  finish(headers: Readonly<Record<string, string | undefined>>): ExitCode {
    if (!this.#endsInLine) this.#context.write("\n");
    const usage = this.#usage ?? undefined;
    const ofStream = usage?.cost === undefined ? undefined : `${usage.cost} ${usage.cost_currency ?? ""}`.trim();
    const facts = [
      headers["x-maidan-model"],
      usage && this.#context.say(words.tokens(usage.prompt_tokens, usage.completion_tokens)),
      this.#cost ?? ofStream,
      headers["x-maidan-call"],
    ];
    this.#context.note(() => facts.filter((fact) => fact !== undefined).join(" · "));
    const adjusted = headers["x-maidan-adjusted"];
    if (adjusted !== undefined) this.#context.note(words.adjusted(adjusted));
    if (this.#fault !== undefined) throw new Failure(EXIT.vendor, words.broke(this.#fault));
    if (!this.#done) throw new Failure(EXIT.vendor, words.incomplete());
    if (this.#finish === "length") this.#context.note(words.cutShort());
    return EXIT.ok;
  }

  #event(content: string): void {
    if (content === "[DONE]") {
      this.#done = true;
      return;
    }
    const chunk = JSON.parse(content) as ChatChunk;
    this.#text(chunk.choices?.[0]?.delta?.content);
    this.#finish = chunk.choices?.[0]?.finish_reason ?? this.#finish;
    if (chunk.usage) this.#usage = chunk.usage;
    if (chunk.error) this.#fault = chunk.error.message ?? "?";
  }

  #text(text: string | null | undefined): void {
    if (!text) return;
    // A model's answer must not move the cursor or rename the window of the person's terminal.
    const shown = this.#context.dependencies.isTerminal ? text.replace(/[^\P{Cc}\n\t]/gu, "") : text;
    this.#context.write(shown);
    this.#endsInLine = shown.endsWith("\n");
  }
}
