import type { Fault } from "../../base/faults.ts";
import type { Usage } from "../../base/usage.ts";
import { parseJson } from "../json-values.ts";
import type { FollowOptions, ShownCost, StreamFollower, StreamProgress } from "../spec.ts";
import { EventSplitter, eventName, payloadOf } from "../sse.ts";
import type { VendorFault } from "../vendor-fault.ts";
import { errorEvent } from "./errors.ts";
import { type EventKind, HeldEnd } from "./held-end.ts";
import { isRecord } from "./input-size.ts";
import { countText, findField, skipSpace } from "./quick-json.ts";
import { NO_REPORT, readUsage, type UsageReport } from "./usage.ts";
import { UsualPiece } from "./usual-piece.ts";
import { readStreamError } from "./vendor-errors.ts";

const LF_LF = Buffer.from("\n\n");
/** An event that a vendor left without its end is looked at up to this length. */
const GLANCE_BYTES = 64 * 1024;

/**
 * Reads a stream of OpenAI's protocol event by event, without parsing what it need not: progress, usage, errors, and what
 * has to be kept back. The two ways of relaying, untouched and decoded, both stand on it.
 *
 * Kept back are the chunk that carries nothing but usage, `[DONE]`, and what follows either. If more of the answer follows
 * a usage chunk, that chunk was not the last word and goes on (or is left out) at once.
 */
export abstract class OpenAiStream implements StreamProgress {
  protected readonly options: FollowOptions;
  protected readonly splitter: EventSplitter;
  protected readonly held: HeldEnd;
  events = 0;
  textBytes = 0;
  ended = false;
  /** The last piece was nothing but text: it told of no usage, no error and no end. */
  protected lastIsPlain = false;
  #finished = false;
  #fault: VendorFault | undefined;
  #report: UsageReport = NO_REPORT;
  /** The last event with usage, to be read when somebody asks: some vendors put usage into every event. */
  #unread: string | undefined;
  /** The first piece: it names the answer, its model and its time. */
  #first: string | undefined;
  readonly #open = new Set<number>();
  #glance: { readonly rest: Buffer; readonly stream: OpenAiStream } | undefined;

  constructor(options: FollowOptions) {
    this.options = options;
    this.splitter = new EventSplitter(options.eventBytes);
    this.held = new HeldEnd(options);
    for (let index = 0; index < (options.choices ?? 1); index++) this.#open.add(index);
  }

  get usage(): Usage | undefined {
    return this.#whole().#readReport().usage;
  }

  get usageEstimated(): boolean {
    return this.#whole().#readReport().usageEstimated ?? false;
  }

  get vendorCost(): string | undefined {
    return this.#whole().#readReport().vendorCost;
  }

  get finished(): boolean {
    if (this.#finished) return true;
    const whole = this.#whole();
    return whole !== this && (whole.#finished || whole.ended);
  }

  get fault(): VendorFault | undefined {
    return this.#fault ?? (this.#first === undefined ? this.#whole().#fault : undefined);
  }

  /** An error was among the events inspected so far. */
  protected get failed(): boolean {
    return this.#fault !== undefined;
  }

  abstract push(chunk: Buffer): Buffer | undefined;

  finish(cost: ShownCost | undefined): Buffer {
    const rest = this.takeRest();
    if (rest) this.held.add(rest.bytes, rest.kind);
    return this.held.release(cost, this.#finished);
  }

  /**
   * What the vendor left without its last blank line, where it is whole otherwise. Half an event is left out, as clients do
   * by the standard.
   */
  protected takeRest(): { readonly bytes: Buffer; readonly kind: EventKind } | undefined {
    const ended = this.splitter.restEnded;
    const bytes = this.splitter.takeRest();
    if (bytes.length === 0) return undefined;
    const event = bytes.toString("latin1");
    const kind = this.inspect(event);
    const payload = payloadOf(event);
    const whole = ended || kind === "done" || payload === undefined || parse(payload) !== undefined;
    return whole ? { bytes, kind } : undefined;
  }

  error(fault: Fault, message: string): Buffer {
    return errorEvent(fault, message);
  }

  /** Ends the choices that are still open as if their longest answer had been reached, so that clients end in peace. */
  stop(): Buffer {
    const named = this.#first === undefined ? undefined : parse(payloadOf(this.#first));
    const { id, created, model } = isRecord(named) ? named : {};
    const choices = [...this.#open].map((index) => ({ index, delta: {}, finish_reason: "length" }));
    const chunk = { id, object: "chat.completion.chunk", created, model, choices };
    const finish = choices.length > 0 ? `data: ${JSON.stringify(chunk)}\n\n` : "";
    return Buffer.from(`${finish}data: [DONE]\n\n`);
  }

  /** Takes note of an event (one character a byte), and says what it is. */
  protected inspect(event: string): EventKind {
    this.#glance = undefined;
    const choices = findField(event, CHOICES);
    if (choices < 0) return this.#inspectOther(event);
    if (!hasItem(event, choices)) return this.#inspectEmpty(event);
    this.#first ??= event;
    const reports = hasUsage(event);
    const fails = findField(event, ERROR) >= 0;
    const finishes = isFinish(event, choices);
    if (reports) this.#unread = event;
    if (fails) this.#readFault(event);
    if (finishes) this.#noteFinish(event);
    this.lastIsPlain = !(reports || fails || finishes);
    this.notePiece(countText(event, choices));
    return "piece";
  }

  protected notePiece(textBytes: number): void {
    if (textBytes === 0) return;
    this.events += 1;
    this.textBytes += textBytes;
  }

  /** An event that cannot be a piece of the answer: an end, an error, a bare usage report, or something unknown. */
  #inspectOther(event: string): EventKind {
    const payload = payloadOf(event)?.trim();
    if (payload === undefined) return "other";
    if (payload === "[DONE]") {
      this.ended = true;
      return "done";
    }
    this.#readFault(event);
    return hasUsage(event) && this.#takeReport(event) ? "usage" : "other";
  }

  /** A chunk without choices: filter results, a ping, or usage. */
  #inspectEmpty(event: string): EventKind {
    if (findField(event, ERROR) >= 0) this.#readFault(event);
    return hasUsage(event) && this.#takeReport(event) ? "usage" : "other";
  }

  #readFault(event: string): void {
    if (this.#fault) return;
    const document = parse(payloadOf(event));
    const named = eventName(event) === "error" && isRecord(document) ? { error: document.error ?? document } : document;
    this.#fault = readStreamError(named, this.textBytes > 0);
  }

  /** Reads the usage of an event now. Returns whether it stands at the top level. */
  #takeReport(event: string): boolean {
    const document = parse(payloadOf(event));
    const report = readUsage(usageOf(document), "chat");
    if (report.usage) {
      this.#report = report;
      this.#unread = undefined;
    }
    return isRecord(document) && isRecord(document.usage);
  }

  #readReport(): UsageReport {
    const event = this.#unread;
    this.#unread = undefined;
    if (event !== undefined) this.#takeReport(event);
    return this.#report;
  }

  #noteFinish(event: string): void {
    this.#finished = true;
    if ((this.options.choices ?? 1) === 1) {
      this.#open.clear();
      return;
    }
    const document = parse(payloadOf(event));
    if (!isRecord(document) || !Array.isArray(document.choices)) return;
    for (const choice of document.choices) {
      if (isRecord(choice) && choice.finish_reason) this.#open.delete(choice.index as number);
    }
  }

  /**
   * This stream as it would be if what has begun were whole: a vendor may close without the last blank line. Read only
   * where the rest looks like the end of an event, and once for each rest.
   */
  #whole(): OpenAiStream {
    const { restBytes, lastByte } = this.splitter;
    if (restBytes === 0 || restBytes > GLANCE_BYTES || !EVENT_ENDS.has(lastByte)) return this;
    const rest = this.splitter.rest();
    if (this.#glance?.rest === rest) return this.#glance.stream;
    const stream = new Glance(this.options, this);
    stream.push(Buffer.concat([rest, LF_LF]));
    this.#glance = { rest, stream };
    return stream;
  }

  protected takeOver(from: OpenAiStream): void {
    this.events = from.events;
    this.textBytes = from.textBytes;
    this.#report = from.#readReport();
    this.#first = from.#first;
    this.#fault = from.#fault;
    this.#finished = from.#finished;
  }
}

/** The last bytes that an event can have: a line break, or the end of an object or of `[DONE]`. */
const EVENT_ENDS: ReadonlySet<number> = new Set([0x0a, 0x0d, 0x7d, 0x5d]);

/** A look at what would be, which passes nothing on. */
class Glance extends OpenAiStream {
  constructor(options: FollowOptions, from: OpenAiStream) {
    super({ ...options, eventBytes: options.eventBytes + LF_LF.length });
    this.takeOver(from);
  }

  push(chunk: Buffer): undefined {
    const count = this.splitter.push(chunk);
    let start = 0;
    for (let index = 0; index < count; index++) {
      const end = this.splitter.ends[index]!;
      if (this.splitter.events[index]) this.inspect(this.splitter.text.slice(start, end));
      start = end;
    }
  }
}

/** The path of untouched bytes: whole events go on as they came, in the very buffer they came in where that is possible. */
export class OpenAiFollower extends OpenAiStream implements StreamFollower {
  readonly #usual = new UsualPiece();

  push(chunk: Buffer): Buffer | undefined {
    // The first piece tells the form of those that come in the same chunk.
    const first = this.#usual.learns && !this.#usual.known ? chunk.indexOf("\n\n") + 2 : 0;
    if (first < 3 || first === chunk.length) return this.#pass(chunk);
    return joined(this.#look(chunk.subarray(0, first)), this.#pass(chunk.subarray(first)));
  }

  #pass(chunk: Buffer): Buffer | undefined {
    const usual = this.#passUsual(chunk);
    if (usual === 0) return this.#look(chunk);
    return usual === chunk.length ? chunk : joined(chunk.subarray(0, usual), this.#look(chunk.subarray(usual)));
  }

  /** Takes note of the pieces of the usual form with which a chunk begins. Returns how many bytes they are. */
  #passUsual(chunk: Buffer): number {
    if (!this.splitter.atStart || this.held.waiting) return 0;
    const { eventBytes } = this.options;
    let from = 0;
    for (let end = this.#usual.match(chunk, 0, eventBytes); end > 0; end = this.#usual.match(chunk, from, eventBytes)) {
      this.notePiece(this.#usual.textBytes);
      from = end;
    }
    return from;
  }

  #learn(unit: Buffer, event: string, bytes: number): void {
    const start = textStart(event);
    const end = event.indexOf('"', start);
    // Only what has one text, with nothing escaped in it, and changes nothing but the count of it.
    if (start > 0 && bytes > 0 && end - start === bytes && !event.slice(start, end).includes("\\")) {
      this.#usual.learn(unit, start, end);
    }
  }

  #look(chunk: Buffer): Buffer | undefined {
    const { splitter, held } = this;
    const count = splitter.push(chunk);
    if (count === 0) return undefined;
    const { bytes, text, ends, events } = splitter;
    const passed: Buffer[] = [];
    let from = 0; // what goes on together begins here
    let start = 0;
    for (let index = 0; index < count; index++) {
      const end = ends[index]!;
      const event = text.slice(start, end);
      const textBefore = this.textBytes;
      const kind = events[index] ? this.inspect(event) : "other";
      if (this.lastIsPlain && this.#usual.learns && kind === "piece") {
        this.#learn(bytes.subarray(start, end), event, this.textBytes - textBefore);
      }
      if (held.takes(kind)) {
        if (start > from) passed.push(bytes.subarray(from, start));
        held.add(bytes.subarray(start, end), kind);
        from = end;
      } else if (kind === "piece" && held.waiting) {
        passed.push(...held.resume());
      }
      start = end;
    }
    if (start > from) passed.push(from === 0 && start === bytes.length ? bytes : bytes.subarray(from, start));
    if (passed.length === 0) return undefined;
    return passed.length === 1 ? passed[0] : Buffer.concat(passed);
  }
}

/** One after the other; the very bytes where they stand so in memory. */
function joined(one: Buffer | undefined, other: Buffer | undefined): Buffer | undefined {
  if (!one || !other) return one ?? other;
  const follows = one.buffer === other.buffer && one.byteOffset + one.length === other.byteOffset;
  return follows ? Buffer.from(one.buffer, one.byteOffset, one.length + other.length) : Buffer.concat([one, other]);
}

/** Where the text of a piece begins, after its quote; −1 where it has none of the usual kinds. */
function textStart(event: string): number {
  const choices = findField(event, CHOICES);
  for (const name of TEXT_NAMES) {
    const value = findField(event, name, choices);
    if (value >= 0 && event[value] === '"') return value + 1;
  }
  return -1;
}

const TEXT_NAMES = ['content"', 'reasoning_content"', 'reasoning"'];

function usageOf(document: unknown): unknown {
  if (!isRecord(document)) return undefined;
  if (isRecord(document.usage)) return document.usage;
  const first: unknown = Array.isArray(document.choices) ? document.choices[0] : undefined;
  if (isRecord(first) && isRecord(first.usage)) return first.usage;
  return isRecord(document.x_groq) ? document.x_groq.usage : undefined;
}

const CHOICES = 'choices"';
const ERROR = 'error"';
const USAGE = 'usage"';
const FINISH = 'finish_reason"';

/** Whether there is a usage report: an object. `null` on every chunk is common. */
function hasUsage(event: string): boolean {
  for (let value = findField(event, USAGE); value >= 0; value = findField(event, USAGE, value)) {
    if (event.charCodeAt(value) === OPEN_BRACE) return true;
  }
  return false;
}

const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Whether the list that begins at `start` holds anything. */
function hasItem(event: string, start: number): boolean {
  return event.charCodeAt(start) === OPEN_BRACKET && event.charCodeAt(skipSpace(event, start + 1)) !== CLOSE_BRACKET;
}

/** A `finish_reason` that is neither null nor, as one vendor has it, the text "null". */
function isFinish(event: string, choices: number): boolean {
  for (let value = findField(event, FINISH, choices); value >= 0; value = findField(event, FINISH, value)) {
    if (event[value] === '"' && !event.startsWith('"null"', value) && event[value + 1] !== '"') return true;
  }
  return false;
}

function parse(payload: string | undefined): unknown {
  return payload === undefined ? undefined : parseJson(Buffer.from(payload, "latin1").toString("utf8"));
}
