import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ADMIN_KEY, Office, SETTINGS } from "./office.suite.ts";

describe("the operators' API: settings", () => {
  let office: Office;
  beforeAll(async () => {
    office = await Office.open();
  });
  afterAll(() => office.close());

  test("applying a file twice changes nothing, a dry run says what would change, an export is the same file", async () => {
    expect(await office.get("apply", { yaml: SETTINGS })).toEqual({ changes: [], applied: true, warnings: [] });
    const more = SETTINGS.replace('amount: "5.00"', 'amount: "6.00"').concat("      - id: guests\n");
    const dry = await office.get("apply?dryRun=true", { yaml: more });
    expect(dry).toMatchObject({
      applied: false,
      changes: [
        { action: "add", kind: "payers", id: "guests" },
        { action: "change", kind: "budgets", id: "support-total", fields: ["amount"] },
      ],
    });
    expect((await office.get("budgets/support-total")).limit).toBe("5");
    const exported = await (await office.ask("export")).text();
    expect(exported).not.toContain("secret-of-the-lab");
    expect((await office.get("apply", { yaml: exported })).changes).toEqual([]);
  });

  test("a wrong file is refused with its lines, in the reader's language", async () => {
    const wrong = SETTINGS.replace("window: total", "widnow: total");
    const { error } = await office.get("apply", { yaml: wrong, headers: { "accept-language": "zh-CN" } }, 400);
    expect(error).toMatchObject({ code: "invalid_request", type: "invalid_request_error" });
    expect(error.message).toContain("window");
    expect(error.message).toMatch(/[\u4e00-\u9fff]/);
    expect(error.problems[0].line).toBe(wrong.split("\n").findIndex((line) => line.includes("widnow")) + 1);
  });

  test("payers are made, changed, listed and removed", async () => {
    const made = await office.get("payers", { json: { id: "lab", parent: "acme", name: "Laboratory" } }, 201);
    expect(made).toEqual({ id: "lab", parent: "acme", name: "Laboratory", children: [], limits: null });
    expect(
      await office.get("payers/lab", { method: "PATCH", json: { limits: { rpm: 60 }, name: null } }),
    ).toMatchObject({
      name: null,
      limits: { rpm: 60 },
    });
    expect((await office.get("payers/acme")).children).toEqual(["lab", "sales", "support"]);
    expect((await office.get("payers?parent=acme")).items.map((one: { id: string }) => one.id)).toEqual([
      "lab",
      "sales",
      "support",
    ]);
    await office.get("payers", { json: { id: "lab" } }, 409);
    expect((await office.get("payers/acme", { method: "DELETE" }, 400)).error.message).toContain("acme");
    await office.get("payers/lab", { method: "DELETE" }, 204);
    const { error } = await office.get("payers/suport", {}, 404);
    expect(error).toMatchObject({ code: "not_found", nearest: ["support"] });
    expect(error.message).toContain('"support"');
  });

  test("keys are made, shown once, changed and revoked", async () => {
    const made = await office.get("keys", { json: { payer: "sales", routes: ["mini"] } }, 201);
    expect(made).toMatchObject({ payer: "sales", state: "active", routes: ["mini"] });
    expect(made.secret).toMatch(/^mk-[\w-]{43}$/);
    expect(office.control.snapshot().payers.identify(made.secret, office.clock.now()).payer).toBe("sales");
    const shown = await office.get(`keys/${made.id}`);
    expect(JSON.stringify(shown)).not.toContain(made.secret);
    expect(shown).not.toHaveProperty("hash");
    const patch = { routes: null, expiresAt: "2026-11-24T05:00:00Z" };
    expect(await office.get(`keys/${made.id}`, { method: "PATCH", json: patch })).toMatchObject({
      routes: null,
      state: "expired",
    });
    const revoked = await office.get(`keys/${made.id}`, { method: "DELETE" });
    expect(revoked).toMatchObject({ state: "revoked", revokedAt: "2026-11-24T06:00:00.000Z" });
    office.clock.advance(1_000);
    expect((await office.get(`keys/${made.id}`, { method: "DELETE" })).revokedAt).toBe(revoked.revokedAt);
    expect(() => office.control.snapshot().payers.identify(made.secret, office.clock.now())).toThrow();
    expect((await office.get("keys?payer=sales")).items).toHaveLength(1);
    expect((await office.get("keys?payer=acme")).items).toHaveLength(2);
    const own = await office.get(
      "keys",
      { json: { id: "own", payer: "sales", secret: "my-own-secret-0123456789" } },
      201,
    );
    expect(own.secret).toBe("my-own-secret-0123456789");
  });

  test("budgets are made by limit or amount, changed and removed; the ledger knows at once", async () => {
    const day = { id: "sales-day", payer: "sales", currency: "USD", window: "day", timezone: "Asia/Shanghai" };
    const made = await office.get("budgets", { json: { ...day, limit: "0.50" } }, 201);
    expect(made).toEqual({
      ...day,
      limit: "0.5",
      settled: "0",
      held: "0",
      left: "0.5",
      resetsAt: "2026-11-24T16:00:00.000Z",
      kind: "hard",
    });
    const changed = await office.get("budgets/sales-day", { method: "PATCH", json: { amount: "0.7", kind: "soft" } });
    expect(changed).toMatchObject({ limit: "0.7", kind: "soft", window: "day" });
    expect(office.ledger.budget("sales-day")!.limit).toBe(700_000_000n);
    const both = await office.get("budgets", { json: { ...day, limit: "1", amount: "1" } }, 400);
    expect(both.error.param).toBe("amount");
    expect((await office.get("budgets?payer=sales")).items.map((one: { id: string }) => one.id)).toEqual(["sales-day"]);
    await office.get("budgets/sales-day", { method: "DELETE" }, 204);
    await office.get("budgets/sales-day", {}, 404);
    expect(office.ledger.budget("sales-day")).toBeUndefined();
  });

  test("endpoints never show a credential, keep hidden ones, and are probed", async () => {
    const shown = await office.get("endpoints/lab");
    expect(shown.credentials).toEqual({ apiKey: "********", second: "$" + "{SOME_VARIABLE}" });
    expect(shown.health).toEqual({ state: "closed", failures: 0, until: null, lastFault: null });
    const before = office.control.written("endpoints", "lab");
    const { health: _, ...document } = shown;
    await office.get("endpoints/lab", { method: "PUT", json: { ...document, onDisconnect: "drain" } });
    const after = office.control.written("endpoints", "lab") as { credentials: Record<string, string> };
    expect(after).toEqual({ ...(before as object), onDisconnect: "drain", credentials: after.credentials });
    const list = await office.ask("endpoints");
    expect(await list.text()).not.toContain("secret-of-the-lab");
    for (let n = 0; n < 5; n++) office.health.failed("lab", "server_error");
    expect((await office.get("endpoints/lab")).health).toMatchObject({ state: "open", failures: 5 });
    office.health.succeeded("lab");
    expect(await office.get("endpoints/lab/check", { method: "POST" })).toMatchObject({ ok: true, status: 200 });
    await office.get("endpoints/nowhere/check", { method: "POST" }, 404);
    const made = { id: "other", protocol: "openai", baseUrl: "http://127.0.0.1:8/v1", models: [{ id: "m" }] };
    await office.get("endpoints", { json: made }, 201);
    await office.get("endpoints/other", { method: "DELETE" }, 204);
    expect((await office.get("endpoints/lab", { method: "DELETE" }, 400)).error.message).toContain("lab");
  });

  test("routes are made, replaced and removed", async () => {
    expect(await office.get("routes", { json: { id: "careful", to: ["lab/mini"], on: ["timeout"] } }, 201)).toEqual({
      id: "careful",
      to: ["lab/mini"],
      on: ["timeout"],
    });
    expect(await office.get("routes/careful", { method: "PUT", json: { to: ["lab/mini"] } })).toEqual({
      id: "careful",
      to: ["lab/mini"],
    });
    const wrong = await office.get("routes/careful", { method: "PUT", json: { to: ["lab/mnii"] } }, 400);
    expect(wrong.error.message).toContain("lab/mini");
    await office.get("routes/careful", { method: "DELETE" }, 204);
    expect((await office.get("routes")).items.map((one: { id: string }) => one.id)).toEqual(["mini"]);
  });

  test("prices and rates are set, and a cost is computed line by line", async () => {
    const price = { model: "lab/unpriced", currency: "USD", input: "1", since: "2026-11-25T00:00:00Z" };
    const unpriced = { model: "lab/unpriced", usage: { input: 1_000_000 } };
    expect((await office.get("prices/compute", { json: unpriced }, 422)).error.code).toBe("unpriced_model");
    expect(await office.get("prices", { json: price }, 201)).toMatchObject(price);
    expect((await office.get("prices")).items).toHaveLength(1);
    expect(await office.get("prices/compute", { json: { ...unpriced, at: "2026-11-26" } })).toMatchObject({
      cost: "1",
      currency: "USD",
    });
    const computed = await office.get("prices/compute", {
      json: { model: "lab/mini", usage: { input: 1_001, cachedInput: 1, output: 333 } },
    });
    expect(computed).toMatchObject({
      model: "lab/mini",
      cost: "0.000350025",
      lines: [
        { class: "input", quantity: 1_001, unitPrice: "0.15", per: "1M tokens", amount: "0.00015015" },
        { class: "cachedInput", quantity: 1, unitPrice: "0.075", amount: "0.000000075" },
        { class: "output", quantity: 333, unitPrice: "0.6", amount: "0.0001998" },
      ],
    });
    expect((await office.get("prices/compute", { json: { ...unpriced, model: "lab/mnii" } }, 404)).error).toMatchObject(
      {
        code: "model_not_found",
        nearest: ["lab/mini"],
      },
    );
    const rate = { from: "EUR", to: "CNY", rate: "8.2", since: "2026-11-01" };
    expect(await office.get("rates", { json: rate }, 201)).toMatchObject(rate);
    expect((await office.get("rates")).items).toHaveLength(2);
  });

  test("lists page by cursor, each row once, and refuse a cursor of another list", async () => {
    const ids: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page: { items: { id: string }[]; next: string | null } = await office.get(
        `payers?limit=1${cursor && `&cursor=${cursor}`}`,
      );
      expect(page.items).toHaveLength(1);
      ids.push(page.items[0]!.id);
      cursor = page.next;
    }
    expect(ids).toEqual(["acme", "sales", "support"]);
    const { next } = await office.get("payers?limit=1");
    for (const cursor of [next.slice(1), "x", "%00", Buffer.from('["payers",1]').toString("base64url")]) {
      expect((await office.get(`payers?cursor=${cursor}`, {}, 400)).error.param).toBe("cursor");
    }
    expect((await office.get(`keys?cursor=${next}`, {}, 400)).error.param).toBe("cursor");
  });

  test("a request over the unix socket needs no key; any other needs the admin key", async () => {
    await office.get("status", { key: "", trusted: true });
    for (const key of ["", "wrong", `${ADMIN_KEY}x`]) {
      const response = await office.ask("status", { key });
      expect(response.status).toBe(401);
      expect(response.headers.get("x-maidan-origin")).toBe("gateway");
      expect(await response.json()).toMatchObject({ error: { code: "invalid_api_key" } });
    }
    await office.get("nothing-here", { key: "" }, 401);
    await office.get("status", { key: "", headers: { authorization: `bearer ${ADMIN_KEY}` } });
  });
});
