import { describe, expect, test } from "vitest";
import { MOST_JSON_LEVELS } from "./json-syntax.ts";
import { numberOf, parseJson, placeOf, wordOf } from "./json-values.ts";

/** What no text and no number can be made of: to try throws. */
const UNSPEAKABLE = JSON.parse('{"toString":null,"valueOf":1}') as object;

describe("values of JSON that somebody else wrote", () => {
  test("what is deeper than could be written again is no value", () => {
    const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
    expect(JSON.stringify(parseJson(nested(MOST_JSON_LEVELS)))).toBe(nested(MOST_JSON_LEVELS));
    expect(parseJson(nested(100_000))).toBeUndefined();
    expect(parseJson("{")).toBeUndefined();
  });

  test.each([
    ["a", "a"],
    [7, "7"],
    [false, "false"],
    [null, ""],
    [undefined, ""],
    [["a"], ""],
    [UNSPEAKABLE, ""],
  ])("the word of %j is %j", (value, word) => {
    expect(wordOf(value)).toBe(word);
  });

  test.each([
    [7, 7],
    ["7", 7],
    [null, 0],
    [undefined, Number.NaN],
    ["x", Number.NaN],
    [[7], Number.NaN],
    [UNSPEAKABLE, Number.NaN],
  ])("the number of %j is %j", (value, number) => {
    expect(numberOf(value)).toBe(number);
  });

  test.each([
    [0, 0],
    [3, 3],
    [-1, 9],
    [0.5, 9],
    [1e30, 9],
    ["1", 9],
    [null, 9],
  ])("the tenth item, which says that its place is %j, stands at %j", (index, place) => {
    expect(placeOf(index, 9)).toBe(place);
  });
});
