import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NO_SETTINGS } from "../config/settings.ts";
import { takeJob } from "./jobs.ts";
import { loadPrices, savePrice } from "./prices.ts";
import { loadSettings, nameOfDocument, SettingsMoved, saveSettings } from "./settings.ts";
import { type EntryRow, Fenced, type KeptAnswerRow, type Store, type WindowTotal } from "./spec.ts";
import { transact } from "./transact.ts";

/** A row of the ledger with what a test does not care about filled in. */
export function sampleEntry(attempt: string, changes: Partial<EntryRow> = {}): EntryRow {
  return {
    attempt,
    phase: 0,
    n: 0,
    kind: "hold",
    at: 1_793_000_000_000,
    payer: "support",
    key: "support-bot",
    route: "mini",
    model: "lab/mini",
    currency: "USD",
    amount: 10n,
    held: 20n,
    shares: [],
    price: "price_1",
    rates: "",
    basis: undefined,
    overrun: false,
    input: undefined,
    cachedInput: undefined,
    cacheWrite5m: undefined,
    cacheWrite1h: undefined,
    inputAudio: undefined,
    inputImage: undefined,
    output: undefined,
    reasoning: undefined,
    outputAudio: undefined,
    images: undefined,
    seconds: undefined,
    toolCalls: undefined,
    detail: "{}",
    ...changes,
  };
}

export function sampleSettlement(attempt: string, changes: Partial<EntryRow> = {}): EntryRow {
  return sampleEntry(attempt, { phase: 1, kind: "settle", basis: "reported", ...changes });
}

function sampleAnswer(id: string, changes: Partial<KeptAnswerRow> = {}): KeptAnswerRow {
  return {
    id,
    requestHash: "h",
    call: "call_1",
    state: "pending",
    at: 1,
    status: 0,
    headers: "",
    answer: undefined,
    ...changes,
  };
}

/**
 * What every store must do.
 *
 * @param open opens the same store each time until `clear` removes it
 */
export function testStore(name: string, open: () => Promise<Store>, clear: () => void | Promise<void>): void {
  describe(`the store in ${name}`, () => {
    let store: Store;

    beforeEach(async () => {
      store = await open();
    });

    afterEach(async () => {
      await store.close();
      await clear();
    });

    const append = (entry: EntryRow, kept?: KeptAnswerRow): Promise<void> =>
      store.journal.append({ op: "entry", entry, kept });
    const reopen = async (): Promise<void> => {
      await store.close();
      store = await open();
    };

    describe("a journal with a seat", () => {
      const totals: WindowTotal[] = [];
      const sit = (number: number, epoch: number): void =>
        store.journal.sit({ number, epoch, totals: () => totals.splice(0) });
      const node = { name: "test", beat: 7, settings_version: 1, joined_at: 1, ended_at: null };

      test("writes its lease, its totals and a sign of life, and leaves the sums of budgets alone", async () => {
        await store.query
          .insertInto("nodes")
          .values({ seat: 3, epoch: 5, ...node })
          .execute();
        sit(3, 5);
        totals.push({ book: "b", window: 0, settled: 0n, held: 20n });
        await append(sampleEntry("call_1.1", { shares: [{ budget: "b", window: 0, amount: 20n }] }));
        totals.push({ book: "b", window: 0, settled: 2n ** 60n, held: 0n });
        await append(sampleSettlement("call_1.1", { amount: 6n, shares: [{ budget: "b", window: 0, amount: 6n }] }));
        const leases = await store.query.selectFrom("entries").select(["attempt", "lease"]).orderBy("phase").execute();
        expect(leases).toEqual([
          { attempt: "call_1.1", lease: "3.5" },
          { attempt: "call_1.1", lease: "3.5" },
        ]);
        expect(await store.query.selectFrom("node_windows").selectAll().execute()).toEqual([
          { book: "b", window: 0, seat: 3, settled: 2n ** 60n, held: 0n },
        ]);
        expect(await store.query.selectFrom("nodes").select("beat").execute()).toEqual([{ beat: 9 }]);
        expect(await store.query.selectFrom("usage_hourly").select(["seat", "cost"]).execute()).toEqual([
          { seat: 3, cost: 6n },
        ]);
        expect(await store.query.selectFrom("usage_days").select("seat").execute()).toEqual([{ seat: 3 }]);
        expect(await store.query.selectFrom("kin_slots").select("seat").execute()).toEqual([{ seat: 3 }]);
        expect(await store.query.selectFrom("budget_windows").selectAll().execute()).toEqual([]);
      });

      test("is refused once the seat was taken away, and writes again under another one", async () => {
        await store.query
          .insertInto("nodes")
          .values({ seat: 3, epoch: 5, ...node })
          .execute();
        sit(3, 5);
        let fenced = 0;
        store.journal.onFenced(() => {
          fenced += 1;
        });
        await append(sampleEntry("call_1.1"));
        await store.query.updateTable("nodes").set({ epoch: 6 }).where("seat", "=", 3).execute();
        totals.push({ book: "b", window: 0, settled: 1n, held: 1n });
        const refused = append(sampleEntry("call_2.1", { payer: "somebody new" }));
        await expect(refused).rejects.toBeInstanceOf(Fenced);
        await expect(append(sampleEntry("call_3.1"))).rejects.toBeInstanceOf(Fenced);
        expect(fenced).toBe(1);
        sit(3, 6);
        await append(sampleEntry("call_4.1", { payer: "somebody new" }));
        const rows = await store.query
          .selectFrom("entries")
          .select(["attempt", "payer", "lease"])
          .orderBy("attempt")
          .execute();
        expect(rows).toEqual([
          { attempt: "call_1.1", payer: "support", lease: "3.5" },
          { attempt: "call_4.1", payer: "somebody new", lease: "3.6" },
        ]);
        expect(await store.query.selectFrom("node_windows").selectAll().execute()).toEqual([]);
      });

      test("an attempt in doubt counts in each of its budgets until it is resolved", async () => {
        const shares = [
          { budget: "a", window: 0, amount: 20n },
          { budget: "b", window: 3_600_000, amount: 142n },
        ];
        const doubt = { phase: 1, kind: "unsettled", amount: 20n, shares, detail: '{"reason":"crash"}' } as const;
        await append(sampleEntry("call_1.1", doubt));
        const bounds = store.query
          .selectFrom("doubt_shares")
          .select(["attempt", "book", "window", "bound"])
          .orderBy("book");
        expect(await bounds.execute()).toEqual([
          { attempt: "call_1.1", book: "a", window: 0, bound: 20n },
          { attempt: "call_1.1", book: "b", window: 3_600_000, bound: 142n },
        ]);
        await append(sampleEntry("call_1.1", { phase: 2, kind: "release", amount: 0n, held: 20n }));
        expect(await bounds.execute()).toEqual([]);
      });
    });

    describe("journal", () => {
      test("is full by the bound that was set last", async () => {
        store.setLimits({ journalQueue: 2, storeAwayMs: 60_000 });
        const rows = [append(sampleEntry("call_1.1"))];
        expect(store.journal.full).toBe(false);
        rows.push(append(sampleEntry("call_2.1")));
        expect(store.journal.full).toBe(true);
        store.setLimits({ journalQueue: 3, storeAwayMs: 60_000 });
        expect(store.journal.full).toBe(false);
        await Promise.all(rows);
      });

      test("a row is there when its promise resolves, and after opening again", async () => {
        await append(
          sampleSettlement("call_1.1", {
            amount: 2n ** 62n,
            held: 2n ** 53n + 1n,
            shares: [{ budget: 'a "b"', window: 1_793_000_000_000, amount: -(2n ** 60n) }],
            rates: "CNY:7.1",
            overrun: true,
            input: 1,
            cachedInput: 2,
            cacheWrite5m: 3,
            cacheWrite1h: 4,
            inputAudio: 5,
            inputImage: 6,
            output: 7,
            reasoning: 8,
            outputAudio: 9,
            images: 10,
            seconds: 11.0,
            toolCalls: 0,
            detail: '{"finish":"停"}',
          }),
        );
        await reopen();
        const row = await store.query.selectFrom("entries").selectAll().executeTakeFirstOrThrow();
        expect(row).toEqual({
          attempt: "call_1.1",
          phase: 1,
          n: 0,
          kind: "settle",
          at: 1_793_000_000_000,
          payer: "support",
          key: "support-bot",
          route: "mini",
          model: "lab/mini",
          currency: "USD",
          amount: 2n ** 62n,
          held: 2n ** 53n + 1n,
          shares: `[["a \\"b\\"",1793000000000,"-1152921504606846976"]]`,
          price: "price_1",
          rates: "CNY:7.1",
          lease: "",
          basis: "reported",
          overrun: 1,
          input: 1,
          cached_input: 2,
          cache_write_5m: 3,
          cache_write_1h: 4,
          input_audio: 5,
          input_image: 6,
          output: 7,
          reasoning: 8,
          output_audio: 9,
          images: 10,
          seconds: 11,
          tool_calls: 0,
          detail: '{"finish":"停"}',
        });
      });

      test("unknown usage stays unknown", async () => {
        await append(sampleSettlement("call_1.1", { input: 0 }));
        const row = await store.query.selectFrom("entries").selectAll().executeTakeFirstOrThrow();
        expect([row.input, row.output]).toEqual([0, null]);
      });

      test("a row that is there already changes nothing at all", async () => {
        const settlement = sampleSettlement("call_1.1", { shares: [{ budget: "b", window: 0, amount: 5n }], input: 3 });
        await append(settlement, sampleAnswer("k1", { state: "kept", answer: Buffer.from("first") }));
        await append({ ...settlement, amount: 99n }, sampleAnswer("k1", { answer: Buffer.from("second") }));
        await append(settlement);
        expect(await store.query.selectFrom("entries").select("amount").execute()).toEqual([{ amount: 10n }]);
        expect(await store.query.selectFrom("budget_windows").select("settled").execute()).toEqual([{ settled: 5n }]);
        const hours = await store.query.selectFrom("usage_hourly").select(["attempts", "cost", "input"]).execute();
        expect(hours).toEqual([{ attempts: 1, cost: 10n, input: 3 }]);
        const kept = await store.query.selectFrom("kept_answers").selectAll().executeTakeFirstOrThrow();
        expect(Buffer.from(kept.answer!).toString()).toBe("first");
      });

      test("settlements and adjustments add up by budget and window; holds, releases and doubts do not", async () => {
        const shares = (amount: bigint, window = 0) => [
          { budget: "a", window, amount },
          { budget: "b", window: 7, amount: amount * 2n },
        ];
        await Promise.all([
          append(sampleEntry("call_1.1", { shares: shares(1_000n) })),
          append(sampleSettlement("call_1.1", { shares: shares(3n) })),
          append(sampleEntry("call_1.1", { phase: 3, kind: "adjust", shares: shares(-1n) })),
          append(sampleEntry("call_2.1", { phase: 1, kind: "release", shares: shares(1_000n) })),
          append(
            sampleEntry("call_3.1", {
              phase: 1,
              kind: "unsettled",
              shares: shares(1_000n),
              detail: '{"reason":"timeout"}',
            }),
          ),
        ]);
        await append(sampleSettlement("call_4.1", { shares: shares(10n, 1) }));
        const rows = await store.query
          .selectFrom("budget_windows")
          .selectAll()
          .orderBy("book")
          .orderBy("window")
          .execute();
        expect(rows).toEqual([
          { book: "a", window: 0, settled: 2n },
          { book: "a", window: 1, settled: 10n },
          { book: "b", window: 7, settled: 24n },
        ]);
      });

      test("usage adds up by hour, payer, key, route, model and currency", async () => {
        const hour = Date.parse("2026-11-05T10:00:00Z");
        await Promise.all([
          append(sampleSettlement("call_1.1", { at: hour, input: 5, output: 7 })),
          append(sampleSettlement("call_2.1", { at: hour + 3_599_999, input: 6, basis: "estimated" })),
        ]);
        await append(sampleSettlement("call_3.1", { at: hour + 3_600_000, currency: "CNY", toolCalls: 2 }));
        await append(sampleEntry("call_1.1", { phase: 3, kind: "adjust", at: hour + 3_600_000, amount: -4n }));
        const rows = await store.query
          .selectFrom("usage_hourly")
          .selectAll()
          .orderBy("hour")
          .orderBy("currency")
          .execute();
        const found = rows.map((row) => [
          row.hour - hour,
          row.currency,
          row.calls,
          row.attempts,
          row.estimated,
          row.cost,
          row.input,
          row.output,
          row.tool_calls,
        ]);
        expect(found).toEqual([
          [0, "USD", 2, 2, 1, 20n, 11, 7, 0],
          [3_600_000, "CNY", 1, 1, 0, 10n, 0, 0, 2],
          [3_600_000, "USD", 0, 0, 0, -4n, 0, 0, 0],
        ]);
      });

      test("a call with several settled attempts is counted once", async () => {
        await append(sampleEntry("call_1.1", { phase: 1, kind: "release" }));
        await append(sampleSettlement("call_1.2"));
        await append(sampleSettlement("call_1.3"));
        await append(sampleEntry("call_2.1", { phase: 1, kind: "unsettled" }));
        await append(sampleSettlement("call_2.2"));
        await append(sampleSettlement("call_2.1", { phase: 2 }));
        const row = await store.query
          .selectFrom("usage_hourly")
          .select(["calls", "attempts"])
          .executeTakeFirstOrThrow();
        expect(row).toEqual({ calls: 2, attempts: 4 });
      });

      test("doubts are listed until they are resolved", async () => {
        await append(sampleEntry("call_1.1", { phase: 1, kind: "unsettled", at: 5, detail: '{"reason":"timeout"}' }));
        await append(sampleEntry("call_2.1", { phase: 1, kind: "unsettled", at: 6, detail: '{"reason":"crash"}' }));
        const list = () => store.query.selectFrom("unsettled").selectAll().orderBy("attempt").execute();
        expect(await list()).toEqual([
          { attempt: "call_1.1", since: 5, reason: "timeout" },
          { attempt: "call_2.1", since: 6, reason: "crash" },
        ]);
        await append(sampleEntry("call_1.1", { phase: 2, kind: "release" }));
        await append(sampleSettlement("call_2.1", { phase: 2 }));
        expect(await list()).toEqual([]);
      });

      test("kept answers are replaced and forgotten", async () => {
        await append(sampleEntry("call_1.1"), sampleAnswer("k1"));
        await store.journal.append({
          op: "kept",
          kept: sampleAnswer("k1", { state: "kept", answer: Buffer.of(0, 255) }),
        });
        const rows = await store.query.selectFrom("kept_answers").selectAll().execute();
        expect(rows.map(({ state, answer }) => [state, [...answer!]])).toEqual([["kept", [0, 255]]]);
        await store.journal.append({ op: "forget-kept", id: "k1" });
        expect(await store.query.selectFrom("kept_answers").selectAll().execute()).toEqual([]);
      });

      test("rows queue in groups that share a promise, and the depth tells how many wait", async () => {
        const first = append(sampleEntry("call_1.1"));
        expect(append(sampleEntry("call_2.1"))).toBe(first);
        expect(store.journal.depth).toBe(2);
        expect(store.journal.full).toBe(false);
        await first;
        expect(store.journal.depth).toBe(0);
        await Promise.all(Array.from({ length: 1_000 }, (_, i) => append(sampleEntry(`call_${i + 10}.1`))));
        const { count } = await store.query
          .selectFrom("entries")
          .select(({ fn }) => fn.countAll<number>().as("count"))
          .executeTakeFirstOrThrow();
        expect(count).toBe(1_002);
      });

      test("what is queued when the store closes is committed first", async () => {
        const promise = append(sampleEntry("call_1.1"));
        await reopen();
        await promise;
        expect(await store.query.selectFrom("entries").select("attempt").execute()).toEqual([{ attempt: "call_1.1" }]);
      });

      test("marks are kept", async () => {
        await store.journal.append({ op: "mark", name: "m", value: "1" });
        await store.journal.append({ op: "mark", name: "m", value: "2" });
        const row = await store.query.selectFrom("meta").selectAll().where("name", "=", "m").executeTakeFirst();
        expect(row).toEqual({ name: "m", value: "2" });
      });
    });

    describe("queries", () => {
      const insert = (id: string) => ({ id, document: "{}", created_at: 1 });

      test("money is bigint and counts are numbers, in sums too", async () => {
        await append(sampleSettlement("call_1.1", { amount: 2n ** 61n, input: 4 }));
        await append(sampleSettlement("call_2.1", { amount: 2n ** 60n, input: 5 }));
        const row = await store.query
          .selectFrom("entries")
          .select(({ fn }) => [fn.sum<bigint>("amount").as("amount"), fn.sum<number>("input").as("input")])
          .executeTakeFirstOrThrow();
        expect(row).toEqual({ amount: 2n ** 61n + 2n ** 60n, input: 9 });
      });

      test("a transaction happens as a whole or not at all", async () => {
        const { query } = store;
        await query.transaction().execute(async (transaction) => {
          await transaction.insertInto("prices").values(insert("p1")).execute();
          expect(await transaction.selectFrom("prices").select("id").execute()).toEqual([{ id: "p1" }]);
          expect(await query.selectFrom("prices").select("id").execute()).toEqual([]);
        });
        const broken = query.transaction().execute(async (transaction) => {
          await transaction.insertInto("prices").values(insert("p2")).execute();
          throw new Error("changed my mind");
        });
        await expect(broken).rejects.toThrow("changed my mind");
        expect(await query.selectFrom("prices").select("id").execute()).toEqual([{ id: "p1" }]);
      });

      test("journal rows never become part of somebody's transaction", async () => {
        let row: Promise<void> | undefined;
        const broken = store.query.transaction().execute(async (transaction) => {
          await transaction.insertInto("prices").values(insert("p1")).execute();
          row = append(sampleEntry("call_1.1"));
          await new Promise((resolve) => setImmediate(resolve));
          await transaction.selectFrom("prices").select("id").execute();
          throw new Error("changed my mind");
        });
        await expect(broken).rejects.toThrow("changed my mind");
        await row;
        expect(await store.query.selectFrom("entries").select("attempt").execute()).toEqual([{ attempt: "call_1.1" }]);
        expect(await store.query.selectFrom("prices").select("id").execute()).toEqual([]);
      });

      test("transactions take turns", async () => {
        const add = (id: string) =>
          transact(store.query, async (transaction) => {
            const before = await transaction.selectFrom("prices").select("id").execute();
            await transaction
              .insertInto("prices")
              .values({ ...insert(id), created_at: before.length })
              .execute();
          });
        await Promise.all(["a", "b", "c", "d"].map(add));
        const rows = await store.query.selectFrom("prices").select("created_at").orderBy("created_at").execute();
        expect(rows.map((row) => row.created_at)).toEqual([0, 1, 2, 3]);
      });

      test("a wrong statement harms nobody but its author", async () => {
        await store.query.insertInto("prices").values(insert("p1")).execute();
        await expect(store.query.insertInto("prices").values(insert("p1")).execute()).rejects.toThrow(/unique/i);
        // @ts-expect-error there is no such table
        await expect(store.query.selectFrom("nowhere").selectAll().execute()).rejects.toThrow(/nowhere/);
        await append(sampleEntry("call_1.1"));
        expect(store.journal.depth).toBe(0);
      });

      test("a write says how many rows it changed", async () => {
        await store.query
          .insertInto("prices")
          .values([insert("p1"), insert("p2"), insert("p3")])
          .execute();
        const result = await store.query.deleteFrom("prices").where("id", ">=", "p2").executeTakeFirstOrThrow();
        expect(result.numDeletedRows).toBe(2n);
      });
    });

    test("of several that ask for a job, one does it each time it is due", async () => {
      const ask = (now: number): Promise<boolean> => takeJob(store, "sweep", 1_000, now);
      const asked = await Promise.all([ask(5_000), ask(5_000), ask(5_000), ask(5_000)]);
      expect(asked.filter(Boolean)).toHaveLength(1);
      expect(await ask(5_999)).toBe(false);
      expect(await ask(6_000)).toBe(true);
      expect(await takeJob(store, "other", 1_000, 6_000)).toBe(true);
    });

    describe("settings", () => {
      test("a new store has none", async () => {
        expect(await loadSettings(store.query)).toEqual({ settings: NO_SETTINGS, sources: new Map(), version: 0 });
      });

      test("documents are written, replaced and removed together, and keep who wrote them", async () => {
        const payer = { id: "acme", name: { zh: "集团", en: "Group" } };
        const budget = { id: "acme-month", payer: "acme", amount: "5.00", currency: "USD", window: "month" as const };
        await saveSettings(
          store.query,
          [
            { kind: "general", id: "general", document: { currency: "CNY" }, source: "file" },
            { kind: "payers", id: "acme", document: payer, source: "file" },
            { kind: "payers", id: "gone", document: { id: "gone" }, source: "start" },
            { kind: "budgets", id: "acme-month", document: budget, source: "api" },
          ],
          0,
          1,
        );
        await saveSettings(
          store.query,
          [
            { kind: "payers", id: "gone", document: undefined },
            { kind: "budgets", id: "acme-month", document: { ...budget, amount: "6" }, source: "file" },
          ],
          1,
          2,
        );
        await reopen();
        const { settings, sources, version } = await loadSettings(store.query);
        const expected = {
          ...NO_SETTINGS,
          general: { currency: "CNY" },
          payers: [payer],
          budgets: [{ ...budget, amount: "6" }],
        };
        expect(settings).toEqual(expected);
        expect(version).toBe(2);
        expect([...sources].sort()).toEqual([
          [nameOfDocument("budgets", "acme-month"), "file"],
          ["general/general", "file"],
          ["payers/acme", "file"],
        ]);
      });

      test("what somebody else has changed since is not written over", async () => {
        const write = (since: number) =>
          saveSettings(
            store.query,
            [{ kind: "payers", id: `p${since}`, document: { id: `p${since}` }, source: "api" }],
            since,
            1,
          );
        expect(await write(0)).toBe(1);
        await expect(write(0)).rejects.toBeInstanceOf(SettingsMoved);
        const both = await Promise.allSettled([write(1), write(1)]);
        expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
        expect((await loadSettings(store.query)).version).toBe(2);
      });

      test("of changes that cannot all be written, none is", async () => {
        const circle: Record<string, unknown> = {};
        circle.self = circle;
        const broken = saveSettings(
          store.query,
          [
            { kind: "payers", id: "a", document: { id: "a" }, source: "api" },
            { kind: "payers", id: "b", document: circle, source: "api" },
          ],
          0,
          1,
        );
        await expect(broken).rejects.toThrow(TypeError);
        expect((await loadSettings(store.query)).settings.payers).toEqual([]);
      });

      test("price documents are kept once and found by id", async () => {
        await savePrice(store.query, { id: "price_1", document: '{"input":"1"}', createdAt: 1 });
        await savePrice(store.query, { id: "price_1", document: "other", createdAt: 2 });
        const found = await loadPrices(store.query, ["price_1", "price_2"]);
        expect([...found.values()]).toEqual([{ id: "price_1", document: '{"input":"1"}', createdAt: 1 }]);
      });
    });
  });
}
