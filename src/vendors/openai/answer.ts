import { vendorWords } from "../../base/messages/vendors.ts";
import type { Usage } from "../../base/usage.ts";
import { closesDocument, skipSpace, skipValue } from "../json-fields.ts";
import { parseJson } from "../json-values.ts";
import type { AnswerFacts, Operation } from "../spec.ts";
import { factsOf } from "../translation/facts.ts";
import { VendorFault } from "../vendor-fault.ts";
import { isRecord } from "./input-size.ts";
import { countText } from "./quick-json.ts";
import { readPieces } from "./reader.ts";
import { readUsage, type UsageReport } from "./usage.ts";
import { findEnvelope, readError } from "./vendor-errors.ts";

/** Usage stands at the end of an answer; of one without text (embeddings) only the end is looked at. */
const TAIL_BYTES = 4096;

/**
 * Reads a buffered answer. Throws `VendorFault` where it is none: `charged: "nothing"` for an error in the place of an
 * answer, `"unknown"` for what is no JSON, was cut, or is neither.
 */
export function readAnswer(operation: Operation, body: Buffer): AnswerFacts {
  // What pictures cost depends on how many there are.
  if (operation === "images") return factsOf(readPieces(operation, body));
  return readQuickly(operation, body) ?? readCarefully(operation, body);
}

/**
 * Without parsing: takes the last `"usage"` of the body if it stands at the top level of a whole document that has an
 * answer in it and no error. Anything less certain is left to the careful way. What stands before it is not validated:
 * an answer whose usage is there was served, whatever else is in it.
 */
function readQuickly(operation: Operation, body: Buffer): AnswerFacts | undefined {
  const tail = operation === "chat" ? body : body.subarray(Math.max(0, body.length - TAIL_BYTES));
  const name = tail.lastIndexOf(USAGE, undefined, "latin1");
  if (name < 0 || !beginsField(tail, name)) return undefined;
  const start = valueAfter(tail, name + USAGE.length);
  if (tail[start] !== OPEN_BRACE) return undefined;
  const end = skipValue(tail, start);
  if (!closesDocument(tail, end) || findField(tail, ERROR) >= 0) return undefined;
  if (!hasItems(operation === "chat" ? body : body.subarray(0, TAIL_BYTES), operation)) return undefined;
  const report = readUsage(parseJson(tail.toString("utf8", start, end)), operation);
  return report.usage && new QuickFacts(operation, body, report);
}

/** What is rarely asked of an answer with usage is looked up when it is. */
class QuickFacts implements AnswerFacts {
  readonly usage: Usage | undefined;
  readonly usageEstimated: boolean;
  readonly vendorCost: string | undefined;
  readonly #operation: Operation;
  readonly #body: Buffer;

  constructor(operation: Operation, body: Buffer, report: UsageReport) {
    this.usage = report.usage;
    this.usageEstimated = report.usageEstimated === true;
    this.vendorCost = report.vendorCost;
    this.#operation = operation;
    this.#body = body;
  }

  get textBytes(): number {
    return this.#operation === "chat" ? countText(this.#body.toString("latin1")) : 0;
  }

  get finish(): string | undefined {
    const start = findField(this.#body, FINISH);
    if (this.#body[start] !== QUOTE) return undefined;
    return this.#body.toString("latin1", start + 1, this.#body.indexOf(QUOTE, start + 1));
  }
}

const USAGE = '"usage"';
const ERROR = '"error"';
const FINISH = '"finish_reason"';
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const QUOTE = 0x22;

/** Where the value begins of the first field called `name` (with its quotes); −1 where there is none. */
function findField(json: Buffer, name: string): number {
  for (let at = json.indexOf(name, 0, "latin1"); at >= 0; at = json.indexOf(name, at + name.length, "latin1")) {
    const value = valueAfter(json, at + name.length);
    if (value >= 0) return value;
  }
  return -1;
}

/** Where the value of a field begins, given where its name ends; −1 where no colon follows. */
function valueAfter(json: Buffer, nameEnd: number): number {
  const at = skipSpace(json, nameEnd);
  return json[at] === COLON ? skipSpace(json, at + 1) : -1;
}

/** Whether a field's name can begin with the quote here: one inside a text has a backslash before it. */
function beginsField(json: Buffer, quote: number): boolean {
  let at = quote - 1;
  while (at >= 0 && json[at]! <= 0x20) at -= 1;
  return json[at] === COMMA || json[at] === OPEN_BRACE;
}

/** Whether the list of answers is there and not empty. */
function hasItems(json: Buffer, operation: Operation): boolean {
  const start = findField(json, operation === "chat" ? '"choices"' : '"data"');
  return json[start] === OPEN_BRACKET && json[skipSpace(json, start + 1)] !== CLOSE_BRACKET;
}

function readCarefully(operation: Operation, body: Buffer): AnswerFacts {
  const document = parseJson(body.toString("utf8"));
  if (document === undefined) throw unreadable(body, false);
  const items = isRecord(document) ? (operation === "chat" ? document.choices : document.data) : undefined;
  if (!isRecord(document) || !Array.isArray(items) || items.length === 0) {
    if (findEnvelope(document)) throw readError(200, {}, body);
    throw unreadable(body, true);
  }
  const report = readUsage(document.usage ?? (items[0] as { usage?: unknown } | null)?.usage, operation);
  const first: unknown = items[0];
  const reason = isRecord(first) ? first.finish_reason : undefined;
  return {
    ...report,
    textBytes: operation === "chat" ? countText(body.toString("latin1")) : 0,
    finish: typeof reason === "string" ? reason : undefined,
  };
}

function unreadable(body: Buffer, isJson: boolean): VendorFault {
  const text = isJson ? vendorWords.strangeAnswer() : vendorWords.notAnAnswer();
  return new VendorFault(text, {
    errorClass: "server_error",
    charged: "unknown",
    vendorStatus: 200,
    details: { answerBytes: body.length },
  });
}
