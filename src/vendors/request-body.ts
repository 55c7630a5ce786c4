import { isUtf8 } from "node:buffer";
import { Fault } from "../base/faults.ts";
import { type RequestShape, requestWords as words } from "../base/messages/vendors.ts";
import { scanFields } from "./json-fields.ts";
import { findSyntaxError, isTooDeep, MOST_JSON_LEVELS } from "./json-syntax.ts";
import { isRecord } from "./openai/input-size.ts";
import type { FieldSpan } from "./spec.ts";

/** A request's JSON object, and where its fields stand. */
export interface RequestBody {
  readonly document: Readonly<Record<string, unknown>>;
  readonly fields: ReadonlyMap<string, FieldSpan>;
}

const MODEL_CHARACTERS = 512;

/**
 * Reads a client's body. `read` are the fields that Maidan reads or changes: a vendor must not be able to read another value
 * in one of them, so that they may stand once only, and in no other spelling.
 *
 * Throws `invalid_request`, with the field in `param`, and `body_too_large`.
 */
export function readRequestBody(body: Buffer, limit: number, read: ReadonlySet<string>): RequestBody {
  const document = parseBody(body, limit);
  const fields = scanFields(body, 0, (name) => {
    if (read.has(name)) throw new Fault("invalid_request", words.repeated(name), { param: name });
  });
  refuseOtherSpellings(fields, read);
  return { document, fields };
}

/** The model's name, as the client spelled it. */
export function readModelName(document: Readonly<Record<string, unknown>>): string {
  const { model } = document;
  if (typeof model === "string" && model.length > 0 && model.length <= MODEL_CHARACTERS) return model;
  throw wrongField(document, "model", "name");
}

function parseBody(body: Buffer, limit: number): Record<string, unknown> {
  if (body.length > limit) throw new Fault("body_too_large", words.bodyTooLarge(body.length, limit));
  if (body.length === 0) throw new Fault("invalid_request", words.empty());
  // A stray byte would become three when the vendor reads it, and the bound of input tokens would not hold.
  if (!isUtf8(body)) throw new Fault("invalid_request", words.notUtf8());
  const text = body.toString("utf8");
  // Before it is parsed: that alone would take fifty bytes of memory for each byte of brackets.
  if (isTooDeep(text)) throw new Fault("invalid_request", words.tooDeep(MOST_JSON_LEVELS));
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw malformed(text);
  }
  if (!isRecord(document)) throw new Fault("invalid_request", words.notObject());
  return document;
}

function malformed(text: string): Fault {
  const place = findSyntaxError(text) ?? { line: 1, column: 1, offset: 0 };
  const { line, column, offset } = place;
  const message = offset < text.length ? words.malformed(line, column) : words.cutShort(line, column);
  return new Fault("invalid_request", message, { details: { line, column, offset } });
}

/** A name that folding does not change. */
const PLAIN_NAME = /^[a-z0-9_]*$/;

/** Some vendors match names without regard to case: `"MAX_TOKENS"` would undo the limit that the budget stands on. */
function refuseOtherSpellings(fields: ReadonlyMap<string, FieldSpan>, read: ReadonlySet<string>): void {
  for (const name of fields.keys()) {
    if (read.has(name) || PLAIN_NAME.test(name)) continue;
    const folded = name.toUpperCase().toLowerCase();
    if (read.has(folded)) {
      throw new Fault("invalid_request", words.otherSpelling(name, folded), { param: name });
    }
  }
}

/** A field that is missing, or of the wrong shape. */
export function wrongField(document: Readonly<Record<string, unknown>>, field: string, expected: RequestShape): Fault {
  if (document[field] !== undefined) return mustBe(field, expected);
  return new Fault("invalid_request", words.missing(field), { param: field });
}

export function mustBe(field: string, expected: RequestShape): Fault {
  return new Fault("invalid_request", words.mustBe(field, expected), { param: field });
}
