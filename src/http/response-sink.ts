import type { ServerResponse } from "node:http";
import type { CallHead, CallSink } from "../call/spec.ts";

/** The answer of a call as an HTTP response. */
export class ResponseSink implements CallSink {
  readonly #response: ServerResponse;
  readonly #idHeader: string | undefined;
  #head: CallHead | undefined;

  /** @param idHeader where the surface's clients look for the id of a request: the vendor's, else the call's. */
  constructor(response: ServerResponse, idHeader?: string) {
    this.#response = response;
    this.#idHeader = idHeader;
  }

  head(head: CallHead): void {
    this.#head = head;
    if (head.stream) this.#response.writeHead(head.status, this.#headersOf(head, undefined));
  }

  write(chunk: Buffer): boolean {
    return this.#response.write(chunk);
  }

  drained(listener: () => void): void {
    this.#response.once("drain", listener);
  }

  end(last: Buffer | undefined): void {
    const head = this.#head;
    if (head && !head.stream) this.#response.writeHead(head.status, this.#headersOf(head, last?.length ?? 0));
    if (last && last.length > 0) this.#response.end(last);
    else this.#response.end();
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
