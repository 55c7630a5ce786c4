/**
 * Finds fields in JSON (one character a byte) without parsing it. A name that stands inside a text has escaped quotes
 * there, so it is not taken for one. Names are searched for from their first letter on: every search for a quote would
 * stop at each of the many quotes of JSON.
 */

/**
 * Where the value begins of the next field called `name` at or after `from`; −1 where there is none. `name` is written
 * with its last quote only: `usage"`.
 */
export function findField(json: string, name: string, from = 0): number {
  for (let at = json.indexOf(name, from); at >= 0; at = json.indexOf(name, at + name.length)) {
    if (json.charCodeAt(at - 1) !== QUOTE) continue;
    const value = valueAfter(json, at + name.length);
    if (value >= 0) return value;
  }
  return -1;
}

/** Where the value of a field begins, given where its name (with both quotes) ends; −1 where no colon follows. */
export function valueAfter(json: string, nameEnd: number): number {
  let at = nameEnd;
  if (json.charCodeAt(at) !== COLON) {
    at = skipSpace(json, at);
    if (json.charCodeAt(at) !== COLON) return -1;
  }
  return skipSpace(json, at + 1);
}

/** The first character at or after `from` that is no space. */
export function skipSpace(json: string, from: number): number {
  let at = from;
  while (json.charCodeAt(at) <= 0x20) at += 1;
  return at;
}

/** Bytes of text that a model wrote: the strings of the fields that carry text, as UTF-8, from `from` on. */
export function countText(json: string, from = 0): number {
  let bytes = 0;
  // All names in one search, for their ends: in a long text quotes are rarer than any letter.
  for (let end = json.indexOf(NAME_END, from); end >= 0; end = json.indexOf(NAME_END, end + 2)) {
    const name = TEXT_NAMES[json.charCodeAt(end - 1) - LOWER_A];
    if (name === undefined || !json.startsWith(name, end - name.length)) continue;
    if (!beginsName(json, end - name.length)) continue;
    bytes += countString(json, skipSpace(json, end + 2));
  }
  return bytes;
}

const NAME_END = '":';
const LOWER_A = 0x61;
/** The fields that carry text, by the last letter of their names. */
const TEXT_NAMES: readonly (string | undefined)[] = Array.from(
  { length: 26 },
  (_, letter) => ({ t: "content", g: "reasoning", s: "arguments" })[String.fromCharCode(LOWER_A + letter)],
);
const PREFIX = '"reasoning_';

/** Whether a name begins at `start`, or is the end of `reasoning_content`. */
function beginsName(json: string, start: number): boolean {
  return json.charCodeAt(start - 1) === QUOTE || json.startsWith(PREFIX, start - PREFIX.length);
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/** UTF-8 bytes of the string that begins at `quote`; 0 where none does. */
export function countString(json: string, quote: number): number {
  if (json.charCodeAt(quote) !== QUOTE) return 0;
  const start = quote + 1;
  const found = json.indexOf('"', start);
  const end = found < 0 ? json.length : found;
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
