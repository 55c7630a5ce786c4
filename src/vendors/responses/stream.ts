import type { Fault } from "../../base/faults.ts";
import { vendorWords } from "../../base/messages/vendors.ts";
import type { Usage } from "../../base/usage.ts";
import { type Splice, scanFields, splice } from "../json-fields.ts";
import { isObject, type JsonObject, objectAt, parseJson } from "../json-values.ts";
import { countText } from "../openai/quick-json.ts";
import { NO_REPORT, readUsage, type UsageReport } from "../openai/usage.ts";
import { readStreamError } from "../openai/vendor-errors.ts";
import type { FollowOptions, ShownCost, StreamFollower } from "../spec.ts";
import { EventSplitter, eventName, payloadOf, singlePayload } from "../sse.ts";
import { VendorFault } from "../vendor-fault.ts";
import { errorEvent, eventOf } from "./events.ts";
import { faultOf } from "./reader.ts";

const ENDS: ReadonlySet<string> = new Set(["response.completed", "response.incomplete"]);
const LF_LF = Buffer.from("\n\n");

/**
 * The way of untouched bytes: whole events go on as they came; the event that ends the response, which carries its usage, and what
 * follows it are kept back until the ledger knows the cost.
 */
export class ResponsesFollower implements StreamFollower {
  readonly #splitter: EventSplitter;
  readonly #mostBytes: number;
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** The last event of the response, among those held. */
  #last: Buffer | undefined;
  #report: UsageReport = NO_REPORT;
  /** The first response that an event carried: an early end is made in its likeness. */
  #response: JsonObject = {};
  #number = 0;
  events = 0;
  textBytes = 0;
  ended = false;
  fault: VendorFault | undefined;

  constructor(options: FollowOptions) {
    this.#splitter = new EventSplitter(options.eventBytes);
    this.#mostBytes = options.eventBytes;
  }

  get usage(): Usage | undefined {
    return this.#report.usage;
  }

  get vendorCost(): string | undefined {
    return this.#report.vendorCost;
  }

  get finished(): boolean {
    return this.ended;
  }

  push(chunk: Buffer): Buffer | undefined {
    const count = this.#splitter.push(chunk);
    const { bytes, text, ends, events } = this.#splitter;
    const passed: Buffer[] = [];
    let from = 0;
    let start = 0;
    for (let index = 0; index < count; index++) {
      const end = ends[index]!;
      if (events[index]) this.#inspect(text.slice(start, end), bytes.subarray(start, end));
      if (this.ended) {
        if (start > from) passed.push(bytes.subarray(from, start));
        this.#hold(bytes.subarray(start, end));
        from = end;
      }
      start = end;
    }
    if (start > from) passed.push(from === 0 && start === bytes.length ? bytes : bytes.subarray(from, start));
    if (passed.length === 0) return undefined;
    return passed.length === 1 ? passed[0] : Buffer.concat(passed);
  }

  close(): Buffer | undefined {
    const rest = this.#splitter.takeRest();
    if (rest.length === 0) return undefined;
    const event = rest.toString("latin1");
    if (payloadOf(event) === undefined || parseJson(textOf(event)) === undefined) return undefined;
    this.#inspect(event, rest);
    if (!this.ended) return Buffer.concat([rest, LF_LF]);
    this.#hold(rest);
    return undefined;
  }

  finish(cost: ShownCost | undefined): Buffer {
    const held = this.#held.map((bytes) => (bytes === this.#last && cost ? addCost(bytes, cost) : bytes));
    this.#held = [];
    return Buffer.concat(held);
  }

  error(fault: Fault, message: string): Buffer {
    return errorEvent(fault, message, this.#number);
  }

  stop(): Buffer {
    const incomplete_details = { reason: "max_output_tokens" };
    const response = { ...this.#response, status: "incomplete", incomplete_details };
    return eventOf("response.incomplete", { response, sequence_number: this.#number });
  }

  #inspect(event: string, bytes: Buffer): void {
    const type = eventName(event) ?? typeIn(event);
    this.#number += 1;
    if (type === undefined) this.#inspectUnnamed(event);
    else if (type.endsWith(".delta")) {
      this.events += 1;
      this.textBytes += deltaBytes(event);
    } else if (type === "response.created") {
      this.#response = objectAt(parseJson(textOf(event)), "response");
    } else if (ENDS.has(type)) {
      this.ended = true;
      this.#last = bytes;
      this.#report = readUsage(objectAt(parseJson(textOf(event)), "response").usage, "chat");
    } else if (type === "response.failed" || type === "error") {
      const document = parseJson(textOf(event));
      this.fault ??= isObject(document) ? faultOf(document, this.textBytes > 0) : undefined;
    }
  }

  /** `[DONE]`, which some vendors send after the end; or an error in another interface's shape. */
  #inspectUnnamed(event: string): void {
    const document = parseJson(textOf(event));
    if (isObject(document)) this.fault ??= readStreamError(document, this.textBytes > 0);
  }

  #hold(bytes: Buffer): void {
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > this.#mostBytes && this.#held.length > 0) {
      const text = vendorWords.eventTooLong(this.#mostBytes);
      throw new VendorFault(text, { errorClass: "server_error", charged: "unknown" });
    }
    this.#held.push(bytes);
  }
}

const TYPE = /"type"\s*:\s*"([a-z_.]+)"/;

/** The type of an event whose name is not told outside of it. */
function typeIn(event: string): string | undefined {
  return TYPE.exec(event.slice(0, 512))?.[1];
}

function textOf(event: string): string {
  return Buffer.from(payloadOf(event) ?? "", "latin1").toString("utf8");
}

const DELTA = /"delta"\s*:\s*"/;

function deltaBytes(event: string): number {
  const match = DELTA.exec(event);
  if (!match) return 0;
  // Counted as the text of a chat's chunk is.
  return countText(`"content":${event.slice(match.index + match[0].length - 1)}`);
}

/** The last event with `cost` and `cost_currency` in its usage; one of several lines of data goes as it came. */
function addCost(event: Buffer, { amount, currency }: ShownCost): Buffer {
  const at = singlePayload(nameless(event));
  const start = at && event.length - nameless(event).length + at.start;
  if (start === undefined) return event;
  const response = scanFields(event, start).get("response");
  const usage = response && scanFields(event, response.start).get("usage");
  if (!usage || event[usage.start] !== 0x7b) return event;
  const known = scanFields(event, usage.start);
  const pieces: Splice[] = [];
  let added = "";
  for (const [name, value] of [
    ["cost", amount],
    ["cost_currency", JSON.stringify(currency)],
  ] as const) {
    const span = known.get(name);
    if (span) pieces.push({ ...span, text: value });
    else added += `,"${name}":${value}`;
  }
  const place = usage.end - 1;
  if (added !== "") pieces.push({ start: place, end: place, text: known.size > 0 ? added : added.slice(1) });
  return splice(event, pieces);
}

/** The event without its first line, where that is its name. */
function nameless(event: Buffer): string {
  const text = event.toString("latin1");
  return text.startsWith("event:") ? text.slice(text.search(/[\r\n]/)).replace(/^\r?\n|^\r/, "") : text;
}
