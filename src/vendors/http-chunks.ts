import { endLine, scanFields } from "./http-head.ts";
import { WIRE_CODES, WireError } from "./wire-error.ts";

/** Where the reader is. */
const SIZE = 0; // before or in the digits of a chunk's size
const BLANK = 1; // after them, where only an extension may follow
const EXTENSION = 2;
const SIZE_END = 3; // the CR of the size's line was read
const CONTENT = 4;
const CONTENT_CR = 5;
const CONTENT_LF = 6;
const TRAILER = 7;
const DONE = 8;

const [CR, LF, TAB, SPACE, SEMICOLON, DELETE] = [13, 10, 9, 32, 59, 127];

/** Bytes of the extensions of one chunk; nobody reads them. */
const MOST_EXTENSION_BYTES = 4_096;
/** A longer chunk is no chunk: sixteen times this can still be counted exactly. */
const MOST_SIZE = 2 ** 48;

/** Reads a body in chunks (RFC 9112, 7.1) from bytes that may be cut anywhere. Extensions and trailers are read and dropped. */
export class ChunksReader {
  readonly #mostTrailerBytes: number;
  #state = SIZE;
  #digits = 0;
  /** Bytes of this chunk that are still to come. */
  #left = 0;
  #extensionBytes = 0;
  #trailer: Buffer | undefined;

  constructor(mostTrailerBytes: number) {
    this.#mostTrailerBytes = mostTrailerBytes;
  }

  get done(): boolean {
    return this.#state === DONE;
  }

  /** Makes it ready for another body. */
  begin(): void {
    this.#state = SIZE;
    this.#digits = 0;
    this.#left = 0;
    this.#trailer = undefined;
  }

  /**
   * Reads on. Where content stands in `bytes` is added to `ranges`: from, to, from, to, …
   *
   * @returns where the body ends in `bytes`; `to` where it is not whole. Throws `WireError`; what was read until then stands
   * in `ranges`.
   */
  read(bytes: Buffer, from: number, to: number, ranges: number[]): number {
    let at = from;
    while (at < to) {
      if (this.#state === CONTENT) {
        const end = Math.min(to, at + this.#left);
        ranges.push(at, end);
        this.#left -= end - at;
        if (this.#left === 0) this.#state = CONTENT_CR;
        at = end;
      } else if (this.#state === TRAILER) {
        return this.#readTrailer(bytes, at, to);
      } else {
        this.#step(bytes[at]!);
        at += 1;
      }
    }
    return at;
  }

  /** One byte of what stands between pieces of content. */
  #step(byte: number): void {
    switch (this.#state) {
      case SIZE:
        this.#readSize(byte);
        break;
      case BLANK:
        if (byte === SEMICOLON) this.#state = EXTENSION;
        else if (byte !== SPACE && byte !== TAB) throw malformed();
        this.#countExtension();
        break;
      case EXTENSION:
        if (byte === CR) this.#state = SIZE_END;
        else if ((byte < SPACE && byte !== TAB) || byte === DELETE) throw malformed();
        this.#countExtension();
        break;
      case SIZE_END:
        if (byte !== LF) throw malformed();
        this.#state = this.#left > 0 ? CONTENT : TRAILER;
        break;
      case CONTENT_CR:
        if (byte !== CR) throw malformed();
        this.#state = CONTENT_LF;
        break;
      default:
        if (byte !== LF) throw malformed();
        this.#state = SIZE;
        this.#digits = 0;
    }
  }

  #readSize(byte: number): void {
    const digit = digitOf(byte);
    if (digit >= 0) {
      this.#left = this.#left * 16 + digit;
      this.#digits += 1;
      if (this.#left > MOST_SIZE || this.#digits > MOST_DIGITS) throw malformed();
      return;
    }
    if (this.#digits === 0) throw malformed();
    this.#extensionBytes = 0;
    if (byte === CR) this.#state = SIZE_END;
    else if (byte === SEMICOLON) this.#state = EXTENSION;
    else if (byte === SPACE || byte === TAB) this.#state = BLANK;
    else throw malformed();
  }

  #countExtension(): void {
    this.#extensionBytes += 1;
    if (this.#extensionBytes > MOST_EXTENSION_BYTES) throw malformed();
  }

  #readTrailer(bytes: Buffer, from: number, to: number): number {
    const held = this.#trailer;
    if (!held && bytes[from] === CR) {
      const end = endLine(bytes, from, to);
      if (end !== -1) return this.#finish(end);
    }
    const all = held ? Buffer.concat([held, bytes.subarray(from, to)]) : Buffer.from(bytes.subarray(from, to));
    const most = Math.min(all.length, this.#mostTrailerBytes);
    const end = scanFields(all, 0, most);
    if (end !== -1) return this.#finish(end + from - (held?.length ?? 0));
    if (all.length > most) throw new WireError(WIRE_CODES.headTooLarge);
    this.#trailer = all;
    return to;
  }

  #finish(end: number): number {
    this.#state = DONE;
    this.#trailer = undefined;
    return end;
  }
}

/** Zeros in front count, so that a size that never ends is none. */
const MOST_DIGITS = 16;

function digitOf(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

const malformed = (): WireError => new WireError(WIRE_CODES.malformed);
