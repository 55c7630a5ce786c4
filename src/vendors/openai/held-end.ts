import { vendorWords } from "../../base/messages/vendors.ts";
import { type Splice, scanFields, splice } from "../json-fields.ts";
import type { FieldSpan, FollowOptions, ShownCost } from "../spec.ts";
import { payloadOf, singlePayload, withPayload } from "../sse.ts";
import { VendorFault } from "../vendor-fault.ts";

/** What an event is to the relay: a piece of the answer, a report of usage alone, the end, or anything else. */
export type EventKind = "piece" | "other" | "usage" | "done";

interface HeldPart {
  readonly bytes: Buffer;
  readonly kind: EventKind;
}

/** The end of a stream, kept back until the ledger knows the cost: the usage chunk, `[DONE]`, and what follows them. */
export class HeldEnd {
  readonly #dropUsage: boolean;
  readonly #mostBytes: number;
  #parts: HeldPart[] = [];
  #bytes = 0;
  #done = false;

  constructor(options: FollowOptions) {
    this.#dropUsage = options.dropUsage;
    this.#mostBytes = options.eventBytes;
  }

  /** Whether anything is kept back that more of the answer would set free. */
  get waiting(): boolean {
    return this.#parts.length > 0;
  }

  /** Whether an event of this kind has to be kept back. */
  takes(kind: EventKind): boolean {
    return this.#done || kind === "usage" || kind === "done" || (kind === "other" && this.#parts.length > 0);
  }

  /** Throws `VendorFault` where more is kept back than one event may be long. */
  add(bytes: Buffer, kind: EventKind): void {
    this.#bytes += bytes.length;
    if (this.#bytes > this.#mostBytes && this.#parts.length > 0) {
      throw new VendorFault(vendorWords.eventTooLong(this.#mostBytes), {
        errorClass: "server_error",
        charged: "unknown",
      });
    }
    this.#parts.push({ bytes, kind });
    if (kind === "done") this.#done = true;
  }

  /** What was kept back goes on, because the answer did: a usage chunk in the middle is no end. */
  resume(): Buffer[] {
    const parts = this.#parts.filter(({ kind }) => !(kind === "usage" && this.#dropUsage));
    this.#parts = [];
    this.#bytes = 0;
    return parts.map(({ bytes }) => bytes);
  }

  /**
   * Everything kept back, in order: usage chunks left out, or the last of them with its cost. The vendor's `[DONE]` goes as
   * it came. A finished answer without one gets one: some vendors end without, and clients of this protocol wait for it.
   */
  release(cost: ShownCost | undefined, finished: boolean): Buffer {
    const last = this.#parts.findLast(({ kind }) => kind === "usage");
    const parts: Buffer[] = [];
    for (const part of this.#parts) {
      if (part.kind !== "usage") parts.push(part.bytes);
      else if (!this.#dropUsage) parts.push(cost && part === last ? addCost(part.bytes, cost) : part.bytes);
    }
    if (!this.#done && finished) {
      const tail = parts.at(-1);
      if (tail && !endsBlank(tail)) parts.push(Buffer.from(tail.at(-1) === LF ? "\n" : "\n\n"));
      parts.push(Buffer.from("data: [DONE]\n\n"));
    }
    this.#parts = [];
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }
}

const LF = 0x0a;

function endsBlank(event: Buffer): boolean {
  return /(?:\r\n|\n|\r)(?:\r\n|\n|\r)$/.test(event.toString("latin1", Math.max(0, event.length - 4)));
}

/** The event with `"cost"` and `"cost_currency"` in its usage; a cost that the vendor wrote there is replaced. */
function addCost(event: Buffer, cost: ShownCost): Buffer {
  const text = event.toString("latin1");
  const at = singlePayload(text);
  if (at) {
    const pieces = costPieces(event, at.start, cost);
    return splice(event, pieces);
  }
  const payload = Buffer.from(payloadOf(text) ?? "", "latin1");
  const changed = splice(payload, costPieces(payload, 0, cost));
  return changed === payload ? event : Buffer.from(withPayload(text, changed.toString("latin1")), "latin1");
}

function costPieces(json: Buffer, at: number, cost: ShownCost): Splice[] {
  const usage = scanFields(json, at).get("usage");
  if (!usage || json[usage.start] !== 0x7b) return [];
  const fields = scanFields(json, usage.start);
  const pieces: Splice[] = [];
  let added = "";
  for (const [name, value] of [
    ["cost", cost.amount],
    ["cost_currency", JSON.stringify(cost.currency)],
  ] as const) {
    const known: FieldSpan | undefined = fields.get(name);
    if (known) pieces.push({ ...known, text: value });
    else added += `,"${name}":${value}`;
  }
  if (added !== "") {
    const place = usage.end - 1;
    pieces.push({ start: place, end: place, text: fields.size > 0 ? added : added.slice(1) });
  }
  return pieces;
}
