import { describe, expect, test } from "vitest";
import { instantOf } from "../../config/formats.ts";
import { PROTOCOL_IDS } from "../../vendors/table.ts";
import { compilePrice } from "../price-document.ts";
import { boundCost, priceUsage } from "../price-engine.ts";
import { VENDORS, vendorById } from "./table.ts";

const usage = { input: 1_000_000, output: 1_000_000 };
const OFF_PEAK = Date.parse("2026-11-22T12:00:00Z");

describe.each(VENDORS)("$id", (vendor) => {
  test("has a name in both languages, an address where it is outside, and a credential where it is paid", () => {
    const { name } = vendor;
    if (typeof name !== "string") expect([name.zh, name.en].every((text) => text)).toBe(true);
    const inside = vendor.protocol === "practice" || vendor.protocol === "recorded";
    // One without a public address leaves it to its customers.
    expect(vendor.baseUrl === undefined).toBe(inside || vendor.status?.state === "private");
    if (vendor.baseUrl) {
      expect(vendor.baseUrl).toMatch(/^https?:\/\/[^/]+(\/[^/?#]+)*$/);
      expect(vendor.baseUrl.startsWith("https:")).toBe(vendor.billing.billsOnBreak === "unknown");
    }
    for (const credential of Object.keys(vendor.environment)) expect(vendor.required).toContain(credential);
  });

  test("has a day and two languages to what became of it, and every claim has its source", () => {
    const { status, models, published = [], claims = [], also = [] } = vendor;
    if (status) {
      expect(instantOf(status.day)).toBeLessThanOrEqual(Date.parse("2026-11-24"));
      expect(status.note).toEqual({ zh: expect.stringMatching(/\p{Script=Han}/u), en: expect.stringMatching(/\w/) });
    }
    const sold = [...models, ...also.flatMap((way) => way.models ?? [])];
    const said = [...claims, ...[...sold, ...published].flatMap((model) => model.claims ?? [])];
    for (const { text, source } of said) {
      expect(text).toEqual({ zh: expect.stringMatching(/\p{Script=Han}/u), en: expect.stringMatching(/\w/) });
      expect(source).toBeTruthy();
    }
    for (const { size } of [...sold, ...published]) {
      if (!size) continue;
      expect(size.source).toBeTruthy();
      expect(size.total ?? size.active).toBeGreaterThan(0);
      if (size.total && size.active) expect(size.active).toBeLessThan(size.total);
    }
  });

  test("speaks its other protocols at an address each, once for each region", () => {
    const ways = (vendor.also ?? []).map(({ protocol, region }) => `${protocol} ${region ?? ""}`);
    expect(new Set([`${vendor.protocol} `, ...ways]).size).toBe(ways.length + 1);
    for (const { protocol, baseUrl, environment = {}, required = [], models = [] } of vendor.also ?? []) {
      expect(PROTOCOL_IDS).toContain(protocol);
      const own = vendor.billing.billsOnBreak !== "unknown";
      expect(baseUrl).toMatch(own ? /^http:\/\/127\.0\.0\.1:\d+(\/v1)?$/ : /^(https|wss):\/\/[^/]+(\/[^/?#]+)*$/);
      expect(Object.keys(environment).sort()).toEqual([...required].sort());
      for (const { id, price } of models) if (price) compilePrice(price, `${vendor.id}/${id}`);
    }
    for (const id of Object.values(vendor.regions ?? {})) expect(vendorById(id)).toBeDefined();
  });

  test("sells each model once, at prices that are right and have a source", () => {
    const ids = vendor.models.map((model) => model.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, price = vendor.price } of vendor.models) {
      if (!price) continue;
      const document = compilePrice(price, `${vendor.id}/${id}`);
      expect(document.source).toBeTruthy();
      if (document.checked) expect(instantOf(document.checked)).toBeLessThan(Date.parse("2026-11-24"));
      const cost = priceUsage(document, usage, { at: OFF_PEAK }).amount;
      expect(boundCost(document, { inputTokens: 1_000_000, outputTokens: 1_000_000 }, OFF_PEAK)).toBeGreaterThanOrEqual(
        cost,
      );
    }
  });
});

test("vendors, and the variables they are found by, are each there once", () => {
  const ids = VENDORS.map((vendor) => vendor.id);
  expect(new Set(ids).size).toBe(ids.length);
  const variables = VENDORS.flatMap((vendor) => Object.values(vendor.environment));
  expect(new Set(variables).size).toBe(variables.length);
  const others = VENDORS.flatMap(({ also = [] }) => also.flatMap((way) => Object.values(way.environment ?? {})));
  expect(others.filter((variable) => variables.includes(variable))).toEqual([]);
  for (const id of ids) expect(vendorById(id)?.id).toBe(id);
  expect(vendorById("nobody")).toBeUndefined();
});

describe("list prices, as the vendors state them", () => {
  const costOf = (vendor: string, id: string, used: object, at: string): string => {
    const price = vendorById(vendor)!.models.find((model) => model.id === id)!.price!;
    const cost = priceUsage(compilePrice(price, id), used, { at: Date.parse(at) });
    return `${Number(cost.amount) / 1e9} ${cost.currency}`;
  };
  const million = { input: 1_000_000 };

  test.each([
    ["openai", "gpt-4o-mini", million, "2026-11-24T00:00:00Z", "0.15 USD"],
    ["openai", "gpt-5.5", million, "2026-11-24T00:00:00Z", "10 USD"],
    ["alibaba", "qwen-plus", { input: 128_000, output: 1_000 }, "2026-11-24T00:00:00Z", "0.1044 CNY"],
    ["alibaba", "qwen-plus", { input: 200_000, output: 10_000, reasoning: 5_000 }, "2026-11-24T00:00:00Z", "0.8 CNY"],
    ["alibaba", "qwen-plus", million, "2026-11-24T00:00:00Z", "4.8 CNY"],
    ["alibaba", "qwen-plus", { cachedInput: 1_000_000 }, "2026-11-24T00:00:00Z", "0.96 CNY"],
    ["alibaba", "qwen-flash", { input: 200_000, output: 1_000 }, "2026-11-24T00:00:00Z", "0.126 CNY"],
    ["alibaba", "qwen-flash", { input: 300_000, output: 1_000 }, "2026-11-24T00:00:00Z", "0.372 CNY"],
    ["alibaba", "qwen3.7-plus", { input: 300_000, output: 1_000 }, "2026-11-24T00:00:00Z", "1.824 CNY"],
    ["alibaba", "qwen3.6-flash", { input: 300_000, output: 1_000 }, "2026-11-24T00:00:00Z", "1.4688 CNY"],
    ["alibaba", "qwen3.5-flash", { input: 200_000, output: 1_000 }, "2026-11-24T00:00:00Z", "0.168 CNY"],
    ["alibaba", "qwen3.5-flash", { input: 300_000, output: 1_000 }, "2026-11-24T00:00:00Z", "0.372 CNY"],
    ["alibaba", "qwen3-coder-plus", { input: 100_000, output: 1_000 }, "2026-11-24T00:00:00Z", "0.624 CNY"],
    ["alibaba", "qwen3-coder-plus", { input: 200_000, output: 1_000 }, "2026-11-24T00:00:00Z", "2.04 CNY"],
    ["alibaba", "qwen3-coder-plus", { input: 300_000, output: 1_000 }, "2026-11-24T00:00:00Z", "6.2 CNY"],
    ["alibaba", "qwen3-vl-plus", { input: 100_000, output: 1_000 }, "2026-11-24T00:00:00Z", "0.165 CNY"],
    ["alibaba", "qwen3-vl-plus", { input: 200_000, output: 1_000 }, "2026-11-24T00:00:00Z", "0.63 CNY"],
    ["alibaba", "qwen3-max", { cacheWrite5m: 128_001 }, "2026-11-24T00:00:00Z", "1.12000875 CNY"],
    ["alibaba-intl", "qwen3.7-max", { cacheWrite5m: 1_000_000 }, "2026-11-24T00:00:00Z", "3.125 USD"],
    ["alibaba-intl", "qwen-plus", { reasoning: 1_000_000 }, "2026-11-24T00:00:00Z", "4 USD"],
    [
      "alibaba-intl",
      "qwen-plus",
      { input: 300_000, output: 1_000, reasoning: 1_000 },
      "2026-11-24T00:00:00Z",
      "0.3756 USD",
    ],
    ["alibaba-intl", "qwen-flash", { input: 300_000, output: 1_000 }, "2026-11-24T00:00:00Z", "0.077 USD"],
    ["alibaba-intl", "qwen3-max", { input: 100_000, output: 1_000 }, "2026-11-24T00:00:00Z", "0.252 USD"],
    ["alibaba-intl", "qwen3-max", { input: 200_000, output: 1_000 }, "2026-11-24T00:00:00Z", "0.615 USD"],
    ["baidu", "ernie-5.0", { output: 1_000_000 }, "2026-11-24T00:00:00Z", "24 CNY"],
    ["tencent", "hy3-preview", { input: 20_000 }, "2026-11-24T00:00:00Z", "0.032 CNY"],
    ["zhipu", "glm-4.7", { input: 1_000, output: 201 }, "2026-11-24T00:00:00Z", "0.005814 CNY"],
    ["moonshot", "kimi-k3", { cacheWrite1h: 1_000_000 }, "2026-11-24T00:00:00Z", "40 CNY"],
    ["deepseek", "deepseek-flash", million, "2026-11-24T10:30:00+08:00", "2 CNY"],
    ["deepseek", "deepseek-flash", million, "2026-11-24T13:00:00+08:00", "1 CNY"],
    ["deepseek", "deepseek-flash", million, "2026-10-05T10:30:00+08:00", "1 CNY"],
    ["deepseek", "deepseek-v4-pro", { output: 1_000_000 }, "2026-11-22T10:30:00+08:00", "13.5 CNY"],
  ])("%s %s %j at %s: %s", (vendor, id, used, at, cost) => {
    expect(costOf(vendor, id, used, at)).toBe(cost);
  });
});
