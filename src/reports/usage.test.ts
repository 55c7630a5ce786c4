import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import { divideHalfEven, parseRate, type Ratio } from "../base/money.ts";
import { Books, CHEAP, DEAR } from "../records/books.suite.ts";
import { PHASE } from "../store/spec.ts";
import { ConvertedSum, type RateLookup } from "./conversion.ts";
import { reportUsage } from "./usage.ts";
import type { UsageAsk } from "./usage-ask.ts";

const RATES: [since: string, rate: string][] = [
  ["2026-01-01T00:00:00Z", "7.10"],
  ["2026-11-10T00:00:00Z", "7.123456789"],
];
const CHANGES = RATES.map(([since]) => Date.parse(since));

const rateOf: RateLookup = (from, to, at) => {
  if (from !== "USD" || to !== "CNY") return undefined;
  const found = RATES.findLast(([since]) => Date.parse(since) <= at);
  return found && { ratio: parseRate(found[1])! };
};

interface Told {
  at: number;
  payer: string;
  model: string;
  currency: string;
  cost: bigint;
  input: number;
  output: number;
}

describe("usage", () => {
  let books: Books;
  const told: Told[] = [];

  beforeAll(async () => {
    books = await Books.open();
    const start = Date.parse("2026-10-24T00:00:00Z");
    for (let n = 0; n < 60; n++) {
      // Every 11 hours and some minutes over the end of daylight saving (25 October, 1 November) and the change of rate.
      const at = start + n * (11 * 3_600_000 + 7 * 60_000);
      const dear = n % 3 === 0;
      const usage = { input: 1_000 + n, cachedInput: n % 5, output: 100 + 7 * n, reasoning: n % 4 };
      const payer = ["acme", "support", "sales"][n % 3]!;
      const model = dear ? "bailian/qwen" : "lab/mini";
      await books.attempt({
        at,
        payer,
        model,
        price: dear ? DEAR : CHEAP,
        usage,
        basis: n % 7 ? "reported" : "estimated",
      });
      const cost = dear
        ? BigInt(usage.input + usage.cachedInput) * 2_400n + BigInt(usage.output + usage.reasoning) * 9_600n + 1n
        : BigInt(usage.input) * 150n + BigInt(usage.cachedInput) * 75n + BigInt(usage.output + usage.reasoning) * 600n;
      told.push({
        at: at + 250,
        payer,
        model,
        currency: dear ? "CNY" : "USD",
        cost,
        input: usage.input + usage.cachedInput,
        output: usage.output + usage.reasoning,
      });
    }
  });
  afterAll(() => books.close());

  const report = (ask: Partial<UsageAsk>) =>
    reportUsage(books.store.query, { by: [], timezone: "UTC", ...ask }, rateOf, CHANGES, DEFAULT_LIMITS);

  /** The day by another hand than the report's. */
  const dayIn = (timezone: string, at: number) =>
    new Intl.DateTimeFormat("en-CA", { timeZone: timezone, year: "numeric", month: "2-digit", day: "2-digit" }).format(
      at,
    );

  test.each(["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])(
    "by day in %s is what each call says by itself",
    async (timezone) => {
      const rows = await report({ by: ["day", "payer"], timezone });
      const expected = new Map<string, { cost: bigint; calls: number; input: number; output: number }>();
      for (const { at, payer, currency, cost, input, output } of told) {
        const key = `${dayIn(timezone, at)} ${payer} ${currency}`;
        const sum = expected.get(key) ?? { cost: 0n, calls: 0, input: 0, output: 0 };
        expected.set(key, {
          cost: sum.cost + cost,
          calls: sum.calls + 1,
          input: sum.input + input,
          output: sum.output + output,
        });
      }
      const found = rows.map(({ keys, currency, cost, calls, inputTokens: input, outputTokens: output }) => [
        `${keys.day} ${keys.payer} ${currency}`,
        { cost, calls, input, output },
      ]);
      expect(found).toHaveLength(expected.size);
      expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
    },
  );

  test("by hour in a zone with half hours falls on the hours of that zone", async () => {
    const rows = await report({ by: ["hour"], timezone: "Asia/Kolkata" });
    for (const { keys } of rows) expect(keys.hour).toMatch(/^2026-\d\d-\d\dT\d\d:00:00\+05:30$/);
    const starts = told.map(({ at }) => Math.floor((at + 19_800_000) / 3_600_000) * 3_600_000 - 19_800_000);
    const shown = rows.map(({ keys }) => Date.parse(keys.hour!));
    expect(new Set(shown)).toEqual(new Set(starts));
  });

  test("the hour that daylight saving repeats is two hours", async () => {
    const berlin = await Books.open();
    try {
      for (const at of ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]) await berlin.attempt({ at });
      const ask: UsageAsk = { by: ["hour", "day"], timezone: "Europe/Berlin" };
      const rows = await reportUsage(berlin.store.query, ask, rateOf, [], DEFAULT_LIMITS);
      expect(rows.map(({ keys }) => keys)).toEqual([
        { hour: "2026-10-25T02:00:00+02:00", day: "2026-10-25" },
        { hour: "2026-10-25T02:00:00+01:00", day: "2026-10-25" },
      ]);
    } finally {
      await berlin.close();
    }
  });

  test("from and to inside an hour are kept to the millisecond", async () => {
    const from = told[3]!.at;
    const to = told[20]!.at;
    const rows = await report({ from, to, by: ["payer"] });
    const within = told.filter(({ at }) => at >= from && at < to);
    expect(rows.reduce((sum, { calls }) => sum + calls, 0)).toBe(within.length);
    expect(rows.filter(({ currency }) => currency === "USD").reduce((sum, { cost }) => sum + cost, 0n)).toBe(
      within.filter(({ currency }) => currency === "USD").reduce((sum, { cost }) => sum + cost, 0n),
    );
  });

  test("in another currency: each at the rate of its time, rounded once a row", async () => {
    for (const by of [[], ["payer"], ["model", "day"], ["month"]] as const) {
      const rows = await report({ by, currency: "CNY", timezone: "Asia/Shanghai" });
      const groups = new Map<string, { numerator: bigint; denominator: bigint }>();
      for (const { at, payer, model, currency, cost } of told) {
        const day = dayIn("Asia/Shanghai", at);
        const parts = by.map((key) => ({ payer, model, day, month: day.slice(0, 7) })[key]);
        const { numerator, denominator } = currency === "CNY" ? one : rateOf("USD", "CNY", at)!.ratio;
        const sum = groups.get(parts.join(" ")) ?? { numerator: 0n, denominator: 1n };
        groups.set(parts.join(" "), {
          numerator: sum.numerator * denominator + cost * numerator * sum.denominator,
          denominator: sum.denominator * denominator,
        });
      }
      expect(rows).toHaveLength(groups.size);
      for (const { keys, cost, currency } of rows) {
        const sum = groups.get(by.map((key) => keys[key]).join(" "))!;
        expect(currency).toBe("CNY");
        expect(cost).toBe(divideHalfEven(sum.numerator, sum.denominator));
      }
    }
  });

  test("a pair without a rate is named", async () => {
    await expect(report({ currency: "EUR" })).rejects.toMatchObject({
      code: "invalid_request",
      param: "currency",
      details: { to: "EUR" },
    });
    const early = reportUsage(
      books.store.query,
      { by: [], timezone: "UTC", currency: "CNY" },
      (from, to, at) => (at < CHANGES[1]! ? undefined : rateOf(from, to, at)),
      CHANGES,
      DEFAULT_LIMITS,
    );
    await expect(early).rejects.toMatchObject({ details: { from: "USD", to: "CNY", day: "2026-10-24" } });
  });

  test("of some payers, by endpoint, key and route", async () => {
    const rows = await report({ by: ["endpoint", "key", "route"], payers: ["support"] });
    expect(rows.map(({ keys, calls, estimated }) => [keys, calls, estimated])).toEqual([
      [{ endpoint: "lab", key: "support-bot", route: "mini" }, 20, 3],
    ]);
    expect(await report({ payers: ["nobody"] })).toEqual([]);
  });

  test("a report that would be too long says so", async () => {
    const bounds = { reportRows: 10 };
    const long = reportUsage(books.store.query, { by: ["hour"], timezone: "UTC" }, rateOf, [], bounds);
    await expect(long).rejects.toMatchObject({ code: "invalid_request", param: "by" });
  });

  test("the roll-up and the entries tell the same: fallbacks, resolutions and adjustments too", async () => {
    const mixed = await Books.open();
    try {
      const at = Date.parse("2026-11-24T06:10:00Z");
      const first = await mixed.attempt({ at, end: "unsettled" });
      await mixed.attempt({ at: at + 500, call: first.slice(0, -2), model: "lab/other" });
      const resolved = { phase: PHASE.resolve, kind: "settle", basis: "vendor-bill", input: 5 } as const;
      await mixed.later(first, { ...resolved, at: at + 86_400_000, amount: 777n });
      await mixed.later(first, { phase: PHASE.adjust, kind: "adjust", n: 1, at: at + 90_000_000, amount: -7n });
      const ask = { by: ["model", "day"], timezone: "UTC" } as const;
      const rolled = await reportUsage(mixed.store.query, ask, rateOf, [], DEFAULT_LIMITS);
      const to = at + 100 * 86_400_000 + 1;
      const read = await reportUsage(mixed.store.query, { ...ask, from: at - 1, to }, rateOf, [], DEFAULT_LIMITS);
      expect(read).toEqual(rolled);
      expect(rolled.reduce((sum, { calls }) => sum + calls, 0)).toBe(1);
      expect(rolled.map(({ cost }) => cost)).toContain(770n);
    } finally {
      await mixed.close();
    }
  });
});

const one: Ratio = { numerator: 1n, denominator: 1n };

test("a converted sum is rounded once, whatever the order", () => {
  const amount = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n });
  const ratio = fc.record({
    numerator: fc.bigInt({ min: 1n, max: 10n ** 20n }),
    denominator: fc.bigInt({ min: 1n, max: 10n ** 20n }),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(amount, ratio), { maxLength: 12 }), (terms) => {
      const sums = [terms, [...terms].reverse()].map((order) => {
        const sum = new ConvertedSum();
        for (const [value, rate] of order) sum.add(value, rate);
        return sum.rounded;
      });
      let numerator = 0n;
      let denominator = 1n;
      for (const [value, rate] of terms) {
        numerator = numerator * rate.denominator + value * rate.numerator * denominator;
        denominator *= rate.denominator;
      }
      expect(sums[0]).toBe(divideHalfEven(numerator, denominator));
      expect(sums[1]).toBe(sums[0]);
    }),
  );
});
