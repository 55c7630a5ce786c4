import { Pool } from "undici";
import { Fault } from "../base/faults.ts";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import { transportWords as words } from "../base/messages/transports.ts";
import { Roster } from "../base/roster.ts";
import { HttpExchange, TICK_MS, type Watch } from "./http-exchange.ts";
import type { Place } from "./http-faults.ts";
import type { AnswerSink, Exchange, SendBounds, Transport, WireRequest } from "./spec.ts";

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

/** An unused connection is closed after this: below the five seconds after which many servers close theirs. */
const IDLE_MS = 4_000;
/** Where a server announces how long it keeps a connection, Maidan lets go so much earlier … */
const IDLE_MARGIN_MS = 2_000;
/** … and never keeps one longer than this. */
const LONGEST_IDLE_MS = 60_000;

/**
 * Sends over HTTP/1.1 by undici's `dispatch`: no streams and no promise a request; the sink gets the very buffers that
 * came from the socket. The sink is never called from inside `send`, `pause`, `resume` or `abort`. What it
 * throws at a piece of an answer ends the exchange by `onFail`; what it throws at the end is an uncaught error.
 *
 * Redirects are not followed, compressed answers are not asked for. A server may close a kept-alive connection at the
 * very moment a request is sent on it; then nobody can tell whether it was served, so it is a fault that may be charged,
 * and nothing is sent twice. To make that rare, idle connections are dropped before servers do it, and undici looks
 * for a pending close before it writes on one.
 *
 * Throws `invalid_request` where `baseUrl` is no plain http(s) address.
 */
export function httpTransport(options: HttpTransportOptions): Transport {
  return new HttpTransport(options);
}

class HttpTransport implements Transport, Watch {
  now = 0;
  readonly #pool: Pool;
  readonly #prefix: string;
  readonly #place: Place;
  readonly #underWay = new Roster<HttpExchange>();
  #closing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HttpTransportOptions) {
    const url = readAddress(options.baseUrl);
    this.#prefix = url.pathname.replace(/\/+$/, "");
    this.#place = {
      address: url.origin,
      headBytes: options.headerBytes ?? DEFAULT_LIMITS.headerBytes,
      connectMs: options.connectMs ?? DEFAULT_LIMITS.connectMs,
    };
    this.#pool = new Pool(url.origin, {
      connections: options.connections ?? null,
      connectTimeout: this.#place.connectMs,
      ...(options.ca !== undefined && { connect: { ca: options.ca } }),
      maxHeaderSize: this.#place.headBytes,
      pipelining: 1,
      keepAliveTimeout: IDLE_MS,
      keepAliveTimeoutThreshold: IDLE_MARGIN_MS,
      keepAliveMaxTimeout: LONGEST_IDLE_MS,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  send(request: WireRequest, sink: AnswerSink, bounds: SendBounds): Exchange {
    const exchange = new HttpExchange(this, sink, bounds, this.#place);
    this.#add(exchange);
    exchange.begin(this.#pool, {
      method: request.method,
      path: this.#prefix + request.path,
      headers: plainHeaders(request.headers),
      body: request.method === "GET" ? null : request.body,
    });
    return exchange;
  }

  /** Waits for what is under way, then closes all connections. Requests sent afterwards fail. */
  close(): Promise<void> {
    this.#closing ??= this.#pool.close();
    return this.#closing;
  }

  remove(exchange: HttpExchange): void {
    this.#underWay.remove(exchange);
  }

  #add(exchange: HttpExchange): void {
    this.#underWay.add(exchange);
    if (this.#timer) return;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  #tick(): void {
    this.now += TICK_MS;
    // Backwards: an exchange that ends gives its place to the last, which has been looked at.
    for (let place = this.#underWay.size - 1; place >= 0; place--) this.#underWay.at(place)?.checkBounds(this.now);
    if (this.#underWay.size > 0) return;
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

/** As undici takes them quickest. Protocols give the very same headers, frozen, again and again. */
function plainHeaders(headers: Readonly<Record<string, string>>): string[] {
  let list = PLAIN.get(headers);
  if (list) return list;
  list = ["accept-encoding", "identity"];
  for (const name in headers) if (name !== "accept-encoding") list.push(name, headers[name]!);
  if (Object.isFrozen(headers)) PLAIN.set(headers, list);
  return list;
}

const PLAIN = new WeakMap<Readonly<Record<string, string>>, string[]>();
