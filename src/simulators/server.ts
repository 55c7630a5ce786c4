import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocketServer } from "ws";
import type { Reply, Served, ServedLog, SimulatedRequest, Simulator } from "./spec.ts";

export interface SimulatorOptions {
  readonly host?: string;
  /** 0 (default): a free one. */
  readonly port?: number;
  /** Streams go out in pieces of so many bytes, each in a packet of its own: for tests of cuts. */
  readonly chunkBytes?: number;
}

export interface RunningSimulator {
  readonly simulator: Simulator;
  readonly origin: string;
  /** For the `baseUrl` of an endpoint. */
  readonly baseUrl: string;
  /** The calls served, in order; beyond ten thousand the oldest are forgotten. */
  readonly served: readonly Served[];
  close(): Promise<void>;
}

const BODY_BYTES = 32 * 1024 * 1024;
const SERVED_KEPT = 10_000;

/** Starts a simulator's server. Loopback unless told otherwise. */
export async function startSimulator(
  simulator: Simulator,
  { host = "127.0.0.1", port = 0, chunkBytes }: SimulatorOptions = {},
): Promise<RunningSimulator> {
  const log = new Log();
  const server = createServer((request, response) => {
    void answer(simulator, request, response, log, chunkBytes).catch(() => response.destroy());
  });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: BODY_BYTES });
  server.on("upgrade", (request, socket, head) => upgrade(simulator, sockets, request, socket, head, log));
  server.listen(port, host);
  await once(server, "listening");
  const origin = originOf(server, host);
  return {
    simulator,
    origin,
    baseUrl: `${simulator.scheme ? origin.replace("http", simulator.scheme) : origin}${simulator.basePath}`,
    served: log.served,
    close: () => close(server, sockets),
  };
}

async function answer(
  simulator: Simulator,
  request: IncomingMessage,
  response: ServerResponse,
  log: Log,
  chunkBytes: number | undefined,
): Promise<void> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES) {
      response.writeHead(413).end();
      return;
    }
    chunks.push(chunk);
  }
  await simulator.answer(readRequest(request, Buffer.concat(chunks)), new HttpReply(response, log, chunkBytes));
}

function upgrade(
  simulator: Simulator,
  sockets: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  log: Log,
): void {
  const read = readRequest(request, Buffer.alloc(0));
  const refusal = simulator.connect
    ? simulator.refuseUpgrade?.(read)
    : { status: 404, body: '{"message":"no WebSocket here"}' };
  if (refusal) {
    const { status, body } = refusal;
    const length = Buffer.byteLength(body);
    socket.end(
      `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n${body}`,
    );
    return;
  }
  sockets.handleUpgrade(request, socket, head, (connection) => simulator.connect!(connection, read, log));
}

function readRequest(request: IncomingMessage, body: Buffer): SimulatedRequest {
  const { method = "GET", url = "/", headers } = request;
  const mark = url.indexOf("?");
  const rawQuery = mark < 0 ? "" : url.slice(mark + 1);
  return {
    method,
    path: mark < 0 ? url : url.slice(0, mark),
    query: new URLSearchParams(rawQuery),
    rawQuery,
    headers,
    body,
    origin: `http://${headers.host ?? "localhost"}`,
  };
}

class HttpReply implements Reply {
  readonly log: ServedLog;
  readonly #response: ServerResponse;
  readonly #chunkBytes: number;

  constructor(response: ServerResponse, log: ServedLog, chunkBytes = Number.POSITIVE_INFINITY) {
    this.#response = response;
    this.log = log;
    this.#chunkBytes = chunkBytes;
  }

  send(status: number, body: string | Buffer | object, headers: Readonly<Record<string, string>> = {}): void {
    if (this.#response.destroyed) return;
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
    this.#response.writeHead(status, {
      "content-type": "application/json",
      ...headers,
      "content-length": bytes.length,
    });
    this.#response.end(bytes);
  }

  open(status: number, headers: Readonly<Record<string, string>>): void {
    this.#response.socket?.setNoDelay(true);
    this.#response.writeHead(status, headers);
    this.#response.flushHeaders();
  }

  async write(piece: string | Buffer): Promise<boolean> {
    const bytes = Buffer.from(piece as string);
    const step = Math.min(this.#chunkBytes, Math.max(1, bytes.length));
    for (let at = 0; at < bytes.length; at += step) {
      if (this.#left) return false;
      const more = this.#response.write(bytes.subarray(at, at + step));
      // Each piece in a turn of its own, so that it is a packet of its own.
      if (!more) await Promise.race([once(this.#response, "drain"), once(this.#response, "close")]);
      else if (step < bytes.length) await new Promise((resolve) => setImmediate(resolve));
    }
    return !this.#left;
  }

  end(): void {
    this.#response.end();
  }

  cut(): void {
    // What was written arrives; the end does not.
    if (this.#response.headersSent) this.#response.socket?.destroySoon();
    else this.#response.destroy();
  }

  async pause(milliseconds: number): Promise<boolean> {
    if (milliseconds > 0) await sleep(milliseconds);
    return !this.#left;
  }

  get #left(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }
}

class Log implements ServedLog {
  readonly served: Served[] = [];

  add(served: Served): void {
    if (this.served.length === SERVED_KEPT) this.served.shift();
    this.served.push(served);
  }
}

function originOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

async function close(server: Server, sockets: WebSocketServer): Promise<void> {
  for (const socket of sockets.clients) socket.terminate();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
