import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import { divideHalfEven, formatAmount, parseAmount, parseRate } from "../base/money.ts";
import { Books, CHEAP, DEAR } from "../records/books.suite.ts";
import { PHASE } from "../store/spec.ts";
import type { RateLookup } from "./conversion.ts";
import { FOCUS_COLUMNS, writeFocus } from "./focus.ts";
import { Recalculation } from "./recalculation.ts";
import { makeStatement, type StatementAsk } from "./statement.ts";
import { showStatement, writeStatementCsv, writeStatementTable } from "./statement-formats.ts";
import { displayWidth } from "./text-table.ts";

const RATE = "7.123456789";
const rateOf: RateLookup = (from, to) => (from === "USD" && to === "CNY" ? { ratio: parseRate(RATE)! } : undefined);

const TIERED = {
  currency: "USD",
  input: "0.123456789",
  output: "0.987654321",
  cachedInput: "0.0312345",
  tiers: [{ above: 1_040, input: "0.2", output: "1.1" }],
  hours: [{ from: "00:30", to: "08:30", timezone: "Asia/Shanghai", output: "0.5" }],
};

const NOVEMBER = { from: "2026-10-31T16:00:00Z", to: "2026-11-30T16:00:00Z" }; // in Asia/Shanghai
const ask: StatementAsk = {
  payer: "acme",
  payers: ["acme", "support", "=cmd|sales"],
  month: "2026-11",
  timezone: "Asia/Shanghai",
  currency: "CNY",
};

describe("a statement", () => {
  let books: Books;
  let recalculation: Recalculation;
  const make = (more: Partial<StatementAsk> = {}, bounds = DEFAULT_LIMITS) =>
    makeStatement(books.store.query, { ...ask, ...more }, recalculation, rateOf, bounds);

  beforeAll(async () => {
    books = await Books.open();
    recalculation = new Recalculation(books.store.query);
    const start = Date.parse("2026-10-30T00:00:00Z");
    for (let n = 0; n < 90; n++) {
      const at = start + n * 9 * 3_600_000 + n * 61_000;
      await books.attempt({
        at,
        payer: ["acme", "support", "=cmd|sales", "stranger"][n % 4]!,
        model: n % 5 === 0 ? "bailian/qwen" : n % 5 === 1 ? "lab/tiered" : "lab/mini",
        price: n % 5 === 0 ? DEAR : n % 5 === 1 ? TIERED : CHEAP,
        usage: { input: 1_000 + n, cachedInput: n % 6, output: 100 + 7 * n, reasoning: n % 4 },
        basis: n % 7 === 0 ? "estimated" : "reported",
      });
    }
    // To the millisecond at both ends of the month.
    await books.attempt({ at: Date.parse(NOVEMBER.from), payer: "acme", took: 0 });
    await books.attempt({ at: Date.parse(NOVEMBER.to), payer: "acme", took: 0 });
    await books.attempt({ at: Date.parse(NOVEMBER.to) - 1, payer: "acme", took: 0 });
    // Made while the clock, which had been a year ahead, was right again: the ids were not.
    await books.attempt({ at: "2026-11-12T00:00:00Z", idAt: Date.parse("2027-11-12T00:00:00Z") });
    // A vendor's bill that no price explains.
    const billed = await books.attempt({ at: "2026-11-05T00:00:00Z", cost: 12_345n, basis: "vendor-bill" });
    await adjust(billed, 1, "2026-11-06T00:00:00Z", -345n);
    await adjust(billed, 2, "2026-12-24T00:00:00Z", -1n);
    // Used in October, corrected in November.
    const october = await books.attempt({ at: "2026-10-05T00:00:00Z" });
    await adjust(october, 1, "2026-11-07T00:00:00Z", 99n);
    // In doubt over the end of the month; resolved before it; resolved after it.
    await books.attempt({ at: "2026-11-20T00:00:00Z", end: "unsettled" });
    const early = await books.attempt({ at: "2026-11-20T00:00:01Z", end: "unsettled" });
    await resolve(early, "2026-11-21T00:00:00Z", 777n);
    const late = await books.attempt({ at: "2026-11-20T00:00:02Z", end: "unsettled" });
    await resolve(late, "2026-12-21T00:00:00Z", 888n);
    await books.attempt({ at: "2026-12-20T00:00:00Z", end: "unsettled" });
    await books.attempt({ at: "2026-11-20T00:00:03Z", end: "release" });
    await books.attempt({ at: "2026-11-20T00:00:04Z", end: "held" });
  });
  afterAll(() => books.close());

  const adjust = (attempt: string, n: number, at: string, amount: bigint) =>
    books.later(attempt, {
      phase: PHASE.adjust,
      kind: "adjust",
      n,
      at: Date.parse(at),
      amount,
      detail: JSON.stringify({ reason: 'credit, "note"' }),
    });
  const resolve = (attempt: string, at: string, amount: bigint) =>
    books.later(attempt, { phase: PHASE.resolve, kind: "settle", at: Date.parse(at), amount, basis: "vendor-bill" });

  /** The ledger by another hand: plain SQL over the entries, without indexes, prices or roll-ups. */
  async function ledgerSums(): Promise<{ currency: string; kind: string; total: bigint }[]> {
    const { rows } = await sql<{ currency: string; kind: string; total: string }>`
      select currency, kind, cast(sum(amount) as text) as total from entries
      where kind in ('settle', 'adjust') and at >= ${Date.parse(NOVEMBER.from)} and at < ${Date.parse(NOVEMBER.to)}
        and payer in ('acme', 'support', '=cmd|sales')
      group by currency, kind order by currency, kind`.execute(books.store.query);
    return rows.map((row) => ({ ...row, total: BigInt(row.total) }));
  }

  test("its lines and adjustments add up to the ledger, to the nano-unit", async () => {
    const statement = await make();
    for (const { currency, kind, total } of await ledgerSums()) {
      const found = statement.totals.find((one) => one.currency === currency)!;
      expect(kind === "adjust" ? found.adjustments : found.usage).toBe(total);
      if (kind !== "settle") continue;
      const lines = statement.lines.filter((line) => line.currency === currency);
      expect(lines.reduce((sum, line) => sum + line.amount, 0n)).toBe(total);
    }
    expect(statement.totals.map(({ currency }) => currency)).toEqual(["CNY", "USD"]);
    for (const { usage, adjustments, total } of statement.totals) expect(total).toBe(usage + adjustments);
    expect(statement.adjustments.map(({ amount }) => amount).sort()).toEqual([-345n, 99n]);
  });

  test("a line's amount is its quantity times its price, but for the rounding of each attempt", async () => {
    const { lines, attempts } = await make();
    expect(new Set(lines.map((line) => line.class))).toEqual(
      new Set(["input", "cachedInput", "output", "reasoning", "call", "as-settled"]),
    );
    for (const { unitPrice, quantity, amount, per, class: name } of lines) {
      if (unitPrice === undefined) {
        expect(name).toBe("as-settled");
        continue;
      }
      const exact = (parseAmount(unitPrice)! * BigInt(quantity)) / (per === "1M tokens" ? 1_000_000n : 1n);
      const off = exact > amount ? exact - amount : amount - exact;
      expect(off <= BigInt(attempts)).toBe(true);
    }
    const tiered = lines.filter((line) => line.model === "lab/tiered" && line.class === "output");
    expect(tiered.map(({ unitPrice }) => unitPrice).sort()).toEqual(["0.5", "0.987654321", "1.1"]);
  });

  test("counts calls, attempts and estimates of its payers and its month only", async () => {
    const statement = await make();
    const { rows } = await sql<{ attempts: number; estimated: number }>`
      select count(*) as attempts, count(*) filter (where basis = 'estimated') as estimated from entries
      where kind = 'settle' and at >= ${Date.parse(NOVEMBER.from)} and at < ${Date.parse(NOVEMBER.to)}
        and payer <> 'stranger'`.execute(books.store.query);
    expect(statement).toMatchObject({ ...rows[0], calls: rows[0]!.attempts });
    expect(statement.from).toBe(Date.parse(NOVEMBER.from));
    expect(statement.to).toBe(Date.parse(NOVEMBER.to));
  });

  test("lists what was in doubt when the month ended, also when it was resolved since", async () => {
    const { unsettled } = await make();
    expect(unsettled.map(({ since }) => new Date(since).toISOString())).toEqual([
      "2026-11-20T00:00:00.250Z",
      "2026-11-20T00:00:02.250Z",
    ]);
    expect(unsettled[0]).toMatchObject({ payer: "support", reason: "broken" });
    expect((await make({ payers: ["acme"] })).unsettled).toEqual([]);
  });

  test("the converted total is every entry's at its rate, rounded once", async () => {
    const sums = await ledgerSums();
    const of = (currency: string) =>
      sums.filter((one) => one.currency === currency).reduce((sum, { total }) => sum + total, 0n);
    const ratio = parseRate(RATE)!;
    const exact = of("CNY") * ratio.denominator + of("USD") * ratio.numerator;
    const statement = await make();
    expect(statement.converted).toEqual({ currency: "CNY", total: divideHalfEven(exact, ratio.denominator) });
    await expect(make({ currency: "EUR" })).rejects.toMatchObject({ code: "invalid_request", param: "currency" });
    expect((await make({ currency: undefined })).converted).toBeUndefined();
  });

  test("stays within its bounds: more adjustments are counted, more lines are an error", async () => {
    const { adjustments, moreAdjustments, unsettled, moreUnsettled } = await make(
      {},
      { ...DEFAULT_LIMITS, pageRows: 1 },
    );
    expect([adjustments.length, moreAdjustments, unsettled.length, moreUnsettled]).toEqual([1, 1, 1, true]);
    const short = make({}, { ...DEFAULT_LIMITS, reportRows: 3 });
    await expect(short).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("as JSON and CSV its amounts add up as well", async () => {
    const statement = await make();
    const shown = JSON.parse(JSON.stringify(showStatement(statement)));
    const sum = (rows: { amount: string; currency: string }[]) =>
      rows.filter(({ currency }) => currency === "USD").reduce((total, { amount }) => total + parseAmount(amount)!, 0n);
    const total = statement.totals.find(({ currency }) => currency === "USD")!.total;
    expect(sum([...shown.lines, ...shown.adjustments])).toBe(total);
    const csv = readCsv(writeStatementCsv(statement));
    const counted = csv.filter(({ kind }) => kind === "line" || kind === "adjustment") as never[];
    expect(sum(counted)).toBe(total);
    expect(csv.find(({ kind, currency }) => kind === "total" && currency === "USD")!.amount).toBe(formatAmount(total));
    expect(csv.find(({ kind }) => kind === "adjustment")!.reason).toBe('credit, "note"');
  });

  test("as a table it is aligned in both languages", async () => {
    for (const language of ["en", "zh"] as const) {
      const table = writeStatementTable(await make(), language);
      const block = table.split("\n\n").find((part) => part.includes("lab/mini"))!;
      const [head, rule, ...lines] = block.split("\n");
      expect(lines.length).toBeGreaterThan(5);
      const amountEnds = displayWidth(rule!.split("  ").slice(0, 5).join("  "));
      for (const line of lines) {
        const currency = line.lastIndexOf(" ");
        expect(displayWidth(line.slice(0, currency).trimEnd())).toBe(amountEnds);
      }
      expect(head).toContain(language === "zh" ? "单价" : "Unit price");
      expect(table).toContain(language === "zh" ? "期末存疑" : "In doubt");
    }
  });

  describe("as FOCUS", () => {
    const names = {
      payerName: (id: string) => `Name of ${id}`,
      rootOf: () => "acme",
      vendorOf: (endpoint: string) => `Vendor of ${endpoint}`,
    };
    const rows = async () => readCsv(await writeFocus(books.store.query, ask, recalculation, names, DEFAULT_LIMITS));

    test("BilledCost adds up to the ledger by currency", async () => {
      const focus = await rows();
      for (const currency of ["USD", "CNY"]) {
        const billed = focus
          .filter((row) => row.BillingCurrency === currency)
          .reduce((sum, row) => sum + parseAmount(row.BilledCost!)!, 0n);
        const sums = (await ledgerSums()).filter((one) => one.currency === currency);
        expect(billed).toBe(sums.reduce((sum, { total }) => sum + total, 0n));
      }
    });

    test("has a row a token type and day, with the columns and values that the specification wants", async () => {
      const focus = await rows();
      expect(Object.keys(focus[0]!)).toEqual([...FOCUS_COLUMNS]);
      for (const row of focus) {
        expect(row).toMatchObject({
          BillingAccountId: "acme",
          BillingAccountName: "Name of acme",
          BillingPeriodStart: "2026-10-31T16:00:00Z",
          BillingPeriodEnd: "2026-11-30T16:00:00Z",
          ServiceCategory: "AI and Machine Learning",
          ServiceSubcategory: "Generative AI",
          EffectiveCost: row.BilledCost,
          ContractedCost: row.ListCost,
        });
        expect(Date.parse(row.ChargePeriodEnd!) - Date.parse(row.ChargePeriodStart!)).toBe(86_400_000);
        expect(row.ChargePeriodStart).toMatch(/T16:00:00Z$/);
        expect(Object.keys(JSON.parse(row.Tags!))).toEqual(["maidan/key", "maidan/route", "maidan/timezone"]);
        if (row.ChargeCategory === "Adjustment") continue;
        expect(row).toMatchObject({ ChargeCategory: "Usage", ChargeFrequency: "Usage-Based", ChargeClass: "" });
        expect(row.SkuId && row.SkuPriceId && row.PricingQuantity && row.ConsumedQuantity).toBeTruthy();
        if (row.ListUnitPrice === "") expect(row.PricingCategory).toBe("Other");
        else expect(times(row.ListUnitPrice!, row.PricingQuantity!)).toBe(times(row.ListCost!, "1"));
      }
      const meters = new Set(focus.map((row) => row.SkuMeter));
      expect(meters).toEqual(
        new Set(["Input Tokens", "Cached Input Tokens", "Output Tokens", "Reasoning Tokens", "Requests", ""]),
      );
    });

    test("an adjustment of an earlier month is a correction, and no name is taken for a formula", async () => {
      const focus = await rows();
      const adjustments = focus.filter((row) => row.ChargeCategory === "Adjustment");
      expect(adjustments.map((row) => [row.BilledCost, row.ChargeClass, row.ChargeFrequency]).sort()).toEqual([
        ["-0.000000345", "", "One-Time"],
        ["0.000000099", "Correction", "One-Time"],
      ]);
      expect(focus.some((row) => row.SubAccountId === "'=cmd|sales")).toBe(true);
      expect(focus.some((row) => row.SubAccountId!.startsWith("="))).toBe(false);
    });
  });
});

/** A product of decimals in 10⁻³⁶, exact. */
function times(a: string, b: string): bigint {
  const exact = (text: string): bigint => {
    const [whole, fraction = ""] = text.split(".");
    return BigInt(whole! + fraction.padEnd(18, "0"));
  };
  return exact(a) * exact(b);
}

/** RFC 4180 by another hand. */
function readCsv(text: string): Record<string, string>[] {
  const rows: string[][] = [[]];
  let field = "";
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (quoted) {
      if (character !== '"') field += character;
      else if (text[i + 1] === '"') field += text[i++];
      else quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === ",") {
      rows.at(-1)!.push(field);
      field = "";
    } else if (character === "\r" && text[i + 1] === "\n") {
      rows.at(-1)!.push(field);
      field = "";
      rows.push([]);
      i++;
    } else field += character;
  }
  expect(rows.pop()).toEqual([]);
  const [head, ...lines] = rows;
  return lines.map((line) => {
    expect(line).toHaveLength(head!.length);
    return Object.fromEntries(head!.map((name, i) => [name, line[i]!]));
  });
}
