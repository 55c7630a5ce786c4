import { ChunksReader } from "./http-chunks.ts";
import { type AnswerHead, HeadReader } from "./http-head.ts";
import { WIRE_CODES, WireError } from "./wire-error.ts";

/** What of an answer is read now. */
const HEAD = 0;
const LENGTH = 1; // a body as long as its head says
const CHUNKS = 2;
const UNTIL_CLOSE = 3;
const WHOLE = 4;

/**
 * Reads one answer after the other from the bytes of a connection, cut anywhere; the same bytes give the same answer however
 * they are cut. It does nothing but read: after each `read`, `head`, `payload`, `whole` and `error` say what it brought.
 *
 * Where an answer could be read in two ways (RFC 9112, 6.3), it is none: its connection has to be closed.
 */
export class AnswerReader {
  /** The head, where it has just become whole. Those of status 1xx are passed over. */
  head: AnswerHead | undefined;
  /** The piece of the body that has just come, in memory of its own. */
  payload: Buffer | undefined;
  /** Why nothing more can be read. What came before it is in `payload`. */
  error: WireError | undefined;
  /** Whether another request may be sent on this connection once the answer is whole. */
  reusable = false;
  /** Milliseconds for which the server keeps the connection, where it says so. */
  keptMs: number | undefined;
  readonly #heads: HeadReader;
  readonly #chunks: ChunksReader;
  #part = HEAD;
  /** Bytes of the body that are still to come. */
  #left = 0;
  #ranges: number[] = [];

  /** @param headBytes of a head, and of a trailer */
  constructor(headBytes: number) {
    this.#heads = new HeadReader(headBytes);
    this.#chunks = new ChunksReader(headBytes);
  }

  get whole(): boolean {
    return this.#part === WHOLE;
  }

  /** Makes it ready for the next answer. */
  begin(): void {
    this.#part = HEAD;
    this.head = undefined;
    this.payload = undefined;
  }

  /** Reads on. Nothing of `bytes` is kept: they may be written over afterwards. */
  read(bytes: Buffer, from: number, to: number): void {
    this.head = undefined;
    this.payload = undefined;
    try {
      const at = this.#part === HEAD ? this.#readHead(bytes, from, to) : from;
      if (at < to) this.#readBody(bytes, at, to);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.error = error;
    }
  }

  /** The other side has closed. */
  close(): void {
    this.head = undefined;
    this.payload = undefined;
    if (this.#part === UNTIL_CLOSE) this.#part = WHOLE;
    else this.error ??= new WireError(WIRE_CODES.closed);
  }

  #readHead(bytes: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to) {
      at = this.#heads.read(bytes, at, to);
      const { head } = this.#heads;
      if (!head) return to;
      // Nobody asked for another protocol.
      if (head.status === 101) throw new WireError(WIRE_CODES.malformed);
      if (head.status < 200) continue;
      this.#frame(head);
      this.head = head;
      return at;
    }
    return at;
  }

  #readBody(bytes: Buffer, from: number, to: number): void {
    let end = to;
    if (this.#part === LENGTH) {
      end = Math.min(to, from + this.#left);
      this.#left -= end - from;
      this.payload = copy(bytes, from, end);
      if (this.#left === 0) this.#part = WHOLE;
    } else if (this.#part === CHUNKS) {
      end = this.#readChunks(bytes, from, to);
    } else if (this.#part === UNTIL_CLOSE) {
      this.payload = copy(bytes, from, to);
    } else {
      end = from;
    }
    // What comes after an answer that is whole belongs to no request.
    if (end < to) this.reusable = false;
  }

  #readChunks(bytes: Buffer, from: number, to: number): number {
    const ranges = this.#ranges;
    ranges.length = 0;
    try {
      const end = this.#chunks.read(bytes, from, to, ranges);
      if (this.#chunks.done) this.#part = WHOLE;
      return end;
    } finally {
      this.payload = join(bytes, ranges);
    }
  }

  /** How the body ends (RFC 9112, 6.3), and what becomes of the connection then. */
  #frame({ status, minor, headers }: AnswerHead): void {
    const coding = headers["transfer-encoding"];
    const length = headers["content-length"];
    this.reusable = minor === 1 && !saysClose(headers.connection);
    this.keptMs = keptMs(headers["keep-alive"]);
    if (coding !== undefined) {
      if (length !== undefined || !isChunked(coding)) throw new WireError(WIRE_CODES.malformed);
      this.#part = CHUNKS;
      this.#chunks.begin();
    } else if (length !== undefined) {
      if (typeof length !== "string" || !/^\d{1,15}$/.test(length)) throw new WireError(WIRE_CODES.malformed);
      this.#left = Number(length);
      this.#part = this.#left === 0 ? WHOLE : LENGTH;
    } else {
      this.#part = UNTIL_CLOSE;
    }
    if (status === 204 || status === 304) {
      // One that announces a body all the same may send it, too.
      if (this.#part !== UNTIL_CLOSE && this.#part !== WHOLE) this.reusable = false;
      this.#part = WHOLE;
    }
    if (this.#part === UNTIL_CLOSE) this.reusable = false;
  }
}

type HeaderValue = string | string[] | undefined;

const isChunked = (coding: HeaderValue): boolean => typeof coding === "string" && coding.toLowerCase() === "chunked";

function saysClose(connection: HeaderValue): boolean {
  if (connection === undefined || connection === "keep-alive") return false;
  return /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i.test(String(connection));
}

function keptMs(hint: HeaderValue): number | undefined {
  const timeout = hint === undefined ? undefined : /timeout=(\d{1,9})/i.exec(String(hint));
  return timeout ? Number(timeout[1]) * 1_000 : undefined;
}

function copy(bytes: Buffer, from: number, to: number): Buffer {
  const own = Buffer.allocUnsafe(to - from);
  bytes.copy(own, 0, from, to);
  return own;
}

/** The pieces of `bytes` as one. */
function join(bytes: Buffer, ranges: readonly number[]): Buffer | undefined {
  if (ranges.length === 0) return undefined;
  if (ranges.length === 2) return copy(bytes, ranges[0]!, ranges[1]!);
  let length = 0;
  for (let place = 0; place < ranges.length; place += 2) length += ranges[place + 1]! - ranges[place]!;
  const own = Buffer.allocUnsafe(length);
  let at = 0;
  for (let place = 0; place < ranges.length; place += 2) {
    at += bytes.copy(own, at, ranges[place]!, ranges[place + 1]!);
  }
  return own;
}
