import { vendorWords } from "../../base/messages/vendors.ts";
import type { ShownCost } from "../spec.ts";
import { VendorFault } from "../vendor-fault.ts";
import { withCost, writeEvent } from "./events.ts";

/** What an event is to the relay: a piece of the answer, its reason to stop with its usage, its end, or anything else. */
export type EventKind = "piece" | "reason" | "end" | "other";

interface HeldPart {
  readonly bytes: Buffer;
  readonly kind: EventKind;
}

/** The end of a stream, kept back until the ledger knows the cost: `message_delta`, `message_stop`, and what stands between. */
export class HeldEnd {
  readonly #mostBytes: number;
  #parts: HeldPart[] = [];
  #bytes = 0;
  #ended = false;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get waiting(): boolean {
    return this.#parts.length > 0;
  }

  /** Whether an event of this kind has to be kept back. */
  takes(kind: EventKind): boolean {
    return this.#ended || kind === "reason" || kind === "end" || (kind === "other" && this.waiting);
  }

  /** Throws `VendorFault` where more is kept back than one event may be long. */
  add(bytes: Buffer, kind: EventKind): void {
    this.#bytes += bytes.length;
    if (this.#bytes > this.#mostBytes && this.waiting) {
      throw new VendorFault(vendorWords.eventTooLong(this.#mostBytes), {
        errorClass: "server_error",
        charged: "unknown",
      });
    }
    this.#parts.push({ bytes, kind });
    if (kind === "end") this.#ended = true;
  }

  /** What was kept back goes on, because the answer did. */
  resume(): Buffer[] {
    const parts = this.#parts.map(({ bytes }) => bytes);
    this.#parts = [];
    this.#bytes = 0;
    return parts;
  }

  /**
   * Everything kept back, in order, the last usage with its cost. An answer that has stopped without its end gets one: clients
   * of this protocol wait for it.
   */
  release(cost: ShownCost | undefined, stopped: boolean): Buffer {
    const last = this.#parts.findLast(({ kind }) => kind === "reason");
    const parts = this.#parts.map((part) => (cost && part === last ? withCost(part.bytes, cost) : part.bytes));
    if (stopped && !this.#ended) parts.push(writeEvent("message_stop", {}));
    this.#parts = [];
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }
}
