import { vendorWords } from "../base/messages/vendors.ts";
import { VendorFault } from "./vendor-fault.ts";

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
/** Every byte of a byte order mark is at or above it; no other stream of events begins with such a byte. */
const BYTE_ORDER_MARK = 0xbb;

/**
 * Cuts a stream of server-sent events, which comes in chunks cut anywhere, into units: an event with the blank line
 * that ends it, or a line outside of events (a comment such as `: ping`, a stray blank line), which need not wait for
 * an event. Lines end in `\n`, `\r\n` or `\r`, in any mixture. Where the cuts are makes no difference to the units.
 * A `\r` at the end of a chunk may be half of `\r\n`, so the unit it ends is told with the next byte.
 *
 * The HTML standard, "Server-sent events", 9.2.5 and 9.2.6.
 */
export class EventSplitter {
  readonly #eventBytes: number;
  /** The start of a unit that has not ended. */
  #begun: Buffer[] = [];
  #begunBytes = 0;
  /** What the line so far is. */
  #line: "empty" | "comment" | "field" = "empty";
  /** The event has a line of its own already, so that a comment in it belongs to it. */
  #inEvent = false;
  #afterCr = false;
  /** Bytes seen, until the byte order mark can be past. */
  #seen = 0;

  /** The bytes of the units of the last `push`; the very chunk where nothing had to be put before it. */
  bytes: Buffer = Buffer.alloc(0);
  /** `bytes`, one character a byte. */
  text = "";
  /** Where each unit ends in `bytes`; the next begins there. */
  readonly ends: number[] = [];
  /** Whether each unit is an event. */
  readonly events: boolean[] = [];

  /** @param eventBytes the longest event that is taken. */
  constructor(eventBytes: number) {
    this.#eventBytes = eventBytes;
  }

  /** Takes a chunk and returns how many units it completes. Throws `VendorFault` where an event is too long. */
  push(chunk: Buffer): number {
    this.ends.length = 0;
    this.events.length = 0;
    const text = chunk.toString("latin1");
    if (this.#afterCr || this.#seen < 3 || text.includes("\r")) this.#scanBytes(text);
    else this.#scanLines(text);
    const count = this.ends.length;
    if (count === 0) {
      this.#keep(chunk);
      return 0;
    }
    this.#join(chunk, text);
    this.#checkLengths();
    const last = this.ends[count - 1]!;
    if (last < this.bytes.length) this.#keep(this.bytes.subarray(last));
    return count;
  }

  /** Whether nothing has begun that has not ended, and the next byte begins a unit, whatever it is. */
  get atStart(): boolean {
    return this.#begunBytes === 0 && this.#line === "empty" && !this.#inEvent && !this.#afterCr && this.#seen >= 3;
  }

  /** The bytes of a unit that has begun and not ended. */
  rest(): Buffer {
    if (this.#begun.length > 1) this.#begun = [Buffer.concat(this.#begun)];
    return this.#begun[0] ?? Buffer.alloc(0);
  }

  /** Whether `rest()` is a whole unit that only waits to see if its last `\r` is half of `\r\n`. */
  get restEnded(): boolean {
    return this.#afterCr && this.#line === "empty";
  }

  /** `rest()`, which is no longer kept. */
  takeRest(): Buffer {
    const rest = this.rest();
    this.#begun = [];
    this.#begunBytes = 0;
    return rest;
  }

  /** Length of `rest()`. */
  get restBytes(): number {
    return this.#begunBytes;
  }

  /** The last byte of `rest()`; NaN where it is empty. */
  get lastByte(): number {
    const last = this.#begun.at(-1);
    return last?.at(-1) ?? Number.NaN;
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#begun.push(bytes);
    this.#begunBytes += bytes.length;
    if (this.#begunBytes > this.#eventBytes) throw tooLong(this.#eventBytes);
  }

  #join(chunk: Buffer, text: string): void {
    const before = this.#begunBytes;
    if (before === 0) {
      this.bytes = chunk;
      this.text = text;
      return;
    }
    this.#begun.push(chunk);
    this.bytes = Buffer.concat(this.#begun);
    this.text = this.bytes.toString("latin1");
    for (let index = 0; index < this.ends.length; index++) this.ends[index]! += before;
    this.#begun = [];
    this.#begunBytes = 0;
  }

  #checkLengths(): void {
    if (this.bytes.length <= this.#eventBytes) return;
    let start = 0;
    for (const end of this.ends) {
      if (end - start > this.#eventBytes) throw tooLong(this.#eventBytes);
      start = end;
    }
  }

  /** Where all lines end in `\n`: jumps from line to line. */
  #scanLines(text: string): void {
    let from = 0;
    for (let lf = text.indexOf("\n"); lf >= 0; lf = text.indexOf("\n", from)) {
      if (lf > from && this.#line === "empty") this.#line = text.charCodeAt(from) === COLON ? "comment" : "field";
      from = lf + 1;
      this.#endLine(from);
    }
    if (from < text.length && this.#line === "empty") {
      this.#line = text.charCodeAt(from) === COLON ? "comment" : "field";
    }
  }

  /** Lines that end in anything. */
  #scanBytes(text: string): void {
    for (let index = 0; index < text.length; index++) {
      const byte = text.charCodeAt(index);
      if (this.#afterCr) {
        this.#afterCr = false;
        this.#endLine(byte === LF ? index + 1 : index);
        if (byte === LF) continue;
      }
      if (byte === CR) this.#afterCr = true;
      else if (byte === LF) this.#endLine(index + 1);
      else if (this.#line === "empty" && !(byte >= BYTE_ORDER_MARK && this.#seen + index < 3)) {
        this.#line = byte === COLON ? "comment" : "field";
      }
    }
    this.#seen += text.length;
  }

  #endLine(end: number): void {
    const line = this.#line;
    this.#line = "empty";
    if (line === "field" || (line === "comment" && this.#inEvent)) {
      this.#inEvent = true;
      return;
    }
    this.ends.push(end);
    this.events.push(this.#inEvent);
    this.#inEvent = false;
  }
}

function tooLong(bytes: number): VendorFault {
  return new VendorFault(vendorWords.eventTooLong(bytes), { errorClass: "server_error", charged: "unknown" });
}

const LINE_END = /\r\n|\n|\r/;

/**
 * What an event (one character a byte) carries: its `data:` lines, joined; undefined where it has none. A bare JSON
 * object in place of fields counts as data: some vendors write errors so.
 */
export function payloadOf(event: string): string | undefined {
  const at = singlePayload(event);
  if (at) return event.slice(at.start, at.end);
  const lines = dataLines(event);
  if (lines.length > 0) return lines.join("\n");
  const bare = event.trim();
  return bare.startsWith("{") ? bare : undefined;
}

/** Where the payload stands in an event whose only line is one of `data:`; undefined in all others. */
export function singlePayload(event: string): { readonly start: number; readonly end: number } | undefined {
  const mark = event.charCodeAt(0) >= BYTE_ORDER_MARK ? 3 : 0;
  if (!event.startsWith("data:", mark)) return undefined;
  const start = mark + (event.charCodeAt(mark + 5) === 0x20 ? 6 : 5);
  let end = event.length;
  while (end > start && (event.charCodeAt(end - 1) === LF || event.charCodeAt(end - 1) === CR)) end -= 1;
  const inner = event.indexOf("\n", start);
  if (inner >= 0 && inner < end) return undefined;
  const innerCr = event.indexOf("\r", start);
  return innerCr >= 0 && innerCr < end ? undefined : { start, end };
}

function dataLines(event: string): string[] {
  const data: string[] = [];
  for (const line of linesOf(event)) {
    if (line === "data") data.push("");
    else if (line.startsWith("data:")) data.push(line.slice(line.charCodeAt(5) === 0x20 ? 6 : 5));
  }
  return data;
}

/** The name of an event (`event: error`), or undefined. */
export function eventName(event: string): string | undefined {
  for (const line of linesOf(event)) if (line.startsWith("event:")) return line.slice(6).trim();
  return undefined;
}

/** An event with another payload; its other fields and comments stay, in their order. */
export function withPayload(event: string, payload: string): string {
  const lines = linesOf(event);
  const first = lines.findIndex((line) => line.startsWith("data:") || line === "data");
  const data = payload.split("\n").map((line) => `data: ${line}`);
  const others = (line: string): boolean => line !== "" && line !== "data" && !line.startsWith("data:");
  const kept = [...lines.slice(0, first).filter(others), ...data, ...lines.slice(first).filter(others)];
  return `${kept.join("\n")}\n\n`;
}

function linesOf(event: string): string[] {
  const mark = event.charCodeAt(0) >= BYTE_ORDER_MARK ? 3 : 0;
  return event.slice(mark).split(LINE_END);
}
