import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nearest } from "./nearest.ts";

describe("nearest", () => {
  test.each([
    ["curency", ["currency", "rates", "payers"], ["currency"]],
    ["apiKye", ["apiKey", "secret"], ["apiKey"]],
    ["maxOutputToken", ["contextTokens", "maxOutputTokens"], ["maxOutputTokens"]],
    ["timeZone", ["timezone", "window"], ["timezone"]],
    ["qwen3", ["bailian/qwen3-max", "lab/mini"], ["bailian/qwen3-max"]],
    ["buget", ["id", "budgets", "keys"], ["budgets"]],
    ["zzz", ["currency", "rates"], []],
  ])("%s in %j → %j", (name, candidates, found) => {
    expect(nearest(name, candidates)).toEqual(found);
  });

  test("the nearest comes first, and no more than asked for", () => {
    expect(nearest("rote", ["rates", "route", "routes"], 2)).toEqual(["route", "routes"]);
    expect(nearest("model", ["models", "model", "modes"], 2)).toEqual(["model", "models"]);
  });

  test("one edit of a name is always found", () => {
    const names = ["currency", "endpoints", "payers", "budgets", "timezone"];
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(), fc.constantFrom("a", "z", ""), (name, at, letter) => {
        const position = at % name.length;
        const edited = name.slice(0, position) + letter + name.slice(position + 1);
        expect(nearest(edited, names)[0]).toBe(name);
      }),
    );
  });
});
