import fc from "fast-check";
import { expect, test } from "vitest";
import { findSyntaxError, isTooDeep, MOST_JSON_LEVELS } from "./json-syntax.ts";

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

test.each([
  ['{"a":}', 1, 6],
  ['{"a":1,}', 1, 8],
  ["{'a':1}", 1, 2],
  ['{"a" 1}', 1, 6],
  ["[1,\n 2,\n  x]", 3, 3],
  ['{"a":1}}', 1, 8],
  ["[1 2]", 1, 4],
  ['{"a":01}', 1, 7],
  ['{"a":tru}', 1, 6],
  ['{"a":"b\nc"}', 1, 6],
  ['{"a":"\\x"}', 1, 6],
  ['{"a":[1,2', 1, 10],
  ['{"a":"b', 1, 8],
  ["", 1, 1],
  ["[}", 1, 2],
  ["{1:2}", 1, 2],
])("%j breaks at line %i, column %i", (text, line, column) => {
  expect(isJson(text)).toBe(false);
  expect(findSyntaxError(text)).toMatchObject({ line, column });
});

test("finds an error exactly where JSON.parse does not accept the text", () => {
  const broken = fc
    .tuple(
      fc.json({ maxDepth: 4 }),
      fc.nat(),
      fc.nat(3),
      fc.constantFrom("", "{", "}", "[", "]", ",", ":", '"', "\\", "1", "-", ".", "e", "t", "\n", "\t"),
    )
    .map(([text, at, cut, put]) => {
      const start = at % (text.length + 1);
      return text.slice(0, start) + put + text.slice(start + cut);
    });
  fc.assert(
    fc.property(broken, (text) => {
      expect(findSyntaxError(text) === undefined).toBe(isJson(text));
    }),
    { numRuns: 5000 },
  );
});

test("a text that breaks off is wrong at its end, not before", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), fc.nat(), (text, at) => {
      const broken = text.slice(0, at % text.length).replace(/[^[{,:]+$/, "");
      if (!isString(text, broken.length)) expect(findSyntaxError(broken)?.offset).toBe(broken.length);
    }),
    { numRuns: 1000 },
  );
});

/** Whether the place is inside a string. */
function isString(text: string, at: number): boolean {
  return (text.slice(0, at).replaceAll(/\\./g, "").match(/"/g)?.length ?? 0) % 2 === 1;
}

test("depth has no limit but the text", () => {
  expect(findSyntaxError("[".repeat(500_000))?.offset).toBe(500_000);
  expect(findSyntaxError(`${"[".repeat(500_000)}${"]".repeat(500_000)}`)).toBeUndefined();
});

test("a text of too many levels is known, and brackets in strings are no levels", () => {
  const deep = (levels: number) => `${"[".repeat(levels)}"${'\\\\\\"]{['.repeat(900)}"${"]".repeat(levels)}`;
  expect(isTooDeep(deep(MOST_JSON_LEVELS))).toBe(false);
  expect(isTooDeep(deep(MOST_JSON_LEVELS + 1))).toBe(true);
  expect(isTooDeep('{"a":'.repeat(MOST_JSON_LEVELS + 1))).toBe(true);
  expect(isTooDeep(`[${"[],{},".repeat(MOST_JSON_LEVELS)}0]`)).toBe(false);
  expect(isTooDeep(`["${"[".repeat(9_000)}`)).toBe(false);
});
