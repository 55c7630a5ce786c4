import { Fault } from "../base/faults.ts";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import { transportWords as words } from "../base/messages/transports.ts";
import { Roster } from "../base/roster.ts";
import { Connector } from "./http-connector.ts";
import { HttpExchange, TICK_MS, type Watch } from "./http-exchange.ts";
import type { Place } from "./http-faults.ts";
import { HttpPool } from "./http-pool.ts";
import { RequestHeads } from "./http-request.ts";
import type { AnswerSink, Exchange, SendBounds, Transport, WireRequest } from "./spec.ts";
import { WIRE_CODES, WireError } from "./wire-error.ts";

export interface HttpTransportOptions {
  /** Where the vendor's API begins: scheme, host, and the path that stands before every request's own. */
  readonly baseUrl: string;
  /** Connections at once; more requests wait for a free one, no longer than their `connectMs`. Default: no limit. */
  readonly connections?: number | undefined;
  /** The longest that opening one connection may take, milliseconds, whatever a request's own bounds. */
  readonly connectMs?: number | undefined;
  /** Bytes of all headers of an answer. */
  readonly headerBytes?: number | undefined;
  /** PEM certificates of authorities to trust instead of the system's. */
  readonly ca?: string | undefined;
}

/**
 * Sends over HTTP/1.1, by a client of its own: no streams, no timers, closures or promises a request. The sink gets what
 * one read of the socket brought as one piece, in memory of its own. It is never called from inside `send`, `pause`, `resume`
 * or `abort`. What it throws at a piece of an answer ends the exchange by `onFail`; what it throws at the end is an uncaught
 * error.
 *
 * Redirects are not followed, compressed answers are not asked for. A server may close a kept-alive connection at the
 * very moment a request is sent on it; then nobody can tell whether it was served, so it is a fault that may be charged,
 * and nothing is sent twice. To make that rare, idle connections are dropped before servers do it, and what has come on one
 * is read before it is written on.
 *
 * Throws `invalid_request` where `baseUrl` is no plain http(s) address.
 */
export function httpTransport(options: HttpTransportOptions): Transport {
  return new HttpTransport(options);
}

class HttpTransport implements Transport, Watch {
  now = 0;
  readonly #pool: HttpPool;
  readonly #heads: RequestHeads;
  readonly #place: Place;
  readonly #underWay = new Roster<HttpExchange>();
  readonly #closed: (() => void)[] = [];
  #closing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HttpTransportOptions) {
    const url = readAddress(options.baseUrl);
    this.#heads = new RequestHeads(url.host, url.pathname.replace(/\/+$/, ""));
    this.#place = {
      address: url.origin,
      headBytes: options.headerBytes ?? DEFAULT_LIMITS.headerBytes,
      connectMs: options.connectMs ?? DEFAULT_LIMITS.connectMs,
    };
    this.#pool = new HttpPool({
      connector: new Connector(url, options.ca),
      place: this.#place,
      connections: options.connections ?? Number.POSITIVE_INFINITY,
      quiet: () => this.#settle(),
    });
  }

  send(request: WireRequest, sink: AnswerSink, bounds: SendBounds): Exchange {
    const exchange = new HttpExchange(this, sink, bounds, this.#place);
    this.#underWay.add(exchange);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
    try {
      if (this.#closing) throw new WireError(WIRE_CODES.shut);
      exchange.head = this.#heads.write(request);
      exchange.body = request.method === "GET" ? undefined : request.body;
      this.#pool.add(exchange);
    } catch (error) {
      exchange.refuseSoon(error);
    }
    return exchange;
  }

  /** Waits for what is under way, then closes all connections. Requests sent afterwards fail. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#closed.push(resolve);
    });
    this.#settle();
    return this.#closing;
  }

  remove(exchange: HttpExchange): void {
    this.#underWay.remove(exchange);
    if (exchange.queued) this.#pool.withdraw(exchange);
    if (this.#closing) this.#settle();
  }

  #settle(): void {
    if (!this.#closing || this.#underWay.size > 0) return;
    this.#pool.drop();
    if (this.#pool.sockets === 0) for (const resolve of this.#closed.splice(0)) resolve();
  }

  #tick(): void {
    this.now += TICK_MS;
    // Backwards: an exchange that ends gives its place to the last, which has been looked at.
    for (let place = this.#underWay.size - 1; place >= 0; place--) this.#underWay.at(place)?.checkBounds(this.now);
    this.#pool.check();
    if (this.#underWay.size > 0 || this.#pool.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function readAddress(baseUrl: string): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const plain = url && (url.protocol === "http:" || url.protocol === "https:") && !url.search && !url.hash;
  if (!url || !plain || url.username || url.password) {
    const shown = url ? `${url.protocol}//${url.host}${url.pathname}` : baseUrl.slice(0, 200);
    throw new Fault("invalid_request", words.badAddress(shown), { param: "baseUrl" });
  }
  return url;
}
