import type { FieldSpan } from "./spec.ts";

/**
 * Finds where the parts of a JSON text stand, byte for byte, so that a few of them can be replaced and all others stay
 * as they were written: field order, number spelling, unknown fields. The text is taken to be valid JSON in UTF-8; in
 * a broken one the scan stops early, and never reads past the end.
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Above this length a string is searched for its end natively: faster for long ones, slower for short ones. */
const SHORT_STRING_BYTES = 64;

/**
 * The fields of the object that begins at `at` (spaces before it are skipped), in their order, each with the bytes its
 * value takes. Empty where no object begins there. A name that stands twice keeps its last value, as `JSON.parse` has
 * it, and is told to `repeated`.
 */
export function scanFields(json: Buffer, at = 0, repeated?: (name: string) => void): Map<string, FieldSpan> {
  const fields = new Map<string, FieldSpan>();
  let position = skipSpace(json, at);
  if (json[position] !== OPEN_BRACE) return fields;
  position = skipSpace(json, position + 1);
  while (json[position] === QUOTE) {
    const nameEnd = skipString(json, position);
    const name = readName(json, position, nameEnd);
    position = skipSpace(json, nameEnd);
    if (json[position] !== COLON) break;
    const start = skipSpace(json, position + 1);
    const end = skipValue(json, start);
    if (end === start) break;
    if (repeated && fields.has(name)) repeated(name);
    fields.set(name, { start, end });
    position = skipSpace(json, end);
    if (json[position] !== COMMA) break;
    position = skipSpace(json, position + 1);
  }
  return fields;
}

/** The items of the array that begins at `at`. Empty where no array begins there. */
export function scanItems(json: Buffer, at: number): FieldSpan[] {
  const items: FieldSpan[] = [];
  let position = skipSpace(json, at);
  if (json[position] !== OPEN_BRACKET) return items;
  position = skipSpace(json, position + 1);
  while (position < json.length && json[position] !== CLOSE_BRACKET) {
    const end = skipValue(json, position);
    if (end === position) break;
    items.push({ start: position, end });
    position = skipSpace(json, end);
    if (json[position] !== COMMA) break;
    position = skipSpace(json, position + 1);
  }
  return items;
}

/** The first byte at or after `at` that is no JSON space. */
export function skipSpace(json: Buffer, at: number): number {
  let position = at;
  for (let byte = json[position]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; ) {
    position += 1;
    byte = json[position];
  }
  return position;
}

/** The end of the value that begins at `start`: one past its last byte. `start` itself where no value begins. */
export function skipValue(json: Buffer, start: number): number {
  const first = json[start];
  if (first === QUOTE) return skipString(json, start);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipNested(json, start);
  let position = start;
  while (position < json.length) {
    const byte = json[position]!;
    if (byte <= 0x20 || byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET) break;
    position += 1;
  }
  return position;
}

/**
 * Whether what follows `from` closes exactly one object and then ends: then `from` stands at the top level of a
 * document that is whole.
 */
export function closesDocument(json: Buffer, from: number): boolean {
  let depth = 0;
  for (let position = from; position < json.length; position++) {
    const byte = json[position];
    if (byte === QUOTE) position = skipString(json, position) - 1;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1;
      if (depth < 0) return byte === CLOSE_BRACE && skipSpace(json, position + 1) === json.length;
    }
  }
  return false;
}

/** A piece of a text to be replaced. `start === end` inserts. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** `original` with pieces replaced; all other bytes are the same. Pieces must not overlap. */
export function splice(original: Buffer, pieces: readonly Splice[]): Buffer {
  if (pieces.length === 0) return original;
  if (pieces.length === 1) return spliceOne(original, pieces[0]!);
  const sorted = [...pieces].sort((a, b) => a.start - b.start || a.end - b.end);
  let length = original.length;
  for (const { start, end, text } of sorted) length += Buffer.byteLength(text) - (end - start);
  const result = Buffer.allocUnsafe(length);
  let from = 0;
  let to = 0;
  for (const { start, end, text } of sorted) {
    to += original.copy(result, to, from, start);
    to += result.write(text, to);
    from = end;
  }
  original.copy(result, to, from);
  return result;
}

function spliceOne(original: Buffer, { start, end, text }: Splice): Buffer {
  const bytes = Buffer.byteLength(text);
  const result = Buffer.allocUnsafe(original.length - (end - start) + bytes);
  original.copy(result, 0, 0, start);
  result.write(text, start);
  original.copy(result, start + bytes, end);
  return result;
}

function skipNested(json: Buffer, start: number): number {
  let depth = 0;
  for (let position = start; position < json.length; position++) {
    const byte = json[position];
    if (byte === QUOTE) position = skipString(json, position) - 1;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1;
      if (depth === 0) return position + 1;
    }
  }
  return json.length;
}

function skipString(json: Buffer, start: number): number {
  let position = start + 1;
  for (;;) {
    const near = Math.min(position + SHORT_STRING_BYTES, json.length);
    for (; position < near; position++) {
      const byte = json[position];
      if (byte === QUOTE) return position + 1;
      if (byte === BACKSLASH) position += 1;
    }
    const quote = json.indexOf(QUOTE, position);
    if (quote < 0) return json.length;
    let escapes = quote;
    while (escapes > position && json[escapes - 1] === BACKSLASH) escapes -= 1;
    position = quote + 1;
    if ((quote - escapes) % 2 === 0) return position;
  }
}

/** Names that most requests have, by their length: to recognise one costs a fraction of making a text of it. */
const USUAL_NAMES: (readonly string[] | undefined)[] = [];
for (const name of [
  ...["model", "messages", "input", "stream", "temperature", "top_p", "max_tokens", "max_completion_tokens", "n"],
  ...["tools", "tool_choice", "stop", "user", "stream_options", "include_usage", "response_format", "seed", "system"],
]) {
  USUAL_NAMES[name.length] = [...(USUAL_NAMES[name.length] ?? []), name];
}

function usualName(json: Buffer, from: number, length: number): string | undefined {
  for (const name of USUAL_NAMES[length] ?? NO_NAMES) {
    let at = 0;
    while (at < length && json[from + at] === name.charCodeAt(at)) at += 1;
    if (at === length) return name;
  }
  return undefined;
}

const NO_NAMES: readonly string[] = [];

function readName(json: Buffer, start: number, end: number): string {
  const usual = usualName(json, start + 1, end - start - 2);
  if (usual !== undefined) return usual;
  for (let position = start + 1; position < end - 1; position++) {
    const byte = json[position]!;
    if (byte === BACKSLASH || byte >= 0x80) return parsedName(json.toString("utf8", start, end));
  }
  return json.toString("latin1", start + 1, end - 1);
}

function parsedName(spelling: string): string {
  try {
    return JSON.parse(spelling) as string;
  } catch {
    return spelling;
  }
}
