import type { Script } from "./delivery.ts";
import { pieceEnd } from "./pieces.ts";

/** What a vendor inside this process has decided to answer. Every choice gets the same. */
export interface ChatAnswer {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  readonly choices: number;
  readonly reasoning: string;
  /** The text, or the arguments of the function that is called. */
  readonly output: string;
  readonly tool: string | undefined;
  readonly finish: "stop" | "length" | "tool_calls";
  /** The usage object as JSON, where usage is reported. */
  readonly usage: string | undefined;
}

/** Tokens of each choice in one piece of a stream without delays. */
const BURST_TOKENS = 32;

/** The buffered answer. */
export function writeAnswer(answer: ChatAnswer): Buffer {
  const { reasoning, output, tool } = answer;
  const shownReasoning = reasoning === "" ? "" : `,"reasoning_content":${JSON.stringify(reasoning)}`;
  const content =
    tool === undefined
      ? `"content":${JSON.stringify(output)}${shownReasoning}`
      : `"content":null${shownReasoning},"tool_calls":[{${callHead(answer, tool)}${JSON.stringify(output)}}}]`;
  let choices = "";
  for (let i = 0; i < answer.choices; i++) {
    choices += `${i > 0 ? "," : ""}{"index":${i},"message":{"role":"assistant",${content}},"logprobs":null,"finish_reason":"${answer.finish}"}`;
  }
  const usage = answer.usage === undefined ? "" : `,"usage":${answer.usage}`;
  return Buffer.from(`{${openingOf(answer, "chat.completion")}"choices":[${choices}]${usage}}`);
}

/**
 * A streamed answer: an event a token and choice. With `paced` one token at a time, else in bursts. Stops after
 * `mostTokens` of each choice without an end, as if cut.
 */
export class ChatStream implements Pick<Script, "next" | "ended"> {
  /** Tokens of each choice that have gone out. */
  reasoningTokens = 0;
  outputTokens = 0;
  ended = false;
  readonly #answer: ChatAnswer;
  readonly #burst: number;
  readonly #mostTokens: number;
  readonly #showUsage: boolean;
  readonly #opening: string;
  readonly #closing: string;
  #at = 0;
  #begun = false;

  constructor(answer: ChatAnswer, options: { includeUsage: boolean; paced: boolean; mostTokens?: number | undefined }) {
    this.#answer = answer;
    this.#burst = options.paced ? 1 : BURST_TOKENS;
    this.#mostTokens = options.mostTokens ?? Number.POSITIVE_INFINITY;
    this.#showUsage = options.includeUsage && answer.usage !== undefined;
    this.#opening = `data: {${openingOf(answer, "chat.completion.chunk")}"choices":[`;
    this.#closing = `]${this.#showUsage ? ',"usage":null' : ""}}\n\n`;
  }

  next(): Buffer {
    let events = "";
    if (!this.#begun) {
      this.#begun = true;
      const { tool } = this.#answer;
      const call =
        tool === undefined
          ? '"content":""'
          : `"content":null,"tool_calls":[{"index":0,${callHead(this.#answer, tool)}""}}]`;
      events += this.#event(`"role":"assistant",${call}`, "null");
    }
    for (let left = this.#burst; left > 0 && this.#goesOn(); left--) events += this.#nextPiece();
    if (this.#isCut()) {
      this.ended = true;
    } else if (!this.#goesOn()) {
      events += this.#end();
      this.ended = true;
    }
    return Buffer.from(events);
  }

  #goesOn(): boolean {
    return !this.#isCut() && this.#at < this.#answer.reasoning.length + this.#answer.output.length;
  }

  #isCut(): boolean {
    return this.reasoningTokens + this.outputTokens >= this.#mostTokens;
  }

  #nextPiece(): string {
    const { reasoning, output, tool } = this.#answer;
    if (this.#at < reasoning.length) {
      const end = pieceEnd(reasoning, this.#at);
      const piece = reasoning.slice(this.#at, end);
      this.#at = end;
      this.reasoningTokens += 1;
      return this.#event(`"reasoning_content":${JSON.stringify(piece)}`, "null");
    }
    const start = this.#at - reasoning.length;
    const end = pieceEnd(output, start);
    const piece = JSON.stringify(output.slice(start, end));
    this.#at = reasoning.length + end;
    this.outputTokens += 1;
    const delta =
      tool === undefined ? `"content":${piece}` : `"tool_calls":[{"index":0,"function":{"arguments":${piece}}}]`;
    return this.#event(delta, "null");
  }

  #end(): string {
    let events = this.#event("", `"${this.#answer.finish}"`);
    if (this.#showUsage) events += `${this.#opening}],"usage":${this.#answer.usage}}\n\n`;
    return `${events}data: [DONE]\n\n`;
  }

  #event(delta: string, finish: string): string {
    let events = "";
    for (let i = 0; i < this.#answer.choices; i++) {
      events += `${this.#opening}{"index":${i},"delta":{${delta}},"logprobs":null,"finish_reason":${finish}}${this.#closing}`;
    }
    return events;
  }
}

function openingOf(answer: ChatAnswer, object: string): string {
  return `"id":"${answer.id}","object":"${object}","created":${answer.created},"model":${JSON.stringify(answer.model)},`;
}

function callHead(answer: ChatAnswer, tool: string): string {
  return `"id":"call_${answer.id}","type":"function","function":{"name":${JSON.stringify(tool)},"arguments":`;
}

/** The usage object, as OpenAI writes it. `estimated` is an extension: the tokens are a count of Maidan's, not the model's. */
export function writeUsage(usage: {
  input: number;
  cachedInput: number;
  output: number;
  reasoning: number;
  estimated?: boolean;
}): string {
  const completion = usage.output + usage.reasoning;
  const cached = usage.cachedInput > 0 ? `,"prompt_tokens_details":{"cached_tokens":${usage.cachedInput}}` : "";
  const reasoning = usage.reasoning > 0 ? `,"completion_tokens_details":{"reasoning_tokens":${usage.reasoning}}` : "";
  const estimated = usage.estimated ? ',"estimated":true' : "";
  return `{"prompt_tokens":${usage.input},"completion_tokens":${completion},"total_tokens":${usage.input + completion}${cached}${reasoning}${estimated}}`;
}

export const JSON_HEADERS = { "content-type": "application/json" } as const;
export const STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
} as const;
