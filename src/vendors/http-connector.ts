import { connect as connectPlain, isIP, type Socket, type TcpSocketConnectOpts } from "node:net";
import { type ConnectionOptions, connect as connectSecure, createSecureContext, type SecureContext } from "node:tls";

/** What a connection hears of its socket. */
export interface SocketEvents {
  /** It is open, TLS included. */
  opened(): void;
  /** The first `length` bytes of `bytes`, which are written over as soon as this returns. */
  received(bytes: Buffer, length: number): void;
  /** The other side sends no more. */
  ended(): void;
  /** It broke; `closed` follows. */
  broke(error: Error): void;
  closed(): void;
}

/**
 * Into which all connections read: the system fills it and hands it over in one go, before it reads for another. A buffer
 * for each piece that is read would cost more than the copy of what is kept of it.
 */
const READ = Buffer.allocUnsafeSlow(64 * 1024);

/** The other side is asked for a sign of life after this. */
const PROBE_MS = 60_000;

/** Opens connections to one address. */
export class Connector {
  readonly #secure: boolean;
  readonly #to: TcpSocketConnectOpts;
  /** Undefined for the system's authorities. */
  readonly #context: SecureContext | undefined;
  /** The last session, so that the next connection needs no whole handshake. It comes only after the names were compared. */
  #session: Buffer | undefined;

  constructor(url: URL, ca: string | undefined) {
    this.#secure = url.protocol === "https:";
    if (this.#secure && ca !== undefined) this.#context = createSecureContext({ ca });
    this.#to = {
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: Number(url.port || (this.#secure ? 443 : 80)),
    };
  }

  open(events: SocketEvents): Socket {
    const onread = {
      buffer: READ,
      callback: (length: number, bytes: Uint8Array) => {
        events.received(bytes as Buffer, length);
        return true;
      },
    };
    const socket = this.#secure
      ? connectSecure({ ...this.#secured(), ...this.#to, onread } as ConnectionOptions)
      : connectPlain({ ...this.#to, onread });
    if (this.#secure) {
      socket.on("session", (session: Buffer) => {
        this.#session = session;
      });
    }
    // Not by the options of `connect`: TLS passes them over.
    return socket
      .setNoDelay(true)
      .setKeepAlive(true, PROBE_MS)
      .once(this.#secure ? "secureConnect" : "connect", () => events.opened())
      .on("end", () => events.ended())
      .on("error", (error: Error) => events.broke(error))
      .on("close", () => events.closed());
  }

  #secured(): ConnectionOptions {
    const { host } = this.#to;
    return {
      ALPNProtocols: ["http/1.1"],
      // A name is announced, an address never (RFC 6066); the certificate is compared with either.
      ...(isIP(host!) === 0 && { servername: host! }),
      ...(this.#context && { secureContext: this.#context }),
      ...(this.#session && { session: this.#session }),
    };
  }
}
