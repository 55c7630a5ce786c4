import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PHASE } from "../store/spec.ts";
import { Books, DEAR } from "./books.suite.ts";
import { type CallFilter, findCall, listCalls } from "./calls.ts";
import { listEntries } from "./entries.ts";
import { callOfAttempt, detailOfEntry, entryOfRow, usageOfEntry } from "./entry-rows.ts";

const START = Date.parse("2026-11-24T06:00:00Z");

describe("calls as a view on entries", () => {
  let books: Books;
  const ids: Record<string, string> = {};

  beforeAll(async () => {
    books = await Books.open();
    ids.settled = await books.attempt({ at: START, usage: { input: 1_001, cachedInput: 7, output: 333 } });
    ids.held = await books.attempt({ at: START + 1_000, end: "held", payer: "sales" });
    ids.doubt = await books.attempt({ at: START + 2_000, end: "unsettled", key: "other" });
    ids.first = await books.attempt({ at: START + 3_000, end: "release", route: "careful" });
    const call = callOfAttempt(ids.first);
    ids.second = await books.attempt({
      at: START + 3_100,
      call,
      model: "bailian/qwen",
      price: DEAR,
      route: "careful",
      basis: "estimated",
    });
    await books.later(ids.settled, {
      phase: PHASE.adjust,
      kind: "adjust",
      n: 1,
      at: START + 9_000,
      amount: -50n,
      detail: JSON.stringify({ reason: "credit note" }),
    });
    for (let n = 0; n < 30; n++) await books.attempt({ at: START + 10_000 + n, payer: "acme", end: "release" });
  });
  afterAll(() => books.close());

  const list = async (filter: CallFilter, limit = 100) => {
    const page = await listCalls(books.store.query, filter, limit);
    return page.calls;
  };

  test("a settled call tells its cost with adjustments, its usage and where they come from", async () => {
    const call = await findCall(books.store.query, callOfAttempt(ids.settled!));
    const cost = 150_150n + 525n + 199_800n; // 1,001 × 0.15 + 7 × 0.075 + 333 × 0.60 per million, in nano-units
    expect(call).toMatchObject({
      payer: "support",
      key: "support-bot",
      route: "mini",
      model: "lab/mini",
      startedAt: START,
      state: "settled",
      costs: [{ amount: cost - 50n, currency: "USD" }],
    });
    expect(call!.attempts).toHaveLength(1);
    expect(call!.attempts[0]).toMatchObject({
      id: ids.settled,
      cost: cost - 50n,
      hold: cost + 100n,
      bound: cost + 1_000n,
      usage: { input: 1_001, cachedInput: 7, output: 333 },
      basis: "reported",
      adjustments: [{ amount: -50n, reason: "credit note" }],
      pricedAt: START,
    });
    expect(call!.attempts[0]!.detail).toMatchObject({ operation: "chat", vendorRequestId: "req-1", durationMs: 250 });
  });

  test("a call whose first attempt failed has both, and the money of the one that was served", async () => {
    const call = await findCall(books.store.query, callOfAttempt(ids.first!));
    expect(call!.attempts.map(({ id, state, cost }) => [id, state, cost])).toEqual([
      [ids.first, "released", 0n],
      [ids.second, "settled", 1_001n * 2_400n + 333n * 9_600n + 1n],
    ]);
    expect(call).toMatchObject({ state: "settled", model: "bailian/qwen", route: "careful" });
    expect(call!.costs.map(({ currency }) => currency)).toEqual(["CNY"]);
  });

  test("what is in flight or in doubt has no cost, and is not zero", async () => {
    const held = await findCall(books.store.query, callOfAttempt(ids.held!));
    expect(held).toMatchObject({ state: "held", costs: [] });
    expect(held!.attempts[0]!.cost).toBeUndefined();
    const doubt = await findCall(books.store.query, callOfAttempt(ids.doubt!));
    expect(doubt).toMatchObject({ state: "unsettled", costs: [] });
    expect(doubt!.attempts[0]!.detail.reason).toBe("broken");
    expect(await findCall(books.store.query, "call_000000000000000000000")).toBeUndefined();
  });

  test.each<[string, CallFilter, number]>([
    ["payer", { payers: ["sales"] }, 1],
    ["several payers", { payers: ["sales", "support"] }, 4],
    ["no payer", { payers: [] }, 0],
    ["key", { key: "other" }, 1],
    ["model", { model: "bailian/qwen" }, 1],
    ["route", { route: "careful" }, 1],
    ["state held", { state: "held" }, 1],
    ["state unsettled", { state: "unsettled" }, 1],
    ["state settled", { state: "settled" }, 2],
    ["state released", { state: "released" }, 30],
    ["from", { from: START + 2_000, to: START + 10_000 }, 2],
    ["to", { to: START + 1_000 }, 1],
  ])("lists by %s", async (_, filter, count) => {
    const calls = await list(filter);
    expect(calls).toHaveLength(count);
    expect(calls.map(({ id }) => id)).toEqual(
      calls
        .map(({ id }) => id)
        .sort()
        .reverse(),
    );
  });

  test("finds a call by the model of its failed attempt, and shows it whole", async () => {
    const found = (await list({ model: "lab/mini", route: "careful" }))[0];
    expect(found!.attempts).toHaveLength(2);
  });

  test.each([1, 3, 7, 34])("pages of %i give every call once, the newest first", async (limit) => {
    const all = (await list({}, 1_000)).map(({ id }) => id);
    expect(all).toHaveLength(34);
    const paged: string[] = [];
    let before: string | undefined;
    do {
      const page = await listCalls(books.store.query, { before }, limit);
      paged.push(...page.calls.map(({ id }) => id));
      before = page.next;
    } while (before !== undefined);
    expect(paged).toEqual(all);
  });

  test("pages of a state give every call of it once", async () => {
    const paged: string[] = [];
    let before: string | undefined;
    do {
      const page = await listCalls(books.store.query, { state: "settled", before }, 1);
      paged.push(...page.calls.map(({ id }) => id));
      before = page.next;
    } while (before !== undefined);
    expect(paged).toEqual([callOfAttempt(ids.second!), callOfAttempt(ids.settled!)]);
  });

  test("entries come in the order of attempts, page by page, each once", async () => {
    const all = await listEntries(books.store.query, {}, 1_000);
    expect(all).toHaveLength(35 + 34 + 1); // holds, closes, an adjustment
    const keys = all.map(({ attempt, phase, n }) => `${attempt}:${phase}:${n}`);
    expect(keys).toEqual([...keys].sort());
    const paged: string[] = [];
    for (let after: (typeof all)[number] | undefined; ; ) {
      const page = await listEntries(books.store.query, { after }, 4);
      paged.push(...page.map(({ attempt, phase, n }) => `${attempt}:${phase}:${n}`));
      if (page.length < 4) break;
      after = page.at(-1);
    }
    expect(paged).toEqual(keys);
    expect(await listEntries(books.store.query, { attempt: ids.settled! }, 10)).toHaveLength(3);
    expect(await listEntries(books.store.query, { call: callOfAttempt(ids.first!) }, 10)).toHaveLength(4);
    expect(await listEntries(books.store.query, { payers: ["sales"] }, 10)).toHaveLength(1);
    const late = await listEntries(books.store.query, { from: START + 9_000, to: START + 10_000 }, 10);
    expect(late.map(({ kind }) => kind)).toEqual(["adjust"]);
  });

  test("an entry is read back as it was written, unknown as unknown", async () => {
    const row = await books.store.query
      .selectFrom("entries")
      .selectAll()
      .where("attempt", "=", ids.settled!)
      .where("phase", "=", PHASE.close)
      .executeTakeFirstOrThrow();
    const entry = entryOfRow(row);
    expect(usageOfEntry(entry)).toEqual({ input: 1_001, cachedInput: 7, output: 333 });
    expect(entry.reasoning).toBeUndefined();
    expect(typeof entry.amount).toBe("bigint");
    expect(detailOfEntry({ detail: "not json" })).toEqual({});
  });
});
