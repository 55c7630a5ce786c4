import type { Fault } from "../../base/faults.ts";
import { vendorWords } from "../../base/messages/vendors.ts";
import type { Usage } from "../../base/usage.ts";
import { type Splice, scanFields, splice } from "../json-fields.ts";
import { isObject, type JsonObject, objectAt, parseJson, stringOf } from "../json-values.ts";
import { NO_REPORT, readUsage, type UsageReport } from "../openai/usage.ts";
import { readStreamError } from "../openai/vendor-errors.ts";
import type { FollowOptions, ShownCost, StreamFollower } from "../spec.ts";
import { EventSplitter, eventName, payloadOf } from "../sse.ts";
import { VendorFault } from "../vendor-fault.ts";
import { eventOf, failureEvents, payloadSpan } from "./events.ts";
import { OutputSoFar } from "./output-so-far.ts";
import { faultOf } from "./reader.ts";

const ENDS: ReadonlySet<string> = new Set(["response.completed", "response.incomplete", "response.failed"]);
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
  readonly #output: OutputSoFar;
  #number = 0;
  #finished = false;
  events = 0;
  textBytes = 0;
  ended = false;
  fault: VendorFault | undefined;

  constructor(options: FollowOptions) {
    this.#splitter = new EventSplitter(options.eventBytes);
    this.#mostBytes = options.eventBytes;
    this.#output = new OutputSoFar(options.eventBytes);
  }

  get usage(): Usage | undefined {
    return this.#report.usage;
  }

  get vendorCost(): string | undefined {
    return this.#report.vendorCost;
  }

  /** The number of the next event, were there one of Maidan's. */
  get nextNumber(): number {
    return this.#number;
  }

  get finished(): boolean {
    return this.#finished;
  }

  push(chunk: Buffer): Buffer | undefined {
    const count = this.#splitter.push(chunk);
    const { bytes, text, ends, events } = this.#splitter;
    const passed: Buffer[] = [];
    let from = 0;
    let start = 0;
    for (let index = 0; index < count; index++) {
      const end = ends[index]!;
      const unit = bytes.subarray(start, end);
      if (events[index]) this.#inspect(text.slice(start, end), unit);
      if (this.ended || this.fault) {
        if (start > from) passed.push(bytes.subarray(from, start));
        this.#hold(unit);
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
    if (!this.ended && !this.fault) return Buffer.concat([rest, LF_LF]);
    this.#hold(rest);
    return undefined;
  }

  finish(cost: ShownCost | undefined): Buffer {
    const held = this.#held.map((bytes) => (bytes === this.#last && cost ? addCost(bytes, cost) : bytes));
    this.#held = [];
    return Buffer.concat(held);
  }

  error(fault: Fault, message: string): Buffer {
    return failureEvents(fault, message, this.#number, { ...this.#response, output: this.#output.all() });
  }

  stop(): Buffer {
    let number = this.#number;
    const closed = this.#output.open().map(([output_index, item]) => {
      number += 1;
      return eventOf("response.output_item.done", { output_index, item, sequence_number: number - 1 });
    });
    const incomplete_details = { reason: "max_output_tokens" };
    const response = { ...this.#response, status: "incomplete", incomplete_details, output: this.#output.all() };
    return Buffer.concat([...closed, eventOf("response.incomplete", { response, sequence_number: number })]);
  }

  #inspect(event: string, bytes: Buffer): void {
    // What follows the end is held, whatever it is.
    if (this.ended) return;
    const document = parseJson(textOf(event));
    if (!isObject(document)) return;
    this.#number += 1;
    const type = stringOf(document.type) ?? eventName(event);
    if (type === undefined) {
      // An error in another interface's shape.
      this.fault ??= readStreamError(document, this.textBytes > 0);
      return;
    }
    if (type.endsWith(".delta")) {
      this.events += 1;
      if (typeof document.delta === "string") this.textBytes += Buffer.byteLength(document.delta);
    } else if (type === "response.output_item.added") {
      this.textBytes += Buffer.byteLength(stringOf(objectAt(document, "item").name) ?? "");
    } else if (type === "response.created") this.#response = objectAt(document, "response");
    this.#output.note(document);
    if (type === "response.failed" || type === "error") this.fault ??= faultOf(document, this.textBytes > 0);
    if (!ENDS.has(type)) return;
    this.ended = true;
    this.#finished = type !== "response.failed";
    this.#last = bytes;
    this.#report = readUsage(objectAt(document, "response").usage, "chat");
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

function textOf(event: string): string {
  return Buffer.from(payloadOf(event) ?? "", "latin1").toString("utf8");
}

/** The last event with `cost` and `cost_currency` in its usage; one of several lines of data goes as it came. */
function addCost(event: Buffer, { amount, currency }: ShownCost): Buffer {
  const start = payloadSpan(event.toString("latin1"))?.start;
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
