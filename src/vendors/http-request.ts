import type { WireRequest } from "./spec.ts";
import { WIRE_CODES, WireError } from "./wire-error.ts";

const NOT_IN_PATH = /[^\x21-\x7e\x80-\xff]/;
const NOT_IN_NAME = /[^!#$%&'*+\-.^_`|~0-9A-Za-z]/;
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** What only the writer of a request may say: where it ends, and how the connection goes on. */
const OWN = new Set(["content-length", "transfer-encoding", "keep-alive", "upgrade", "expect", "te", "trailer"]);

/** Writes the heads of requests to one address. */
export class RequestHeads {
  readonly #host: string;
  readonly #prefix: string;
  /** Protocols give the very same headers, frozen, again and again. */
  readonly #written = new WeakMap<WireRequest["headers"], string>();

  /**
   * @param host with its port, where that is not the scheme's own
   * @param prefix what stands before the path of every request
   */
  constructor(host: string, prefix: string) {
    this.#host = host;
    this.#prefix = prefix;
  }

  /** One byte a character. Throws `WireError` where a line break or a stray character would make another request of it. */
  write({ method, path, headers, body }: WireRequest): string {
    const target = this.#prefix + path;
    if (target.charCodeAt(0) !== 47 || NOT_IN_PATH.test(target)) throw new WireError(WIRE_CODES.unsendable);
    const fields = this.#written.get(headers) ?? this.#writeFields(headers);
    return method === "GET"
      ? `GET ${target} HTTP/1.1\r\n${fields}\r\n`
      : `${method} ${target} HTTP/1.1\r\n${fields}content-length: ${body.length}\r\n\r\n`;
  }

  #writeFields(headers: WireRequest["headers"]): string {
    let host = this.#host;
    let connection = "keep-alive";
    let fields = "accept-encoding: identity\r\n";
    for (const [name, value] of Object.entries(headers)) {
      const lower = name.toLowerCase();
      if (name === "" || NOT_IN_NAME.test(name) || NOT_IN_VALUE.test(value) || OWN.has(lower)) {
        throw new WireError(WIRE_CODES.unsendable);
      }
      if (lower === "host") host = value;
      else if (lower === "connection") connection = /\bclose\b/i.test(value) ? "close" : connection;
      else if (lower !== "accept-encoding") fields += `${name}: ${value}\r\n`;
    }
    const written = `host: ${host}\r\nconnection: ${connection}\r\n${fields}`;
    if (Object.isFrozen(headers)) this.#written.set(headers, written);
    return written;
  }
}
