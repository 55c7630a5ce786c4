import { vendorWords } from "../../base/messages/vendors.ts";
import { closesDocument, skipValue } from "../json-fields.ts";
import type { AnswerFacts, Operation } from "../spec.ts";
import { VendorFault } from "../vendor-fault.ts";
import { isRecord } from "./input-size.ts";
import { countText, findField, skipSpace, valueAfter } from "./quick-json.ts";
import { readUsage } from "./usage.ts";
import { findEnvelope, readError } from "./vendor-errors.ts";

/** Usage stands at the end of an answer; of one without text (embeddings) only the end is looked at. */
const TAIL_BYTES = 4096;

/**
 * Reads a buffered answer. Throws `VendorFault` where it is none: `charged: "nothing"` for an error in the place of an
 * answer, `"unknown"` for what is no JSON, was cut, or is neither.
 */
export function readAnswer(operation: Operation, body: Buffer): AnswerFacts {
  return readQuickly(operation, body) ?? readCarefully(operation, body);
}

/**
 * Without parsing: takes the last `"usage"` of the body if it stands at the top level of a whole document that has an
 * answer in it and no error. Anything less certain is left to the careful way. What stands before it is not validated:
 * an answer whose usage is there was served, whatever else is in it.
 */
function readQuickly(operation: Operation, body: Buffer): AnswerFacts | undefined {
  const from = operation === "chat" ? 0 : Math.max(0, body.length - TAIL_BYTES);
  const text = body.toString("latin1", from);
  const name = text.lastIndexOf('usage"');
  if (name < 1 || !beginsField(text, name - 1)) return undefined;
  const start = valueAfter(text, name + 6);
  if (text[start] !== "{") return undefined;
  const end = skipValue(body, from + start);
  if (!closesDocument(body, end) || findField(text, 'error"') >= 0) return undefined;
  const head = from === 0 ? text : body.toString("latin1", 0, TAIL_BYTES);
  if (!hasItems(head, operation === "chat" ? 'choices"' : 'data"')) return undefined;
  const report = readUsage(tryParse(body.toString("utf8", from + start, end)), operation);
  if (!report.usage) return undefined;
  const textBytes = operation === "chat" ? countText(text) : 0;
  return { ...report, textBytes, finish: findFinish(text) };
}

/** Whether a field's name can begin with the quote here: one inside a text has a backslash before it. */
function beginsField(text: string, quote: number): boolean {
  if (text[quote] !== '"') return false;
  let at = quote - 1;
  while (at >= 0 && text.charCodeAt(at) <= 0x20) at -= 1;
  return text[at] === "," || text[at] === "{";
}

/** Whether the list called `name` is there and not empty. */
function hasItems(text: string, name: string): boolean {
  const start = findField(text, name);
  return text[start] === "[" && text[skipSpace(text, start + 1)] !== "]";
}

function findFinish(text: string): string | undefined {
  const start = findField(text, 'finish_reason"');
  return text[start] === '"' ? text.slice(start + 1, text.indexOf('"', start + 1)) : undefined;
}

function readCarefully(operation: Operation, body: Buffer): AnswerFacts {
  const document = tryParse(body.toString("utf8"));
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

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
