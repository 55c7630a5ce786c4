import type { Dispatcher } from "undici";
import { transportWords as words } from "../base/messages/transports.ts";
import { faultOfFailure, type Place } from "./http-faults.ts";
import type { AnswerSink, Exchange, SendBounds } from "./spec.ts";
import { VendorFault } from "./vendor-fault.ts";

type Controller = Dispatcher.DispatchController;

/** Where an exchange is; only ever forward. */
const WAITING = 0; // for a connection: the vendor knows nothing yet
const SENT = 1; // nothing has come back
const HEAD = 2; // the head came, nothing of the body
const BODY = 3;
const OVER = 4; // the sink hears nothing more

/** What undici is told when an exchange is given up; nobody sees it. */
const GIVEN_UP = new Error("given up");

/** The requests under way, and the time by which their bounds are kept. */
export interface Watch {
  /** Milliseconds, in whole ticks: it stands still while the process does, and while nothing is under way. */
  readonly now: number;
  remove(exchange: HttpExchange): void;
}

/** Milliseconds of a tick. A bound never strikes early, and at most two ticks late. */
export const TICK_MS = 100;

/** One request on its way through undici: its handler and its `Exchange` in one. */
export class HttpExchange implements Dispatcher.DispatchHandler, Exchange {
  /** Its place in the watch's roster. */
  place = 0;
  readonly #watch: Watch;
  readonly #sink: AnswerSink;
  readonly #bounds: SendBounds;
  readonly #vendor: Place;
  #controller: Controller | undefined;
  #state = WAITING;
  #paused = false;
  #dispatching = false;
  /** When the last thing happened that the bounds count from, in the watch's time. */
  #since: number;

  constructor(watch: Watch, sink: AnswerSink, bounds: SendBounds, place: Place) {
    this.#watch = watch;
    this.#sink = sink;
    this.#bounds = bounds;
    this.#vendor = place;
    this.#since = watch.now;
  }

  /** Hands the request to undici. What undici refuses on the spot must not reach the sink before `send` returns. */
  begin(dispatcher: Dispatcher, options: Dispatcher.DispatchOptions): void {
    this.#dispatching = true;
    dispatcher.dispatch(options, this);
    this.#dispatching = false;
  }

  onRequestStart(controller: Controller): void {
    // Throwing here takes the request out of undici's queue before a byte is written, and keeps the connection.
    if (this.#state !== WAITING) throw GIVEN_UP;
    this.#controller = controller;
    this.#state = SENT;
    this.#since = this.#watch.now;
    if (this.#paused) controller.pause();
  }

  onResponseStart(
    controller: Controller,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (this.#state === OVER || status < 200) return;
    this.#state = HEAD;
    if (status >= 300 && status < 400) {
      this.#fail(this.#redirected(status, headers.location));
      controller.abort(GIVEN_UP);
    } else {
      this.#sink.onHead(status, headers);
    }
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    if (this.#state === OVER) return;
    this.#state = BODY;
    this.#since = this.#watch.now;
    this.#sink.onChunk(chunk);
  }

  onResponseEnd(): void {
    if (this.#state === OVER) return;
    this.#finish();
    try {
      this.#sink.onEnd();
    } catch (error) {
      raise(error);
    }
  }

  onResponseError(_controller: Controller, error: Error): void {
    if (this.#state === OVER) return;
    const fault = faultOfFailure(error, this.#state !== WAITING, this.#vendor);
    if (this.#dispatching) queueMicrotask(() => this.#fail(fault));
    else this.#fail(fault);
  }

  pause(): void {
    this.#paused = true;
    this.#controller?.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    // undici hands over what it kept at once, and cannot do so while it reads for another connection: so a little later.
    queueMicrotask(() => {
      if (this.#paused || this.#state === OVER) return;
      this.#since = this.#watch.now;
      this.#controller?.resume();
    });
  }

  abort(): void {
    if (this.#state === OVER) return;
    this.#finish();
    this.#controller?.abort(GIVEN_UP);
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

  #expire(text: VendorFault["text"], charged: "nothing" | "unknown"): void {
    const details = { address: this.#vendor.address };
    this.#fail(new VendorFault(text, { errorClass: "timeout", charged, details }));
    this.#controller?.abort(GIVEN_UP);
  }

  #fail(fault: VendorFault): void {
    if (this.#state === OVER) return;
    this.#finish();
    try {
      this.#sink.onFail(fault);
    } catch (error) {
      raise(error);
    }
  }

  #finish(): void {
    this.#state = OVER;
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

/** An error of the sink is an error of Maidan: undici would swallow it. */
function raise(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
