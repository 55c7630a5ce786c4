import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countPieces, firstPieces, pieceEnd, repeatPieces } from "./pieces.ts";

function split(text: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = pieceEnd(text, at);
    pieces.push(text.slice(at, end));
    at = end;
  }
  return pieces;
}

/** Whether no surrogate stands alone. */
const wellFormed = (text: string): boolean => Buffer.from(text).toString() === text;

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("", "a", "买单"),
);

describe("pieces", () => {
  test.each([
    ["hello, world", ["hell", "o, w", "orld"]],
    ["买单 is pay", ["买", "单", " is ", "pay"]],
    ["a😀b", ["a", "😀", "b"]],
    ["é", ["é"]],
    ["", []],
  ])("%j", (text, pieces) => {
    expect(split(text)).toEqual(pieces);
    expect(countPieces(text)).toBe(pieces.length);
  });

  test("join to the text, cut no character, and are never more than its UTF-8 bytes", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const pieces = split(text);
        expect(pieces.join("")).toBe(text);
        expect(pieces.every(wellFormed)).toBe(wellFormed(text));
        expect(pieces.length).toBe(countPieces(text));
        expect(pieces.length).toBeLessThanOrEqual(Buffer.byteLength(text));
      }),
    );
  });

  test("the first pieces are a beginning of so many tokens", () => {
    fc.assert(
      fc.property(anyText, fc.nat(40), (text, most) => {
        const first = firstPieces(text, most);
        expect(text.startsWith(first.text)).toBe(true);
        expect(countPieces(first.text)).toBe(first.tokens);
        expect(first.tokens).toBe(Math.min(most, countPieces(text)));
      }),
    );
  });

  test("a repeated text has exactly the tokens asked for", () => {
    fc.assert(
      fc.property(anyText, fc.nat(300), (text, tokens) => {
        expect(countPieces(repeatPieces(text, tokens))).toBe(tokens);
      }),
    );
  });
});
