import { describe, expect, test } from "vitest";
import { Fault } from "../base/faults.ts";
import type { PriceSetting } from "../config/settings.ts";
import { compilePrice, parsePriceDocument } from "./price-document.ts";
import { priceUsage } from "./price-engine.ts";

const usual: PriceSetting = { currency: "USD", input: "0.15", output: "0.60" };
const window = { from: "09:00", to: "12:00", timezone: "Asia/Shanghai", input: "1" };

function faultOf(setting: unknown): Fault {
  try {
    compilePrice(setting as PriceSetting, "prices[2]");
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("no fault");
}

describe("a price that is wrong is refused, and the fault says where and what", () => {
  test.each<[string, unknown, string]>([
    ["a float", { ...usual, input: 0.15 }, "prices[2].input"],
    ["no decimal", { ...usual, input: "cheap" }, "prices[2].input"],
    ["an exponent", { ...usual, input: "1e-3" }, "prices[2].input"],
    ["a negative price", { ...usual, output: "-0.60" }, "prices[2].output"],
    ["ten decimal places", { ...usual, output: "0.0000000001" }, "prices[2].output"],
    ["more than anything costs", { ...usual, perCall: "1000000001" }, "prices[2].perCall"],
    ["no currency", { input: "1" }, "prices[2].currency"],
    ["a currency in small letters", { ...usual, currency: "usd" }, "prices[2].currency"],
    ["no rate", { currency: "USD" }, "prices[2]"],
    ["a batch without a rate", { ...usual, batch: {} }, "prices[2].batch"],
    ["a tier without a rate", { ...usual, tiers: [{ above: 1 }] }, "prices[2].tiers[0]"],
    ["a tier above half a token", { ...usual, tiers: [{ above: 0.5, input: "1" }] }, "prices[2].tiers[0].above"],
    [
      "tiers that descend",
      {
        ...usual,
        tiers: [
          { above: 9, input: "1" },
          { above: 8, input: "1" },
        ],
      },
      "prices[2].tiers[1].above",
    ],
    [
      "tiers that repeat",
      {
        ...usual,
        tiers: [
          { above: 9, input: "1" },
          { above: 9, input: "1" },
        ],
      },
      "prices[2].tiers[1].above",
    ],
    [
      "an excess of input that changes output",
      { ...usual, tiers: [{ above: 9, applies: "excess", output: "1" }] },
      "prices[2].tiers[0]",
    ],
    [
      "too many tiers",
      { ...usual, tiers: Array.from({ length: 17 }, (_, i) => ({ above: i, input: "1" })) },
      "prices[2].tiers",
    ],
    ["too many hours", { ...usual, hours: Array.from({ length: 15 }, () => window) }, "prices[2].hours"],
    [
      "a zone that does not exist",
      { ...usual, hours: [{ ...window, timezone: "Asia/Peking" }] },
      "prices[2].hours[0].timezone",
    ],
    ["no time of day", { ...usual, hours: [{ ...window, from: "9 am" }] }, "prices[2].hours[0].from"],
    ["the 25th hour", { ...usual, hours: [{ ...window, to: "25:00" }] }, "prices[2].hours[0].to"],
    ["no day of the week", { ...usual, hours: [{ ...window, days: ["monday"] }] }, "prices[2].hours[0].days"],
    ["30 February", { ...usual, hours: [{ ...window, except: ["2026-02-30"] }] }, "prices[2].hours[0].except"],
    ["a beginning without a zone", { ...usual, since: "2026-11-01T00:00:00" }, "prices[2].since"],
  ])("%s", (_, setting, where) => {
    const fault = faultOf(setting);
    expect(fault.code).toBe("invalid_request");
    expect(fault.param).toContain(where.replace(/\.(above|currency)$/, ""));
    expect(fault.text("en")).toContain(where);
    expect(fault.text("zh")).toContain(where);
    expect(fault.text("zh")).toMatch(/[一-龥]/);
  });

  test("tiers of different kinds may stand in any order", () => {
    const tiers = [
      { above: 200, of: "output" as const, input: "3" },
      { above: 100, input: "4" },
      { above: 50, applies: "excess" as const, input: "5" },
    ];
    expect(compilePrice({ ...usual, tiers }, "price").schedule.tiered).toBe(true);
  });
});

describe("documents", () => {
  test("the id is that of the content, however it is spelt", () => {
    const one = compilePrice({ ...usual, since: "2026-11-01" }, "here");
    const other = compilePrice(
      { since: "2026-11-01T08:00:00+08:00", output: "0.6", input: "0.150", currency: "USD", tiers: [] } as PriceSetting,
      "there",
    );
    expect(one.id).toMatch(/^price_[0-9a-f]{20}$/);
    expect(other.id).toBe(one.id);
    expect(one.since).toBe(Date.UTC(2026, 10, 1));
  });

  test.each<[string, Partial<PriceSetting>]>([
    ["a rate", { output: "0.61" }],
    ["the currency: yuan are not dollars", { currency: "CNY" }],
    ["the source", { source: "finance desk" }],
    ["a tier", { tiers: [{ above: 1, input: "1" }] }],
  ])("another price is another document: %s", (_, difference) => {
    expect(compilePrice({ ...usual, ...difference }, "price").id).not.toBe(compilePrice(usual, "price").id);
  });

  test("a cost is in the currency of its price", () => {
    const usage = { input: 1_000_000 };
    const yuan = priceUsage(compilePrice({ currency: "CNY", input: "2.5" }, "price"), usage, { at: 0 });
    const dollars = priceUsage(compilePrice({ currency: "USD", input: "2.5" }, "price"), usage, { at: 0 });
    expect([yuan.currency, dollars.currency]).toEqual(["CNY", "USD"]);
    expect(yuan.amount).toBe(dollars.amount);
  });

  test("a damaged document of the store is told from a good one", () => {
    const { json, id } = compilePrice(usual, "price");
    expect(parsePriceDocument(json, id).id).toBe(id);
    expect(() => parsePriceDocument(json.replace("0.15", "0.16"), id)).toThrow(Fault);
    expect(() => parsePriceDocument("{", id)).toThrow(Fault);
    expect(() => parsePriceDocument("null", id)).toThrow(Fault);
  });
});
