import { describe, expect, test } from "vitest";
import { NO_SETTINGS, type Settings } from "../config/settings.ts";
import type { VendorSetting } from "../config/vendor-settings.ts";
import { Catalogue } from "./catalogue.ts";
import { KNOWN_VENDORS, vendorTable } from "./vendor-table.ts";

const NOW = Date.parse("2026-11-24T00:00:00Z");

const table = (...vendors: VendorSetting[]) => vendorTable(vendors);

test("without settings, the vendors that come with Maidan", () => {
  expect(table()).toBe(KNOWN_VENDORS);
  expect(KNOWN_VENDORS.byId("alibaba")?.company).toBeDefined();
});

describe("what is said of a known vendor", () => {
  const before = KNOWN_VENDORS.byId("alibaba")!;
  const after = table({
    id: "alibaba",
    baseUrl: "https://gateway.example/v1",
    quirks: { noStreamOptions: true },
    billsOnBreak: "nothing",
    regions: { moon: "zhipu" },
    also: [
      { protocol: "dashscope", baseUrl: "https://gateway.example/native" },
      { protocol: "openai", region: "moon-base", baseUrl: "https://moon.example/v1" },
    ],
    models: [
      { id: "qwen3-max", maxOutputTokens: 5, price: { currency: "CNY", input: "1", output: "2" } },
      { id: "ours", tools: true },
    ],
    claims: [{ about: "score", text: "the best", source: "them", confidence: "low" }],
  }).byId("alibaba")!;

  test("takes the place of what was known, field by field", () => {
    expect(after).toMatchObject({
      baseUrl: "https://gateway.example/v1",
      name: before.name,
      environment: before.environment,
      quirks: { ...before.quirks, noStreamOptions: true },
      billing: { ...before.billing, billsOnBreak: "nothing" },
      regions: { ...before.regions, moon: "zhipu" },
    });
  });

  test("joins other protocols by name and region", () => {
    const address = (protocol: string, region?: string) =>
      after.also?.find((way) => way.protocol === protocol && way.region === region)?.baseUrl;
    expect(after.also).toHaveLength(before.also!.length + 1);
    expect(address("dashscope")).toBe("https://gateway.example/native");
    expect(address("openai", "moon-base")).toBe("https://moon.example/v1");
    expect(address("anthropic")).toBe(before.also!.find(({ protocol }) => protocol === "anthropic")!.baseUrl);
  });

  test("joins models by id, and adds claims", () => {
    expect(after.models).toHaveLength(before.models.length + 1);
    const known = before.models.find(({ id }) => id === "qwen3-max")!;
    expect(after.models.find(({ id }) => id === "qwen3-max")).toEqual({
      ...known,
      maxOutputTokens: 5,
      price: { currency: "CNY", input: "1", output: "2" },
    });
    expect(after.claims).toEqual([...(before.claims ?? []), expect.objectContaining({ text: "the best" })]);
  });

  test("leaves the others alone", () => {
    expect(table({ id: "alibaba", baseUrl: "http://x/v1" }).byId("baidu")).toBe(KNOWN_VENDORS.byId("baidu"));
  });
});

describe("a new vendor", () => {
  test("speaks OpenAI's protocol, and wants one key, until it says otherwise", () => {
    const vendors = table({ id: "ours", baseUrl: "https://ours.example/v1" });
    expect(vendors.all.at(-1)).toMatchObject({
      id: "ours",
      name: "ours",
      protocol: "openai",
      required: ["apiKey"],
      models: [],
    });
    expect(table({ id: "ours", environment: { id: "A", secret: "B" } }).byId("ours")!.required).toEqual([
      "id",
      "secret",
    ]);
    expect(table({ id: "ours", required: [] }).byId("ours")!.required).toEqual([]);
  });
});

describe("in force", () => {
  const catalogueOf = (settings: Partial<Settings>) =>
    new Catalogue({ ...NO_SETTINGS, ...settings }, (one) => ("template" in one ? one.template : undefined));

  test("an endpoint takes address, credentials, rules, models and dated prices from it", () => {
    const ours: VendorSetting = {
      id: "ours",
      baseUrl: "https://ours.example/v1",
      environment: { apiKey: "OURS_KEY" },
      billsOnAbort: "generated",
      onDisconnect: "abort",
      quirks: { keyHeader: "x-key" },
      price: { currency: "EUR", input: "9", output: "9" },
      models: [
        {
          id: "m",
          contextTokens: 10,
          price: { currency: "EUR", input: "1", since: "2026-01-01" },
          prices: [{ currency: "EUR", input: "2", since: "2026-11-25" }],
        },
        { id: "n" },
      ],
    };
    const catalogue = catalogueOf({
      vendors: [ours],
      endpoints: [{ id: "e", vendor: "ours", credentials: {}, models: [] }],
    });
    expect(catalogue.endpoint("e")).toMatchObject({
      vendor: "ours",
      baseUrl: "https://ours.example/v1",
      credentials: { apiKey: "${OURS_KEY}" },
      quirks: { keyHeader: "x-key" },
      onDisconnect: "abort",
    });
    const inputAt = (model: string, at: number) => JSON.parse(catalogue.model("e", model)!.priceAt(at)!.json).input;
    expect(catalogue.model("e", "m")!.contextTokens).toBe(10);
    expect(inputAt("m", NOW)).toBe("1");
    expect(inputAt("m", NOW + 86_400_000)).toBe("2");
    expect(inputAt("n", NOW)).toBe("9");
  });

  test("a region that is a vendor of its own is reached by the other's name", () => {
    const catalogue = catalogueOf({
      endpoints: [
        { id: "e", vendor: "alibaba", region: "intl", credentials: {}, models: [] },
        { id: "native", vendor: "alibaba", region: "intl", protocol: "dashscope", credentials: {}, models: [] },
      ],
    });
    expect(catalogue.endpoint("e")).toMatchObject({ vendor: "alibaba-intl", protocol: "openai" });
    expect(catalogue.endpoint("e")!.baseUrl).toContain("dashscope-intl");
    expect(
      catalogue
        .endpoint("e")!
        .beside.map(({ protocol }) => protocol)
        .sort(),
    ).toEqual(["anthropic", "responses"]);
    expect(catalogue.model("e", "qwen3.7-max")!.priceAt(NOW)!.currency).toBe("USD");
    expect(catalogue.endpoint("native")!.baseUrl).toBe("https://dashscope-intl.aliyuncs.com/api/v1");
  });
});
