import { describe, expect, test } from "vitest";
import type { Fault } from "../base/faults.ts";
import {
  type CatalogueQuery,
  catalogueEntries,
  namedEntries,
  namedVendor,
  searchCatalogue,
  searchVendors,
} from "./search.ts";
import { billions, CHAT, EMBEDS, model, priceList, SEES_THINKS, TOOLS, vendor } from "./vendors/vendor.ts";

const cny = priceList("CNY", "a list");
const NOW = Date.parse("2026-11-24T00:00:00Z");

const mountain = vendor({
  id: "mountain",
  name: { zh: "大山", en: "Mountain" },
  family: { zh: "高峰", en: "Peak" },
  baseUrl: "https://mountain.example/v1",
  confidence: "high",
  also: [
    { protocol: "anthropic", baseUrl: "https://mountain.example", confidence: "medium" },
    { protocol: "tencent", confidence: "high", models: [model("old", 8_192, undefined, undefined, CHAT)] },
    { protocol: "openai", region: "far", confidence: "high", models: [model("far-only", 1, 1)] },
  ],
  models: [
    model("big", 100_000, 8_000, cny({ input: "1", output: "2" }), {
      ...SEES_THINKS,
      ...billions(100, "card", "high"),
    }),
    { ...model("small", 8_000, 800, cny({ input: "0.1", output: "0.2" }), TOOLS), confidence: "low" },
    model("vectors", 512, undefined, cny({ input: "0.5", output: "0" }), EMBEDS),
    model("silent", undefined, undefined),
  ],
  published: [
    { id: "first", year: 2023, ...CHAT, ...billions(13, "card", "high") },
    { id: "big", ...billions(1, "card", "high") },
  ],
});

const free = vendor({
  id: "sea",
  name: "Sea",
  baseUrl: "https://sea.example/v1",
  confidence: "medium",
  price: priceList("USD", "free")({ input: "0", output: "0" }),
  models: [
    {
      ...model("wave", 1_000, 100, { currency: "USD", input: "1", output: "1", since: "2026-01-01" }),
      prices: [
        { currency: "USD", input: "2", output: "2", since: "2026-11-01" },
        { currency: "USD", input: "3", output: "3", since: "2027-01-01" },
      ],
    },
    model("tide", 1_000, 100),
  ],
});
const alias = { ...free, id: "lake", sameAs: "sea" };

const VENDORS = [mountain, free, alias];
const entries = catalogueEntries(VENDORS, NOW);
const find = (query: CatalogueQuery) => searchCatalogue(entries, query).map(({ ref }) => ref);

describe("entries", () => {
  test("every model once, whatever protocols sell it, then what was only published; no other names, no far regions", () => {
    expect(entries.map(({ ref, sold, protocols }) => [ref, sold, protocols.join()])).toEqual([
      ["mountain/big", true, "openai,anthropic"],
      ["mountain/small", true, "openai,anthropic"],
      ["mountain/vectors", true, "openai,anthropic"],
      ["mountain/silent", true, "openai,anthropic"],
      ["mountain/old", true, "tencent"],
      ["mountain/first", false, ""],
      ["sea/wave", true, "openai"],
      ["sea/tide", true, "openai"],
    ]);
  });

  test("the price in force, of the model or of all models", () => {
    const priceAt = (day: string) =>
      catalogueEntries([free], Date.parse(day)).map(({ price }) => price && JSON.parse(price.json).input);
    expect(priceAt("2025-12-31")).toEqual([undefined, "0"]);
    expect(priceAt("2026-02-01")).toEqual(["1", "0"]);
    expect(priceAt("2026-11-24")).toEqual(["2", "0"]);
    expect(priceAt("2027-02-01")).toEqual(["3", "0"]);
  });

  test("confidence: the model's own, else its vendor's", () => {
    expect(entries.slice(0, 2).map(({ confidence }) => confidence)).toEqual(["high", "low"]);
  });
});

describe("search", () => {
  test.each<[CatalogueQuery, string[]]>([
    [{ q: "PEAK big" }, ["mountain/big"]],
    [{ q: "大山 small" }, ["mountain/small"]],
    [{ q: "tide", vendor: "mountain" }, []],
    [{ vendor: "sea" }, ["sea/wave", "sea/tide"]],
    [{ modality: "image" }, ["mountain/big"]],
    [{ modality: "vector" }, ["mountain/vectors"]],
    [{ tools: true }, ["mountain/big", "mountain/small"]],
    [{ tools: false }, ["mountain/vectors"]],
    [{ reasoning: true, q: "mountain" }, ["mountain/big"]],
    [{ large: "tenBillion" }, ["mountain/big", "mountain/first"]],
    [{ currency: "USD" }, ["sea/wave", "sea/tide"]],
    [{ currency: "CNY", tools: true, reasoning: true }, ["mountain/big"]],
  ])("%j", (query, refs) => expect(find(query)).toEqual(refs));

  test("nothing asked for is everything", () => expect(find({})).toHaveLength(entries.length));

  test("vendors by any of their names", () => {
    expect(searchVendors(VENDORS, "高峰").map(({ id }) => id)).toEqual(["mountain"]);
    expect(searchVendors(VENDORS, undefined)).toHaveLength(3);
    expect(searchVendors(VENDORS, "none such")).toEqual([]);
  });
});

describe("names", () => {
  test("models to compare come in the order in which they were named", () => {
    expect(namedEntries(entries, ["sea/tide", "mountain/big"]).map(({ ref }) => ref)).toEqual([
      "sea/tide",
      "mountain/big",
    ]);
  });

  test("what is none is told with the nearest", () => {
    const faultOf = (work: () => unknown): Fault => {
      try {
        work();
      } catch (fault) {
        return fault as Fault;
      }
      throw new Error("no fault");
    };
    const model = faultOf(() => namedEntries(entries, ["mountain/bigg"]));
    expect([model.code, model.details]).toEqual([
      "model_not_found",
      { nearest: ["mountain/big", "mountain/first", "mountain/old"] },
    ]);
    const unknown = faultOf(() => namedVendor(VENDORS, "montain"));
    expect([unknown.code, unknown.details]).toEqual(["not_found", { nearest: ["mountain"] }]);
    expect(namedVendor(VENDORS, "lake").sameAs).toBe("sea");
  });
});
