import type { AnswerPiece, FinishReason } from "../answer-pieces.ts";
import { EventReader } from "../event-reader.ts";
import { wordOf } from "../json-values.ts";
import { isRecord } from "../openai/input-size.ts";
import { finishReason } from "../openai/reader.ts";
import { readStreamError } from "../openai/vendor-errors.ts";
import { eventName, payloadOf } from "../sse.ts";
import { type Json, readMessage } from "./answer.ts";
import { parsePayload } from "./events.ts";
import { fromNative } from "./marks.ts";
import { joinUsage, readUsage } from "./usage.ts";

/** What this protocol says at the end beside what others say, too. */
const REASONS: Readonly<Record<string, FinishReason>> = {
  refusal: "content_filter",
  // The vendor's own tools take longer than one answer may: the client goes on by sending it back.
  pause_turn: "stop",
  compaction: "stop",
};

/** Reads a streamed answer into pieces. */
export class AnthropicReader extends EventReader {
  readonly #blocks = new Blocks();
  #started = false;
  #wrote = false;
  #startUsage: unknown;
  #endUsage: Json | undefined;

  protected override read(event: string): AnswerPiece[] {
    const document = parsePayload(payloadOf(event));
    if (!document) return [];
    const pieces = this.#readDocument(document, event);
    this.#wrote ||= pieces.some((piece) => piece.type.endsWith("-delta"));
    return pieces;
  }

  #readDocument(document: Json, event: string): AnswerPiece[] {
    switch (document.type) {
      case "message_start":
        return this.#start(document.message);
      case "content_block_start":
        return this.#blocks.start(document.index, document.content_block);
      case "content_block_delta":
        return this.#blocks.add(document.index, document.delta);
      case "content_block_stop":
        return this.#blocks.stop(document.index);
      case "message_delta":
        return this.#finish(document);
      case "message_stop":
        return [{ type: "end" }];
      default:
        return this.#readFault(document, event);
    }
  }

  #start(message: unknown): AnswerPiece[] {
    if (!isRecord(message)) return [];
    this.#startUsage = message.usage;
    const first = !this.#started;
    this.#started = true;
    return [...(first ? [startPiece(message)] : []), ...this.#usage()];
  }

  #finish({ delta, usage }: Json): AnswerPiece[] {
    if (isRecord(usage)) this.#endUsage = { ...this.#endUsage, ...usage };
    const pieces = this.#usage();
    return isRecord(delta) ? [...pieces, ...finishPieces(delta, this.#blocks.called)] : pieces;
  }

  #usage(): AnswerPiece[] {
    const usage = joinUsage(this.#startUsage, this.#endUsage);
    return usage ? [{ type: "usage", usage }] : [];
  }

  #readFault(document: Json, event: string): AnswerPiece[] {
    if (document.type !== "error" && eventName(event) !== "error") return [];
    const fault = readStreamError(isRecord(document.error) ? document : { error: document }, this.#wrote);
    return fault ? [{ type: "fault", fault }] : [];
  }
}

/** Reads a buffered answer into pieces. Throws `VendorFault` where it is none. */
export function readPieces(body: Buffer): AnswerPiece[] {
  const message = readMessage(body);
  const blocks = new Blocks();
  const written = message.content.flatMap((block, index) => [...blocks.start(index, block), ...blocks.stop(index)]);
  const usage = readUsage(message.usage);
  return [
    startPiece(message),
    ...written,
    ...finishPieces(message, blocks.called),
    ...(usage ? [{ type: "usage" as const, usage }] : []),
    { type: "end" },
  ];
}

interface Block {
  readonly type: unknown;
  /** Of a tool call: which one it is. */
  readonly call: number;
  signature: string;
  /** Arguments have come. */
  given: boolean;
}

/** The blocks of an answer. Those that belong to tools of Anthropic's own are left out: no other protocol can show them. */
class Blocks {
  readonly #open = new Map<unknown, Block>();
  #calls = 0;

  get called(): boolean {
    return this.#calls > 0;
  }

  start(index: unknown, given: unknown): AnswerPiece[] {
    if (!isRecord(given)) return [];
    const signature = typeof given.signature === "string" ? given.signature : "";
    const block: Block = { type: given.type, call: this.#calls, signature, given: false };
    this.#open.set(index, block);
    switch (given.type) {
      case "text":
        return text("text-delta", given.text);
      case "thinking":
        return text("reasoning-delta", given.thinking);
      case "redacted_thinking":
        return typeof given.data === "string"
          ? [{ type: "reasoning-end", choice: 0, redacted: fromNative(given.data) }]
          : [];
      case "tool_use":
        this.#calls += 1;
        return [
          { type: "tool-call-start", choice: 0, index: block.call, id: wordOf(given.id), name: wordOf(given.name) },
          ...this.#givenAtOnce(block, given.input),
        ];
      default:
        return [];
    }
  }

  add(index: unknown, delta: unknown): AnswerPiece[] {
    const block = this.#open.get(index);
    if (!block || !isRecord(delta)) return [];
    switch (delta.type) {
      case "text_delta":
        return text("text-delta", delta.text);
      case "thinking_delta":
        return text("reasoning-delta", delta.thinking);
      case "signature_delta":
        if (typeof delta.signature === "string") block.signature += delta.signature;
        return [];
      case "input_json_delta":
        return block.type === "tool_use" ? this.#addArguments(block, delta.partial_json) : [];
      default:
        return [];
    }
  }

  stop(index: unknown): AnswerPiece[] {
    const block = this.#open.get(index);
    this.#open.delete(index);
    if (block?.type === "thinking") {
      const signature = block.signature === "" ? {} : { signature: fromNative(block.signature) };
      return [{ type: "reasoning-end", choice: 0, ...signature }];
    }
    // A call without arguments has an empty object, and no delta.
    return block?.type === "tool_use" && !block.given ? this.#addArguments(block, "{}") : [];
  }

  #givenAtOnce(block: Block, input: unknown): AnswerPiece[] {
    if (!isRecord(input) || Object.keys(input).length === 0) return [];
    return this.#addArguments(block, JSON.stringify(input));
  }

  #addArguments(block: Block, given: unknown): AnswerPiece[] {
    if (typeof given !== "string" || given === "") return [];
    block.given = true;
    return [{ type: "tool-call-delta", choice: 0, index: block.call, text: given }];
  }
}

function text(type: "text-delta" | "reasoning-delta", written: unknown): AnswerPiece[] {
  return typeof written === "string" && written !== "" ? [{ type, choice: 0, text: written }] : [];
}

function startPiece({ id, model }: Json): AnswerPiece {
  return {
    type: "start",
    ...(typeof id === "string" && { id }),
    ...(typeof model === "string" && { model }),
  };
}

function finishPieces({ stop_reason: raw, stop_sequence: sequence }: Json, called: boolean): AnswerPiece[] {
  if (typeof raw !== "string" || raw === "") return [];
  let reason = REASONS[raw] ?? finishReason(raw);
  if (reason === "stop" && called && raw !== "pause_turn") reason = "tool_calls";
  const more = !PLAIN_REASONS.has(raw);
  return [
    {
      type: "finish",
      choice: 0,
      reason,
      ...(more && { raw }),
      ...(typeof sequence === "string" && { stopSequence: sequence }),
    },
  ];
}

/** Words that say no more than the neutral one does. */
const PLAIN_REASONS: ReadonlySet<string> = new Set(["end_turn", "stop_sequence", "max_tokens", "tool_use", "refusal"]);
