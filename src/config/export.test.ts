import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Seal, sameCredential } from "./credentials.ts";
import { readDeclarative } from "./declarative.ts";
import { diffSettings, type Sameness } from "./diff.ts";
import { exportSettings } from "./export.ts";
import { type Credential, NO_SETTINGS, type Settings } from "./settings.ts";

/** Like a real one: sealing the same text twice gives two different texts. */
let sealed = 0;
const seal: Seal = {
  seal: (text) => `v1.${sealed++}.${Buffer.from(text).toString("base64url")}`,
  open: (text) => {
    const match = /^v1\.\d+\.(.*)$/.exec(text);
    return match ? Buffer.from(match[1]!, "base64url").toString() : undefined;
  },
};
const environment = { KEY: "a-secret" };

const same: Sameness = (kind, path, a, b) =>
  kind === "endpoints" && path[0] === "credentials" && path.length === 2 && a !== undefined && b !== undefined
    ? sameCredential(a as Credential, b as Credential, seal)
    : undefined;

const reread = (settings: Settings) => readDeclarative(exportSettings(settings), { environment, seal }).settings;

/** Distinct ids, so that a document is found again. */
const ids = (prefix: string, most = 6) =>
  fc.integer({ min: 0, max: most }).map((count) => Array.from({ length: count }, (_, i) => `${prefix}${i}`));

const line = fc.oneof(
  fc.string({ minLength: 1, maxLength: 20 }),
  fc.string({ unit: "binary", minLength: 1, maxLength: 10 }).filter((text) => Buffer.from(text).toString() === text),
  fc.constantFrom(
    "${KEY}",
    "$${KEY}",
    "$$${",
    "5.00",
    "true",
    "null",
    "~",
    "- a",
    "a: b",
    "#x",
    " x ",
    "0x1",
    "1e3",
    "\n",
    "|",
    "买单",
    "👍",
  ),
);
const decimal = fc
  .tuple(fc.nat(9_999), fc.nat(999_999_999))
  .map(([whole, fraction]) => `${whole}.${String(fraction).padStart(9, "0")}`);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const day = fc.integer({ min: 0, max: 20_000 }).map((days) => new Date(days * 86_400_000).toISOString().slice(0, 10));
const moment = fc.oneof(
  day,
  fc.integer({ min: 0, max: 2e12 }).map((time) => new Date(time).toISOString()),
);
const currency = fc.constantFrom("USD", "CNY", "EUR", "TOKENS");
const rates = { input: optional(decimal), output: optional(decimal), perCall: optional(decimal) };
const price = fc.record({
  currency,
  ...rates,
  tiers: optional(
    fc.array(fc.record({ above: fc.nat(1e6), of: fc.constantFrom("input" as const, "output" as const), ...rates }), {
      maxLength: 2,
    }),
  ),
  hours: optional(
    fc.array(
      fc.record({
        from: fc.constant("23:30"),
        to: fc.constant("08:00"),
        timezone: fc.constant("Asia/Shanghai"),
        ...rates,
      }),
      { maxLength: 2 },
    ),
  ),
  since: optional(moment),
  source: optional(line),
});
const limits = optional(
  fc.record({
    rpm: optional(fc.integer({ min: 1, max: 1e6 })),
    concurrency: optional(fc.integer({ min: 1, max: 1e6 })),
  }),
);
const credential: fc.Arbitrary<Credential> = fc.oneof(
  fc.constantFrom("${KEY}", "Bearer ${KEY}", "$${x}${KEY}").map((template) => ({ template })),
  line.map((text) => ({ sealed: seal.seal(text) })),
);

function each<T>(
  names: readonly string[],
  document: (id: string, index: number) => fc.Arbitrary<T>,
): fc.Arbitrary<T[]> {
  return fc.tuple(...names.map(document)) as unknown as fc.Arbitrary<T[]>;
}

const settings: fc.Arbitrary<Settings> = fc
  .tuple(ids("e", 3), ids("r", 3), ids("p"), ids("b"), ids("k"))
  .chain(([endpoints, routes, payers, budgets, keys]) =>
    fc.record({
      general: fc.record({ currency }),
      rates: fc.uniqueArray(
        fc.record({
          from: currency,
          to: currency,
          rate: decimal.filter((text) => /[1-9]/.test(text)),
          since: moment,
          source: optional(line),
        }),
        {
          maxLength: 3,
          selector: ({ from, to, since }) => `${from}-${to}@${since}`,
        },
      ),
      vendors: each(endpoints, (id) =>
        fc.record({
          id: fc.constant(`vendor-${id}`),
          name: optional(fc.record({ zh: line, en: line })),
          baseUrl: optional(fc.constant("https://x.example/v1")),
          environment: optional(fc.constant({ apiKey: "X_KEY" })),
          models: optional(
            fc.tuple(
              fc.record({
                id: fc.constant("m/1"),
                input: optional(fc.constant(["text" as const, "image" as const])),
                tools: optional(fc.boolean()),
                price: optional(price),
                claims: optional(
                  fc.tuple(
                    fc.record({
                      about: fc.constant("score" as const),
                      text: line,
                      source: line,
                      confidence: fc.constant("low" as const),
                    }),
                  ),
                ),
              }),
            ),
          ),
        }),
      ),
      endpoints: each(endpoints, (id) =>
        fc.record({
          id: fc.constant(id),
          vendor: optional(fc.constant("openai")),
          credentials: fc.dictionary(fc.constantFrom("apiKey", "secretKey"), credential),
          headers: optional(fc.dictionary(fc.constantFrom("x-a", "x-b"), fc.string({ maxLength: 10 }))),
          models: fc.uniqueArray(
            fc.record({
              id: fc.constantFrom("a", "b:7b", "m/x", "5.0", "1e3"),
              upstream: optional(line),
              price: optional(price),
            }),
            {
              maxLength: 3,
              selector: (model) => model.id,
            },
          ),
          price: optional(price),
          allowUnpriced: optional(fc.boolean()),
        }),
      ),
      prices: fc.uniqueArray(
        price.map((one) => ({ model: "e0/a", ...one })),
        { maxLength: 2, selector: (one) => one.since },
      ),
      routes: each(routes, (id) =>
        fc.record({ id: fc.constant(id), to: fc.constant(["e0/a"]), tries: optional(fc.integer({ min: 1, max: 5 })) }),
      ),
      payers: each(payers, (id, i) =>
        fc.record({
          id: fc.constant(id),
          name: optional(fc.oneof(line, fc.record({ zh: optional(line), en: optional(line) }))),
          parent: i === 0 ? fc.constant(undefined) : optional(fc.nat(i - 1).map((above) => `p${above}`)),
          limits,
        }),
      ),
      budgets:
        payers.length === 0
          ? fc.constant([])
          : each(budgets, (id) =>
              fc.record({
                id: fc.constant(id),
                payer: fc.constantFrom(...payers),
                amount: decimal,
                currency,
                window: fc.constantFrom("hour" as const, "total" as const),
                timezone: optional(fc.constant("Europe/Paris")),
              }),
            ),
      keys:
        payers.length === 0
          ? fc.constant([])
          : each(keys, (id) =>
              fc.record({
                id: fc.constant(id),
                payer: fc.constantFrom(...payers),
                hash: fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 64, maxLength: 64 }),
                createdAt: optional(moment),
                expiresAt: optional(moment),
                revokedAt: optional(moment),
                routes: optional(fc.constant(["e0/*", "r0"])),
                limits,
              }),
            ),
    }),
  );

describe("export", () => {
  test("what is written is read back, and changes nothing", () => {
    fc.assert(
      fc.property(settings, (before) => {
        expect(diffSettings(before, reread(before), same)).toEqual([]);
        expect(diffSettings(reread(before), before, same)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test("a tree deeper than YAML should be", () => {
    const payers = Array.from({ length: 200 }, (_, i) =>
      i === 0 ? { id: "p0" } : { id: `p${i}`, parent: `p${i - 1}` },
    );
    const budgets = [{ id: "b", payer: "p199", amount: "1", currency: "CNY", window: "day" as const }];
    const before: Settings = { ...NO_SETTINGS, payers, budgets };
    expect(diffSettings(before, reread(before))).toEqual([]);
  });

  test("no secret stands in it", () => {
    const text = exportSettings({
      ...NO_SETTINGS,
      endpoints: [
        { id: "e", vendor: "v", models: [], credentials: { a: { template: "${KEY}" }, b: { sealed: "v1.0.xyz" } } },
      ],
    });
    expect(text).toContain("a: ${KEY}");
    expect(text).toContain("b: sealed:v1.0.xyz");
  });
});

describe("diff", () => {
  const base: Settings = {
    ...NO_SETTINGS,
    endpoints: [
      {
        id: "e",
        vendor: "v",
        credentials: { apiKey: { sealed: seal.seal("one") } },
        models: [{ id: "m", price: { currency: "USD", input: "1", tiers: [{ above: 5, input: "2" }] } }, { id: "n" }],
      },
    ],
    payers: [{ id: "a", name: { zh: "甲", en: "A" } }],
    routes: [{ id: "r", to: ["e/m", "e/n"] }],
  };
  const endpoint = base.endpoints[0]!;

  test("sealing the same secret again is no change; another secret is one", () => {
    const again = { ...endpoint, credentials: { apiKey: { sealed: seal.seal("one") } } };
    const other = { ...endpoint, credentials: { apiKey: { sealed: seal.seal("two") } } };
    const named = { ...endpoint, credentials: { apiKey: { template: "${KEY}" } } };
    expect(diffSettings(base, { ...base, endpoints: [again] }, same)).toEqual([]);
    for (const changed of [other, named]) {
      expect(diffSettings(base, { ...base, endpoints: [changed] }, same)).toEqual([
        { action: "change", kind: "endpoints", id: "e", fields: ["credentials.apiKey"] },
      ]);
    }
  });

  test("fields are named by their path, models by their id", () => {
    const models = [
      { id: "m", price: { currency: "USD", tiers: [{ input: "3", above: 5 }], input: "1" }, upstream: "x" },
      { id: "n" },
    ];
    const [change] = diffSettings(base, { ...base, endpoints: [{ ...endpoint, models }] }, same);
    expect(change!.fields).toEqual(["models.m.price.tiers", "models.m.upstream"]);
  });

  test("the order of fields and undefined ones make no difference", () => {
    const models = [
      { price: { tiers: [{ input: "2", above: 5 }], input: "1", currency: "USD" }, id: "m", upstream: undefined },
      { id: "n" },
    ];
    expect(diffSettings(base, { ...base, endpoints: [{ ...endpoint, models }] }, same)).toEqual([]);
  });

  test("adding, removing and the order of a route", () => {
    const after: Settings = {
      ...base,
      general: { currency: "CNY" },
      payers: [{ id: "b" }],
      routes: [{ id: "r", to: ["e/n", "e/m"] }],
    };
    expect(diffSettings(base, after, same)).toEqual([
      { action: "change", kind: "general", id: "general", fields: ["currency"] },
      { action: "change", kind: "routes", id: "r", fields: ["to"] },
      { action: "add", kind: "payers", id: "b" },
      { action: "remove", kind: "payers", id: "a" },
    ]);
  });
});
