import type { Socket } from "node:net";
import type { Placed } from "../base/roster.ts";
import { AnswerReader } from "./http-answer.ts";
import type { Connector, SocketEvents } from "./http-connector.ts";
import type { HttpExchange } from "./http-exchange.ts";
import { WIRE_CODES, WireError } from "./wire-error.ts";

const OPENING = 0;
const IDLE = 1;
const BUSY = 2;
const GONE = 3;

/** An unused connection is closed after this: below the five seconds after which many servers close theirs. */
const IDLE_MS = 4_000;
/** Where a server announces how long it keeps a connection, Maidan lets go so much earlier … */
const IDLE_MARGIN_MS = 2_000;
/** … and never keeps one longer than this. */
const LONGEST_IDLE_MS = 60_000;

/** A longer request is written in two pieces: to copy it would cost more than the second piece does. */
const COPIED_BYTES = 16 * 1024;

/** What connections belong to. */
export interface Home {
  opened(connection: HttpConnection): void;
  /** The connection was never open. */
  failed(connection: HttpConnection, error: unknown): void;
  /** It has brought a whole answer, and can bring another. */
  rested(connection: HttpConnection): void;
  /** It is of no more use. */
  dropped(connection: HttpConnection): void;
  /** The last that is heard of it: its socket is closed. */
  closed(): void;
}

/** One connection, with at most one request on it at a time. */
export class HttpConnection implements Placed, SocketEvents {
  place = 0;
  readonly #home: Home;
  readonly #socket: Socket;
  readonly #reader: AnswerReader;
  readonly #openedAt: number;
  #state = OPENING;
  #exchange: HttpExchange | undefined;
  #paused = false;
  #detained = true;
  /** performance.now() from which on it is not used any more. */
  #expiresAt = Number.POSITIVE_INFINITY;

  /** @param now performance.now() */
  constructor(home: Home, connector: Connector, headBytes: number, now: number) {
    this.#home = home;
    this.#reader = new AnswerReader(headBytes);
    this.#openedAt = now;
    this.#socket = connector.open(this);
  }

  /** Sends a request and hands its answer to the exchange. Only for a connection that is usable. */
  begin(exchange: HttpExchange): void {
    this.#exchange = exchange;
    this.#state = BUSY;
    this.#reader.begin();
    if (!this.#detained) {
      this.#socket.ref();
      this.#detained = true;
    }
    exchange.sent(this);
    const { head, body } = exchange;
    const length = body?.length ?? 0;
    if (!body || length === 0) {
      this.#socket.write(head, "latin1");
    } else if (head.length + length <= COPIED_BYTES) {
      const whole = Buffer.allocUnsafe(head.length + length);
      whole.write(head, "latin1");
      body.copy(whole, head.length);
      this.#socket.write(whole);
    } else {
      this.#socket.cork();
      this.#socket.write(head, "latin1");
      this.#socket.write(body);
      this.#socket.uncork();
    }
  }

  /** @param now performance.now() */
  usable(now: number): boolean {
    if (this.#state === IDLE && now >= this.#expiresAt) this.drop();
    return this.#state === IDLE;
  }

  /**
   * Looks at its bounds. A connection that nobody uses does not keep the process alive.
   *
   * @param now performance.now()
   * @param connectMs the longest that it may take to open one
   */
  check(now: number, connectMs: number): void {
    if (this.#state === OPENING && now - this.#openedAt >= connectMs) {
      this.broke(new WireError(WIRE_CODES.connectTimeout));
    } else if (this.#state === IDLE && this.usable(now) && this.#detained) {
      this.#socket.unref();
      this.#detained = false;
    }
  }

  /** Closes at once. Its exchange hears nothing of it. */
  drop(): void {
    if (this.#state === GONE) return;
    this.#state = GONE;
    this.#exchange = undefined;
    this.#home.dropped(this);
    this.#socket.destroy();
  }

  /** Reads on, for an exchange that takes again. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  opened(): void {
    if (this.#state !== OPENING) return;
    this.#state = IDLE;
    this.#expiresAt = performance.now() + IDLE_MS;
    this.#home.opened(this);
  }

  received(bytes: Buffer, length: number): void {
    const exchange = this.#exchange;
    // Bytes that nobody asked for: whatever comes next on this connection could belong to anything.
    if (!exchange) {
      this.drop();
      return;
    }
    this.#reader.read(bytes, 0, length);
    this.#deliver(exchange);
  }

  ended(): void {
    const exchange = this.#exchange;
    if (!exchange) {
      this.drop();
      return;
    }
    this.#reader.close();
    this.#deliver(exchange);
  }

  broke(error: Error): void {
    const opening = this.#state === OPENING;
    const exchange = this.#exchange;
    this.drop();
    if (opening) this.#home.failed(this, error);
    else exchange?.receive(undefined, undefined, error);
  }

  closed(): void {
    // An end that was announced by nothing else.
    if (this.#state !== GONE) this.broke(new WireError(WIRE_CODES.closed));
    this.#home.closed();
  }

  /** The connection is in order again before the exchange hears anything: it may abort, or send another request. */
  #deliver(exchange: HttpExchange): void {
    const { head, payload, whole, error } = this.#reader;
    if (error) this.drop();
    else if (whole) this.#finish(exchange);
    exchange.receive(head, payload, error ?? (whole ? "whole" : undefined));
    if (this.#exchange === exchange && exchange.holds && !this.#paused) {
      this.#paused = true;
      this.#socket.pause();
    }
  }

  #finish(exchange: HttpExchange): void {
    exchange.parted();
    this.#exchange = undefined;
    const { reusable, keptMs } = this.#reader;
    const idleMs = keptMs === undefined ? IDLE_MS : Math.min(keptMs - IDLE_MARGIN_MS, LONGEST_IDLE_MS);
    // A request that is not written to its end would be in the way of the next.
    if (!reusable || idleMs <= 0 || this.#socket.writableLength > 0) {
      this.drop();
      return;
    }
    this.resume();
    this.#state = IDLE;
    this.#expiresAt = performance.now() + idleMs;
    this.#home.rested(this);
  }
}
