import { transportWords as words } from "../base/messages/transports.ts";
import type { HttpConnection } from "./http-connection.ts";
import { faultOfFailure, type Place } from "./http-faults.ts";
import type { AnswerHead } from "./http-head.ts";
import type { AnswerSink, Exchange, SendBounds } from "./spec.ts";
import { VendorFault } from "./vendor-fault.ts";

/** Where an exchange is; only ever forward. */
const WAITING = 0; // for a connection: the vendor knows nothing yet
const SENT = 1; // nothing has come back
const HEAD = 2; // the head came, nothing of the body
const BODY = 3;
const OVER = 4; // the sink hears nothing more

/** The requests under way, and the time by which their bounds are kept. */
export interface Watch {
  /** Milliseconds, in whole ticks: it stands still while the process does, and while nothing is under way. */
  readonly now: number;
  remove(exchange: HttpExchange): void;
}

/** Milliseconds of a tick. A bound never strikes early, and at most two ticks late. */
export const TICK_MS = 100;

/** How an answer came to its end. */
type End = "whole" | Error;

/** One request on its way, and its answer on the way to the sink. */
export class HttpExchange implements Exchange {
  /** Its place in the watch's roster. */
  place = 0;
  /** Whether it stands in the line of those that wait for a connection, and between whom. */
  queued = false;
  before: HttpExchange | undefined;
  after: HttpExchange | undefined;
  /** What is to be sent. */
  head = "";
  body: Buffer | undefined;
  readonly #watch: Watch;
  readonly #sink: AnswerSink;
  readonly #bounds: SendBounds;
  readonly #vendor: Place;
  #connection: HttpConnection | undefined;
  #state = WAITING;
  #paused = false;
  /** What came while the sink took nothing, and how the answer ended then. */
  #held: Buffer[] | undefined;
  #end: End | undefined;
  /** When the last thing happened that the bounds count from, in the watch's time. */
  #since: number;

  constructor(watch: Watch, sink: AnswerSink, bounds: SendBounds, place: Place) {
    this.#watch = watch;
    this.#sink = sink;
    this.#bounds = bounds;
    this.#vendor = place;
    this.#since = watch.now;
  }

  /** The request is handed to a connection now. */
  sent(connection: HttpConnection): void {
    this.#connection = connection;
    this.#state = SENT;
    this.#since = this.#watch.now;
  }

  /** The answer has come in whole: what the connection does from now on is not this exchange's business. */
  parted(): void {
    this.#connection = undefined;
    this.body = undefined;
  }

  /** Takes what has come, in the order of the parameters. It is kept while the sink takes nothing. */
  receive(head: AnswerHead | undefined, payload: Buffer | undefined, end: End | undefined): void {
    if (head) this.#begin(head);
    if (this.#state === OVER) return;
    if (this.#paused && (payload || this.#held)) {
      if (payload) this.#hold(payload);
      this.#end = end;
      return;
    }
    if (payload) this.#pass(payload);
    if (end !== undefined) this.#conclude(end);
  }

  /** Whether it cannot take more. */
  get holds(): boolean {
    return this.#held !== undefined;
  }

  /** It never comes to a connection. */
  refuse(error: unknown): void {
    this.#fail(faultOfFailure(error, false, this.#vendor));
  }

  /** As `refuse`, for what is found out before `send` has returned. */
  refuseSoon(error: unknown): void {
    queueMicrotask(() => this.refuse(error));
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    // The sink is never called from inside `resume`: so a little later.
    queueMicrotask(() => {
      if (this.#paused || this.#state === OVER) return;
      this.#since = this.#watch.now;
      this.#release();
    });
  }

  abort(): void {
    if (this.#state === OVER) return;
    this.#giveUp();
  }

  /** @param now the watch's time, milliseconds */
  checkBounds(now: number): void {
    const elapsed = now - TICK_MS - this.#since;
    const { address } = this.#vendor;
    const { connectMs, firstByteMs, betweenBytesMs } = this.#bounds;
    if (this.#state === WAITING) {
      if (elapsed >= connectMs) this.#expire(words.noConnection(address, connectMs), "nothing");
    } else if (this.#paused && this.#state !== SENT) {
      this.#since = now;
    } else if (this.#state < BODY) {
      if (elapsed >= firstByteMs) this.#expire(words.noAnswer(address, firstByteMs), "unknown");
    } else if (elapsed >= betweenBytesMs) {
      this.#expire(words.stalled(address, betweenBytesMs), "unknown");
    }
  }

  #begin({ status, headers }: AnswerHead): void {
    this.#state = HEAD;
    if (status >= 300 && status < 400) {
      this.#fail(this.#redirected(status, headers.location));
      return;
    }
    try {
      this.#sink.onHead(status, headers);
    } catch (error) {
      this.#fail(faultOfFailure(error, true, this.#vendor));
    }
  }

  #pass(payload: Buffer): void {
    this.#state = BODY;
    this.#since = this.#watch.now;
    try {
      this.#sink.onChunk(payload);
    } catch (error) {
      this.#fail(faultOfFailure(error, true, this.#vendor));
    }
  }

  /** The end of the answer. It waits, too, where the sink has paused at the last piece. */
  #conclude(end: End): void {
    if (this.#state === OVER) return;
    if (end !== "whole") {
      this.#fail(faultOfFailure(end, this.#state !== WAITING, this.#vendor));
    } else if (this.#paused) {
      this.#end = end;
    } else {
      this.#finish();
      try {
        this.#sink.onEnd();
      } catch (error) {
        raise(error);
      }
    }
  }

  #hold(payload: Buffer): void {
    if (this.#held) this.#held.push(payload);
    else this.#held = [payload];
  }

  /** Passes on what was held, until the sink pauses again. */
  #release(): void {
    while (this.#held) {
      const payload = this.#held.shift()!;
      if (this.#held.length === 0) this.#held = undefined;
      this.#pass(payload);
      if (this.#paused || this.#over) return;
    }
    if (this.#end !== undefined) this.#conclude(this.#end);
    else this.#connection?.resume();
  }

  get #over(): boolean {
    return this.#state === OVER;
  }

  #expire(text: VendorFault["text"], charged: "nothing" | "unknown"): void {
    const details = { address: this.#vendor.address };
    this.#fail(new VendorFault(text, { errorClass: "timeout", charged, details }));
  }

  #fail(fault: VendorFault): void {
    if (this.#state === OVER) return;
    this.#giveUp();
    try {
      this.#sink.onFail(fault);
    } catch (error) {
      raise(error);
    }
  }

  /** The connection, if the answer is still under way there, is of no more use. */
  #giveUp(): void {
    const connection = this.#connection;
    this.#finish();
    connection?.drop();
  }

  #finish(): void {
    this.#state = OVER;
    this.#connection = undefined;
    this.#held = undefined;
    this.body = undefined;
    this.#watch.remove(this);
  }

  /** A vendor that answers with another address has served nothing. The target is shown without its query. */
  #redirected(status: number, location: string | string[] | undefined): VendorFault {
    const url =
      typeof location === "string" &&
      URL.canParse(location, this.#vendor.address) &&
      new URL(location, this.#vendor.address);
    const target = url ? url.origin + url.pathname : "?";
    return new VendorFault(words.redirected(this.#vendor.address, target), {
      errorClass: "server_error",
      charged: "nothing",
      vendorStatus: status,
      details: { address: this.#vendor.address, target },
    });
  }
}

/** An error of the sink at the end is an error of Maidan: nobody here could tell the sink of it. */
function raise(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
