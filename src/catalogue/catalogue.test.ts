import { describe, expect, test } from "vitest";
import { Fault } from "../base/faults.ts";
import { type EndpointSetting, NO_SETTINGS, type PriceSetting, type Settings } from "../config/settings.ts";
import { Catalogue } from "./catalogue.ts";
import { boundCost, priceUsage } from "./price-engine.ts";

const price = (input: string, more: Partial<PriceSetting> = {}): PriceSetting => ({ currency: "USD", input, ...more });
const at = (day: string): number => Date.parse(`${day}T12:00:00Z`);
const NOW = at("2026-11-24");

function endpoint(id: string, setting: Partial<EndpointSetting>): EndpointSetting {
  return { id, credentials: {}, models: [], ...setting };
}

function catalogueOf(settings: Partial<Settings>, environment: Record<string, string> = {}): Catalogue {
  return new Catalogue({ ...NO_SETTINGS, ...settings }, (credential) => {
    if ("sealed" in credential) return `opened ${credential.sealed}`;
    return environment[/^\$\{(.+)\}$/.exec(credential.template)?.[1] ?? ""];
  });
}

const lab = endpoint("lab", {
  protocol: "openai",
  baseUrl: "http://10.0.0.7:8000/v1",
  credentials: { apiKey: { sealed: "x" } },
  models: [
    { id: "mini", upstream: "gpt-4o-mini", maxOutputTokens: 16_384, price: price("0.15", { output: "0.60" }) },
    { id: "bare" },
  ],
});

const inputOf = (catalogue: Catalogue, ref: [string, string], day: string): string | undefined => {
  const document = catalogue.model(...ref)?.priceAt(at(day));
  return document && priceUsage(document, { input: 1 }, { at: at(day) }).lines[0]?.unitPrice;
};

describe("endpoints", () => {
  test("practice/echo is there without a setting, and costs a little", () => {
    const echo = catalogueOf({}).model("practice", "echo")!;
    expect(echo.ref).toBe("practice/echo");
    expect(echo.endpoint).toMatchObject({ vendor: "practice", protocol: "practice", missingCredentials: [] });
    const longest = boundCost(echo.priceAt(NOW)!, { inputTokens: 1_000, outputTokens: echo.maxOutputTokens! }, NOW);
    expect(longest).toBeGreaterThan(0n);
    expect(longest).toBeLessThan(10_000_000n); // a hundred of the longest fit into the first dollar
  });

  test("a setting takes the place of practice", () => {
    const own = endpoint("practice", { vendor: "practice", models: [{ id: "slow", price: price("7") }] });
    const catalogue = catalogueOf({ endpoints: [own] });
    expect(catalogue.models().map((model) => model.ref)).toEqual(["practice/echo", "practice/image", "practice/slow"]);
    expect(
      catalogueOf({ endpoints: [endpoint("practice", { ...lab, id: "practice" })] }).model("practice", "echo"),
    ).toBeUndefined();
  });

  test("a vendor fills in address, protocol, quirks, models, prices and billing rules", () => {
    const catalogue = catalogueOf(
      { endpoints: [endpoint("bailian", { vendor: "alibaba" })] },
      { DASHSCOPE_API_KEY: "k" },
    );
    const offer = catalogue.endpoint("bailian")!;
    expect(offer).toMatchObject({
      vendor: "alibaba",
      protocol: "openai",
      baseUrl: "https://dashscope.aliyuncs.com/compatible-mode/v1",
      credentials: { apiKey: "k" },
      missingCredentials: [],
      onDisconnect: "drain",
      billsOnAbort: "full",
      billsOnBreak: "unknown",
    });
    const model = catalogue.model("bailian", "qwen3-max")!;
    expect(model).toMatchObject({ upstream: "qwen3-max", contextTokens: 262_144 });
    const cost = priceUsage(model.priceAt(NOW)!, { input: 32_001, output: 1 }, { at: NOW });
    expect([cost.currency, cost.amount]).toEqual(["CNY", 128_020_000n]); // 32001 × 4 + 1 × 16
  });

  test("what a setting says goes before what the vendor says", () => {
    const offer = catalogueOf({
      endpoints: [
        endpoint("mimo", {
          vendor: "xiaomi",
          baseUrl: "https://token-plan-cn.xiaomimimo.com/v1",
          credentials: { apiKey: { sealed: "plan" } },
          headers: { "x-team": "a" },
          quirks: { maxOutputField: "max_tokens" },
          timeouts: { firstByteMs: 5 },
          billsOnBreak: "generated",
        }),
      ],
    }).endpoint("mimo")!;
    expect(offer).toMatchObject({
      baseUrl: "https://token-plan-cn.xiaomimimo.com/v1",
      credentials: { apiKey: "opened plan" },
      headers: { "x-team": "a" },
      quirks: { maxOutputField: "max_tokens", keyHeader: "api-key" },
      timeouts: { firstByteMs: 5 },
      billsOnBreak: "generated",
    });
  });

  test("a credential that is not there is named", () => {
    const offer = catalogueOf({ endpoints: [endpoint("o", { vendor: "openai" })] }).endpoint("o")!;
    expect(offer.missingCredentials).toEqual(["apiKey"]);
    expect(offer.credentials).toEqual({});
    const local = catalogueOf({ endpoints: [endpoint("l", { vendor: "ollama" })] }).endpoint("l")!;
    expect(local.missingCredentials).toEqual([]);
  });

  test.each([
    [{}, "drain"],
    [{ onDisconnect: "abort" }, "drain"],
    [{ onDisconnect: "abort", billsOnAbort: "full" }, "drain"],
    [{ onDisconnect: "abort", billsOnAbort: "generated" }, "abort"],
    [{ billsOnAbort: "generated" }, "drain"],
  ] as const)("with %j a stream whose client left is told to %s", (rules, effect) => {
    expect(catalogueOf({ endpoints: [{ ...lab, ...rules }] }).endpoint("lab")?.onDisconnect).toBe(effect);
  });

  test("a vendor that does not exist is told with the nearest names", () => {
    const build = () => catalogueOf({ endpoints: [endpoint("x", { vendor: "alibab" })] });
    expect(build).toThrow(Fault);
    expect(build).toThrow(/"alibab".*"alibaba"/);
    expect(() => catalogueOf({ endpoints: [endpoint("x", { protocol: "openai" })] })).toThrow(/baseUrl/);
  });
});

describe("models", () => {
  test("direct, with the name that the vendor knows", () => {
    const catalogue = catalogueOf({ endpoints: [lab] });
    expect(catalogue.model("lab", "mini")).toMatchObject({
      ref: "lab/mini",
      upstream: "gpt-4o-mini",
      maxOutputTokens: 16_384,
    });
    expect(catalogue.model("lab", "maxi")).toBeUndefined();
    expect(catalogue.model("nowhere", "mini")).toBeUndefined();
    expect(catalogue.models().map((model) => model.ref)).toEqual([
      "lab/mini",
      "lab/bare",
      "practice/echo",
      "practice/image",
    ]);
  });

  test("a model of a vendor under another name keeps the vendor's facts and price", () => {
    const setting = endpoint("b", {
      vendor: "alibaba",
      models: [{ id: "smart", upstream: "qwen3-max", maxOutputTokens: 9 }],
    });
    const catalogue = catalogueOf({ endpoints: [setting] });
    expect(catalogue.model("b", "smart")).toMatchObject({
      upstream: "qwen3-max",
      contextTokens: 262_144,
      maxOutputTokens: 9,
    });
    expect(catalogue.model("b", "smart")?.priceAt(NOW)?.id).toBe(catalogue.model("b", "qwen3-max")?.priceAt(NOW)?.id);
  });

  test("told at run time: added, without taking anything away", () => {
    const catalogue = catalogueOf({ endpoints: [lab] });
    catalogue.addModels("lab", [
      { id: "mini", price: price("99") },
      { id: "new", price: price("3") },
    ]);
    expect(inputOf(catalogue, ["lab", "mini"], "2026-11-01")).toBe("0.15");
    expect(inputOf(catalogue, ["lab", "new"], "2026-11-01")).toBe("3");
    expect(() => catalogue.addModels("nowhere", [])).toThrow(Fault);
  });

  test("the nearest names, routes among them", () => {
    const catalogue = catalogueOf({ endpoints: [lab] });
    expect(catalogue.nearest("lab/mimi")).toEqual(["lab/mini"]);
    expect(catalogue.nearest("carefull", ["careful"])).toEqual(["careful"]);
  });
});

describe("prices", () => {
  const prices = [
    { model: "lab/mini", ...price("3", { since: "2026-11-10" }) },
    { model: "lab/mini", ...price("2", { since: "2026-11-01" }) },
    { model: "lab/mini", ...price("4", { since: "2026-11-10" }) },
  ];

  test.each([
    ["2026-10-31", "0.15"],
    ["2026-11-01", "2"],
    ["2026-11-09", "2"],
    ["2026-11-10", "4"],
    ["2027-01-01", "4"],
  ])("on %s the one in force is %s", (day, input) => {
    expect(inputOf(catalogueOf({ endpoints: [lab], prices }), ["lab", "mini"], day)).toBe(input);
  });

  test("a price holds from its very instant on", () => {
    const model = catalogueOf({ endpoints: [lab], prices }).model("lab", "mini")!;
    const begin = Date.parse("2026-11-01T00:00:00Z");
    expect(model.priceAt(begin)?.since).toBe(begin);
    expect(model.priceAt(begin - 1)?.since).toBeUndefined();
  });

  test("the model's goes before the endpoint's, and that before the vendor's", () => {
    const setting = endpoint("b", {
      vendor: "alibaba",
      price: price("5"),
      models: [{ id: "qwen-plus", price: price("6") }],
    });
    const catalogue = catalogueOf({ endpoints: [setting] });
    expect(inputOf(catalogue, ["b", "qwen-plus"], "2026-11-01")).toBe("6");
    expect(inputOf(catalogue, ["b", "qwen-max"], "2026-11-01")).toBe("5");
    const later = endpoint("b", { vendor: "alibaba", price: price("5", { since: "2026-12-01" }) });
    expect(inputOf(catalogueOf({ endpoints: [later] }), ["b", "qwen-max"], "2026-11-01")).toBe("2.4");
  });

  test("no price is none, unless that is allowed: then it is free, and says so", () => {
    expect(
      catalogueOf({ endpoints: [lab] })
        .model("lab", "bare")
        ?.priceAt(NOW),
    ).toBeUndefined();
    const free = catalogueOf({ endpoints: [{ ...lab, allowUnpriced: true }], general: { currency: "CNY" } });
    const document = free.model("lab", "bare")!.priceAt(NOW)!;
    expect(priceUsage(document, { input: 1_000_000, output: 1_000_000 }, { at: NOW })).toMatchObject({
      amount: 0n,
      currency: "CNY",
    });
    expect(document.source).toContain("allowUnpriced");
    expect(inputOf(free, ["lab", "mini"], "2026-11-01")).toBe("0.15");
  });

  test("a wrong price anywhere in the settings is refused, with its place", () => {
    const wrong = price("-1");
    expect(() => catalogueOf({ prices: [{ model: "lab/mini", ...wrong }] })).toThrow("prices[0].input");
    expect(() => catalogueOf({ endpoints: [{ ...lab, price: wrong }] })).toThrow("endpoints[lab].price.input");
    expect(() => catalogueOf({ endpoints: [{ ...lab, models: [{ id: "m", price: wrong }] }] })).toThrow(
      "endpoints[lab].models[m].price.input",
    );
  });

  test("yuan are never taken for dollars: without a rate there is no way from one to the other", () => {
    const without = catalogueOf({
      endpoints: [endpoint("b", { vendor: "alibaba" }), endpoint("i", { vendor: "alibaba-intl" })],
    });
    expect(without.model("b", "qwen-max")?.priceAt(NOW)?.currency).toBe("CNY");
    expect(without.model("i", "qwen-max")?.priceAt(NOW)?.currency).toBe("USD");
    expect(without.rate("CNY", "USD", NOW)).toBeUndefined();
    const rates = [{ from: "USD", to: "CNY", rate: "7.10", since: "2026-11-01" }];
    expect(catalogueOf({ rates }).rate("CNY", "USD", NOW)?.text).toBe("1/7.1");
  });
});
