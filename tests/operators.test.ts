import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nano, sum } from "./harness/arithmetic.ts";
import { budgetsOf, expectCleanAudit } from "./harness/books.ts";
import { type RunningMaidan, startMaidan } from "./harness/maidan.ts";
import { chat, DEAR_PRICE, endpoint, PRICE, payer, yaml } from "./harness/settings.ts";
import { type RunningUpstream, startUpstream } from "./harness/start-upstream.ts";

const CHAT = "/v1/chat/completions";

describe("what operators see and do", () => {
  let upstream: RunningUpstream;
  let maidan: RunningMaidan;
  let settings: string;

  beforeAll(async () => {
    upstream = await startUpstream({ models: { "*": { outputTokens: 11, cachedInputTokens: 3 } } });
    settings = yaml({
      rates: [{ from: "USD", to: "CNY", rate: "7.10", since: "2020-01-01", source: "finance desk" }],
      endpoints: [
        endpoint(upstream, {
          models: [
            { id: "mini", maxOutputTokens: 400, price: PRICE },
            { id: "dear", maxOutputTokens: 400, price: DEAR_PRICE },
          ],
        }),
      ],
      routes: [{ id: "small", to: ["lab/mini"] }],
      payers: [
        {
          id: "acme",
          name: { zh: "集团", en: "Group" },
          budgets: [{ id: "acme-month", amount: "20000", currency: "CNY", window: "month", timezone: "Asia/Shanghai" }],
          payers: [payer("support", "5.00"), payer("sales", "5.00")],
        },
      ],
    });
    maidan = await startMaidan({ yaml: settings });
  });
  afterAll(async () => {
    await maidan?.stop();
    await upstream?.stop();
  });

  const ask = (key: string, model: string, more: object = {}) => maidan.ask(CHAT, key, { body: chat(model, more) });

  it("apply twice changes nothing", async () => {
    expect((await maidan.admin.apply(settings)).changes).toEqual([]);
  });

  it("what was exported makes another installation the same, and holds no secret", async () => {
    const exported = (await maidan.admin.raw("export")).body.toString();
    expect(exported).toContain("acme-month");
    for (const secret of ["sk-test-support", "sk-lab"]) expect(exported).not.toContain(secret);
    const portable = exported.replace(/apiKey: .*/, "apiKey: ${LAB_KEY}");
    const other = await startMaidan({ yaml: portable, environment: { LAB_KEY: "sk-lab" } });
    try {
      expect((await other.admin.raw("export")).body.toString()).toBe(portable);
      expect((await other.admin.apply(portable)).changes).toEqual([]);
      expect((await other.ask(CHAT, "sk-test-support", { body: chat("small") })).status).toBe(200);
    } finally {
      await other.stop();
    }
  });

  it("a misspelt field is an error with its line and the nearest name, and nothing is applied", async () => {
    const wrong = settings.replace("window: month", "widnow: month").replace("20000", "30000");
    const answer = await maidan.admin.raw("apply", { body: wrong, headers: { "content-type": "application/yaml" } });
    expect(answer.status).toBe(400);
    const { error } = JSON.parse(answer.body.toString());
    const line = wrong.split("\n").findIndex((text) => text.includes("widnow")) + 1;
    expect(error.message).toContain("window");
    expect(JSON.stringify(error)).toContain(String(line));
    expect((await budgetsOf(maidan.admin)).get("acme-month")!.limit).toBe(nano("20000"));
  });

  it("usage, statement, calls, budgets and entries tell the same sums", async () => {
    for (let n = 0; n < 6; n++) {
      const answer = await ask(n % 2 === 0 ? "sk-test-support" : "sk-test-sales", n % 3 === 0 ? "lab/dear" : "small", {
        stream: n >= 4,
        simulate: { outputTokens: 10 + n },
      });
      expect(answer.status).toBe(200);
    }
    const calls = await maidan.admin.all("calls?payer=acme");
    expect(calls).toHaveLength(6);
    const byCalls = sum(calls.map((one) => nano(one.cost)));
    const budgets = await budgetsOf(maidan.admin);
    expect(sum(["support", "sales"].map((id) => budgets.get(`${id}-total`)!.settled))).toBe(byCalls);

    for (const by of ["payer", "model", "endpoint", "key", "route", "day", "hour", "payer,model,day"]) {
      const { items } = await maidan.admin.get(`usage?by=${by}&payer=acme&currency=USD`);
      expect(sum(items.map((row: { cost: string }) => nano(row.cost))), by).toBe(byCalls);
      expect(
        items.reduce((all: number, row: { calls: number }) => all + row.calls, 0),
        by,
      ).toBe(6);
      for (const key of by.split(",")) expect(items[0]).toHaveProperty(key);
    }
    const tokens = (await maidan.admin.get("usage?by=model&payer=acme")).items;
    const output = calls.flatMap((one) => one.attempts).reduce((all, one) => all + one.usage.output, 0);
    expect(tokens.reduce((all: number, row: { outputTokens: number }) => all + row.outputTokens, 0)).toBe(output);

    const month = new Date().toISOString().slice(0, 7);
    const statement = await maidan.admin.get(`statements?payer=acme&month=${month}&format=json`);
    expect(JSON.stringify(statement)).toContain("acme");
    const csv = (await maidan.admin.raw(`statements?payer=acme&month=${month}&format=csv`)).body.toString();
    expect(csv.trim().split("\n").length).toBeGreaterThan(1);
    const focus = (await maidan.admin.raw(`statements?payer=acme&month=${month}&format=focus`)).body.toString();
    const [head, ...lines] = focus.trim().split(/\r?\n/);
    for (const column of [
      "BilledCost",
      "BillingCurrency",
      "ChargePeriodStart",
      "SkuMeter",
      "ConsumedQuantity",
      "ServiceCategory",
    ]) {
      expect(head).toContain(column);
    }
    const cost = head!.split(",").indexOf("BilledCost");
    expect(sum(lines.map((line) => nano(cells(line)[cost]!)))).toBe(byCalls);

    const entries = await maidan.admin.all("entries?payer=support");
    const byCurrency = new Map<string, bigint>();
    for (const one of entries) byCurrency.set(one.currency, (byCurrency.get(one.currency) ?? 0n) + nano(one.amount));
    expect([...byCurrency.values()].every((total) => total === 0n)).toBe(true);
    await expectCleanAudit(maidan.admin);
  });

  it("the arithmetic of a cost is shown line by line, and its lines add up", async () => {
    const answer = await ask("sk-test-support", "lab/dear");
    const call = await maidan.admin.get(`calls/${answer.headers["x-maidan-call"]}`);
    const { lines, cost } = call.attempts[0];
    expect(lines.map((line: { class: string }) => line.class)).toEqual(
      expect.arrayContaining(["input", "cachedInput", "output"]),
    );
    // Lines are exact to more places than the cost, which is rounded once: they meet within a nano-unit.
    const exact = lines.reduce((all: number, line: { amount: string }) => all + Number(line.amount), 0);
    expect(Math.abs(exact - Number(cost))).toBeLessThan(1e-9);
  });

  it("computes what a call would cost", async () => {
    const usage = { input: 1_000_000, output: 1_000_000 };
    const computed = await maidan.admin.post("prices/compute", { model: "lab/mini", usage });
    expect(nano(computed.cost)).toBe(nano("0.123456789") + nano("0.987654321"));
  });

  it("an unsettled attempt is listed, resolved by a person, and adjusted later", async () => {
    await ask("sk-test-sales", "lab/mini", { simulate: { failure: "reset" } });
    const [doubt] = await maidan.admin.all("unsettled");
    expect(doubt).toMatchObject({ payer: "sales", model: "lab/mini", currency: "USD", reason: "broken" });
    const before = (await budgetsOf(maidan.admin)).get("sales-total")!;
    expect(before.held).toBe(nano(doubt.amount));
    await maidan.admin.post(`unsettled/${doubt.attempt}`, {
      action: "settle",
      cost: "0.000002",
      currency: "USD",
      basis: "vendor-bill",
      reason: "line 7 of the invoice",
    });
    const twice = await maidan.admin.raw(`unsettled/${doubt.attempt}`, {
      body: { action: "release", reason: "again" },
    });
    expect(twice.status).toBeGreaterThanOrEqual(400);
    let after = (await budgetsOf(maidan.admin)).get("sales-total")!;
    expect(after).toMatchObject({ held: 0n, settled: before.settled + nano("0.000002") });
    await maidan.admin.post("adjustments", {
      attempt: doubt.attempt,
      amount: "-0.000001",
      currency: "USD",
      reason: "credit note",
    });
    after = (await budgetsOf(maidan.admin)).get("sales-total")!;
    expect(after.settled).toBe(before.settled + nano("0.000001"));
    await expectCleanAudit(maidan.admin);
  });

  it("keys are made, shown once, expire, and are revoked", async () => {
    const made = await maidan.admin.post("keys", { payer: "support" });
    expect(made.secret).toEqual(expect.any(String));
    expect((await ask(made.secret, "small")).status).toBe(200);
    expect(JSON.stringify(await maidan.admin.get(`keys/${made.id}`))).not.toContain(made.secret);
    await maidan.admin.delete(`keys/${made.id}`);
    expect((await ask(made.secret, "small")).status).toBe(401);

    const short = await maidan.admin.post("keys", { payer: "support", expiresAt: "2020-01-01T00:00:00Z" });
    const expired = await ask(short.secret, "small");
    expect(expired.status).toBe(401);
    expect(JSON.parse(expired.body.toString()).error.code).toBe("invalid_api_key");
  });

  it("payers, budgets and routes are made by the API too, and a file that does not name them leaves them", async () => {
    await maidan.admin.post("payers", { id: "lab", parent: "acme", name: "Laboratory" });
    await maidan.admin.post("budgets", {
      id: "lab-day",
      payer: "lab",
      amount: "0.5",
      currency: "USD",
      window: "day",
      timezone: "Asia/Shanghai",
    });
    const key = await maidan.admin.post("keys", { payer: "lab" });
    expect((await ask(key.secret, "small")).status).toBe(200);
    const budget = await maidan.admin.get("budgets/lab-day");
    expect(budget).toMatchObject({
      payer: "lab",
      limit: "0.5",
      currency: "USD",
      window: "day",
      timezone: "Asia/Shanghai",
    });
    const resets = new Date(budget.resetsAt);
    expect([resets.getUTCHours(), resets.getUTCMinutes()]).toEqual([16, 0]);
    expect((await maidan.admin.apply(settings)).changes).toEqual([]);
    await maidan.admin.patch("budgets/lab-day", { amount: "0.0000001" });
    expect((await ask(key.secret, "small", { max_tokens: 300 })).status).toBe(402);
  });

  it("metrics are served, and say what was spent", async () => {
    const metrics = (await maidan.ask("/metrics", undefined)).body.toString();
    expect(metrics).toMatch(/^maidan_\w+/m);
    expect(metrics).toMatch(/gen_ai_/);
  });

  it("no secret is in what the program printed", () => {
    for (const secret of ["sk-test-support", "sk-test-sales", "sk-lab", "admin-key-of-the-tests"]) {
      expect(maidan.printed.text).not.toContain(secret);
    }
  });
});

/** The cells of a line of CSV. */
function cells(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    (match) => match[1]?.replaceAll('""', '"') ?? match[2] ?? "",
  );
}
