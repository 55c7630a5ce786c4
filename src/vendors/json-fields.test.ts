import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { closesDocument, scanFields, scanItems, splice } from "./json-fields.ts";

const names = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('a"b', "\\", "é", "买单", "model", "\u0000"));
const long = fc
  .tuple(fc.constantFrom("x", '"', "\\", '\\\\"', "字"), fc.integer({ min: 50, max: 200 }))
  .map(([unit, count]) => unit.repeat(count));
const values = fc.oneof(fc.jsonValue({ maxDepth: 3 }), long);
const spaces = fc.constantFrom(undefined, 1, "\t", " \n");

describe("scanning", () => {
  test("every field of an object is found where it stands", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(names, values), { selector: ([name]) => name }),
        spaces,
        (entries, indent) => {
          const parts = entries.map(
            ([name, value]) => `${JSON.stringify(name)} :${JSON.stringify(value, undefined, indent)}`,
          );
          const json = Buffer.from(` \r\n{ ${parts.join(" ,\t")}}  `);
          const found = [...scanFields(json)].map(([name, { start, end }]) => [
            name,
            json.toString("utf8", start, end),
          ]);
          expect(found).toEqual(entries.map(([name, value]) => [name, JSON.stringify(value, undefined, indent)]));
        },
      ),
    );
  });

  test("every item of a list is found where it stands", () => {
    fc.assert(
      fc.property(fc.array(values), spaces, (items, indent) => {
        const json = Buffer.from(`[ ${items.map((item) => JSON.stringify(item, undefined, indent)).join(" , ")} ]`);
        const found = scanItems(json, 0).map(({ start, end }) => JSON.parse(json.toString("utf8", start, end)));
        expect(found).toEqual(JSON.parse(json.toString()));
      }),
    );
  });

  test("names are told as they read, however they are spelled, and repetitions as they come", () => {
    const repeated: string[] = [];
    const json = Buffer.from('{"mod\\u0065l":1,"model":2,"x":3,"x":4}');
    const fields = scanFields(json, 0, (name) => repeated.push(name));
    expect([...fields.keys()]).toEqual(["model", "x"]);
    expect(json.toString("utf8", fields.get("model")!.start, fields.get("model")!.end)).toBe("2");
    expect(repeated).toEqual(["model", "x"]);
  });

  test("broken text ends the scan, within the text", () => {
    const pieces = fc.array(fc.constantFrom("{", "}", "[", "]", '"', ":", ",", "\\", "a", " ", "1", "é"), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(pieces, (parts) => {
        const json = Buffer.from(parts.join(""));
        for (const span of [...scanFields(json).values(), ...scanItems(json, 0)]) {
          expect(span.end).toBeLessThanOrEqual(json.length);
          expect(span.end).toBeGreaterThan(span.start);
        }
      }),
    );
  });
});

test("a place is at the top of a whole document only where one brace closes it", () => {
  const document = '{"a":{"usage":{"x":"}"}},"usage":{"y":[1]},"z":"]}"}';
  const after = (part: string): number => document.indexOf(part) + part.length;
  expect(closesDocument(Buffer.from(document), after('"usage":{"y":[1]}'))).toBe(true);
  expect(closesDocument(Buffer.from(`${document} \n`), after('"usage":{"y":[1]}'))).toBe(true);
  expect(closesDocument(Buffer.from(document), after('{"x":"}"}'))).toBe(false);
  expect(closesDocument(Buffer.from(`${document}{}`), after('"usage":{"y":[1]}'))).toBe(false);
  expect(closesDocument(Buffer.from(document.slice(0, -1)), after('"usage":{"y":[1]}'))).toBe(false);
});

describe("splicing", () => {
  test("replaces what it is told and nothing else", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        fc.array(fc.tuple(fc.nat(50), fc.nat(5), fc.string({ unit: "grapheme" }))),
        (text, raw) => {
          const original = Buffer.from(text);
          let from = 0;
          const pieces = raw.map(([gap, length, replacement]) => {
            const start = Math.min(original.length, from + gap);
            const end = Math.min(original.length, start + length);
            from = end;
            return { start, end, text: replacement };
          });
          let expected = Buffer.alloc(0);
          let at = 0;
          for (const piece of pieces) {
            expected = Buffer.concat([expected, original.subarray(at, piece.start), Buffer.from(piece.text)]);
            at = piece.end;
          }
          expect(splice(original, pieces)).toEqual(Buffer.concat([expected, original.subarray(at)]));
        },
      ),
    );
  });

  test("in any order, and nothing at all", () => {
    const original = Buffer.from("abcdef");
    const pieces = [
      { start: 4, end: 5, text: "E" },
      { start: 0, end: 0, text: ">" },
      { start: 1, end: 3, text: "" },
    ];
    expect(splice(original, pieces).toString()).toBe(">adEf");
    expect(splice(original, [])).toBe(original);
  });
});
