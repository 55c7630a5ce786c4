import type { Fault } from "../../base/faults.ts";
import type { Usage } from "../../base/usage.ts";
import { scanFields, splice } from "../json-fields.ts";
import { isObject, type JsonObject, parseJson, stringOf } from "../json-values.ts";
import type { FollowOptions, ShownCost, StreamDecoder, TransformFactory } from "../spec.ts";
import { EventSplitter, eventName, payloadOf, withPayload } from "../sse.ts";
import type { VendorFault } from "../vendor-fault.ts";
import { eventOf, payloadSpan } from "./events.ts";
import { ResponseTexts } from "./response-texts.ts";
import { ResponsesFollower } from "./stream.ts";

/**
 * The decoded path: texts go through transforms that may hold them back and rewrite them. Events whose texts do not change pass byte for
 * byte. What the vendor wrote is followed for the ledger, what the client gets of it for the end that it is shown.
 */
export class ResponsesDecoder implements StreamDecoder {
  readonly #splitter: EventSplitter;
  readonly #texts = new ResponseTexts();
  readonly #seen: ResponsesFollower;
  readonly #shown: ResponsesFollower;
  /** Events that were put in: by so many later ones are numbered higher. */
  #added = 0;

  constructor(options: FollowOptions) {
    this.#splitter = new EventSplitter(options.eventBytes);
    this.#seen = new ResponsesFollower(options);
    this.#shown = new ResponsesFollower(options);
  }

  get usage(): Usage | undefined {
    return this.#seen.usage;
  }

  get vendorCost(): string | undefined {
    return this.#seen.vendorCost;
  }

  get events(): number {
    return this.#seen.events;
  }

  get textBytes(): number {
    return this.#seen.textBytes;
  }

  get ended(): boolean {
    return this.#seen.ended;
  }

  get finished(): boolean {
    return this.#seen.finished;
  }

  get fault(): VendorFault | undefined {
    return this.#seen.fault;
  }

  transform(factory: TransformFactory): void {
    this.#texts.factory = factory;
  }

  push(chunk: Buffer): Buffer | undefined {
    this.#seen.push(chunk);
    const count = this.#splitter.push(chunk);
    const { bytes, text, ends, events } = this.#splitter;
    const units: Buffer[] = [];
    let start = 0;
    for (let index = 0; index < count; index++) {
      const unit = bytes.subarray(start, ends[index]!);
      units.push(...(events[index] ? this.#rewrite(unit, text.slice(start, ends[index]!)) : [unit]));
      start = ends[index]!;
    }
    return units.length > 0 ? this.#shown.push(Buffer.concat(units)) : undefined;
  }

  close(): Buffer | undefined {
    this.#seen.close();
    const rest = this.#splitter.takeRest();
    const event = rest.toString("latin1");
    const isWhole = isObject(parseJson(Buffer.from(payloadOf(event) ?? "", "latin1").toString("utf8")));
    const units = isWhole ? this.#rewrite(rest, event) : [];
    const passed = [units.length > 0 ? this.#shown.push(Buffer.concat(units)) : undefined, this.#shown.close()];
    const bytes = Buffer.concat(passed.filter((one) => one !== undefined));
    return bytes.length > 0 ? bytes : undefined;
  }

  finish(cost: ShownCost | undefined): Buffer {
    return Buffer.concat([...this.#release(), this.#shown.finish(cost)]);
  }

  error(fault: Fault, message: string): Buffer {
    return Buffer.concat([...this.#release(), this.#shown.error(fault, message)]);
  }

  stop(): Buffer {
    return Buffer.concat([...this.#release(), this.#shown.stop()]);
  }

  /** What transforms hold back, where no event of the vendor's has let it go. */
  #release(): Buffer[] {
    return this.#texts.end().flatMap((event) => this.#shown.push(written(event, this.#shown.nextNumber)) ?? []);
  }

  /** The event with its texts rewritten, after what has to go before it. */
  #rewrite(unit: Buffer, event: string): Buffer[] {
    const at = payloadSpan(event);
    const payload = at ? unit.subarray(at.start, at.end) : Buffer.from(payloadOf(event) ?? "", "latin1");
    const fields = scanFields(payload);
    const span = fields.get("type");
    const named = span ? stringOf(parseJson(payload.toString("utf8", span.start, span.end))) : eventName(event);
    // What has no type is an error in another interface's shape.
    const { json, before } = this.#texts.rewrite(payload, named ?? "error");
    const number = numberOf(payload);
    const added = before.map((document, place) => written(document, number + this.#added + place));
    this.#added += added.length;
    const numbered = renumbered(json, number + this.#added);
    if (numbered === payload) return [...added, unit];
    if (at) return [...added, Buffer.concat([unit.subarray(0, at.start), numbered, unit.subarray(at.end)])];
    return [...added, Buffer.from(withPayload(event, numbered.toString("latin1")), "latin1")];
  }
}

function written({ type, ...fields }: JsonObject, number: number): Buffer {
  return eventOf(String(type), { ...fields, sequence_number: number });
}

function numberOf(json: Buffer): number {
  const span = scanFields(json).get("sequence_number");
  return span ? Number(json.toString("latin1", span.start, span.end)) : 0;
}

/** The event with another number; the very same where it is that already, or has none. */
function renumbered(json: Buffer, number: number): Buffer {
  const span = scanFields(json).get("sequence_number");
  if (!span || json.toString("latin1", span.start, span.end) === String(number)) return json;
  return splice(json, [{ ...span, text: String(number) }]);
}
