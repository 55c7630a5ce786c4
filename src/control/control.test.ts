import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ManualClock } from "../base/clock.ts";
import { Fault } from "../base/faults.ts";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import { quirksSchema } from "../config/schemas.ts";
import type { KeySetting } from "../config/settings.ts";
import { hashSecret } from "../payers/secrets.ts";
import { openSealer, type Sealer } from "../store/sealing.ts";
import type { Store } from "../store/spec.ts";
import { openTestStore } from "../store/test-store.suite.ts";
import type { Quirks } from "../vendors/spec.ts";
import { AdminKey } from "./admin-key.ts";
import { Control } from "./control.ts";
import type { SettingsSnapshot } from "./snapshot.ts";
import { limitsInForce } from "./snapshot.ts";

const environment = {
  DASHSCOPE_API_KEY: "sk-dashscope-secret",
  LAB_KEY: "sk-lab-secret",
  SUPPORT_KEY: "support-secret-of-many-characters",
  LI_NA_KEY: "li-na-secret-of-many-characters",
};
const company = readFileSync(new URL("../../examples/company.yaml", import.meta.url), "utf8");
const NOW = "2026-11-24T00:00:00.000Z";

let folder: string;
let store: Store;
let seal: Sealer;
let clock: ManualClock;
let control: Control;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "maidan-control-"));
  store = await openTestStore(folder, DEFAULT_LIMITS);
  seal = openSealer(folder);
  clock = new ManualClock(NOW);
  control = await open();
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = (env: Record<string, string> = environment) =>
  Control.open({ query: store.query, seal, environment: env, clock });

async function faultOf(promise: Promise<unknown>): Promise<Fault> {
  const fault = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(fault).toBeInstanceOf(Fault);
  return fault as Fault;
}

const endpoint = (key: string, model = "m") => `
endpoints:
  - { id: e, protocol: openai, baseUrl: "http://127.0.0.1:1/v1", credentials: { apiKey: ${key} }, models: [{ id: ${model} }] }
`;

describe("apply", () => {
  test("the company, from nothing; a second time changes nothing", async () => {
    const inForce = limitsInForce(control.snapshot);
    const first = await control.applyFile(company);
    expect(first.applied).toBe(true);
    expect(first.changes.filter(({ kind }) => kind === "payers").map(({ action, id }) => [action, id])).toEqual([
      ["add", "acme"],
      ["add", "support"],
      ["add", "research"],
      ["add", "li.na@acme.example"],
    ]);
    expect(first.changes[0]).toEqual({
      action: "change",
      kind: "general",
      id: "general",
      fields: ["currency", "limits"],
    });
    const { payers, limits, version } = control.snapshot();
    expect(limits).toEqual({ ...DEFAULT_LIMITS, callMs: 600_000, attempts: 3 });
    expect({ ...inForce }).toEqual(limits);
    expect(payers.identify(environment.SUPPORT_KEY, clock.now())).toMatchObject({ path: ["support", "acme"] });

    clock.advance(1_000);
    expect(await control.applyFile(company)).toMatchObject({ changes: [], applied: true });
    expect(control.snapshot().version).toBe(version);
  });

  test("the file of the design", async () => {
    const file = `
currency: CNY
rates:
  - { from: USD, to: CNY, rate: "7.10", since: 2026-11-01, source: "finance desk" }
endpoints:
  - id: bailian
    vendor: alibaba
    credentials: { apiKey: "\${DASHSCOPE_API_KEY}" }
  - id: lab
    protocol: openai
    baseUrl: http://10.0.0.7:8000/v1
    credentials: { apiKey: "\${LAB_KEY}" }
    models:
      - id: mini
        upstream: gpt-4o-mini
        maxOutputTokens: 16384
        price: { currency: USD, input: "0.15", output: "0.60", cachedInput: "0.075" }
routes:
  - { id: mini, to: [lab/mini] }
  - { id: careful, to: [bailian/qwen3-max, lab/mini], on: [error, timeout, rate_limit] }
payers:
  - id: acme
    name: { zh: 集团, en: Group }
    budgets: [{ id: acme-month, amount: "20000", currency: CNY, window: month, timezone: Asia/Shanghai }]
    payers:
      - id: support
        budgets: [{ id: support-total, amount: "5.00", currency: USD, window: total }]
        keys: [{ id: support-bot, secret: "\${SUPPORT_KEY}" }]
`;
    expect((await control.applyFile(file)).warnings).toEqual([]);
    const { catalogue, routes } = control.snapshot();
    expect(catalogue.endpoint("bailian")!.credentials).toEqual({ apiKey: environment.DASHSCOPE_API_KEY });
    expect(routes.plan("careful").models.map(({ ref }) => ref)).toEqual(["bailian/qwen3-max", "lab/mini"]);
    expect((await control.applyFile(file)).changes).toEqual([]);
  });

  test("what was applied is there after a restart", async () => {
    await control.applyFile(company);
    const again = await open();
    expect(again.exportYaml()).toBe((await open()).exportYaml());
    expect((await again.applyFile(company)).changes).toEqual([]);
    expect(again.snapshot().payers.payer("research")).toEqual({ id: "research", parent: "acme", name: "Research" });
  });

  test("an export, applied, changes nothing, and shows no secret", async () => {
    await control.applyFile(company);
    await control.change("endpoints", "extra", {
      protocol: "openai",
      id: "extra",
      baseUrl: "http://127.0.0.1:1/v1",
      credentials: { apiKey: "sk-literal-secret" },
      models: [{ id: "m" }],
    });
    const text = control.exportYaml();
    for (const secret of [...Object.values(environment), "sk-literal-secret"]) expect(text).not.toContain(secret);
    expect((await control.applyFile(text)).changes).toEqual([]);
    expect((await control.applyFile(control.exportYaml())).changes).toEqual([]);
  });

  test("a dry run says what would change, and changes nothing", async () => {
    const dry = await control.applyFile(company, { dryRun: true });
    expect(dry.applied).toBe(false);
    expect(dry.changes.length).toBeGreaterThan(10);
    expect(control.isEmpty).toBe(true);
    expect((await open()).isEmpty).toBe(true);
    expect((await control.applyFile(company)).changes).toEqual(dry.changes);
  });

  test("what an earlier file had and this one has not is removed; what the API made stays", async () => {
    await control.applyFile("currency: CNY\npayers: [{id: a, payers: [{id: b}]}, {id: c}]");
    await control.change("payers", "d", { id: "d", parent: "a" });
    const { changes } = await control.applyFile("payers: [{id: a}]");
    expect(changes).toEqual([
      { action: "change", kind: "general", id: "general", fields: ["currency"] },
      { action: "remove", kind: "payers", id: "b" },
      { action: "remove", kind: "payers", id: "c" },
    ]);
    expect(
      control
        .snapshot()
        .settings.payers.map(({ id }) => id)
        .sort(),
    ).toEqual(["a", "d"]);
    expect(control.snapshot().settings.general.currency).toBe("USD");
  });

  test("what the API made and a file then says becomes the file's", async () => {
    await control.change("payers", "a", { id: "a" });
    expect((await control.applyFile("payers: [{id: a}]")).changes).toEqual([]);
    expect((await control.applyFile("payers: []")).changes).toEqual([{ action: "remove", kind: "payers", id: "a" }]);
  });

  test("what the API changed of a file's, the file puts back", async () => {
    await control.applyFile("payers: [{id: a, limits: {rpm: 5}}]");
    await control.change("payers", "a", { id: "a", limits: { rpm: 6 } });
    expect(control.source("payers", "a")).toBe("file");
    expect((await control.applyFile("payers: [{id: a, limits: {rpm: 5}}]")).changes).toEqual([
      { action: "change", kind: "payers", id: "a", fields: ["limits.rpm"] },
    ]);
  });

  test("a literal credential applied again is no change, and another is one", async () => {
    await control.applyFile(endpoint("sk-one"));
    expect((await control.applyFile(endpoint("sk-one"))).changes).toEqual([]);
    expect((await control.applyFile(endpoint("sk-two"))).changes).toEqual([
      { action: "change", kind: "endpoints", id: "e", fields: ["credentials.apiKey"] },
    ]);
    expect(JSON.stringify(control.snapshot().settings)).not.toContain("sk-");
  });

  test("a revoked key stays revoked while its secret stays", async () => {
    const file = (secret: string) => `payers: [{id: a, keys: [{id: k, secret: ${secret}}]}]`;
    await control.applyFile(file("first-secret-of-many"));
    const key = control.written("keys", "k") as KeySetting;
    expect(key.createdAt).toBe(NOW);
    await control.change("keys", "k", { ...key, revokedAt: NOW });
    expect((await control.applyFile(file("first-secret-of-many"))).changes).toEqual([]);
    expect(
      (
        await faultOf(
          Promise.resolve().then(() => control.snapshot().payers.identify("first-secret-of-many", clock.now())),
        )
      ).code,
    ).toBe("invalid_api_key");
    await control.applyFile(file("other-secret-of-many"));
    expect(control.snapshot().payers.identify("other-secret-of-many", clock.now()).key?.revokedAt).toBeUndefined();
  });

  test("problems between settings are told with their lines, and nothing is applied", async () => {
    await control.applyFile("payers: [{id: a}]");
    const before = control.snapshot();
    const fault = await faultOf(
      control.applyFile(
        `payers:\n  - id: b\nroutes:\n  - id: r\n    to: [nowhere/m]\n  - id: s\n    to:\n      - practice/ecco\n`,
      ),
    );
    expect(fault.code).toBe("invalid_request");
    expect(fault.details!.problems).toMatchObject([
      { line: 5, field: "routes[0].to[0]" },
      { line: 8, field: "routes[1].to[0]", nearest: ["practice/echo"] },
    ]);
    expect(control.snapshot()).toBe(before);
    expect((await open()).snapshot().settings.payers).toEqual([{ id: "a" }]);
  });

  test("a file may not take away what the API's settings stand on", async () => {
    await control.applyFile(endpoint("sk-one"));
    await control.change("routes", "r", { id: "r", to: ["e/m"] });
    const fault = await faultOf(control.applyFile("payers: []"));
    expect(fault.message).toContain('routes "r"');
    expect(control.snapshot().settings.endpoints).toHaveLength(1);
  });

  test("a bad price is told on its line", async () => {
    const fault = await faultOf(
      control.applyFile(
        `endpoints:\n  - id: e\n    protocol: openai\n    baseUrl: http://127.0.0.1:1\n    models:\n      - id: m\n        price:\n          { currency: USD, input: "1", tiers: [{ above: 5, input: "2" }, { above: 5, input: "3" }] }\n`,
      ),
    );
    expect(fault.details!.problems).toMatchObject([{ line: 8, field: "endpoints[0].models[0].price" }]);
  });
});

describe("change", () => {
  test("a key without a secret gets one, shown once", async () => {
    await control.change("payers", "a", { id: "a" });
    const { secret, document } = await control.change("keys", undefined, { id: "k", payer: "a" }, "api", "new");
    expect(secret).toMatch(/^mk-[A-Za-z0-9_-]{43}$/);
    expect(document).toEqual({ id: "k", payer: "a", hash: hashSecret(secret!), createdAt: NOW });
    expect(control.snapshot().payers.identify(secret!, clock.now()).key?.id).toBe("k");
    const kept = await control.change("keys", "k", { ...document, routes: ["practice/echo"] });
    expect(kept.secret).toBeUndefined();
    expect(kept.changes).toEqual([{ action: "change", kind: "keys", id: "k", fields: ["routes"] }]);
  });

  test("an endpoint keeps its credential when it is written back as it was read", async () => {
    await control.applyFile(endpoint("sk-one"));
    const written = control.written("endpoints", "e") as { credentials: Record<string, string> };
    expect(written.credentials.apiKey).toMatch(/^sealed:/);
    const stored = control.snapshot().settings.endpoints[0]!;
    for (const form of [written, stored]) {
      const { changes } = await control.change("endpoints", "e", { ...form, allowUnpriced: true });
      expect(changes.flatMap(({ fields }) => fields ?? [])).not.toContain("credentials.apiKey");
    }
    const [kept] = control.snapshot().settings.endpoints;
    expect(kept!.allowUnpriced).toBe(true);
    expect(seal.open((kept!.credentials.apiKey as { sealed: string }).sealed)).toBe("sk-one");
  });

  test("what is expected is checked", async () => {
    await control.change("payers", "acme", { id: "acme" });
    expect((await faultOf(control.change("payers", "acme", { id: "acme" }, "api", "new"))).code).toBe("conflict");
    const missing = await faultOf(control.change("payers", "acmee", { id: "acmee" }, "api", "existing"));
    expect(missing).toMatchObject({ code: "not_found", details: { nearest: ["acme"] } });
    expect((await faultOf(control.change("payers", "x", undefined))).code).toBe("not_found");
    expect((await faultOf(control.change("payers", "acme", { id: "b" }))).code).toBe("invalid_request");
    expect((await faultOf(control.change("general", "general", undefined))).code).toBe("invalid_request");
  });

  test("shape and references are checked as in a file", async () => {
    const shape = await faultOf(control.change("budgets", "b", { id: "b", payer: "a", amout: "1" }));
    expect(shape.details!.problems).toContainEqual(expect.objectContaining({ field: "amout", nearest: ["amount"] }));
    const budget = { id: "b", payer: "a", amount: "1", currency: "USD", window: "day" };
    expect((await faultOf(control.change("budgets", "b", budget))).message).toContain('"a"');
    await control.change("payers", "a", { id: "a" });
    await control.change("budgets", "b", budget);
    expect((await faultOf(control.change("payers", "a", undefined))).message).toContain('budgets "b"');
    expect((await control.change("budgets", "b", undefined)).changes).toEqual([
      { action: "remove", kind: "budgets", id: "b" },
    ]);
  });

  test("rates and prices say their own id", async () => {
    const rate = { from: "USD", to: "CNY", rate: "7.1", since: "2026-11-01" };
    const { changes } = await control.change("rates", undefined, rate, "api", "new");
    expect(changes).toEqual([{ action: "add", kind: "rates", id: "USD-CNY@2026-11-01" }]);
    await control.change("prices", undefined, {
      model: "practice/echo",
      currency: "USD",
      input: "1",
      since: "2026-11-01",
    });
    expect(control.snapshot().catalogue.rate("USD", "CNY", clock.now())?.text).toBe("7.1");
  });

  test("listeners hear of a change once it is in force, and of nothing that failed", async () => {
    const heard: [SettingsSnapshot, SettingsSnapshot][] = [];
    control.onChange((now, before) => {
      expect(control.snapshot()).toBe(now);
      heard.push([now, before]);
    });
    await control.change("payers", "a", { id: "a" });
    await faultOf(control.change("payers", "b", { id: "b", parent: "nobody" }));
    await control.change("payers", "a", { id: "a" });
    expect(heard.map(([now, before]) => [now.version, before.version])).toEqual([[2, 1]]);
  });

  test("changes at once come one after the other, each on what the last left", async () => {
    await control.change("payers", "root", { id: "root" });
    const names = Array.from({ length: 30 }, (_, i) => `p${i}`);
    const outcomes = await Promise.allSettled([
      ...names.map((id, i) => control.change("payers", id, { id, parent: i === 0 ? "root" : names[i - 1] })),
      control.change("payers", "root", undefined),
    ]);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(30);
    expect(control.snapshot().payers.path("p29")).toHaveLength(31);
  });

  test("what could not be put in force here is tried again, also where another node changed it", async () => {
    const other = await open();
    const budgets: number[] = [];
    let isAway = true;
    expect(control.isBehind(1)).toBe(false); // nobody would hear of it
    control.onChange(({ settings }) => {
      if (isAway) throw new Error("the store is away");
      budgets.push(settings.payers.length);
    });
    await other.change("payers", "a", { id: "a" });
    expect(control.isBehind(other.storedVersion)).toBe(true);
    await expect(control.refresh()).rejects.toThrow("the store is away");
    expect([control.storedVersion, control.isBehind(other.storedVersion)]).toEqual([other.storedVersion, true]);
    await expect(control.change("payers", "b", { id: "b" })).rejects.toThrow("the store is away");
    isAway = false;
    await control.refresh();
    expect([budgets, control.isBehind(control.storedVersion)]).toEqual([[2], false]);
  });

  test("what the disk refuses is not in force", async () => {
    const before = control.snapshot();
    await store.query.schema.dropTable("settings").execute();
    await expect(control.change("payers", "a", { id: "a" })).rejects.toThrow();
    expect(control.snapshot()).toBe(before);
    expect(control.isEmpty).toBe(true);
  });
});

describe("models that only the vendor can tell", () => {
  const ollama = { id: "ollama", vendor: "ollama", baseUrl: "http://127.0.0.1:1/v1" };

  test("a route may name them before the vendor was asked, also after a restart", async () => {
    await control.change("endpoints", "ollama", ollama);
    await control.change("routes", "small", { id: "small", to: ["ollama/llama3:8b"] });
    const again = await open();
    expect(
      again
        .snapshot()
        .routes.plan("small")
        .models.map(({ ref }) => ref),
    ).toEqual(["ollama/llama3:8b"]);
  });

  test("once told, they stay through changes", async () => {
    await control.change("endpoints", "ollama", ollama);
    control.addModels("ollama", [{ id: "qwen3:4b", contextTokens: 32_768 }]);
    await control.change("payers", "a", { id: "a" });
    expect(control.snapshot().catalogue.model("ollama", "qwen3:4b")?.contextTokens).toBe(32_768);
    await control.change("endpoints", "ollama", undefined);
    expect(control.snapshot().catalogue.endpoint("ollama")).toBeUndefined();
  });
});

test("the quirks of the file are those of the vendors' contract", () => {
  const everyQuirk: Required<Quirks> = {
    maxOutputField: "max_tokens",
    noStreamOptions: true,
    paths: { chat: "/chat", embeddings: "/embeddings", images: "/images", models: "/models" },
    keyHeader: "x-key",
    clamps: { temperature: { min: 0, max: 1 }, omit: ["seed"] },
    errors: { "1305": "overloaded" },
    defaults: { reasoning_split: true },
  };
  expect(quirksSchema.parse(everyQuirk)).toEqual(everyQuirk);
  expect(Object.keys(quirksSchema.shape).sort()).toEqual(Object.keys(everyQuirk).sort());
});

describe("the first start", () => {
  test("makes a payer, a small budget, a key and the endpoints of vendors in the environment", async () => {
    const found = await open({
      OPENAI_API_KEY: "sk-openai-secret",
      DASHSCOPE_API_KEY: "sk-other",
      DEEPSEEK_API_KEY: "",
    });
    const first = await found.firstStart();
    expect(first!.secret).toMatch(/^mk-/);
    expect(first!.endpoints.map((one) => one.vendor).sort()).toEqual(["alibaba", "openai"]);
    expect(first!.warnings.map(({ text }) => text("en")).join()).toContain("no rate from CNY");
    const { settings, payers } = found.snapshot();
    expect(settings.budgets).toEqual([
      { id: "first-total", payer: "first", amount: "1.00", currency: "USD", window: "total" },
    ]);
    expect(payers.identify(first!.secret, clock.now())).toMatchObject({ payer: "first" });
    expect(settings.endpoints.find((one) => one.vendor === "openai")?.credentials).toEqual({
      apiKey: { template: "${OPENAI_API_KEY}" },
    });
    expect(found.source("payers", "first")).toBe("start");
    expect(await found.firstStart()).toBeUndefined();
    expect((await found.applyFile("payers: [{id: a}]")).changes).toEqual([{ action: "add", kind: "payers", id: "a" }]);
  });

  test("with the servers found on this machine", async () => {
    const first = await control.firstStart([{ id: "ollama", vendor: "ollama", credentials: {}, models: [] }]);
    expect(first!.endpoints.map(({ id }) => id)).toEqual(["alibaba", "ollama"]);
    expect(control.snapshot().catalogue.endpoint("ollama")?.vendor).toBe("ollama");
  });

  test("not where there are settings", async () => {
    await control.change("payers", "a", { id: "a" });
    expect(await control.firstStart()).toBeUndefined();
  });
});

describe("the admin key", () => {
  test("is made once, shown once, and known by its hash", async () => {
    const { query } = store;
    const first = await AdminKey.open(undefined, query);
    expect(first.made).toMatch(/^ma-[A-Za-z0-9_-]{43}$/);
    const again = await AdminKey.open(undefined, query);
    expect(again.made).toBeUndefined();
    for (const key of [first, again]) {
      expect(key.verify(first.made!)).toBe(true);
      for (const wrong of ["", `${first.made}x`, hashSecret(first.made!), "x".repeat(10_000)]) {
        expect(key.verify(wrong)).toBe(false);
      }
    }
    const rows = await store.query.selectFrom("meta").selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(first.made);
  });

  test("one from the environment stands above it, and is not stored", async () => {
    const { query } = store;
    const { made } = await AdminKey.open(undefined, query);
    const given = await AdminKey.open("an-admin-key-of-mine", query);
    expect(given.verify("an-admin-key-of-mine")).toBe(true);
    expect(given.verify(made!)).toBe(false);
    expect((await AdminKey.open(undefined, query)).verify(made!)).toBe(true);
  });
});
