/** Where a text stops being JSON, for a person who has to correct it. Lines and columns count from 1, in characters. */
export interface SyntaxPlace {
  readonly line: number;
  readonly column: number;
  /** Characters before it. */
  readonly offset: number;
}

type Expected = "value" | "item or end" | "name" | "name or end" | "colon" | "comma or end" | "nothing";

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERALS = ["true", "false", "null"] as const;

/**
 * The place of the first character that cannot stand where it does; the end of the text where that comes too early;
 * undefined in valid JSON. Used only after `JSON.parse` has refused, whose own messages name no place and quote the
 * text, which may be private.
 */
export function findSyntaxError(text: string): SyntaxPlace | undefined {
  const open: ("{" | "[")[] = [];
  let expected: Expected = "value";
  let offset = skipSpace(text, 0);
  while (offset < text.length) {
    const character = text[offset]!;
    let next = -1;
    if (expected === "nothing") return placeOf(text, offset);
    if (expected === "colon") {
      if (character === ":") next = offset + 1;
      expected = "value";
    } else if (expected === "comma or end" && character === ",") {
      next = offset + 1;
      expected = open.at(-1) === "{" ? "name" : "value";
    } else if (character === (open.at(-1) === "{" ? "}" : "]") && mayClose(expected)) {
      open.pop();
      next = offset + 1;
      expected = open.length === 0 ? "nothing" : "comma or end";
    } else if (expected === "name" || expected === "name or end") {
      if (character === '"') next = skipString(text, offset);
      expected = "colon";
    } else if (expected !== "comma or end" && (character === "{" || character === "[")) {
      open.push(character);
      next = offset + 1;
      expected = character === "{" ? "name or end" : "item or end";
    } else if (expected !== "comma or end") {
      next = skipScalar(text, offset);
      expected = open.length === 0 ? "nothing" : "comma or end";
    }
    if (next < 0) return placeOf(text, offset);
    if (next > text.length) return placeOf(text, text.length);
    offset = skipSpace(text, next);
  }
  return expected === "nothing" ? undefined : placeOf(text, text.length);
}

function mayClose(expected: Expected): boolean {
  return expected === "name or end" || expected === "item or end" || expected === "comma or end";
}

function skipSpace(text: string, from: number): number {
  let offset = from;
  while (" \n\r\t".includes(text[offset] ?? "?")) offset += 1;
  return offset;
}

/** One past the string; −1 where it holds what no string may; beyond the text where it does not end. */
function skipString(text: string, start: number): number {
  for (let offset = start + 1; offset < text.length; offset++) {
    const character = text.charCodeAt(offset);
    if (character === 0x22) return offset + 1;
    if (character < 0x20) return -1;
    if (character !== 0x5c) continue;
    offset += 1;
    if (text[offset] === "u") {
      if (!/^[0-9a-fA-F]{4}$/.test(text.slice(offset + 1, offset + 5))) return -1;
      offset += 4;
    } else if (offset < text.length && !'"\\/bfnrt'.includes(text[offset]!)) return -1;
  }
  return text.length + 1;
}

function skipScalar(text: string, start: number): number {
  if (text[start] === '"') return skipString(text, start);
  for (const literal of LITERALS) if (text.startsWith(literal, start)) return start + literal.length;
  NUMBER.lastIndex = start;
  return NUMBER.test(text) ? NUMBER.lastIndex : -1;
}

function placeOf(text: string, offset: number): SyntaxPlace {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - lineStart + 1, offset };
}

/** Levels of objects and lists within each other. Deeper ones are read well, but not written again: the stack runs out. */
export const MOST_JSON_LEVELS = 500;

/** Whether a JSON text holds more levels than `MOST_JSON_LEVELS`. */
export function isTooDeep(text: string): boolean {
  if (text.length <= MOST_JSON_LEVELS) return false;
  let level = 0;
  for (let offset = 0; offset < text.length; offset++) {
    const character = text.charCodeAt(offset);
    if (character === 0x22) offset = lastOfString(text, offset);
    else if (character === 0x7b || character === 0x5b) {
      level += 1;
      if (level > MOST_JSON_LEVELS) return true;
    } else if (character === 0x7d || character === 0x5d) level -= 1;
  }
  return false;
}

/** The quote that ends the string which begins at `start`; the end of the text where there is none. */
function lastOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let escapes = quote;
    while (text.charCodeAt(escapes - 1) === 0x5c) escapes -= 1;
    if ((quote - escapes) % 2 === 0) return quote;
  }
  return text.length;
}
