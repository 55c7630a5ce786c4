import { connect, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { type LoadOrder, type LoadResult, PACE_MS, type Quantiles, requestBody, STREAM_CHUNKS } from "./cases.ts";

/**
 * The load generator: as many kept-alive connections as ordered, one request at a time on each, on bare sockets, each
 * answer checked to be whole. Bounded by time, and by what may be outstanding.
 */

const HEAD_END = Buffer.from("\r\n\r\n");
const KEPT_TIMES = 400_000;
const SETTLING_MS = 300;
const LONGEST_MS = 120_000;
/** Requests that may wait for a connection. */
const MOST_WAITING = 20_000;

class Times {
  readonly #values = new Float64Array(KEPT_TIMES);
  #count = 0;

  add(value: number): void {
    this.#values[this.#count++ % KEPT_TIMES] = value;
  }

  quantiles(): Quantiles {
    const sorted = this.#values.slice(0, Math.min(this.#count, KEPT_TIMES)).sort();
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
    return { p50: at(0.5), p99: at(0.99) };
  }
}

interface Run {
  readonly order: LoadOrder;
  readonly request: Buffer;
  readonly whole: Times;
  readonly first: Times;
  /** From when on answers count: the start, when all connections ask at once, is not the steady state. */
  readonly from: number;
  completed: number;
  total: number;
  failed: number;
  failure: string | undefined;
  over: boolean;
}

/** One connection: sends a request, reads its answer, and says when it is free again. */
class Connection {
  readonly #run: Run;
  readonly #free: (connection: Connection) => void;
  #socket: Socket | undefined;
  #started = 0;
  #busy = false;
  #seen = 0;
  #bodyBytes: number | undefined;
  #headBytes = 0;
  #tail = "";
  #head: Buffer | undefined;
  #firstByte = false;

  constructor(run: Run, free: (connection: Connection) => void) {
    this.#run = run;
    this.#free = free;
  }

  /** @param since when the request was due, where it had to wait for a connection */
  ask(since = performance.now()): void {
    this.#started = since;
    this.#busy = true;
    this.#seen = 0;
    this.#headBytes = 0;
    this.#bodyBytes = undefined;
    this.#tail = "";
    this.#head = undefined;
    this.#firstByte = false;
    this.#socket ??= this.#open();
    this.#socket.write(this.#run.request);
  }

  close(): void {
    this.#busy = false;
    this.#socket?.destroy();
  }

  #open(): Socket {
    const socket = connect({ port: this.#run.order.port, host: "127.0.0.1", noDelay: true });
    socket.on("data", (bytes) => this.#read(bytes));
    socket.on("error", (cause) => this.#fail(cause.message));
    socket.on("close", () => {
      if (this.#socket === socket) this.#socket = undefined;
      if (this.#busy) this.#fail("the connection closed within an answer");
    });
    return socket;
  }

  #fail(why: string): void {
    if (!this.#busy) return;
    this.#busy = false;
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#run.failed += 1;
    this.#run.failure ??= why;
    if (!this.#run.over) setTimeout(() => this.#free(this), 10);
  }

  #read(bytes: Buffer): void {
    if (!this.#busy) return;
    this.#seen += bytes.length;
    if (this.#headBytes === 0 && !this.#readHead(bytes)) return;
    if (!this.#firstByte && this.#seen > this.#headBytes) {
      this.#firstByte = true;
      this.#run.first.add(performance.now() - this.#started);
    }
    if (this.#bodyBytes !== undefined) {
      if (this.#seen >= this.#headBytes + this.#bodyBytes) this.#finish();
      return;
    }
    this.#tail = (this.#tail + bytes.toString("latin1", Math.max(0, bytes.length - 32))).slice(-32);
    if (!this.#tail.endsWith("\r\n0\r\n\r\n")) return;
    if (this.#run.order.kind !== "buffered" && !this.#tail.includes("[DONE]\n\n"))
      this.#fail("a stream without its end");
    else this.#finish();
  }

  /** Returns whether the head is whole. */
  #readHead(bytes: Buffer): boolean {
    const all = this.#head ? Buffer.concat([this.#head, bytes]) : bytes;
    const end = all.indexOf(HEAD_END);
    if (end < 0) {
      this.#head = all;
      return false;
    }
    const head = all.toString("latin1", 0, end).toLowerCase();
    if (!head.startsWith("http/1.1 200")) {
      this.#fail(`${head.slice(9, head.indexOf("\r\n"))}: ${all.toString("latin1", end + 4, end + 300)}`);
      return false;
    }
    this.#headBytes = end + 4;
    const stated = /\r\ncontent-length: *(\d+)/.exec(head);
    if (stated) this.#bodyBytes = Number(stated[1]);
    return true;
  }

  #finish(): void {
    this.#busy = false;
    const now = performance.now();
    this.#run.total += 1;
    if (now >= this.#run.from) {
      this.#run.completed += 1;
      this.#run.whole.add(now - this.#started);
    }
    if (!this.#run.over) this.#free(this);
  }
}

function requestBytes(order: LoadOrder): Buffer {
  const body = requestBody(order.model, order.kind);
  const headers = Object.entries(order.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head =
    `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:${order.port}\r\ncontent-type: application/json\r\n` +
    `${headers.join("")}content-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

function load(order: LoadOrder): Promise<LoadResult> {
  const run: Run = {
    order,
    request: requestBytes(order),
    whole: new Times(),
    first: new Times(),
    from: performance.now() + SETTLING_MS,
    completed: 0,
    total: 0,
    failed: 0,
    failure: undefined,
    over: false,
  };
  const connections: Connection[] = [];
  const arrivals = order.rate === undefined ? undefined : new Arrivals(order.rate, order.random ?? false);
  const free = (connection: Connection): void => {
    if (arrivals) arrivals.free(connection);
    else connection.ask();
  };
  for (let n = 0; n < order.connections; n++) connections.push(new Connection(run, free));
  connections.forEach((connection, place) => {
    if (arrivals) arrivals.free(connection);
    else setTimeout(() => connection.ask(), stagger(order, place));
  });
  arrivals?.begin(run);
  return new Promise((resolve) => {
    setTimeout(
      () => {
        const milliseconds = performance.now() - run.from;
        const { completed, total, failed } = run;
        run.over = true;
        setTimeout(() => {
          for (const connection of connections) connection.close();
          const failure = run.failure;
          resolve({
            completed,
            total,
            failed,
            milliseconds,
            whole: run.whole.quantiles(),
            first: run.first.quantiles(),
            failure,
          });
        }, 300);
      },
      Math.min(order.milliseconds + SETTLING_MS, LONGEST_MS),
    );
  });
}

/** Paced streams begin one after the other within the length of one, so that their ends come evenly too. */
function stagger(order: LoadOrder, place: number): number {
  return order.kind === "paced" ? (place * STREAM_CHUNKS * PACE_MS) / order.connections : 0;
}

/**
 * Requests that come whether or not those before them were answered. One for which no connection is free waits, and is
 * timed from when it came: a gateway that falls behind is not spared.
 */
class Arrivals {
  readonly #meanMs: number;
  readonly #random: (() => number) | undefined;
  readonly #idle: Connection[] = [];
  /** When each of those came that wait for a connection. */
  readonly #waiting: number[] = [];

  /** @param random whether they come by chance (the same for every gateway), or evenly spaced */
  constructor(rate: number, random: boolean) {
    this.#meanMs = 1000 / rate;
    this.#random = random ? seeded(1) : undefined;
  }

  free(connection: Connection): void {
    const since = this.#waiting.shift();
    if (since === undefined) this.#idle.push(connection);
    else connection.ask(since);
  }

  begin(run: Run): void {
    let due = performance.now();
    const timer = setInterval(() => {
      if (run.over) clearInterval(timer);
      else for (const now = performance.now(); due <= now; due += this.#gap()) this.#arrive(run, due);
    }, 1);
  }

  #arrive(run: Run, due: number): void {
    const connection = this.#idle.pop();
    // That this program looks at its clock but once a millisecond is not the gateway's doing.
    if (connection) connection.ask();
    else if (this.#waiting.length < MOST_WAITING) this.#waiting.push(due);
    else {
      run.failed += 1;
      run.failure ??= `${MOST_WAITING} requests wait for a connection`;
    }
  }

  /** Until the next one: exponential, as of callers who know nothing of each other. */
  #gap(): number {
    return this.#random ? -Math.log(1 - this.#random()) * this.#meanMs : this.#meanMs;
  }
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

process.on("message", (order: LoadOrder) => {
  load(order).then(
    (result) => process.send?.(result),
    (cause) => process.send?.({ failure: String(cause) }),
  );
});
process.on("disconnect", () => process.exit(0));
