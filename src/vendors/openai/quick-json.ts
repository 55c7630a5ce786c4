/** The fields in which a model's own text stands, in answers and in pieces of streams alike. */
const TEXT_FIELDS = ['"content"', '"reasoning_content"', '"reasoning"', '"arguments"'] as const;

/**
 * Bytes of text that a model wrote in a piece of JSON (one character a byte), found without parsing it: the strings of
 * the fields that carry text. A name that stands inside a text has escaped quotes there, so it is not taken for one.
 */
export function countText(json: string): number {
  let bytes = 0;
  for (const field of TEXT_FIELDS) {
    for (let at = json.indexOf(field); at >= 0; at = json.indexOf(field, at + field.length)) {
      const value = valueAfter(json, at + field.length);
      if (json.charCodeAt(value) === QUOTE) bytes += countString(json, value + 1);
    }
  }
  return bytes;
}

/** Where the value of a field begins, given where its name (with both quotes) ends; −1 where no colon follows. */
export function valueAfter(json: string, nameEnd: number): number {
  let at = skipSpace(json, nameEnd);
  if (json.charCodeAt(at) !== COLON) return -1;
  at = skipSpace(json, at + 1);
  return at;
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

function skipSpace(json: string, from: number): number {
  let at = from;
  for (let code = json.charCodeAt(at); code === 0x20 || (code >= 0x09 && code <= 0x0d); code = json.charCodeAt(at)) {
    at += 1;
  }
  return at;
}

/** UTF-8 bytes of the string whose first character is at `start`. */
function countString(json: string, start: number): number {
  const quote = json.indexOf('"', start);
  const end = quote < 0 ? json.length : quote;
  return json.slice(start, end).includes("\\") ? countEscaped(json, start) : end - start;
}

function countEscaped(json: string, start: number): number {
  let bytes = 0;
  for (let at = start; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) break;
    bytes += 1;
    if (code !== BACKSLASH) continue;
    at += 1;
    if (json[at] !== "u") continue;
    bytes += utf8Bytes(Number.parseInt(json.slice(at + 1, at + 5), 16)) - 1;
    at += 4;
  }
  return bytes;
}

function utf8Bytes(unit: number): number {
  if (unit < 0x80) return 1;
  if (unit < 0x800 || (unit >= 0xd800 && unit < 0xe000)) return 2; // half of a pair is half of four bytes
  return 3;
}
