import type { Fault } from "../../base/faults.ts";
import type { Usage } from "../../base/usage.ts";
import { isRecord } from "../openai/input-size.ts";
import { countString, findField } from "../openai/quick-json.ts";
import { readStreamError } from "../openai/vendor-errors.ts";
import type { FollowOptions, ShownCost, StreamFollower, StreamProgress } from "../spec.ts";
import { EventSplitter, eventName, payloadOf } from "../sse.ts";
import type { VendorFault } from "../vendor-fault.ts";
import { errorEvent } from "./errors.ts";
import { parsePayload, writeEvent } from "./events.ts";
import { type EventKind, HeldEnd } from "./held-end.ts";
import { joinUsage } from "./usage.ts";

type Json = Record<string, unknown>;

/** About as many bytes of text are a token, where nothing better is known. */
const BYTES_A_TOKEN = 3;

/**
 * Reads a stream of Anthropic's protocol event by event. The many small deltas are only glanced at; the few other events are
 * parsed. The two ways of relaying, untouched and decoded, both stand on it.
 *
 * Kept back are `message_delta`, which has the reason to stop and the usage, `message_stop`, and what stands between.
 */
export abstract class AnthropicStream implements StreamProgress {
  protected readonly splitter: EventSplitter;
  protected readonly held: HeldEnd;
  events = 0;
  textBytes = 0;
  ended = false;
  finished = false;
  fault: VendorFault | undefined;
  readonly vendorCost: undefined;
  #startUsage: unknown;
  #endUsage: Json | undefined;
  #usage: Usage | undefined;
  #started = false;
  /** The block that has begun and not ended. */
  #open: number | undefined;

  constructor({ eventBytes }: FollowOptions) {
    this.splitter = new EventSplitter(eventBytes);
    this.held = new HeldEnd(eventBytes);
  }

  get usage(): Usage | undefined {
    this.#usage ??= joinUsage(this.#startUsage, this.#endUsage);
    return this.#usage;
  }

  abstract push(chunk: Buffer): Buffer | undefined;

  /** An event that the vendor left without its blank line, where it is whole otherwise. Half an event is left out. */
  protected takeRest(): { readonly bytes: Buffer; readonly event: string; readonly kind: EventKind } | undefined {
    const ended = this.splitter.restEnded;
    const rest = this.splitter.takeRest();
    const begun = rest.toString("latin1");
    if (rest.length === 0 || (!ended && parsePayload(payloadOf(begun)) === undefined)) return undefined;
    const bytes = ended ? rest : Buffer.concat([rest, Buffer.from(/[\r\n]$/.test(begun) ? "\n" : "\n\n")]);
    const event = bytes.toString("latin1");
    return { bytes, event, kind: this.inspect(event) };
  }

  finish(cost: ShownCost | undefined): Buffer {
    return this.held.release(cost, this.finished && this.fault === undefined);
  }

  error(fault: Fault, message: string): Buffer {
    return errorEvent(fault, message);
  }

  /** Ends the block that is open and the message, as if its longest answer had been reached. */
  stop(): Buffer {
    if (this.finished) return this.held.release(undefined, true);
    const tokens = Math.max(this.events, Math.ceil(this.textBytes / BYTES_A_TOKEN));
    const parts: Buffer[] = [];
    if (!this.#started) parts.push(writeEvent("message_start", { message: EMPTY_MESSAGE }));
    if (this.#open !== undefined) parts.push(writeEvent("content_block_stop", { index: this.#open }));
    parts.push(
      writeEvent("message_delta", {
        delta: { stop_reason: "max_tokens", stop_sequence: null },
        usage: { output_tokens: tokens },
      }),
      writeEvent("message_stop", {}),
    );
    return Buffer.concat(parts);
  }

  /** Takes note of an event (one character a byte), and says what it is. */
  protected inspect(event: string): EventKind {
    // A name inside a text has its quotes escaped, so this is the event's own type.
    if (event.includes(DELTA)) {
      this.#note(countWritten(event));
      return "piece";
    }
    const document = parsePayload(payloadOf(event));
    if (!document) return "other";
    switch (document.type) {
      case "message_start":
        return this.#start(document);
      case "content_block_start":
        this.#open = typeof document.index === "number" ? document.index : this.#open;
        this.#note(countBlock(document.content_block));
        return "piece";
      case "content_block_stop":
        this.#open = undefined;
        return "piece";
      case "message_delta":
        return this.#noteReason(document);
      case "message_stop":
        this.ended = true;
        return "end";
      default:
        this.#readFault(document, event);
        return "other";
    }
  }

  #start({ message }: Json): EventKind {
    this.#started = true;
    this.#usage = undefined;
    this.#startUsage = isRecord(message) ? message.usage : undefined;
    return "piece";
  }

  #noteReason({ delta, usage }: Json): EventKind {
    if (isRecord(usage)) {
      this.#usage = undefined;
      this.#endUsage = { ...this.#endUsage, ...usage };
    }
    if (isRecord(delta) && typeof delta.stop_reason === "string") this.finished = true;
    return "reason";
  }

  #readFault(document: Json, event: string): void {
    if (this.fault || (document.type !== "error" && eventName(event) !== "error")) return;
    const named = isRecord(document.error) ? document : { error: document };
    this.fault = readStreamError(named, this.textBytes > 0);
  }

  #note(bytes: number): void {
    if (bytes === 0) return;
    this.events += 1;
    this.textBytes += bytes;
  }
}

const DELTA = '"content_block_delta"';
const EMPTY_MESSAGE = {
  id: "msg_stopped",
  type: "message",
  role: "assistant",
  model: "",
  content: [],
  stop_reason: null,
  stop_sequence: null,
  usage: { input_tokens: 0, output_tokens: 0 },
};

/** Bytes of text, thinking or arguments in a delta. */
function countWritten(event: string): number {
  for (const name of ['text"', 'partial_json"', 'thinking"']) {
    const value = findField(event, name);
    if (value >= 0) return countString(event, value);
  }
  return 0;
}

/** Bytes that a block begins with: most begin empty. */
function countBlock(block: unknown): number {
  if (!isRecord(block)) return 0;
  const text = block.type === "text" ? block.text : block.type === "thinking" ? block.thinking : undefined;
  if (typeof text === "string") return Buffer.byteLength(text);
  const given = block.type === "tool_use" && isRecord(block.input) ? block.input : {};
  return Object.keys(given).length > 0 ? Buffer.byteLength(JSON.stringify(given)) : 0;
}

/** The path of untouched bytes: whole events go on as they came, in the very buffer they came in where that is possible. */
export class AnthropicFollower extends AnthropicStream implements StreamFollower {
  push(chunk: Buffer): Buffer | undefined {
    const { splitter, held } = this;
    const count = splitter.push(chunk);
    if (count === 0) return undefined;
    const { bytes, text, ends, events } = splitter;
    const passed: Buffer[] = [];
    let from = 0; // what goes on together begins here
    let start = 0;
    for (let index = 0; index < count; index++) {
      const end = ends[index]!;
      const kind = events[index] ? this.inspect(text.slice(start, end)) : "other";
      if (held.takes(kind)) {
        if (start > from) passed.push(bytes.subarray(from, start));
        held.add(bytes.subarray(start, end), kind);
        from = end;
      } else if (kind === "piece" && held.waiting) passed.push(...held.resume());
      start = end;
    }
    if (start > from) passed.push(from === 0 && start === bytes.length ? bytes : bytes.subarray(from, start));
    if (passed.length === 0) return undefined;
    return passed.length === 1 ? passed[0] : Buffer.concat(passed);
  }

  close(): Buffer | undefined {
    const rest = this.takeRest();
    if (!rest) return undefined;
    if (this.held.takes(rest.kind)) {
      this.held.add(rest.bytes, rest.kind);
      return undefined;
    }
    return rest.kind === "piece" ? Buffer.concat([...this.held.resume(), rest.bytes]) : rest.bytes;
  }
}
