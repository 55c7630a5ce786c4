import type { ServerResponse } from "node:http";
import type { CallHead, CallSink } from "../call/spec.ts";

/** A larger piece of a stream goes on without being copied. */
const COPIED_BYTES = 8_192;
const LAST_FRAME = "0\r\n\r\n";

/**
 * The answer of a call as an HTTP response. Streams are framed here (`transfer-encoding: chunked`): Node writes a frame in
 * four parts, which costs more than all else that a piece of a stream needs.
 */
export class ResponseSink implements CallSink {
  readonly #response: ServerResponse;
  readonly #idHeader: string | undefined;
  #head: CallHead | undefined;
  #framed = false;

  /** @param idHeader where the surface's clients look for the id of a request: the vendor's, else the call's. */
  constructor(response: ServerResponse, idHeader?: string) {
    this.#response = response;
    this.#idHeader = idHeader;
  }

  head(head: CallHead): void {
    this.#head = head;
    if (!head.stream) return;
    const response = this.#response;
    response.writeHead(head.status, this.#headersOf(head, undefined));
    // Not so for a client of HTTP/1.0, which is answered until the connection closes.
    this.#framed = response.chunkedEncoding;
    response.chunkedEncoding = false;
  }

  write(chunk: Buffer): boolean {
    const response = this.#response;
    if (!this.#framed) return response.write(chunk);
    // An empty frame would be the end.
    if (chunk.length === 0) return true;
    if (chunk.length <= COPIED_BYTES) return response.write(frameOf(chunk), "latin1");
    response.write(`${chunk.length.toString(16)}\r\n`, "latin1");
    response.write(chunk);
    return response.write("\r\n", "latin1");
  }

  drained(listener: () => void): void {
    this.#response.once("drain", listener);
  }

  end(last: Buffer | undefined): void {
    const head = this.#head;
    if (head && !head.stream) this.#response.writeHead(head.status, this.#headersOf(head, last?.length ?? 0));
    if (!this.#framed) {
      if (last && last.length > 0) this.#response.end(last);
      else this.#response.end();
    } else if (last && last.length > 0 && last.length <= COPIED_BYTES) {
      this.#response.end(frameOf(last) + LAST_FRAME, "latin1");
    } else {
      if (last) this.write(last);
      this.#response.end(LAST_FRAME, "latin1");
    }
  }

  cut(): void {
    this.#response.destroy();
  }

  #headersOf(head: CallHead, length: number | undefined): string[] {
    const headers = headersOf(head, length);
    if (this.#idHeader !== undefined) headers.push(this.#idHeader, encodeHeader(head.vendorRequestId ?? head.call));
    return headers;
  }
}

function frameOf(chunk: Buffer): string {
  return `${chunk.length.toString(16)}\r\n${chunk.toString("latin1")}\r\n`;
}

function headersOf(head: CallHead, length: number | undefined): string[] {
  const model = encodeHeader(head.model);
  const headers = ["content-type", head.contentType, "x-maidan-call", head.call, "x-maidan-model", model];
  if (length !== undefined) headers.push("content-length", String(length));
  if (head.stream) headers.push("cache-control", "no-cache", "x-accel-buffering", "no");
  if (head.adjusted !== undefined) headers.push("x-maidan-adjusted", head.adjusted);
  if (head.cost) headers.push("x-maidan-cost", `${head.cost.amount} ${head.cost.currency}`);
  if (head.vendorRequestId !== undefined) headers.push("x-request-id", encodeHeader(head.vendorRequestId));
  if (head.replayed) headers.push("x-maidan-replayed", "true");
  return headers;
}

const PLAIN = /^[\x20-\x7e]*$/;

/** Header values are Latin: anything else is percent-encoded. */
export function encodeHeader(text: string): string {
  return PLAIN.test(text) ? text : encodeURIComponent(text);
}
