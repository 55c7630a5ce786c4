import { describe, expect, test } from "vitest";
import { checkSettings, type Knowledge } from "./checks.ts";
import { type EndpointSetting, type KeySetting, NO_SETTINGS, type Settings } from "./settings.ts";

const knowledge: Knowledge = {
  vendors: ["openai", "alibaba"],
  protocols: ["openai", "practice"],
  builtIn: [{ id: "practice", protocol: "practice", credentials: {}, models: [{ id: "echo" }] }],
  needsAddress: (protocol) => protocol === "openai",
  wayProblem: ({ vendor, region }) =>
    region === "mars" ? { field: "region", text: () => `${vendor} is not on ${region}`, near: ["earth"] } : undefined,
  modelsOf: (endpoint) => (endpoint.vendor === "openai" ? undefined : endpoint.models.map((model) => model.id)),
  priceProblem: (price, where) => (price.input === undefined ? () => `${where}: no rate` : undefined),
  currenciesOf: (endpoint) => (endpoint.id === "lab" ? ["USD"] : []),
};

const lab: EndpointSetting = {
  id: "lab",
  protocol: "openai",
  baseUrl: "http://x/v1",
  credentials: {},
  models: [{ id: "mini" }, { id: "org/large" }],
};
const open: EndpointSetting = { id: "open", vendor: "openai", credentials: {}, models: [] };
const key = (id: string, rest: Partial<KeySetting> = {}): KeySetting => ({ id, payer: "a", hash: id, ...rest });

const base: Settings = { ...NO_SETTINGS, endpoints: [lab, open], payers: [{ id: "a" }, { id: "b", parent: "a" }] };
const check = (changes: Partial<Settings>) => checkSettings({ ...base, ...changes }, knowledge);
const budget = (currency: string, payer = "a") => ({
  id: `b-${currency}`,
  payer,
  amount: "1",
  currency,
  window: "day" as const,
});

test("settings that agree have no problems", () => {
  const { problems, warnings } = check({
    routes: [{ id: "r", to: ["lab/mini", "lab/org/large", "open/anything", "practice/echo"] }],
    prices: [
      { model: "lab/mini", currency: "USD", input: "1" },
      { model: "lab/mini", currency: "USD", input: "1", since: "2026-11-01" },
    ],
    keys: [key("k", { routes: ["r", "lab/*", "open/x", "*", "practice/echo"] })],
    budgets: [budget("USD")],
  });
  expect(problems).toEqual([]);
  expect(warnings).toEqual([]);
});

describe("problems", () => {
  test.each<[string, Partial<Settings>, object]>([
    [
      "a route to no endpoint",
      { routes: [{ id: "r", to: ["labs/mini"] }] },
      { kind: "routes", id: "r", path: ["to", 0], near: ["lab"] },
    ],
    [
      "a route to no model",
      { routes: [{ id: "r", to: ["lab/mini", "lab/mimi"] }] },
      { path: ["to", 1], near: ["lab/mini"] },
    ],
    [
      "a price of no model",
      { prices: [{ model: "lab/x", currency: "USD", input: "1" }] },
      { kind: "prices", path: ["model"] },
    ],
    [
      "two prices of one instant",
      {
        prices: [
          { model: "lab/mini", currency: "USD", input: "1", since: "2026-11-01" },
          { model: "lab/mini", currency: "CNY", input: "1", since: "2026-11-01T00:00:00Z" },
        ],
      },
      { kind: "prices", path: ["since"] },
    ],
    [
      "an unknown vendor",
      { endpoints: [lab, open, { ...open, id: "x", vendor: "aliababa" }] },
      { id: "x", path: ["vendor"], near: ["alibaba"] },
    ],
    [
      "an unknown protocol",
      { endpoints: [lab, open, { ...lab, id: "x", protocol: "opanai" }] },
      { path: ["protocol"], near: ["openai"] },
    ],
    [
      "neither vendor nor protocol",
      { endpoints: [lab, open, { id: "x", credentials: {}, models: [] }] },
      { id: "x", path: [] },
    ],
    ["no address", { endpoints: [lab, open, { ...lab, id: "x", baseUrl: undefined }] }, { id: "x", path: [] }],
    ["a model twice", { endpoints: [{ ...lab, models: [{ id: "m" }, { id: "m" }] }] }, { path: ["models"] }],
    [
      "a missing parent",
      { payers: [{ id: "a" }, { id: "c", parent: "aa" }] },
      { kind: "payers", id: "c", near: ["a"] },
    ],
    ["a budget of nobody", { budgets: [budget("USD", "c")] }, { kind: "budgets", path: ["payer"] }],
    ["a key of nobody", { keys: [key("k", { payer: "c" })] }, { kind: "keys", path: ["payer"] }],
    [
      "one secret for two keys",
      { keys: [key("k", { hash: "x" }), key("l", { hash: "x" })] },
      { kind: "keys", id: "l" },
    ],
    [
      "a rate to itself",
      { rates: [{ from: "USD", to: "USD", rate: "1", since: "2026-11-01" }] },
      { kind: "rates", path: ["to"] },
    ],
    [
      "two rates of one instant",
      {
        rates: [
          { from: "USD", to: "CNY", rate: "7", since: "2026-11-01" },
          { from: "USD", to: "CNY", rate: "8", since: "2026-11-01T00:00:00Z" },
        ],
      },
      { kind: "rates", path: ["since"] },
    ],
  ])("%s", (_, changes, problem) => {
    const { problems } = check(changes);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject(problem);
    expect(problems[0]!.text("zh")).not.toBe(problems[0]!.text("en"));
  });

  test("each circle of payers is told once", () => {
    const { problems } = check({
      payers: [
        { id: "a", parent: "b" },
        { id: "b", parent: "a" },
        { id: "c", parent: "b" },
        { id: "d", parent: "d" },
        { id: "e" },
      ],
    });
    expect(problems.map((problem) => problem.text("en").match(/circle: (.*)\. /)?.[1])).toEqual(["a → b → a", "d → d"]);
  });
});

describe("warnings", () => {
  test("a budget that no price can be converted to, once for each pair", () => {
    const { problems, warnings } = check({
      budgets: [budget("CNY"), { ...budget("CNY"), id: "other" }, budget("USD")],
    });
    expect(problems).toEqual([]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ kind: "budgets", id: "b-CNY", path: ["currency"] });
    const rates = [{ from: "CNY", to: "USD", rate: "0.14", since: "2026-11-01" }];
    expect(check({ budgets: [budget("CNY")], rates }).warnings).toEqual([]);
  });

  test("a key that may call what does not exist", () => {
    const { warnings } = check({ keys: [key("k", { routes: ["lab/mimi", "lba/*", "open/x"] })] });
    expect(warnings.map(({ path }) => path)).toEqual([
      ["routes", 0],
      ["routes", 1],
    ]);
    expect(warnings[0]!.near).toEqual(["lab/mini"]);
  });
});
