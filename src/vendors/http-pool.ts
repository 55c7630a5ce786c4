import { Roster } from "../base/roster.ts";
import { type Home, HttpConnection } from "./http-connection.ts";
import type { Connector } from "./http-connector.ts";
import type { HttpExchange } from "./http-exchange.ts";
import type { Place } from "./http-faults.ts";

export interface PoolOptions {
  readonly connector: Connector;
  readonly place: Place;
  /** Connections at once. */
  readonly connections: number;
  /** Called when the last socket has closed. */
  readonly quiet: () => void;
}

/**
 * The connections to one address, and the exchanges that wait for one.
 *
 * Requests are written once a turn of the event loop, after all that was there to read has been read: then a connection
 * that its server has closed, or has sent on what nobody asked for, is not taken for a usable one. For the same reason a
 * connection that has just brought an answer rests until the next turn.
 */
export class HttpPool implements Home {
  readonly #options: PoolOptions;
  readonly #line = new Line();
  readonly #connections = new Roster<HttpConnection>();
  /** The one used last is used next: those that are not needed grow old and are closed. */
  readonly #idle: HttpConnection[] = [];
  readonly #rested: HttpConnection[] = [];
  #opening = 0;
  #sockets = 0;
  #turning = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Connections in use or of use. */
  get size(): number {
    return this.#connections.size;
  }

  /** Sockets that are not closed yet. */
  get sockets(): number {
    return this.#sockets;
  }

  /** Sends a request as soon as there is a connection for it, and never at once. */
  add(exchange: HttpExchange): void {
    this.#line.add(exchange);
    this.#turn();
  }

  /** For an exchange that gave up waiting. */
  withdraw(exchange: HttpExchange): void {
    this.#line.remove(exchange);
  }

  /** Looks at the bounds of all connections. */
  check(): void {
    const now = performance.now();
    const { connectMs } = this.#options.place;
    // Backwards: a connection that is dropped gives its place to the last, which has been looked at.
    for (let place = this.#connections.size - 1; place >= 0; place--) {
      this.#connections.at(place)?.check(now, connectMs);
    }
  }

  /** Closes all connections at once. */
  drop(): void {
    for (let place = this.#connections.size - 1; place >= 0; place--) this.#connections.at(place)?.drop();
  }

  opened(connection: HttpConnection): void {
    this.#opening -= 1;
    const exchange = this.#line.take();
    if (exchange) connection.begin(exchange);
    else this.#idle.push(connection);
  }

  /** Whoever waits longest hears of it, unless there is another connection on the way for everybody. */
  failed(_connection: HttpConnection, error: unknown): void {
    this.#opening -= 1;
    if (this.#line.size <= this.#opening) return;
    this.#line.take()?.refuse(error);
  }

  rested(connection: HttpConnection): void {
    this.#rested.push(connection);
    this.#turn();
  }

  dropped(connection: HttpConnection): void {
    this.#connections.remove(connection);
    remove(this.#idle, connection);
    remove(this.#rested, connection);
    if (this.#line.size > 0) this.#turn();
  }

  closed(): void {
    this.#sockets -= 1;
    if (this.#sockets === 0) this.#options.quiet();
  }

  #turn(): void {
    if (this.#turning) return;
    this.#turning = true;
    setImmediate(this.#send);
  }

  readonly #send = (): void => {
    this.#turning = false;
    const now = this.#idle.length > 0 ? performance.now() : 0;
    while (this.#line.size > 0 && this.#idle.length > 0) {
      const connection = this.#idle.pop()!;
      if (connection.usable(now)) connection.begin(this.#line.take()!);
    }
    const rested = this.#rested.length;
    if (rested > 0) this.#idle.push(...this.#rested.splice(0));
    if (this.#line.size === 0) return;
    if (rested > 0) this.#turn();
    this.#open(this.#line.size - rested - this.#opening);
  };

  #open(wanted: number): void {
    const count = Math.min(wanted, this.#options.connections - this.#connections.size);
    for (let n = 0; n < count; n++) {
      this.#opening += 1;
      this.#sockets += 1;
      const { connector, place } = this.#options;
      this.#connections.add(new HttpConnection(this, connector, place.headBytes, performance.now()));
    }
  }
}

function remove(list: HttpConnection[], connection: HttpConnection): void {
  const place = list.indexOf(connection);
  if (place !== -1) list.splice(place, 1);
}

/** Exchanges in the order in which they came. Whoever gives up leaves no gap. */
class Line {
  #first: HttpExchange | undefined;
  #last: HttpExchange | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(exchange: HttpExchange): void {
    exchange.before = this.#last;
    if (this.#last) this.#last.after = exchange;
    else this.#first = exchange;
    this.#last = exchange;
    exchange.queued = true;
    this.#size += 1;
  }

  take(): HttpExchange | undefined {
    const exchange = this.#first;
    if (exchange) this.remove(exchange);
    return exchange;
  }

  /** @param exchange one that stands in the line */
  remove(exchange: HttpExchange): void {
    const { before, after } = exchange;
    if (before) before.after = after;
    else this.#first = after;
    if (after) after.before = before;
    else this.#last = before;
    exchange.before = undefined;
    exchange.after = undefined;
    exchange.queued = false;
    this.#size -= 1;
  }
}
