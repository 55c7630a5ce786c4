import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fault } from "../base/faults.ts";
import type { Seal } from "./credentials.ts";
import { type DeclarativeFile, readDeclarative } from "./declarative.ts";

const seal: Seal = {
  seal: (text) => `box(${Buffer.from(text).toString("hex")})`,
  open: (sealed) => {
    const match = /^box\(([0-9a-f]*)\)$/.exec(sealed);
    return match ? Buffer.from(match[1]!, "hex").toString() : undefined;
  },
};

const environment = {
  OPENAI_API_KEY: "sk-openai-secret",
  DASHSCOPE_API_KEY: "sk-dashscope-secret",
  LAB_KEY: "sk-lab-secret",
  TEAM_KEY: "team-secret-of-many-characters",
  SUPPORT_KEY: "support-secret-of-many-characters",
  LI_NA_KEY: "li-na-secret-of-many-characters",
  RPM: "120",
  AMOUNT: "12.50",
  EMPTY: "",
};

const read = (text: string): DeclarativeFile => readDeclarative(text, { environment, seal, name: "test.yaml" });

interface Told {
  line?: number;
  column?: number;
  message: string;
  field: string;
  nearest?: string[];
}

function refusalOf(text: string): Fault {
  try {
    read(text);
  } catch (fault) {
    expect(fault).toBeInstanceOf(Fault);
    return fault as Fault;
  }
  throw new Error("the file was accepted");
}

function problemsOf(text: string): Told[] {
  return refusalOf(text).details!.problems as Told[];
}

const example = (name: string) => readFileSync(new URL(`../../examples/${name}`, import.meta.url), "utf8");

describe("the examples", () => {
  test("minimal.yaml", () => {
    const { settings, warnings } = read(example("minimal.yaml"));
    expect(warnings).toEqual([]);
    expect(settings.endpoints).toEqual([
      { id: "openai", vendor: "openai", credentials: { apiKey: { template: "${OPENAI_API_KEY}" } }, models: [] },
    ]);
    expect(settings.budgets).toEqual([
      { id: "team-total", payer: "team", amount: "5.00", currency: "USD", window: "total" },
    ]);
  });

  test("company.yaml, the whole grammar", () => {
    const { settings, warnings } = read(example("company.yaml"));
    expect(warnings).toEqual([]);
    expect(settings.general).toEqual({ currency: "CNY", limits: { callMs: 600_000, attempts: 3 } });
    expect(settings.payers).toEqual([
      {
        id: "acme",
        name: { zh: "集团", en: "Group" },
        limits: { rpm: 6000, tpm: 20_000_000, concurrency: 500 },
      },
      { id: "support", parent: "acme", name: { zh: "客服部", en: "Support" } },
      { id: "research", parent: "acme", name: "Research" },
      { id: "li.na@acme.example", parent: "research" },
    ]);
    expect(settings.budgets.map(({ id, payer, amount }) => [id, payer, amount])).toEqual([
      ["acme-month", "acme", "20000"],
      ["acme-day", "acme", "1500"],
      ["support-total", "support", "5.00"],
      ["research-week", "research", "300"],
      ["li-na-day", "li.na@acme.example", "20"],
    ]);
    expect(settings.keys[0]).toEqual({
      id: "support-bot",
      payer: "support",
      hash: createHash("sha256").update(environment.SUPPORT_KEY).digest("hex"),
      routes: ["mini", "lab/*"],
      expiresAt: "2027-06-30",
      limits: { rpm: 120 },
    });
    expect(settings.rates.map(({ rate }) => rate)).toEqual(["7.10", "7.08"]);
    const thinker = settings.endpoints[1]!.models[1]!;
    expect(thinker.price?.tiers?.[1]).toEqual({ above: 128_000, of: "input", applies: "excess", input: "12" });
    expect(thinker.price?.hours?.[0]?.except).toEqual(["2026-10-01"]);
  });
});

describe("amounts", () => {
  const amount = (written: string) =>
    read(`payers: [{id: a, budgets: [{id: b, amount: ${written}, currency: CNY, window: day}]}]`).settings.budgets[0]!
      .amount;

  test("a number is taken as it was written, not as a float", () => {
    expect(amount("0.10")).toBe("0.10");
    expect(amount("20000")).toBe("20000");
    expect(amount("5.000000001")).toBe("5.000000001");
    expect(amount('"5.00"')).toBe("5.00");
    expect(amount('"${AMOUNT}"')).toBe("12.50");
  });

  test.each(["1e3", "0x10", ".5", "-1", "1_000", "0.0000000001", "9223372037", "true", '"five"', "[1]"])(
    "%s is refused",
    (written) => {
      const [problem] = problemsOf(
        `payers:\n  - id: a\n    budgets:\n      - {id: b, amount: ${written}, currency: CNY, window: day}`,
      );
      expect(problem).toMatchObject({ line: 4, field: "payers[0].budgets[0].amount" });
    },
  );
});

describe("variables", () => {
  test("stand anywhere in a value, and may be numbers", () => {
    const { settings } = read('payers: [{id: a, name: "say ${TEAM_KEY} $${X} $5", limits: {rpm: "${RPM}"}}]');
    expect(settings.payers[0]).toEqual({
      id: "a",
      name: "say team-secret-of-many-characters ${X} $5",
      limits: { rpm: 120 },
    });
  });

  test.each([
    ["NOBODY", 'payers:\n  - id: a\n    name: "${NOBODY}"'],
    ["EMPTY", 'payers:\n  - id: a\n    name: "x${EMPTY}"'],
    ["constructor", 'payers:\n  - id: a\n    name: "${constructor}"'],
  ])("a missing one is named with its line: %s", (name, text) => {
    const [problem] = problemsOf(text);
    expect(problem).toMatchObject({ line: 3, column: 11 });
    expect(problem!.message).toContain(name);
  });

  test("in a comment they are not read", () => {
    expect(read("# ${NOBODY}\ncurrency: CNY # ${NOBODY}").settings.general.currency).toBe("CNY");
  });

  test("what stands behind one is never shown", () => {
    const text =
      'payers:\n  - id: "${TEAM_KEY} x"\n    budgets: [{ id: b, amount: "${TEAM_KEY}", currency: "${LAB_KEY}", window: "${LAB_KEY}" }]';
    const told = JSON.stringify(problemsOf(text));
    expect(problemsOf(text)).toHaveLength(4);
    expect(told).not.toContain("secret");
  });

  test("malformed ones are refused", () => {
    expect(problemsOf('currency: "${1X}"')[0]!.message).toContain("environment variable");
  });
});

describe("credentials and secrets", () => {
  const endpoint = (credential: string) =>
    read(`endpoints: [{id: e, vendor: v, credentials: {apiKey: ${credential}}}]`).settings.endpoints[0]!.credentials
      .apiKey;

  test("a variable is kept by its name, a literal is sealed, sealed text is taken back", () => {
    expect(endpoint('"${LAB_KEY}"')).toEqual({ template: "${LAB_KEY}" });
    expect(endpoint('"x-${LAB_KEY}"')).toEqual({ template: "x-${LAB_KEY}" });
    expect(endpoint("sk-plain")).toEqual({ sealed: seal.seal("sk-plain") });
    expect(endpoint("12345")).toEqual({ sealed: seal.seal("12345") });
    expect(endpoint('"a$${b}"')).toEqual({ sealed: seal.seal("a${b}") });
    expect(endpoint(`"sealed:${seal.seal("sk-plain")}"`)).toEqual({ sealed: seal.seal("sk-plain") });
  });

  test("sealed text of elsewhere is refused", () => {
    const [problem] = problemsOf("endpoints: [{id: e, vendor: v, credentials: {apiKey: sealed:other}}]");
    expect(problem).toMatchObject({ field: "endpoints[0].credentials.apiKey", line: 1 });
  });

  test("headers that carry credentials, and addresses with credentials in them, are refused", () => {
    const told = problemsOf(
      'endpoints: [{id: e, protocol: openai, baseUrl: "https://me:pass@x.example", headers: {Authorization: Bearer sk-abc}}]',
    );
    expect(told.map((problem) => problem.field).sort()).toEqual([
      "endpoints[0].baseUrl",
      "endpoints[0].headers.Authorization",
    ]);
    expect(JSON.stringify(told)).not.toMatch(/pass|sk-abc/);
  });

  test("a key is known by its hash", () => {
    const { settings, warnings } = read("payers: [{id: a, keys: [{id: k, secret: abcdefgh}]}]");
    expect(settings.keys[0]!.hash).toBe("9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab");
    expect(warnings[0]!.text("en")).toContain("8 characters");
    expect(warnings[0]!.position).toEqual({ line: 1, column: 41 });
    expect(JSON.stringify(settings)).not.toContain("abcdefgh");
  });

  test.each([
    ["secret: abcdefg", "secret"],
    ["secret: 'two words'", "secret"],
    ["hash: abcdefgh", "hash"],
    ["routes: [mini]", ""],
  ])("%s is refused", (fields, field) => {
    const [problem] = problemsOf(`payers: [{id: a, keys: [{id: k, ${fields}}]}]`);
    expect(problem!.field).toBe(`payers[0].keys[0]${field && `.${field}`}`);
    expect(problem!.message).not.toMatch(/abcdefg|two words/);
  });

  test("secret and hash together are refused", () => {
    expect(problemsOf(`payers: [{id: a, keys: [{id: k, secret: abcdefgh, hash: ${"0".repeat(64)}}]}]`)).toHaveLength(1);
  });
});

describe("what is wrong is named with its line, its column and the nearest right name", () => {
  test.each([
    ["curency: CNY", 1, 1, "curency", "currency"],
    ["currency: CNY\nendpoint:\n  - id: a", 2, 1, "endpoint", "endpoints"],
    ["endpoints:\n  - id: a\n    vendor: b\n    credential: {}", 4, 5, "endpoints[0].credential", "credentials"],
    [
      "endpoints:\n- id: a\n  models:\n  - id: m\n    price: {currency: USD, outptu: '1'}",
      5,
      28,
      "endpoints[0].models[0].price.outptu",
      "output",
    ],
    ["payers:\n- id: a\n  payers:\n  - id: b\n    buget: []", 5, 5, "payers[0].payers[0].buget", "budgets"],
    ["limits: {calMs: 5}", 1, 10, "limits.calMs", "callMs"],
    [
      "payers:\n- id: a\n  budgets: [{id: b, amount: '1', currency: CNY, window: monthly}]",
      3,
      49,
      "payers[0].budgets[0].window",
      "month",
    ],
    [
      "payers:\n- id: a\n  budgets: [{id: b, amount: '1', currency: CNY, window: day, timezone: Asia/Shangai}]",
      3,
      62,
      "payers[0].budgets[0].timezone",
      "Asia/Shanghai",
    ],
    [
      "endpoints: [{id: a, quirks: {noStreamOption: true}}]",
      1,
      30,
      "endpoints[0].quirks.noStreamOption",
      "noStreamOptions",
    ],
  ])("%s", (text, line, column, field, near) => {
    const told = problemsOf(text);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ line, column, field, nearest: [near] });
    expect(told[0]!.message).toContain(`"${near}"`);
  });

  test.each([
    ["currency: yuan", "currency"],
    ["rates: [{from: USD, to: CNY, rate: '0', since: 2026-11-01}]", "rates[0].rate"],
    ["rates: [{from: USD, to: CNY, rate: '7', since: 2026-02-30}]", "rates[0].since"],
    ["rates: [{from: USD, to: CNY, rate: '7', since: '2026-11-01T08:00:00'}]", "rates[0].since"],
    ["rates: [{from: USD, to: CNY, rate: '7'}]", "rates[0].since"],
    ["routes: [{id: a/b, to: [c/d]}]", "routes[0].id"],
    ["routes: [{id: a, to: [c]}]", "routes[0].to[0]"],
    ["routes: [{id: a, to: []}]", "routes[0].to"],
    ["routes: {id: a}", "routes"],
    ["payers: [{id: a b}]", "payers[0].id"],
    ["payers: [{name: x}]", "payers[0].id"],
    ["payers: [{id: a, name: {jp: x}}]", "payers[0].name.jp"],
    ["payers: [{id: a, name: [x]}]", "payers[0].name"],
    ["payers: [{id: a, limits: {rpm: 0.5}}]", "payers[0].limits.rpm"],
    [
      "endpoints: [{id: e, price: {currency: USD, hours: [{from: '24:00', to: '8:30', timezone: UTC}]}}]",
      "endpoints[0].price.hours[0].from",
    ],
    [
      "endpoints: [{id: e, models: [{id: m, practice: {failureRate: 2}}]}]",
      "endpoints[0].models[0].practice.failureRate",
    ],
    ["endpoints: [{id: e, baseUrl: 'ftp://x'}]", "endpoints[0].baseUrl"],
    ["- a", ""],
    ["just text", ""],
  ])("%s", (text, field) => {
    const told = problemsOf(text);
    expect(told[0]).toMatchObject({ field, line: 1 });
    for (const problem of told) expect(problem.column).toBeGreaterThan(0);
  });

  test("all problems of a file are listed, at most twenty, with how many more", () => {
    const text = `payers:\n${Array.from({ length: 30 }, (_, i) => `  - { id: p${i}, nam: x }`).join("\n")}`;
    const fault = refusalOf(text);
    expect(fault.details).toMatchObject({ total: 30 });
    expect((fault.details!.problems as Told[]).map((problem) => problem.line)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 2),
    );
    expect(fault.message).toContain("test.yaml has 30 errors");
    expect(fault.message).toContain("and 10 more");
    expect(fault.text("zh")).toContain("另有 10 处");
  });

  test.each([
    ["payers: [{id: a}, {id: a}]"],
    ["payers: [{id: a, payers: [{id: a}]}]"],
    [
      "payers: [{id: a, budgets: [{id: b, amount: '1', currency: CNY, window: day}]}, {id: c, budgets: [{id: b, amount: '1', currency: CNY, window: day}]}]",
    ],
    ["payers: [{id: a, keys: [{id: k, secret: 12345678}, {id: k, secret: 123456789}]}]"],
    ["endpoints: [{id: a, vendor: v}, {id: a, vendor: w}]"],
    ["routes: [{id: a, to: [x/y]}, {id: a, to: [x/y]}]"],
    ["rates: [{from: USD, to: CNY, rate: '7', since: 2026-11-01}, {from: USD, to: CNY, rate: '8', since: 2026-11-01}]"],
  ])("the same id twice: %s", (text) => {
    expect(problemsOf(text)[0]!.message).toContain("twice");
  });

  test("a payer inside another cannot have another parent", () => {
    expect(problemsOf("payers: [{id: a, payers: [{id: b, parent: c}]}]")[0]!.field).toBe("payers[0].payers[0].parent");
    expect(read("payers: [{id: b, parent: c}]").settings.payers[0]!.parent).toBe("c");
  });
});

describe("YAML", () => {
  test.each([
    ["a: b: c", 1],
    ["currency: CNY\n\tx: 1", 2],
    ["currency: [CNY", 1],
    ["currency: CNY\ncurrency: USD", 2],
    ["currency: CNY\n---\ncurrency: USD", 2],
    ["currency: *nobody", 1],
    ["payers: &all [*all]", 1],
    ["currency: !!binary aGk=", 1],
    ["currency: !secret x", 1],
    ["? [a]\n: b", 1],
    ["__proto__: {currency: CNY}", 1],
    ["%YAML 1.1\n---\n<<: {currency: CNY}", 3],
  ])("%s is refused on its line", (text, line) => {
    expect(problemsOf(text)[0]).toMatchObject({ line });
  });

  test("anchors and aliases may be used", () => {
    const { settings } = read("payers: [{id: a, limits: &usual {rpm: 5}}, {id: b, limits: *usual}]");
    expect(settings.payers[1]!.limits).toEqual({ rpm: 5 });
  });

  test("a bomb of aliases is refused", () => {
    const levels = ["a: &a0 [x, x, x, x, x, x, x, x, x]"];
    for (let i = 1; i < 12; i++)
      levels.push(
        `b${i}: &a${i} [${Array(9)
          .fill(`*a${i - 1}`)
          .join(", ")}]`,
      );
    expect(problemsOf(levels.join("\n"))[0]!.message).toContain("more than");
  });

  test("bottomless nesting is refused", () => {
    expect(problemsOf(`payers: ${"[".repeat(200)}${"]".repeat(200)}`)[0]!.message).toContain("levels deep");
    expect(problemsOf("[".repeat(300_000))).not.toHaveLength(0);
  });

  test("many fields are read in time that grows with them", () => {
    const text = Array.from({ length: 60_000 }, (_, i) => `f${i}: 1`).join("\n");
    expect(problemsOf(text)).toHaveLength(20);
  });

  test("a file too large is refused before it is read", () => {
    expect(() => readDeclarative("x".repeat(11), { environment, seal, fileBytes: 10 })).toThrow("more than 10");
  });

  test("an empty file, empty fields and comments alone say nothing", () => {
    for (const text of ["", "# nothing\n", "payers:\nroutes: ~\n", "---\n"])
      expect(read(text).settings.payers).toEqual([]);
  });
});

describe("random mutations of the examples", () => {
  const text = example("company.yaml");
  const lines = text.split("\n");
  const pieces = [
    "[",
    "]",
    "{",
    "}",
    ":",
    "-",
    "&a",
    "*a",
    "!!x",
    '"',
    "'",
    "${",
    "${X}",
    "\t",
    "|",
    "#",
    "\u0000",
    "💥",
    "1e999",
    "null",
    "---",
    "? ",
  ];

  const cut = fc
    .tuple(fc.nat(text.length), fc.nat(40))
    .map(([at, length]) => text.slice(0, at) + text.slice(at + length));
  const put = fc
    .tuple(fc.nat(text.length), fc.constantFrom(...pieces))
    .map(([at, piece]) => text.slice(0, at) + piece + text.slice(at));
  const swap = fc.tuple(fc.nat(lines.length - 1), fc.nat(lines.length - 1)).map(([a, b]) => {
    const moved = [...lines];
    [moved[a], moved[b]] = [moved[b]!, moved[a]!];
    return moved.join("\n");
  });

  test("always give settings or a fault that says where, and never show a secret", () => {
    fc.assert(
      fc.property(fc.oneof(cut, put, swap, fc.string()), (mutated) => {
        try {
          expect(read(mutated).settings.payers).toBeInstanceOf(Array);
        } catch (fault) {
          if (!(fault instanceof Fault)) throw fault;
          const problems = fault.details!.problems as Told[];
          expect(problems.length).toBeGreaterThan(0);
          expect(problems.length).toBeLessThanOrEqual(20);
          for (const problem of problems) expect(problem.line).toBeGreaterThan(0);
          for (const language of ["en", "zh"] as const) expect(fault.text(language)).not.toMatch(/-secret/);
        }
      }),
      { numRuns: 500 },
    );
  });
});
