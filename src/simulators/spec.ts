import type { IncomingHttpHeaders } from "node:http";
import type { WebSocket } from "ws";
import type { Usage } from "../base/usage.ts";

/**
 * A stand-in for a vendor's own server, for developing without a key and for tests: it checks what the real one checks,
 * signatures included, with code of its own, and answers on the vendor's own wire.
 */
export interface Simulator {
  readonly protocol: string;
  /** `ws` where an endpoint's `baseUrl` is that of a WebSocket. */
  readonly scheme?: "ws";
  /** What stands between the server's address and the protocol's own paths in an endpoint's `baseUrl`: `/v1beta`, or "". */
  readonly basePath: string;
  /** The credentials that it takes, by the names of the declarative file. All others are refused as the vendor refuses them. */
  readonly credentials: Readonly<Record<string, string>>;
  /** The models that it knows. Any other is refused as the vendor refuses it. */
  readonly models: readonly string[];
  /** Answers one HTTP request. */
  answer(request: SimulatedRequest, reply: Reply): void | Promise<void>;
  /** For WebSocket protocols: refuses a handshake (an answer), or takes it (undefined). */
  refuseUpgrade?(request: SimulatedRequest): { readonly status: number; readonly body: string } | undefined;
  /** A connection that `refuseUpgrade` let through. */
  connect?(socket: WebSocket, request: SimulatedRequest, log: ServedLog): void;
}

export interface SimulatedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The query as it was sent, without `?`. */
  readonly rawQuery: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** `http://127.0.0.1:4100`, for addresses of what is fetched later. */
  readonly origin: string;
}

/** The way of an answer back. Whatever is sent after the client left is dropped. */
export interface Reply {
  /** Status, headers and the whole body at once. An object is sent as JSON. */
  send(status: number, body: string | Buffer | object, headers?: Readonly<Record<string, string>>): void;
  /** Begins a stream. */
  open(status: number, headers: Readonly<Record<string, string>>): void;
  /** Resolves when the client can take more; false when it has left. */
  write(piece: string | Buffer): Promise<boolean>;
  end(): void;
  /** Breaks the connection. */
  cut(): void;
  /** Waits so many milliseconds; false when the client has left. */
  pause(milliseconds: number): Promise<boolean>;
  readonly log: ServedLog;
}

/** What a simulator served and what that costs: the vendor's side of the ledger. */
export interface Served {
  readonly model: string;
  readonly stream: boolean;
  readonly usage: Usage;
  /** The answer went out to its end. */
  readonly whole: boolean;
}

export interface ServedLog {
  add(served: Served): void;
}
