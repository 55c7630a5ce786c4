import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  convert,
  convertUp,
  divideHalfEven,
  divideUp,
  formatAmount,
  formatDecimal,
  inverse,
  multiplyRates,
  parseAmount,
  parseDecimal,
  parseRate,
  reduceRate,
  UNIT_RATIO,
} from "./money.ts";

const nano = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
const positive = fc.bigInt({ min: 1n, max: 10n ** 30n });
const ratio = fc.record({ numerator: positive, denominator: positive });

describe("decimals", () => {
  test.each([
    ["5", 5_000_000_000n],
    ["5.00", 5_000_000_000n],
    ["0.15", 150_000_000n],
    ["0.000000001", 1n],
    ["0.0000000010", 1n],
    ["-1.5", -1_500_000_000n],
    ["9223372036.854775807", (1n << 63n) - 1n],
    ["123456789012345678", 123456789012345678_000_000_000n],
  ])("%s is %s nano-units", (text, amount) => {
    expect(parseAmount(text)).toBe(amount);
  });

  test.each([
    "",
    " 5",
    "5 ",
    "+5",
    ".5",
    "5.",
    "1e3",
    "0x10",
    "1,000",
    "NaN",
    "Infinity",
    "０.１５",
    "0.0000000001",
    "--1",
  ])("%j is refused", (text) => {
    expect(parseAmount(text)).toBeUndefined();
  });

  test("are written alike, quickly or not, at any number of digits and next to any whole unit", () => {
    const near = fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 7n }), fc.bigInt({ min: -3n, max: 3n }));
    const small = near.map(([units, nanos]) => units * 10n ** 9n + nanos);
    fc.assert(
      fc.property(fc.oneof(small, fc.bigInt({ min: 0n, max: 2n * 10n ** 15n }), nano), (amount) => {
        expect(formatAmount(amount)).toBe(formatDecimal(amount, 9));
      }),
    );
  });

  test("writing and reading any amount gives it back", () => {
    fc.assert(
      fc.property(nano, (amount) => {
        expect(parseAmount(formatAmount(amount))).toBe(amount);
      }),
    );
  });

  test("any number of places, none included", () => {
    expect(formatDecimal(42n, 0)).toBe("42");
    expect(formatDecimal(-5n, 1)).toBe("-0.5");
    fc.assert(
      fc.property(nano, fc.integer({ min: 0, max: 18 }), (value, digits) => {
        const text = formatDecimal(value, digits);
        fc.pre(text.replace(/^-/, "").split(".")[0]!.length <= 18);
        expect(parseDecimal(text, digits)).toBe(value);
      }),
    );
  });
});

describe("division", () => {
  test.each([
    [5n, 10n, 0n],
    [15n, 10n, 2n],
    [25n, 10n, 2n],
    [35n, 10n, 4n],
    [-5n, 10n, 0n],
    [-15n, 10n, -2n],
    [-25n, 10n, -2n],
    [14n, 10n, 1n],
    [16n, 10n, 2n],
    [0n, 10n, 0n],
  ])("%s / %s rounds half to even: %s", (numerator, denominator, quotient) => {
    expect(divideHalfEven(numerator, denominator)).toBe(quotient);
  });

  test("half-even is never further than half away, and even at a tie", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), positive, (numerator, denominator) => {
        const quotient = divideHalfEven(numerator, denominator);
        const twice = 2n * (numerator - quotient * denominator);
        expect(twice <= denominator && twice >= -denominator).toBe(true);
        if (twice === denominator || twice === -denominator) expect(quotient % 2n).toBe(0n);
      }),
    );
  });

  test("up is the least whole number at or above", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), positive, (numerator, denominator) => {
        const quotient = divideUp(numerator, denominator);
        expect(quotient * denominator >= numerator).toBe(true);
        expect((quotient - 1n) * denominator < numerator).toBe(true);
      }),
    );
  });
});

describe("exchange rates", () => {
  test.each(["0", "-1", "", "abc", "1e2", "0.0000000000000000001"])("%j is no rate", (text) => {
    expect(parseRate(text)).toBeUndefined();
  });

  test("a held amount never converts to less than a settled one of at most its size", () => {
    fc.assert(
      fc.property(nano, nano, ratio, (a, b, rate) => {
        const [settled, held] = a < b ? [a, b] : [b, a];
        expect(convertUp(held, rate) >= convert(settled, rate)).toBe(true);
      }),
    );
  });

  test("an amount in its own currency stays as it is", () => {
    expect(convert(7n, UNIT_RATIO)).toBe(7n);
    expect(convertUp(7n, UNIT_RATIO)).toBe(7n);
  });

  test("there and back is one, and lowest terms change nothing", () => {
    fc.assert(
      fc.property(ratio, nano, (rate, amount) => {
        expect(multiplyRates(rate, inverse(rate))).toEqual(UNIT_RATIO);
        expect(convert(amount, reduceRate(rate))).toBe(convert(amount, rate));
      }),
    );
    expect(reduceRate(parseRate("7.10")!)).toEqual({ numerator: 71n, denominator: 10n });
  });
});
