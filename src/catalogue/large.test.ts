import { expect, test } from "vitest";
import { largeUnderEach } from "./large.ts";
import type { ModelFacts } from "./vendors/vendor.ts";

const published = { source: "its page", confidence: "high" } as const;

test.each<[string, Pick<ModelFacts, "size" | "use">, string, string]>([
  ["says nothing", {}, "unknown", "unknown"],
  ["says no size", { use: "general" }, "unknown", "unknown"],
  ["ten billion to the parameter", { use: "general", size: { total: 10_000_000_000, ...published } }, "yes", "yes"],
  ["one fewer", { use: "general", size: { total: 9_999_999_999, ...published } }, "no", "yes"],
  ["a hundred million to the parameter", { use: "general", size: { total: 100_000_000, ...published } }, "no", "yes"],
  ["one fewer than that", { use: "general", size: { total: 99_999_999, ...published } }, "no", "no"],
  ["large, and for one task", { use: "special", size: { total: 20e9, ...published } }, "yes", "no"],
  ["of no known size, and for one task", { use: "special" }, "unknown", "no"],
  ["large, of no known use", { size: { total: 20e9, ...published } }, "yes", "unknown"],
  ["13 billion at work for one token", { use: "general", size: { active: 13e9, ...published } }, "yes", "yes"],
  ["3 billion at work for one token", { use: "general", size: { active: 3e9, ...published } }, "unknown", "yes"],
  ["50 million at work for one token", { use: "general", size: { active: 5e7, ...published } }, "unknown", "unknown"],
  [
    "35 billion, of which 3 at work",
    { use: "general", size: { total: 35e9, active: 3e9, ...published } },
    "yes",
    "yes",
  ],
])("a model that %s", (_, facts, tenBillion, hundredMillionAcrossDomains) => {
  expect(largeUnderEach(facts)).toEqual({ tenBillion, hundredMillionAcrossDomains });
});
