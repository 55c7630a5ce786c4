import type { AnswerHeaders } from "../spec.ts";
import type { VendorFault } from "../vendor-fault.ts";
import { JSON_HEADERS } from "./chat-answer.ts";
import type { Script } from "./delivery.ts";

export interface BodyOptions {
  readonly status?: number;
  readonly headers?: AnswerHeaders;
  readonly firstByteMs?: number | undefined;
  readonly fault?: VendorFault | undefined;
  /** Told at the very end, and only where the body had gone out. */
  onSent?(aborted: boolean): void;
}

/** An answer of one piece. */
export class BodyScript implements Script {
  readonly head: Script["head"];
  readonly firstByteMs: number;
  readonly betweenChunksMs = 0;
  readonly fault: VendorFault | undefined;
  ended = false;
  readonly #body: Buffer;
  readonly #onSent: BodyOptions["onSent"];

  constructor(body: Buffer, options: BodyOptions = {}) {
    this.#body = body;
    this.head = { status: options.status ?? 200, headers: options.headers ?? JSON_HEADERS };
    this.firstByteMs = options.firstByteMs ?? 0;
    this.fault = options.fault;
    this.#onSent = options.onSent;
  }

  next(): Buffer {
    this.ended = true;
    return this.#body;
  }

  close(aborted: boolean): void {
    if (this.ended) this.#onSent?.(aborted);
  }
}
