import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../base/clock.ts";
import { DEFAULT_LIMITS } from "../../base/limits.ts";
import { Ledger } from "../../ledger/ledger.ts";
import { lockDataFolder } from "../../store/folder-lock.ts";
import { openSealer } from "../../store/sealing.ts";
import type { Store } from "../../store/spec.ts";
import { openSqliteStore } from "../../store/sqlite-store.ts";
import { sampleEntry } from "../../store/store.suite.ts";
import { httpTransport } from "../../vendors/http-transport.ts";
import { openai } from "../../vendors/openai/protocol.ts";
import type { Transport } from "../../vendors/spec.ts";
import { Control } from "../control.ts";
import { runDoctor, showReport } from "./doctor.ts";
import { examineSettings, examineStore } from "./installation.ts";
import { probeEndpoint } from "./probe.ts";
import type { CheckId, DoctorCheck, DoctorDependencies, ExaminedModel } from "./spec.ts";

const NOW = Date.parse("2026-11-24T06:00:00Z");

let folder: string;
let clock: ManualClock;
const closing: (() => unknown)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "maidan-doctor-"));
  clock = new ManualClock(NOW);
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

/** An installation in which all is well: what a test changes is what it finds. */
function well(more: Partial<DoctorDependencies> = {}): DoctorDependencies {
  return {
    clock,
    dataFolder: folder,
    bounds: { diskWarningBytes: 0, diskProblemBytes: 0, syncWarningMs: 60_000 },
    nodeVersion: "v20.20.0",
    endpoints: () => [],
    probeEndpoint: () => Promise.reject(new Error("nothing to probe")),
    keys: () => [],
    budgetCurrencies: () => [],
    hasRate: () => false,
    auditLedger: async () => ({ entries: 0, problems: [] }),
    unsettled: () => [],
    lastEntryAt: async () => undefined,
    checkStore: async () => ["ok"],
    storeWarnings: () => [],
    ...more,
  };
}

async function examine(id: CheckId, more: Partial<DoctorDependencies>): Promise<readonly DoctorCheck[]> {
  return (await runDoctor(well(more))).checks.filter((check) => check.id === id);
}

const states = (checks: readonly DoctorCheck[]): string[] => checks.map((check) => check.state);
const told = (check: DoctorCheck | undefined): string =>
  [check?.what("en"), check?.where?.("en"), check?.remedy?.("en")].join(" | ");

function hold(): void {
  const lock = lockDataFolder(folder);
  closing.push(() => lock.release());
}

async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

/** An endpoint that is really asked, over HTTP, by OpenAI's protocol. */
function endpointAt(baseUrl: string, models: readonly ExaminedModel[] = []): Partial<DoctorDependencies> {
  const transport: Transport = httpTransport({ baseUrl });
  closing.push(() => transport.close());
  const target = { credentials: { apiKey: "sk-of-the-test" }, headers: {}, quirks: {} };
  return {
    endpoints: () => [{ id: "lab", address: baseUrl, fault: undefined, models }],
    probeEndpoint: () => probeEndpoint({ protocol: openai, transport, target }, () => clock.now()),
  };
}

const models = JSON.stringify({ object: "list", data: [] });
const error = (message: string, code: string) =>
  JSON.stringify({ error: { message, type: "invalid_request_error", code } });

describe("an installation in which all is well", () => {
  test("is said to be, check by check, and tells no remedy", async () => {
    hold();
    const report = await runDoctor(well());
    expect(report.checks.map((check) => `${check.id} ${check.state}`)).toEqual(
      ["runtime", "data-folder", "lock", "disk-space", "disk-speed", "store", "ledger", "unsettled", "clock"]
        .concat(["endpoint-credential", "endpoint-reachable", "price", "output-limit", "rate", "key"])
        .map((id) => `${id} ok`),
    );
    expect(report.checks.every((check) => check.remedy === undefined)).toBe(true);
    expect(report).toMatchObject({ state: "ok", at: NOW });
  });

  test("leaves nothing behind in the data folder", async () => {
    hold();
    await runDoctor(well());
    expect(readdirSync(folder).filter((name) => !name.startsWith("lock.db"))).toEqual([]);
  });
});

describe("the machine", () => {
  test("an old Node.js", async () => {
    expect(states(await examine("runtime", { nodeVersion: "v20.18.3" }))).toEqual(["problem"]);
    expect(states(await examine("runtime", { nodeVersion: "v18.20.0" }))).toEqual(["problem"]);
    expect(states(await examine("runtime", { nodeVersion: "v22.0.0" }))).toEqual(["ok"]);
  });

  test("a sealing key that others can read", async () => {
    openSealer(folder);
    expect(states(await examine("data-folder", {}))).toEqual(["ok"]);
    chmodSync(join(folder, "sealing.key"), 0o644);
    const [check] = await examine("data-folder", {});
    expect(check!.state).toBe("problem");
    expect(told(check)).toContain("mode 644");
    expect(check!.remedy!("en")).toBe(`chmod 600 "${join(folder, "sealing.key")}"`);
  });

  test("a ledger that others can read, where they can enter the folder", async () => {
    writeFileSync(join(folder, "maidan.db"), "", { mode: 0o644 });
    expect(states(await examine("data-folder", {}))).toEqual(["ok"]);
    chmodSync(folder, 0o755);
    expect(states(await examine("data-folder", {}))).toEqual(["warning"]);
  });

  test("a data folder that is not there", async () => {
    const checks = await examine("data-folder", { dataFolder: join(folder, "gone") });
    expect(states(checks)).toEqual(["problem"]);
  });

  test("a disk with less than its bound left, measured on the real one", async () => {
    const bounds = { diskWarningBytes: Number.MAX_SAFE_INTEGER, diskProblemBytes: 0, syncWarningMs: 60_000 };
    expect(states(await examine("disk-space", { bounds }))).toEqual(["warning"]);
    const full = await examine("disk-space", { bounds: { ...bounds, diskProblemBytes: Number.MAX_SAFE_INTEGER } });
    expect(states(full)).toEqual(["problem"]);
    expect(full[0]!.what("zh")).toContain("磁盘将满");
  });

  test("a full disk, with the usual bounds", async () => {
    const space = (freeBytes: number) => async () => ({ freeBytes, totalBytes: 1e12, type: 0xef53 });
    const check = async (free: number) =>
      states(await examine("disk-space", { bounds: undefined, diskSpace: space(free) }));
    expect(await check(0)).toEqual(["problem"]);
    expect(await check(256 * 1024 ** 2 - 1)).toEqual(["problem"]);
    expect(await check(2 * 1024 ** 3 - 1)).toEqual(["warning"]);
    expect(await check(2 * 1024 ** 3)).toEqual(["ok"]);
  });

  test("a data folder on another machine's disk", async () => {
    const diskSpace = async () => ({ freeBytes: 1e12, totalBytes: 1e12, type: 0x6969 });
    expect(told((await examine("disk-space", { diskSpace }))[0])).toContain("NFS");
  });

  test("a slow disk", async () => {
    const checks = await examine("disk-speed", { bounds: { syncWarningMs: 0 } });
    expect(states(checks)).toEqual(["warning"]);
  });

  test("a lock that is not there, that nobody holds, or that was replaced", async () => {
    expect(told((await examine("lock", {}))[0])).toContain("lock file is gone");
    const lock = lockDataFolder(folder);
    expect(states(await examine("lock", {}))).toEqual(["ok"]);
    expect(() => lockDataFolder(folder)).toThrow(); // looking has not let it go
    rmSync(join(folder, "lock.db"));
    writeFileSync(join(folder, "lock.db"), "");
    expect(told((await examine("lock", {}))[0])).toContain("can be taken");
    lock.release();
    rmSync(join(folder, "lock.db"));
    lockDataFolder(folder).release();
    expect(states(await examine("lock", {}))).toEqual(["problem"]);
  });
});

describe("the books", () => {
  async function openStore(): Promise<Store> {
    const store = openSqliteStore({ folder, limits: DEFAULT_LIMITS });
    closing.push(() => store.close());
    return store;
  }

  test("a database that is whole, and one with damaged bytes", async () => {
    const store = openSqliteStore({ folder, limits: DEFAULT_LIMITS });
    for (let i = 0; i < 200; i++)
      await store.query
        .insertInto("meta")
        .values({ name: `name ${i}`, value: "x".repeat(500) })
        .execute();
    expect(states(await examine("store", examineStore(store)))).toEqual(["ok"]);
    await store.close();
    const file = join(folder, "maidan.db");
    const direct = new DatabaseSync(file);
    direct.exec("pragma wal_checkpoint(truncate)");
    direct.close();
    const at = readFileSync(file).indexOf("name 150");
    expect(at).toBeGreaterThan(4096);
    const handle = openSync(file, "r+");
    writeSync(handle, Buffer.alloc(512, 0xff), 0, 512, at - (at % 4096)); // the head of the page that holds it
    closeSync(handle);
    const damaged = await openStore();
    const checks = await examine("store", examineStore(damaged));
    expect(states(checks)).toContain("problem");
    expect(told(checks[0])).toContain("restore the last good backup");
  });

  test("an entry from the future, while a vendor's clock agrees with this one", async () => {
    const store = await openStore();
    const { lastEntryAt } = examineStore(store);
    expect(await lastEntryAt()).toBeUndefined();
    await insertEntry(store, "call_a.1", 0, NOW + 120_000);
    expect(await lastEntryAt()).toBe(NOW + 120_000);
    expect(states(await examine("clock", { lastEntryAt }))).toEqual(["warning"]);
    await insertEntry(store, "call_a.1", 2, NOW + 900_000);
    const checks = await examine("clock", { lastEntryAt });
    expect(states(checks)).toEqual(["problem"]);
    expect(told(checks[0])).toContain("2026-11-24T06:15:00.000Z");
    clock.advance(900_000);
    expect(states(await examine("clock", { lastEntryAt }))).toEqual(["ok"]);
  });

  test("books that balance, and books in which somebody changed a row", async () => {
    const store = await openStore();
    const world = { pathOf: () => ["acme"], rate: () => undefined };
    const { limits, budgets } = { limits: DEFAULT_LIMITS, budgets: [] };
    const ledger = await Ledger.open({ store, clock, limits, budgets, world });
    const hold = await ledger.hold({
      attempt: "call_a.1",
      payer: "acme",
      key: "bot",
      route: "mini",
      model: "lab/mini",
      currency: "USD",
      price: "price_1",
      path: ["acme"],
      full: { amount: 5n, bound: 9n },
      shrink: () => undefined,
      rateTo: () => undefined,
      detail: {},
    });
    await ledger.settle(hold, { cost: 4n, usage: { input: 1 }, basis: "reported", detail: {} });
    const auditLedger = () => ledger.audit();
    expect(states(await examine("ledger", { auditLedger }))).toEqual(["ok"]);
    await store.query.updateTable("entry_rows").set({ held: 8n }).where("kind", "=", "settle").execute();
    const checks = await examine("ledger", { auditLedger });
    expect(states(checks)).toEqual(["problem"]);
    expect(told(checks[0])).toContain("| call_a.1 | Something other than Maidan wrote to the database");
  });

  test("attempts in doubt, the oldest first, and no more than the bound", async () => {
    const attempt = (n: number) => ({
      attempt: `call_${n}.1`,
      payer: "acme",
      key: "bot",
      model: "lab/mini",
      amount: 1_500_000_000n,
      currency: "CNY",
      since: NOW - n * 3_600_000,
      reason: "crash",
    });
    const unsettled = () => Array.from({ length: 50 }, (_, index) => attempt(index + 1));
    const checks = await examine("unsettled", { unsettled });
    expect(checks).toHaveLength(21);
    expect(told(checks[0])).toContain("1.5 CNY in doubt for 2 d (crash)");
    expect(told(checks[0])).toContain("maidan unsettled resolve call_50.1");
    expect(checks[20]!.what("en")).toContain("30 more");
  });
});

describe("the vendors", () => {
  test("one that answers well, with the right credential", async () => {
    const heard: (string | undefined)[] = [];
    const address = await serve((request, response) => {
      heard.push(request.headers.authorization);
      response.setHeader("date", new Date(NOW).toUTCString());
      response.end(models);
    });
    const report = await runDoctor(well(endpointAt(address)));
    const vendors = report.checks.filter((check) => check.id.startsWith("endpoint") || check.id === "clock");
    expect(states(vendors)).toEqual(["ok", "ok", "ok"]);
    expect(heard).toEqual(["Bearer sk-of-the-test"]);
  });

  test("a wrong credential is not called unreachable, and is not repeated in the report", async () => {
    const address = await serve((_, response) => {
      response.writeHead(401, { "content-type": "application/json" });
      response.end(error("Incorrect API key provided", "invalid_api_key"));
    });
    const report = await runDoctor(well(endpointAt(address)));
    const [credential] = report.checks.filter((check) => check.id === "endpoint-credential");
    expect(credential!.state).toBe("problem");
    expect(told(credential)).toContain("HTTP 401");
    expect(told(credential)).toContain(`endpoint lab (${address})`);
    expect(states(report.checks.filter((check) => check.id === "endpoint-reachable"))).toEqual(["ok"]);
    expect(JSON.stringify(showReport(report, "zh"))).not.toContain("sk-of-the-test");
  });

  test("a credential that is not set is told without asking the vendor", async () => {
    const fault = () => "LAB_KEY is not set";
    const endpoints = () => [{ id: "lab", address: undefined, fault, models: [] }];
    expect(told((await examine("endpoint-credential", { endpoints }))[0])).toContain(
      "LAB_KEY is not set | endpoint lab",
    );
  });

  test("a port that nobody listens on", async () => {
    const address = await serve(() => {});
    await closing.pop()!();
    const checks = await examine("endpoint-reachable", endpointAt(address));
    expect(states(checks)).toEqual(["problem"]);
    expect(told(checks[0])).toContain('Check "baseUrl" of endpoint "lab"');
    expect(states(await examine("endpoint-credential", endpointAt(address)))).toEqual(["ok"]);
  });

  test("one that cannot even be asked does not hide the others", async () => {
    const address = await serve((_, response) => void response.end(models));
    const good = endpointAt(address);
    const endpoints = () => [...good.endpoints!(), { id: "odd", address: undefined, fault: undefined, models: [] }];
    const probe = (id: string) => (id === "odd" ? Promise.reject(new Error("no transport")) : good.probeEndpoint!(id));
    const checks = await examine("endpoint-reachable", { endpoints, probeEndpoint: probe });
    expect(checks.map(told)).toEqual([expect.stringContaining("No answer: no transport | endpoint odd")]);
  });

  test("a server that has no list of models, and one that fails", async () => {
    const answering = (status: number) =>
      serve((_, response) => {
        response.statusCode = status;
        response.end("{}");
      });
    expect(states(await examine("endpoint-reachable", endpointAt(await answering(404))))).toEqual(["warning"]);
    expect(states(await examine("endpoint-reachable", endpointAt(await answering(500))))).toEqual(["warning"]);
  });

  test.each([
    [59, "ok"],
    [-59, "ok"],
    [62, "warning"],
    [-62, "warning"],
    [600, "problem"],
    [-600, "problem"],
  ])("a clock that is %i s off", async (seconds, state) => {
    const address = await serve((_, response) => {
      response.setHeader("date", new Date(NOW + seconds * 1000).toUTCString());
      response.end(models);
    });
    const checks = await examine("clock", endpointAt(address));
    expect(states(checks)).toEqual([state]);
    if (state !== "ok") expect(told(checks[0])).toContain(seconds > 0 ? "behind" : "ahead of");
  });

  test("one vendor's wrong clock does not make this one's wrong", async () => {
    const offsets = [0, 900_000, 1_000];
    const endpoints = () =>
      offsets.map((_, index) => ({ id: String(index), address: undefined, fault: undefined, models: [] }));
    const probe = (id: string) => ({
      fault: undefined,
      status: 200,
      vendorTime: NOW + offsets[Number(id)]!,
      answeredAt: NOW,
      elapsedMs: 1,
    });
    expect(states(await examine("clock", { endpoints, probeEndpoint: async (id) => probe(id) }))).toEqual(["ok"]);
  });
});

describe("the settings", () => {
  const model = (more: Partial<ExaminedModel>): ExaminedModel => ({
    ref: "lab/mini",
    priceCurrency: "USD",
    allowUnpriced: false,
    maxOutputTokens: 100,
    billsOutput: true,
    ...more,
  });
  const withModels = (...list: ExaminedModel[]) => ({
    endpoints: () => [{ id: "lab", address: undefined, fault: undefined, models: list }],
    probeEndpoint: async () => ({
      fault: undefined,
      status: 200,
      vendorTime: undefined,
      answeredAt: NOW,
      elapsedMs: 1,
    }),
  });

  test("an unpriced model is a problem, and one that is served for nothing a warning", async () => {
    const unpriced = withModels(
      model({ priceCurrency: undefined }),
      model({ priceCurrency: undefined, allowUnpriced: true }),
    );
    const checks = await examine("price", unpriced);
    expect(states(checks)).toEqual(["problem", "warning"]);
    expect(told(checks[0])).toContain("maidan price add lab/mini");
  });

  test("a model that does not say how long its answers get", async () => {
    const open = { maxOutputTokens: undefined };
    const checks = await examine(
      "output-limit",
      withModels(model(open), model({ ...open, ref: "lab/big" }), model({})),
    );
    expect(states(checks)).toEqual(["warning"]);
    expect(told(checks[0])).toContain("lab/mini, lab/big: each call is held as if the answer had 32768 tokens");
    expect(states(await examine("output-limit", withModels(model({ ...open, billsOutput: false }))))).toEqual(["ok"]);
  });

  test("a budget that can hold nothing, and one that can hold some", async () => {
    const budgetCurrencies = () => [
      { budget: "a", currency: "CNY" },
      { budget: "b", currency: "CNY" },
      { budget: "c", currency: "USD" },
    ];
    const one = await examine("rate", { ...withModels(model({})), budgetCurrencies });
    expect(states(one)).toEqual(["problem"]);
    expect(told(one[0])).toContain("No rate from USD to CNY");
    expect(told(one[0])).toContain("budgets a, b");
    const some = { ...withModels(model({}), model({ priceCurrency: "CNY" })), budgetCurrencies };
    expect(states(await examine("rate", some))).toEqual(["warning", "warning"]);
    expect(states(await examine("rate", { ...some, hasRate: () => true }))).toEqual(["ok"]);
  });

  test("keys that expire soon or just have; not those revoked, long gone, or far from it", async () => {
    const day = 86_400_000;
    const key = (id: string, days: number | undefined, revoked = false) => ({
      id,
      payer: "acme",
      expiresAt: days === undefined ? undefined : NOW + days * day,
      revoked,
    });
    const keys = () => [
      key("soon", 3),
      key("just", -1),
      key("far", 30),
      key("gone", -30),
      key("ever", undefined),
      key("revoked", 1, true),
    ];
    const checks = await examine("key", { keys });
    expect(checks.map((check) => check.where!("en"))).toEqual(["key soon of acme", "key just of acme"]);
  });

  test("are read from those in force", async () => {
    const store = openSqliteStore({ folder, limits: DEFAULT_LIMITS });
    closing.push(() => store.close());
    const environment: Record<string, string> = { LAB_KEY: "sk-of-the-test" };
    const control = await Control.open({ query: store.query, seal: openSealer(folder), environment, clock });
    await control.applyFile(`
currency: CNY
endpoints:
  - id: lab
    protocol: openai
    baseUrl: http://127.0.0.1:9/v1
    credentials: { apiKey: "\${LAB_KEY}" }
    models:
      - id: priced
        maxOutputTokens: 10
        price: { currency: USD, input: "1", output: "2" }
      - id: bare
  - id: free
    protocol: openai
    baseUrl: http://127.0.0.1:9/v1
    allowUnpriced: true
    models: [{ id: gift }]
payers:
  - id: acme
    budgets: [{ id: all, amount: "5", currency: CNY, window: total }]
    keys: [{ id: bot, secret: "a-secret-of-the-test", expires: 2026-11-25T00:00:00Z }]
`);
    expect(
      examineSettings(control.snapshot, clock)
        .endpoints()
        .filter((endpoint) => endpoint.fault),
    ).toEqual([]);
    delete environment.LAB_KEY; // and the server is started anew
    const again = await Control.open({ query: store.query, seal: openSealer(folder), environment, clock });
    const settings = examineSettings(again.snapshot, clock);
    const endpoints = settings.endpoints();
    const [free, lab, practice] = ["free", "lab", "practice"].map((id) => endpoints.find((one) => one.id === id)!);
    expect(lab!.fault!("en")).toContain("LAB_KEY");
    expect([free!.fault, practice!.fault, practice!.address]).toEqual([undefined, undefined, undefined]);
    expect(lab!.models).toEqual([
      { ref: "lab/priced", priceCurrency: "USD", allowUnpriced: false, maxOutputTokens: 10, billsOutput: true },
      {
        ref: "lab/bare",
        priceCurrency: undefined,
        allowUnpriced: false,
        maxOutputTokens: undefined,
        billsOutput: false,
      },
    ]);
    expect(free!.models[0]).toMatchObject({ ref: "free/gift", priceCurrency: undefined, allowUnpriced: true });
    const report = await runDoctor(well({ ...settings, probeEndpoint: probeNothing }));
    const found = report.checks
      .filter((check) => check.state !== "ok")
      .map((check) => `${check.id} ${check.where!("en")}`);
    expect(found).toEqual(
      expect.arrayContaining([
        "endpoint-credential endpoint lab (http://127.0.0.1:9/v1)",
        "price model lab/bare",
        "price model free/gift",
        "rate budgets all",
        "key key bot of acme",
      ]),
    );
  });
});

const probeNothing = async () => ({
  fault: undefined,
  status: 200,
  vendorTime: undefined,
  answeredAt: NOW,
  elapsedMs: 1,
});

describe("a check that fails itself", () => {
  test("is a problem of its own, and the others go on", async () => {
    hold();
    const report = await runDoctor(well({ checkStore: () => Promise.reject(new Error("disk I/O error")) }));
    expect(report.checks.filter((check) => check.state !== "ok").map(told)).toEqual([
      expect.stringContaining("disk I/O error"),
    ]);
    expect(report.checks).toHaveLength(15);
  });

  test("does not keep the report waiting", async () => {
    const bounds = { ...well().bounds, checkMs: 50 };
    const checks = await examine("ledger", { bounds, auditLedger: () => new Promise(() => {}) });
    expect(told(checks[0])).toContain("did not finish within 0.05 s");
  });
});

test("a report can be shown in both languages, with every text in them", async () => {
  const report = await runDoctor(well({ nodeVersion: "v1.0.0" }));
  const [zh, en] = [showReport(report, "zh"), showReport(report, "en")];
  expect(zh.checks.map((check) => check.id)).toEqual(en.checks.map((check) => check.id));
  expect(zh).toMatchObject({ state: "problem", at: "2026-11-24T06:00:00.000Z" });
  expect(zh.checks[0]).toMatchObject({
    title: "Node.js",
    what: "Node.js 1.0.0 低于 20.19。",
    do: "请安装 Node.js 20.19 或更高版本。",
  });
  expect(en.checks[1]!.title).toBe("Data folder");
});

async function insertEntry(store: Store, attempt: string, phase: number, at: number): Promise<void> {
  const kind = phase === 0 ? "hold" : "settle";
  await store.journal.append({ op: "entry", entry: sampleEntry(attempt, { phase, kind, at }) });
}
