import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAmount } from "../../base/money.ts";
import { Office } from "./office.suite.ts";

const USAGE = { input: 1_001, cachedInput: 1, output: 333 };
const COST = "0.000350025"; // 1,001 × 0.15 + 0.075 + 333 × 0.60 per million

describe("the operators' API: what was spent", () => {
  let office: Office;
  beforeAll(async () => {
    office = await Office.open();
  });
  afterAll(() => office.close());

  test("a call is told with its attempts and the arithmetic of its cost", async () => {
    const attempt = await office.settle(USAGE);
    const call = await office.get(`calls/${attempt.slice(0, -2)}`);
    expect(call).toEqual({
      id: attempt.slice(0, -2),
      payer: "support",
      key: "support-bot",
      route: "mini",
      model: "lab/mini",
      startedAt: "2026-11-24T06:00:00.000Z",
      state: "settled",
      cost: COST,
      currency: "USD",
      costs: [{ amount: COST, currency: "USD" }],
      attempts: [
        {
          id: attempt,
          model: "lab/mini",
          state: "settled",
          startedAt: "2026-11-24T06:00:00.000Z",
          endedAt: "2026-11-24T06:00:00.000Z",
          hold: "0.0004",
          bound: "0.0005",
          cost: COST,
          currency: "USD",
          usage: USAGE,
          basis: "reported",
          priceId: expect.stringMatching(/^price_/),
          vendorRequestId: "req-7",
          overrun: false,
          adjustments: [],
          detail: expect.objectContaining({ operation: "chat", durationMs: 12 }),
          lines: [
            { class: "input", quantity: 1_001, unitPrice: "0.15", per: "1M tokens", amount: "0.00015015" },
            { class: "cachedInput", quantity: 1, unitPrice: "0.075", per: "1M tokens", amount: "0.000000075" },
            { class: "output", quantity: 333, unitPrice: "0.6", per: "1M tokens", amount: "0.0001998" },
          ],
          recomputed: true,
        },
      ],
    });
    expect((await office.get("calls?payer=acme")).items[0]).toMatchObject({ id: call.id, cost: COST });
    expect((await office.get("calls?payer=acme&subtree=false")).items).toEqual([]);
    expect((await office.get("calls/call_nothing", {}, 404)).error.code).toBe("not_found");
  });

  test("budgets show what is settled and held, up to the root and in its currency", async () => {
    const hold = await office.hold();
    const { items } = await office.get("budgets");
    const [group, support] = items;
    expect(support).toMatchObject({ id: "support-total", settled: COST, limit: "5", resetsAt: null, timezone: "UTC" });
    expect(parseAmount(support.left)).toBe(
      parseAmount(support.limit)! - parseAmount(support.settled)! - parseAmount(support.held)!,
    );
    expect(parseAmount(support.held)).toBeGreaterThan(0n);
    expect(group).toMatchObject({ id: "acme-month", currency: "CNY", resetsAt: "2026-11-30T16:00:00.000Z" });
    expect(parseAmount(group.settled)).toBe(2_485_178n); // 350,025 × 7.10 = 2,485,177.5: half to even
    expect((await office.get("calls?state=held")).items).toMatchObject([{ state: "held", cost: null }]);
    await office.ledger.release(hold, "test", {});
    expect((await office.get("budgets/support-total")).held).toBe("0");
    expect((await office.get("calls?state=released")).items).toMatchObject([{ cost: "0", currency: "USD" }]);
  });

  test("entries are postings that sum to zero in each currency, page by page", async () => {
    const sums = new Map<string, bigint>();
    const ids = new Set<string>();
    for (let cursor: string | null = ""; cursor !== null; ) {
      const path = `entries?payer=acme&limit=2${cursor && `&cursor=${cursor}`}`;
      const page: { items: Record<string, string>[]; next: string | null } = await office.get(path);
      expect(new Set(page.items.map(({ id }) => id)).size).toBeLessThanOrEqual(2);
      for (const { id, account, amount, currency } of page.items) {
        expect(account).toMatch(/^(held|spent|unsettled):support$|^(committed|owed|contingent):lab$/);
        ids.add(id!);
        sums.set(currency!, (sums.get(currency!) ?? 0n) + parseAmount(amount!)!);
      }
      cursor = page.next;
    }
    expect([...sums]).toEqual([["USD", 0n]]);
    expect(ids.size).toBe(4);
  });

  test("what is in doubt is listed with why and how long, and resolved once", async () => {
    const hold = await office.hold();
    await office.ledger.leaveUnsettled(hold, "broken", { pricedAt: office.clock.now() }, 123_456n);
    office.clock.advance(90_000);
    const path = `unsettled/${hold.attempt}`;
    expect((await office.get("unsettled")).items).toEqual([
      {
        attempt: hold.attempt,
        call: hold.attempt.slice(0, -2),
        payer: "support",
        key: "support-bot",
        model: "lab/mini",
        amount: "0.0005",
        currency: "USD",
        since: "2026-11-24T06:00:00.000Z",
        ageSeconds: 90,
        reason: "broken",
        estimate: "0.000123456",
      },
    ]);
    const bad = async (json: unknown) => (await office.get(path, { json }, 400)).error.param;
    expect(await bad({ action: "settle", reason: "invoice" })).toBe("cost");
    expect(await bad({ action: "settle", cost: "0.1", reason: "invoice" })).toBe("currency");
    expect(await bad({ action: "settle", cost: "0.1", currency: "CNY", reason: "invoice" })).toBe("currency");
    expect(await bad({ action: "settle", cost: "-0.1", currency: "USD", reason: "invoice" })).toBe("cost");
    expect(await bad({ action: "release", cost: "0.1", reason: "none" })).toBe("cost");
    expect(await bad({ action: "release" })).toBe("reason");
    expect(await bad({ action: "relase", reason: "x" })).toBe("action");
    const settle = { action: "settle", usage: USAGE, reason: "their log" };
    expect(await office.get(path, { json: settle })).toEqual({
      attempt: hold.attempt,
      state: "settled",
      cost: COST,
      currency: "USD",
    });
    expect((await office.get(path, { json: settle }, 404)).error.code).toBe("not_found");
    const call = await office.get(`calls/${hold.attempt.slice(0, -2)}`);
    expect(call.attempts[0]).toMatchObject({ state: "settled", cost: COST, basis: "reported", recomputed: true });
  });

  test("a settled cost is corrected by an entry beside it", async () => {
    const attempt = await office.settle(USAGE, "sales");
    const more = { currency: "USD", reason: "credit note 12" };
    const adjusted = await office.get("adjustments", { json: { attempt, amount: "-0.00005", ...more } }, 201);
    expect(adjusted).toEqual({ attempt, amount: "-0.00005", cost: "0.000300025", ...more });
    const call = await office.get(`calls/${attempt.slice(0, -2)}`);
    expect(call).toMatchObject({ cost: "0.000300025" });
    expect(call.attempts[0]).toMatchObject({ recomputed: true, adjustments: [{ reason: "credit note 12" }] });
    const json = { attempt, amount: "1", ...more };
    expect((await office.get("adjustments", { json: { ...json, currency: "CNY" } }, 400)).error.param).toBe("currency");
    expect((await office.get("adjustments", { json: { ...json, amount: "1e3" } }, 400)).error.param).toBe("amount");
    await office.get("adjustments", { json: { ...json, attempt: "call_nothing.1" } }, 404);
    const open = await office.hold();
    await office.get("adjustments", { json: { ...json, attempt: open.attempt } }, 409);
    await office.ledger.release(open, "test", {});
  });

  test("usage and statement add up to the budgets' sums", async () => {
    const usage = await office.get("usage?by=payer,model,day&payer=acme&timezone=Asia/Shanghai");
    const { attempts, calls, cost, currency, day, estimated, inputTokens, model, outputTokens, payer } = usage.items[1];
    expect({ attempts, calls, cost, currency, day, estimated, inputTokens, model, outputTokens, payer }).toEqual(
      usage.items[1],
    );
    expect(usage.items.map((row: { payer: string }) => row.payer)).toEqual(["sales", "support"]);
    expect(usage.items[1]).toMatchObject({ calls: 2, inputTokens: 2_004, outputTokens: 666, cost: "0.00070005" });
    const settled = parseAmount((await office.get("budgets/support-total")).settled)!;
    expect(parseAmount(cost)).toBe(settled);

    const statement = await office.get("statements?payer=acme&month=2026-11&currency=CNY");
    expect(statement.totals).toEqual([
      { currency: "USD", usage: "0.001050075", adjustments: "-0.00005", total: "0.001000075" },
    ]);
    expect(statement.converted).toEqual({ currency: "CNY", total: "0.007100532" }); // 7,100,532.5: half to even
    expect(await office.get("statements?payer=acme")).toMatchObject({ month: "2026-11", calls: 3 });
    const table = await office.ask("statements?payer=acme&format=table", { headers: { "accept-language": "zh" } });
    expect(table.headers.get("content-type")).toMatch(/^text\/plain/);
    expect(await table.text()).toContain("acme 2026-11 账单");
    const csv = await office.ask("statements?payer=acme&format=csv");
    expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(await csv.text()).toContain("\r\ntotal,");
    const focus = await office.ask("statements?payer=acme&format=focus");
    const [head, first] = (await focus.text()).split("\r\n");
    expect(head).toMatch(/^BilledCost,/);
    expect(first).toContain("acme,Group,USD");
    expect((await office.get("statements?payer=acem", {}, 404)).error.nearest).toEqual(["acme"]);
    expect((await office.get("statements?month=2026-13", {}, 400)).error.param).toBe("month");
    expect((await office.get("statements?currency=EUR&payer=acme", {}, 400)).error.message).toContain("USD to EUR");
  });

  test("usage pages by cursor and converts", async () => {
    const all = (await office.get("usage?by=payer&currency=CNY")).items;
    expect(all).toHaveLength(2);
    const first = await office.get("usage?by=payer&currency=CNY&limit=1");
    const second = await office.get(`usage?by=payer&currency=CNY&limit=1&cursor=${first.next}`);
    expect([...first.items, ...second.items]).toEqual(all);
    expect(second.next).toBeNull();
    expect((await office.get("usage?by=payr", {}, 400)).error).toMatchObject({ param: "by", nearest: ["payer"] });
    expect((await office.get("usage?currency=EUR", {}, 400)).error.message).toContain("USD to EUR");
    expect((await office.get("usage?timezone=Asia/Shanghia", {}, 400)).error.message).toContain("Asia/Shanghai");
  });

  test("status, audit and doctor", async () => {
    expect(await office.get("status")).toMatchObject({
      version: "0.1.0",
      uptimeSeconds: 90,
      ready: true,
      unsettled: 0,
      nodes: [],
      settings: { currency: "CNY", payers: 3, budgets: 2, keys: 1, endpoints: 1, routes: 1 },
    });
    expect(await office.get("audit")).toMatchObject({ ok: true, problems: [] });
    expect(await office.get("doctor")).toMatchObject({ state: "ok", checks: [{ id: "store", what: "sound" }] });
    expect(office.errors).toEqual([]);
  });
});
