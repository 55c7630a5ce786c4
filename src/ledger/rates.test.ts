import { expect, test } from "vitest";
import { convert, parseRate } from "../base/money.ts";
import { addRate, readRate, readRates, writeRates } from "./rates.ts";

test.each([
  ["7.1", 1_000n, 7_100n],
  ["1/7.1", 7_100n, 1_000n],
  ["7.1*0.5", 1_000n, 3_550n],
  ["7.1/2", 1_000n, 3_550n],
  ["1/8/0.125", 1_000n, 1_000n],
])("%s is read exactly", (text, amount, converted) => {
  expect(convert(amount, readRate(text)!)).toBe(converted);
});

test.each(["", "x", "7.1*", "-1", "0", "7,1"])("%j is no rate", (text) => {
  expect(readRate(text)).toBeUndefined();
});

test("what is written is read again, and what stands there already stays", () => {
  const ratio = parseRate("7.1")!;
  const text = writeRates(
    new Map([
      ["CNY", { ratio, text: "7.1" }],
      ["EUR", { ratio, text: "1/1.08" }],
    ]),
  );
  expect(text).toBe("CNY:7.1,EUR:1/1.08");
  expect([...readRates(text)]).toEqual([
    ["CNY", "7.1"],
    ["EUR", "1/1.08"],
  ]);
  expect(addRate(text, "JPY", { ratio, text: "150" })).toBe(`${text},JPY:150`);
  expect(addRate(text, "CNY", { ratio, text: "8" })).toBe(text);
  expect([...readRates("")]).toEqual([]);
});
