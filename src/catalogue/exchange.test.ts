import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fault } from "../base/faults.ts";
import { convert, formatDecimal, parseAmount, UNIT_RATIO } from "../base/money.ts";
import type { RateSetting } from "../config/settings.ts";
import { ExchangeTable, parseRateText } from "./exchange.ts";

const settings: RateSetting[] = [
  { from: "USD", to: "CNY", rate: "7.10", since: "2026-11-01" },
  { from: "USD", to: "CNY", rate: "7.25", since: "2026-11-15" },
  { from: "EUR", to: "CNY", rate: "8.2", since: "2026-11-01" },
  { from: "GBP", to: "USD", rate: "1.3", since: "2026-11-10" },
];
const table = new ExchangeTable(settings, "CNY");
const at = (day: string): number => Date.parse(`${day}T12:00:00Z`);

describe("rates", () => {
  test.each([
    ["USD", "CNY", "2026-11-01", "7.1"],
    ["USD", "CNY", "2026-11-14", "7.1"],
    ["USD", "CNY", "2026-11-15", "7.25"],
    ["CNY", "USD", "2026-11-14", "1/7.1"],
    ["USD", "EUR", "2026-11-14", "7.1/8.2"],
    ["EUR", "USD", "2026-11-15", "8.2/7.25"],
    ["GBP", "CNY", "2026-11-15", "1.3*7.25"],
    ["CNY", "GBP", "2026-11-15", "1/7.25/1.3"],
  ])("%s to %s on %s is %s", (from, to, day, text) => {
    const rate = table.rate(from, to, at(day));
    expect(rate?.text).toBe(text);
    expect(parseRateText(text)).toEqual(rate?.ratio);
  });

  test("a rate holds from its very instant on", () => {
    const begin = Date.parse("2026-11-15T00:00:00Z");
    expect(table.rate("USD", "CNY", begin - 1)?.text).toBe("7.1");
    expect(table.rate("USD", "CNY", begin)?.text).toBe("7.25");
    expect(table.rate("USD", "CNY", begin - 1)?.text).toBe("7.1"); // what was remembered at `begin` says nothing of before
  });

  test("it is exact: 100 USD are 710 CNY, and 710 CNY are 100 USD again", () => {
    const there = convert(parseAmount("100")!, table.rate("USD", "CNY", at("2026-11-02"))!.ratio);
    expect(there).toBe(parseAmount("710"));
    expect(convert(there, table.rate("CNY", "USD", at("2026-11-02"))!.ratio)).toBe(parseAmount("100"));
  });

  test("a currency is itself, with rates or without", () => {
    expect(new ExchangeTable([], "USD").rate("JPY", "JPY", 0)?.ratio).toBe(UNIT_RATIO);
    expect(parseRateText("1")).toEqual(UNIT_RATIO);
  });

  test("none before it begins, none over two others, none for a stranger", () => {
    expect(table.rate("USD", "CNY", at("2026-10-31"))).toBeUndefined();
    expect(table.rate("GBP", "CNY", at("2026-11-09"))).toBeUndefined();
    expect(table.rate("GBP", "EUR", at("2026-11-15"))).toBeUndefined();
    expect(table.rate("USD", "JPY", at("2026-11-15"))).toBeUndefined();
    expect(new ExchangeTable([], "USD").rate("CNY", "USD", 0)).toBeUndefined();
  });

  test("a rate that was set goes before the inverse of another, even of a later one", () => {
    for (const order of [0, 1]) {
      const both: RateSetting[] = [
        { from: "USD", to: "CNY", rate: "7", since: "2026-11-01" },
        { from: "CNY", to: "USD", rate: "0.15", since: "2026-11-02" },
      ];
      const own = new ExchangeTable(order ? both.reverse() : both, "CNY");
      expect(own.rate("USD", "CNY", at("2026-11-03"))?.text).toBe("7");
      expect(own.rate("CNY", "USD", at("2026-11-03"))?.text).toBe("0.15");
    }
  });

  test("of two that begin at once the last holds", () => {
    const twice: RateSetting[] = ["7", "8"].map((rate) => ({ from: "USD", to: "CNY", rate, since: "2026-11-01" }));
    expect(new ExchangeTable(twice, "CNY").rate("USD", "CNY", at("2026-11-02"))?.text).toBe("8");
  });

  test("what is remembered changes no answer", () => {
    const pair = fc.constantFrom("USD", "CNY", "EUR", "GBP", "JPY");
    const day = fc.integer({ min: Date.UTC(2026, 9, 30), max: Date.UTC(2026, 10, 20) });
    fc.assert(
      fc.property(pair, pair, day, (from, to, instant) => {
        expect(table.rate(from, to, instant)).toEqual(new ExchangeTable(settings, "CNY").rate(from, to, instant));
      }),
    );
  });
});

test("every text leads back to its rate, whatever the decimals", () => {
  const decimal = fc.bigInt({ min: 1n, max: 10n ** 22n }).map((value) => formatDecimal(value, 18));
  fc.assert(
    fc.property(decimal, decimal, (first, second) => {
      const two = new ExchangeTable(
        [
          { from: "AAA", to: "BBB", rate: first, since: "2026-01-01" },
          { from: "CCC", to: "BBB", rate: second, since: "2026-01-01" },
        ],
        "BBB",
      );
      for (const [from, to] of [
        ["AAA", "BBB"],
        ["BBB", "AAA"],
        ["AAA", "CCC"],
        ["CCC", "AAA"],
      ] as const) {
        const rate = two.rate(from, to, at("2026-11-01"))!;
        expect(parseRateText(rate.text)).toEqual(rate.ratio);
      }
    }),
  );
});

test.each(["", "x", "0", "-7", "7.1.2", "7*", "1/0", "1*2*3*4", "7 .1", "1e3"])("%j is no rate text", (text) => {
  expect(parseRateText(text)).toBeUndefined();
});

test.each([
  [{ from: "USD", to: "CNY", rate: "0", since: "2026-11-01" }, "rates[0].rate"],
  [{ from: "USD", to: "CNY", rate: "seven", since: "2026-11-01" }, "rates[0].rate"],
  [{ from: "USD", to: "USD", rate: "1", since: "2026-11-01" }, "rates[0]"],
  [{ from: "USD", to: "CNY", rate: "7", since: "tomorrow" }, "rates[0].since"],
])("%j is refused", (setting, where) => {
  expect(() => new ExchangeTable([setting], "USD")).toThrow(Fault);
  expect(() => new ExchangeTable([setting], "USD")).toThrow(where);
});
