import { translations } from "../base/language.ts";
import type { AnswerSink, Exchange, SendBounds, Transport, VendorErrorClass, WireRequest } from "../vendors/spec.ts";
import { VendorFault } from "../vendors/vendor-fault.ts";

/** What the vendor answers to one request. */
export interface Answering {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly chunks?: readonly (Buffer | string)[];
  /** How it ends: well, with a fault, or never. */
  readonly end?: "well" | "never" | VendorFault;
  /** Fails before any head. */
  readonly fail?: VendorFault;
  /** Awaited before each piece (and, with the number of pieces, before the end). */
  readonly before?: (index: number) => unknown;
}

const SAID = translations({ broken: () => "broken by the test" }, { broken: () => "测试中断" });

export function brokenBy(errorClass: VendorErrorClass, charged: "nothing" | "unknown" = "unknown"): VendorFault {
  return new VendorFault(SAID.broken(), { errorClass, charged });
}

/** A vendor whose bytes, cuts, pauses and faults the test sets: one answer a request, in their order. */
export class ScriptedTransport implements Transport {
  readonly requests: WireRequest[] = [];
  readonly exchanges: ScriptedExchange[] = [];
  readonly bounds: SendBounds[] = [];
  readonly #answers: Answering[] = [];
  /** Told at each request, before it is answered. */
  onSend: (request: WireRequest) => void = () => {};
  /** Hands over what it has, as a real connection does with what it had read already. */
  ignorePauses = false;

  /** Adds what the next requests are answered. */
  answer(...answers: Answering[]): this {
    this.#answers.push(...answers);
    return this;
  }

  send(request: WireRequest, sink: AnswerSink, bounds: SendBounds): Exchange {
    this.onSend(request);
    const answer = this.#answers.shift();
    if (!answer) throw new Error("the vendor was asked once too often");
    this.requests.push(request);
    this.bounds.push(bounds);
    const exchange = new ScriptedExchange(answer, sink, this.ignorePauses);
    this.exchanges.push(exchange);
    setImmediate(() => void exchange.deliver());
    return exchange;
  }

  /** The body of a request, as the vendor reads it. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into requests of any shape
  body(index = this.requests.length - 1): any {
    return JSON.parse(this.requests[index]!.body.toString("utf8"));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export class ScriptedExchange implements Exchange {
  readonly #answer: Answering;
  readonly #sink: AnswerSink;
  readonly #ignoresPauses: boolean;
  #go: (() => void) | undefined;
  #paused: Promise<void> | undefined;
  aborted = false;
  pauses = 0;
  resumes = 0;
  /** Pieces that have gone out. */
  sent = 0;

  constructor(answer: Answering, sink: AnswerSink, ignoresPauses: boolean) {
    this.#ignoresPauses = ignoresPauses;
    this.#answer = answer;
    this.#sink = sink;
  }

  async deliver(): Promise<void> {
    const { status = 200, headers = {}, chunks = [], end = "well", fail, before } = this.#answer;
    if (this.aborted) return;
    if (fail) {
      this.#sink.onFail(fail);
      return;
    }
    this.#sink.onHead(status, headers);
    for (let index = 0; index <= chunks.length; index++) {
      if (before) await before(index);
      if (this.#paused && !this.#ignoresPauses) await this.#paused;
      if (this.aborted) return;
      if (index === chunks.length) break;
      this.sent += 1;
      this.#sink.onChunk(Buffer.from(chunks[index]!));
    }
    if (this.aborted || end === "never") return;
    if (end === "well") this.#sink.onEnd();
    else this.#sink.onFail(end);
  }

  pause(): void {
    this.pauses += 1;
    this.#paused ??= new Promise((resolve) => {
      this.#go = resolve;
    });
  }

  resume(): void {
    this.resumes += 1;
    this.#paused = undefined;
    this.#go?.();
  }

  abort(): void {
    this.aborted = true;
    this.#go?.();
  }
}

const EVENTS = { "content-type": "text/event-stream; charset=utf-8", "x-request-id": "req-of-the-test" };
const JSON_TYPE = { "content-type": "application/json", "x-request-id": "req-of-the-test" };

export interface SaidUsage {
  readonly input: number;
  readonly output: number;
  readonly cached?: number;
}

function usageOf({ input, output, cached }: SaidUsage): Record<string, unknown> {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    ...(cached !== undefined && { prompt_tokens_details: { cached_tokens: cached } }),
  };
}

/** One event of a streamed answer. */
export function piece(delta: Record<string, unknown>, finish: string | null = null, index = 0): string {
  const choices = [{ index, delta, finish_reason: finish }];
  return `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "mini-2026", choices })}\n\n`;
}

export function usagePiece(usage: SaidUsage): string {
  return `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "mini-2026", choices: [], usage: usageOf(usage) })}\n\n`;
}

export const DONE = "data: [DONE]\n\n";

/** The events of a whole streamed answer, each text an event. */
export function events(texts: readonly string[], usage: SaidUsage | undefined, finish = "stop"): string[] {
  return [
    piece({ role: "assistant", content: "" }),
    ...texts.map((content) => piece({ content })),
    piece({}, finish),
    ...(usage ? [usagePiece(usage)] : []),
    DONE,
  ];
}

export function streamed(chunks: readonly (Buffer | string)[], rest: Omit<Answering, "chunks"> = {}): Answering {
  return { headers: EVENTS, chunks, ...rest };
}

/** A whole buffered answer. */
export function buffered(content: string, usage: SaidUsage | undefined, rest: Answering = {}): Answering {
  const answer = {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "mini-2026",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    ...(usage && { usage: usageOf(usage) }),
  };
  return { headers: JSON_TYPE, chunks: [JSON.stringify(answer)], ...rest };
}

export function refusal(
  status: number,
  error: Record<string, unknown>,
  headers: Record<string, string> = {},
): Answering {
  return { status, headers: { ...JSON_TYPE, ...headers }, chunks: [JSON.stringify({ error })] };
}

/** The text that a client reads from a stream. */
export function textOf(stream: string, choice = 0): string {
  let text = "";
  for (const line of stream.split(/\r\n|\r|\n/)) {
    if (!line.startsWith("data:") || line.includes("[DONE]")) continue;
    const chunk = JSON.parse(line.slice(5)) as {
      choices?: { index: number; delta?: { content?: string | null } }[];
    };
    for (const one of chunk.choices ?? []) if (one.index === choice) text += one.delta?.content ?? "";
  }
  return text;
}
