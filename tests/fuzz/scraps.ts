import type { Random } from "./random.ts";

/** Odd values, each of which has broken some program somewhere. Written as they stand on the wire. */

/** JSON tokens. */
const TOKENS = [
  ...["null", "true", "false", "0", "-0", "1", "-1", "1.5", "1e0", "0.1e-7", "1e308", "1e309", "-1e400", "1e-400"],
  ...["2147483647", "2147483648", "4294967296", "9007199254740991", "9007199254740993", "18446744073709551616"],
  ...["123456789012345678901234567890", "1000000000", "NaN", "Infinity", "undefined", "01", "+1", ".5", "0x10", "1_0"],
  ...['""', '" "', '"0"', '"-1"', '"1e9"', '"null"', '"__proto__"', '"constructor"', '"\\u0000"', '"\\ud83d"'],
  ...[
    '"\\udc00\\ud83d"',
    '"\ufeff"',
    '"\u2028\u2029"',
    '"\\r\\n\\r\\ndata: x\\n\\n"',
    '"[DONE]"',
    '"${HOME}"',
    '"$${"',
  ],
  ...["[]", "{}", "[[]]", "[{}]", "[null]", '{"":{}}', '{"__proto__":{"a":1}}', '{"a":1,"a":2}', '{"toString":null}'],
  ...[
    '{"constructor":{"prototype":{"x":1}}}',
    '{"length":1000000000}',
    '{"then":{}}',
    '{"toJSON":1}',
    '["a","b"]',
    "[1,2]",
  ],
];

/** Names of fields, in the spelling of JSON. */
export const NAMES = [
  ...[
    '"__proto__"',
    '"constructor"',
    '"prototype"',
    '"toString"',
    '"hasOwnProperty"',
    '"length"',
    '"then"',
    '"toJSON"',
  ],
  ...[
    '""',
    '"\\u006dodel"',
    '"Model"',
    '"MODEL"',
    '"model"',
    '"id"',
    '"type"',
    '"index"',
    '"error"',
    '"usage"',
    '"choices"',
  ],
  ...['"\\ud800"', '"\\u0000"', '"0"', '"-1"', '"4294967295"'],
];

/** Pieces of bytes. */
const BYTES = [
  ...["", "\0", "\r", "\n", "\r\n", "\n\n", "\r\r", "\r\n\r\n", "\t", " ", "\u2028", "\ufeff", "\u00e9", "买单", "🧾"],
  ...[
    "data:",
    "data: ",
    "data: [DONE]\n\n",
    "event: error\n",
    ": ping\n\n",
    "id: 1\n",
    "retry: 1\n",
    "{",
    "}",
    "[",
    "]",
  ],
  ...[
    '"',
    '\\"',
    "\\",
    ",",
    ":",
    "&a",
    "*a",
    "<<: *a",
    "!!js/function",
    "!!binary",
    "%YAML 1.1",
    "---\n",
    "...\n",
    "? ",
    "- ",
  ],
  ...[
    "|",
    ">",
    "#",
    "${",
    "${X}",
    "Infinity",
    ".inf",
    ".nan",
    "0o7",
    "1:30",
    "~",
    "=",
    "%00",
    "%",
    "..",
    "/",
    "//",
    "?",
  ],
].map((text) => Buffer.from(text));

/** Bytes that are no UTF-8. */
const BROKEN_UTF8 = [
  "ff",
  "c0af",
  "ed a0 80",
  "f0 9f 98",
  "fe ff",
  "e2 82",
  "80",
  "f4 90 80 80",
  "ef bb bf ef bb bf",
].map((hex) => Buffer.from(hex.replaceAll(" ", ""), "hex"));

export function scrapBytes(random: Random): Buffer {
  if (random.once(4)) return random.pick(BROKEN_UTF8);
  if (random.once(8)) return random.bytes(random.between(1, 24));
  return random.pick(BYTES);
}

/** A JSON value as it is written; now and then one that no JSON is, or very deep, or very long. */
export function scrapJson(random: Random): string {
  if (random.once(16)) return deepJson(random);
  if (random.once(24)) return JSON.stringify("x买🧾\u0007".repeat(random.between(1, 2_000)));
  if (random.once(24)) return `[${Array.from({ length: random.between(1, 3_000) }, () => "{}").join(",")}]`;
  if (random.once(8)) return String(random.next() * (random.once(2) ? 1 : -1) * 10 ** random.between(-12, 12));
  return random.pick(TOKENS);
}

/** As deep as parsers take it, and deeper than many who walk it do. */
export function deepJson(random: Random): string {
  const levels = random.pick([50, 500, 5_000, 20_000]);
  if (random.once(2)) return "[".repeat(levels) + "]".repeat(levels);
  const [open, value] = random.pick([
    ['{"a":', "1"],
    ['[{"type":"object","properties":', "{}"],
    ['{"content":[', ""],
    ['{"items":', "null"],
  ] as const);
  const close = [...open]
    .reverse()
    .map((one) => (one === "{" ? "}" : one === "[" ? "]" : ""))
    .join("");
  return open.repeat(levels) + value + close.repeat(levels);
}
