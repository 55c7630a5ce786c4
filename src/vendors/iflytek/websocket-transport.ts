import { type ClientOptions, WebSocket } from "ws";
import { Fault } from "../../base/faults.ts";
import type { Text } from "../../base/language.ts";
import { DEFAULT_LIMITS } from "../../base/limits.ts";
import { iflytekWords } from "../../base/messages/iflytek.ts";
import { transportWords as words } from "../../base/messages/transports.ts";
import type { Place } from "../http-faults.ts";
import type { AnswerSink, Exchange, SendBounds, Transport, WireRequest } from "../spec.ts";
import { VendorFault } from "../vendor-fault.ts";
import { SocketExchange } from "./socket-exchange.ts";

export interface WebSocketTransportOptions {
  /** `ws` or `wss`, host, and the path that stands before every request's own. */
  readonly baseUrl: string;
  /** The longest that opening a connection may take, milliseconds, its handshake and TLS included, whatever a request's own bounds. */
  readonly connectMs?: number | undefined;
  /** Bytes of one frame of an answer. */
  readonly frameBytes?: number | undefined;
  /** Whether a frame is the answer's last: the connection is closed then, whether the vendor does or not. */
  readonly isLast: (frame: Buffer) => boolean;
}

/** A vendor that does not close when it should is closed upon. */
const CLOSE_MS = 2_000;

/**
 * A WebSocket for each request: its body is the one frame that is sent, and the frames that come back are the answer's body, one a
 * line (`application/x-ndjson`), under a head of status 200. A handshake that is refused is an answer with the status and
 * the body of the refusal. The sink is never called from inside `send`, `pause`, `resume` or `abort`.
 *
 * The client is that of `ws`: undici's hides the status of a refused handshake, and reads on whether or not anybody takes
 * what came, so that a slow reader could only be served from a queue without a bound.
 *
 * Nothing of the request leaves before the WebSocket is open: until then nothing is charged. Throws `invalid_request` where
 * `baseUrl` is no plain ws(s) address.
 */
export function webSocketTransport(options: WebSocketTransportOptions): Transport {
  return new WebSocketTransport(options);
}

class WebSocketTransport implements Transport {
  readonly #prefix: string;
  readonly #place: Place;
  readonly #options: WebSocketTransportOptions;
  readonly #underWay = new Set<SocketExchange>();
  #closing = false;
  readonly #closed: (() => void)[] = [];

  constructor(options: WebSocketTransportOptions) {
    const url = readAddress(options.baseUrl);
    this.#options = options;
    const address = `${url.protocol}//${url.host}`;
    this.#prefix = `${address}${url.pathname.replace(/\/+$/, "")}`;
    this.#place = {
      address,
      headBytes: DEFAULT_LIMITS.headerBytes,
      connectMs: options.connectMs ?? DEFAULT_LIMITS.connectMs,
    };
  }

  send(request: WireRequest, sink: AnswerSink, bounds: SendBounds): Exchange {
    if (this.#closing) return refuse(sink, words.shut(this.#place.address));
    const { frameBytes = DEFAULT_LIMITS.eventBytes, isLast } = this.#options;
    const wanted: ClientOptions & { readonly closeTimeout: number } = {
      headers: { ...request.headers },
      maxPayload: frameBytes,
      perMessageDeflate: false,
      followRedirects: false,
      closeTimeout: CLOSE_MS,
    };
    let socket: WebSocket;
    try {
      socket = new WebSocket(this.#prefix + request.path, wanted);
    } catch (error) {
      // A header or an address that cannot be written: nothing has left.
      return refuse(sink, words.unsendable(this.#place.address, (error as { code?: string }).code ?? "ERR_INVALID"));
    }
    const exchange = new SocketExchange(socket, request.body, {
      sink,
      bounds: { ...bounds, connectMs: Math.min(bounds.connectMs, this.#place.connectMs) },
      place: this.#place,
      frameBytes,
      isLast,
      done: () => this.#remove(exchange),
    });
    this.#underWay.add(exchange);
    return exchange;
  }

  /** Waits for what is under way. Requests sent afterwards fail. */
  close(): Promise<void> {
    this.#closing = true;
    if (this.#underWay.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#closed.push(resolve));
  }

  #remove(exchange: SocketExchange): void {
    this.#underWay.delete(exchange);
    if (!this.#closing || this.#underWay.size > 0) return;
    for (const resolve of this.#closed.splice(0)) resolve();
  }
}

/** An exchange that failed before it began. */
function refuse(sink: AnswerSink, text: Text): Exchange {
  let over = false;
  queueMicrotask(() => {
    if (!over) sink.onFail(new VendorFault(text, { errorClass: "server_error", charged: "nothing" }));
  });
  return {
    pause: () => {},
    resume: () => {},
    abort: () => {
      over = true;
    },
  };
}

function readAddress(baseUrl: string): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const plain = url && (url.protocol === "ws:" || url.protocol === "wss:") && !url.search && !url.hash;
  if (!url || !plain || url.username || url.password) {
    const shown = url ? `${url.protocol}//${url.host}${url.pathname}` : baseUrl.slice(0, 200);
    throw new Fault("invalid_request", iflytekWords.badAddress(shown), { param: "baseUrl" });
  }
  return url;
}
