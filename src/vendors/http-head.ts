import { WIRE_CODES, WireError } from "./wire-error.ts";

/** The head of an answer: its status line and its headers, the names in lower case, repeated ones gathered. */
export interface AnswerHead {
  /** HTTP/1.`minor`: 0 or 1. */
  readonly minor: number;
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
}

const [CR, LF, TAB, SPACE, COLON] = [13, 10, 9, 32, 58];

/** The bytes of a header's name, and those of its value or of a reason (RFC 9110, 5.6.2 and 5.5). */
const TOKEN = tableOf(/[!#$%&'*+\-.^_`|~0-9A-Za-z]/);
const TEXT = tableOf(/[\t\x20-\x7e\x80-\xff]/);

function tableOf(pattern: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (pattern.test(String.fromCharCode(byte)) ? 1 : 0));
}

const VERSION = Buffer.from("HTTP/1.");
/** `HTTP/1.1 200`, without what follows. */
const STATUS_LENGTH = 12;

/** Where the fields of the section that was read last stand: name from and to, value from and to. Only ever read at once. */
const spans: number[] = [];

/**
 * Reads the fields of a head or of a trailer, up to its empty line. Strict by RFC 9112: no line folding, no space before a
 * colon, no control characters, every line with CR and LF.
 *
 * @returns what follows the empty line, or -1 where the section is not whole; throws `WireError` where it can never be one
 */
export function scanFields(bytes: Uint8Array, from: number, to: number): number {
  spans.length = 0;
  let at = from;
  while (at < to) {
    if (bytes[at] === CR) return endLine(bytes, at, to);
    const name = at;
    while (at < to && TOKEN[bytes[at]!] === 1) at++;
    if (at === to) return -1;
    if (bytes[at] !== COLON || at === name) throw new WireError(WIRE_CODES.malformed);
    const nameEnd = at++;
    while (at < to && isBlank(bytes[at]!)) at++;
    const value = at;
    while (at < to && TEXT[bytes[at]!] === 1) at++;
    let valueEnd = at;
    at = endLine(bytes, at, to);
    if (at === -1) return -1;
    while (valueEnd > value && isBlank(bytes[valueEnd - 1]!)) valueEnd--;
    spans.push(name, nameEnd, value, valueEnd);
  }
  return -1;
}

const isBlank = (byte: number): boolean => byte === SPACE || byte === TAB;

/** Where the line goes on after its CR and LF; -1 where they have not come yet. */
export function endLine(bytes: Uint8Array, at: number, to: number): number {
  if (at < to && bytes[at] !== CR) throw new WireError(WIRE_CODES.malformed);
  if (at + 1 >= to) return -1;
  if (bytes[at + 1] !== LF) throw new WireError(WIRE_CODES.malformed);
  return at + 2;
}

/** As `scanFields`, for a status line; it returns where the fields begin. */
function scanStatus(bytes: Uint8Array, from: number, to: number): number {
  const known = Math.min(to - from, STATUS_LENGTH);
  for (let place = 0; place < known; place++) {
    if (!fitsStatus(place, bytes[from + place]!)) throw new WireError(WIRE_CODES.malformed);
  }
  let at = from + STATUS_LENGTH;
  if (at >= to) return -1;
  if (bytes[at] === SPACE) while (at < to && TEXT[bytes[at]!] === 1) at++;
  return endLine(bytes, at, to);
}

function fitsStatus(place: number, byte: number): boolean {
  if (place < VERSION.length) return byte === VERSION[place];
  if (place === 7) return byte === 48 || byte === 49;
  if (place === 8) return byte === SPACE;
  return byte <= 57 && byte >= (place === 9 ? 49 : 48);
}

/** Reads heads from bytes that may be cut anywhere. Most often the whole head comes at once: then nothing is kept or copied. */
export class HeadReader {
  head: AnswerHead | undefined;
  readonly #mostBytes: number;
  #held: Buffer | undefined;

  /** @param mostBytes of a head, its status line and line ends included */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /**
   * Reads on. Where the head is whole, `head` holds it.
   *
   * @returns where the head ends in `bytes`; `to` where it is not whole. Throws `WireError`.
   */
  read(bytes: Buffer, from: number, to: number): number {
    this.head = undefined;
    const held = this.#held;
    if (!held) return this.#scan(bytes, from, to, 0);
    // Read again from its beginning: heads are short, and those that come in pieces are rare.
    const all = Buffer.concat([held, bytes.subarray(from, Math.min(to, from + this.#mostBytes))]);
    const end = this.#scan(all, 0, all.length, from - held.length);
    return this.head ? end : to;
  }

  /** @param shift what has to be added to a place in `bytes` to get the caller's */
  #scan(bytes: Buffer, from: number, to: number, shift: number): number {
    const most = Math.min(to, from + this.#mostBytes);
    const fields = scanStatus(bytes, from, most);
    const end = fields === -1 ? -1 : scanFields(bytes, fields, most);
    if (end === -1) {
      if (to > most) throw new WireError(WIRE_CODES.headTooLarge);
      this.#held = Buffer.from(bytes.subarray(from, to));
      return to + shift;
    }
    this.#held = undefined;
    const text = bytes.toString("latin1", from, end);
    const status = (text.charCodeAt(9) - 48) * 100 + (text.charCodeAt(10) - 48) * 10 + text.charCodeAt(11) - 48;
    this.head = { minor: text.charCodeAt(7) - 48, status, headers: gather(text, from) };
    return end + shift;
  }
}

/** @param from where `text` begins in what `spans` are of */
function gather(text: string, from: number): AnswerHead["headers"] {
  const headers: AnswerHead["headers"] = {};
  for (let place = 0; place < spans.length; place += 4) {
    const name = text.slice(spans[place]! - from, spans[place + 1]! - from).toLowerCase();
    const value = text.slice(spans[place + 2]! - from, spans[place + 3]! - from);
    // What stands in every object already, such as `constructor`, is neither a text nor a list.
    const before: unknown = headers[name];
    if (typeof before === "string") headers[name] = [before, value];
    else if (Array.isArray(before)) before.push(value);
    else headers[name] = value;
  }
  return headers;
}
