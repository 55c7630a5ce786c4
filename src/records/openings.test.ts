import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { firstIdAt } from "../base/ids.ts";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import { type EntryRow, PHASE, type Store } from "../store/spec.ts";
import { sampleEntry } from "../store/store.suite.ts";
import { openTestStore } from "../store/test-store.suite.ts";
import type { RecordState } from "./attempts.ts";
import { type CallFilter, listCalls } from "./calls.ts";
import { slotRanges } from "./opening-ranges.ts";

const START = Date.parse("2026-11-01T00:00:00Z");
const CALLS = 9_000;
const WHOLE = { low: "", high: "call~" };

/** One attempt as a plain scan sees it. */
interface Plain {
  readonly call: string;
  readonly at: number;
  readonly payer: string;
  readonly key: string;
  readonly route: string;
  readonly model: string;
  readonly state: RecordState;
}

/** From 0 up to 1, the same for the same seed. */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return ((state ^ (state >>> 15)) >>> 0) / 2 ** 32;
  };
}

const SEED = Number(process.env.MAIDAN_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

describe.each([
  ["one process", 0],
  ["three nodes", 3],
])(`the list of calls of %s, against a plain scan (MAIDAN_TEST_SEED=${SEED})`, (_, seats) => {
  const folder = mkdtempSync(join(tmpdir(), "maidan-openings-"));
  const attempts: Plain[] = [];
  let store: Store;

  /** The seat that writes from now on: each in turn, so that their slots overlap. */
  let seat = 0;
  const open = async (): Promise<Store> => {
    store = await openTestStore(folder, DEFAULT_LIMITS);
    if (seat > 0) store.journal.sit({ number: seat, epoch: 1, totals: () => [] });
    return store;
  };
  const changeSeat = (): void => {
    if (seats === 0) return;
    seat = 1 + (seat % seats);
    store.journal.sit({ number: seat, epoch: 1, totals: () => [] });
  };

  /** Calls of all kinds, over days and within milliseconds; some are written later than their ids say. */
  beforeAll(async () => {
    const random = numbers(SEED);
    const pick = <T>(values: readonly T[]): T => values[Math.floor(random() ** 2 * values.length)]!;
    store = await open();
    const life = { epoch: 1, name: "", beat: 0, settings_version: 1, joined_at: 1, ended_at: null };
    for (let number = 1; number <= seats; number++) {
      await store.query
        .insertInto("nodes")
        .values({ seat: number, ...life })
        .execute();
    }
    changeSeat();
    let late: EntryRow[][] = [];
    let at = START;
    for (let n = 0; n < CALLS; n++) {
      at += random() < 0.001 ? 7_200_000 : Math.floor(random() * 40);
      const call = `${firstIdAt(at)}${n.toString(32).padStart(11, "0")}`;
      // The first of them were called once, and all others since.
      const rare = n % 1_500 === 3;
      const facts = {
        payer: rare ? "rare" : pick(["support", "sales", "lab"]),
        key: n < 1_000 && n % 4 === 0 ? "early" : pick(["k1", "k2", "k3", "k4", "k5"]),
        route: n % 900 === 7 ? "seldom" : pick(["mini", "careful"]),
      };
      const rows: EntryRow[] = [];
      for (const number of random() < 0.05 ? [1, 2] : [1]) {
        const model = n > 4_000 && n < 4_020 ? "lab/tried" : pick(["lab/a", "lab/b", "lab/c"]);
        const chance = random();
        const state =
          number === 2 || chance < 0.95 ? "settled" : chance < 0.97 ? "released" : chance < 0.99 ? "unsettled" : "held";
        attempts.push({ call, at, ...facts, model, state });
        const shares = random() < 0.5 ? [] : [{ budget: "b", window: Math.floor(at / 3_600_000), amount: 20n }];
        const hold = sampleEntry(`${call}.${number}`, { ...facts, model, at, shares });
        rows.push(hold);
        if (state === "held") continue;
        const kind = state === "settled" ? "settle" : state === "released" ? "release" : "unsettled";
        rows.push({
          ...hold,
          phase: PHASE.close,
          kind,
          at: at + 100,
          amount: kind === "release" ? 0n : 5n,
          shares: [],
        });
      }
      if (random() < 0.02) late.push(rows);
      else for (const entry of rows) void store.journal.append({ op: "entry", entry });
      if (n % 100 !== 0) continue;
      for (const entry of late.flat()) void store.journal.append({ op: "entry", entry });
      late = [];
      await store.journal.append({ op: "mark", name: "n", value: String(n) });
      if (n % 700 === 0) changeSeat();
      if (n % 3_000 !== 0) continue;
      await store.close();
      store = await open();
    }
    for (const entry of late.flat()) void store.journal.append({ op: "entry", entry });
    await store.journal.append({ op: "mark", name: "n", value: "end" });
  });

  afterAll(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function scan({ payers, key, model, route, state, from, to }: CallFilter): string[] {
    const states = new Map<string, RecordState[]>();
    for (const one of attempts) states.set(one.call, [...(states.get(one.call) ?? []), one.state]);
    const stateOf = (call: string): RecordState =>
      (["held", "unsettled", "settled"] as const).find((one) => states.get(call)!.includes(one)) ?? "released";
    const fit = attempts.filter(
      (one) =>
        (payers === undefined || payers.includes(one.payer)) &&
        (key === undefined || one.key === key) &&
        (model === undefined || one.model === model) &&
        (route === undefined || one.route === route) &&
        (from === undefined || one.at >= from) &&
        (to === undefined || one.at < to) &&
        (state === undefined || stateOf(one.call) === state),
    );
    return [...new Set(fit.map(({ call }) => call))].sort().reverse();
  }

  /** All pages, one after the other. */
  async function list(filter: CallFilter, limit: number): Promise<string[]> {
    const found: string[] = [];
    for (let before: string | undefined; ; ) {
      const page = await listCalls(store.query, { ...filter, before }, limit);
      expect(page.calls.length).toBeLessThanOrEqual(limit);
      found.push(...page.calls.map(({ id }) => id));
      if (page.next === undefined) return found;
      before = page.next;
    }
  }

  const maybe = <T>(...values: readonly T[]) => fc.option(fc.constantFrom(...values), { nil: undefined, freq: 3 });
  const instant = fc.option(
    fc.nat(9_000 * 40).map((after) => START + after),
    { nil: undefined, freq: 3 },
  );
  const filters = fc.record({
    payers: fc.option(fc.subarray(["support", "sales", "lab", "rare", "never"]), { nil: undefined, freq: 3 }),
    key: maybe("k1", "k5", "early", "never"),
    model: maybe("lab/a", "lab/c", "lab/tried", "lab/never"),
    route: maybe("mini", "seldom", "never"),
    state: maybe<RecordState>("held", "settled", "released", "unsettled"),
    from: instant,
    to: instant,
  });

  test("any filter gives the same calls in the same order, page by page", async () => {
    await fc.assert(
      fc.asyncProperty(filters, fc.constantFrom(333, 1_000), async (filter, limit) => {
        expect(await list(filter, limit)).toEqual(scan(filter));
      }),
      { numRuns: 60, seed: SEED, endOnFailure: true },
    );
  });

  test.each<[string, CallFilter]>([
    ["everything", {}],
    ["a payer of few calls", { payers: ["rare"] }],
    ["a route of few calls", { route: "seldom" }],
    ["a key that is silent since", { key: "early" }],
    ["a model of one hour", { model: "lab/tried" }],
    ["a frequent key", { key: "k1" }],
    ["what is held of a key", { key: "k2", state: "held" }],
    ["what was released of a rare payer", { payers: ["rare"], state: "released" }],
  ])("finds %s", async (_, filter) => {
    const expected = scan(filter);
    expect(await list(filter, expected.length > 1_000 ? 1_000 : 50)).toEqual(expected);
    if (filter.state === undefined) expect(expected.length).toBeGreaterThan(0);
  });

  test("a key that is silent since is not looked for among the newer calls", async () => {
    const rows = await store.query.selectFrom("kin").select("id").where("key", "=", "early").execute();
    const kin = rows.map(({ id }) => id);
    const ranges: { low: string; high: string }[] = [];
    for await (const range of slotRanges(store.query, kin, WHOLE)) ranges.push(range);
    // Noted in the slot of the thousandth call at the latest, and a slot ends soon after two thousand.
    expect(ranges.length).toBeGreaterThan(0);
    const later = attempts.at(Math.floor(attempts.length / 2))!.call;
    for (const { high } of ranges) expect(high < later).toBe(true);
  });
});

describe("the slots of several nodes", () => {
  const folder = mkdtempSync(join(tmpdir(), "maidan-slots-"));
  let store: Store;
  let query: Store["query"];

  beforeAll(async () => {
    store = await openTestStore(folder, DEFAULT_LIMITS);
    ({ query } = store);
    const kin = { payer: "p", key: "k", route: "r", currency: "USD" };
    await query
      .insertInto("kin")
      .values([
        { id: 1, model: "mine", ...kin },
        { id: 2, model: "other", ...kin },
      ])
      .execute();
  });

  afterAll(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const gaps = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 30 });
  const opening = fc.record({ seat: fc.nat(2), time: fc.nat(3_000), isMine: fc.boolean() });

  test("overlap, and are told as stretches that do not, newest first, with everything in them", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(gaps, { minLength: 1, maxLength: 3 }), fc.array(opening), async (seats, openings) => {
        const starts = seats.map((some) => {
          let since = 0;
          return [0, ...some.map((gap) => (since += gap))];
        });
        await query.deleteFrom("opening_slots").execute();
        await query.deleteFrom("kin_slots").execute();
        const slots = starts.flatMap((all, seat) => all.map((since) => ({ seat, since })));
        await query.insertInto("opening_slots").values(slots).execute();
        const mine: number[] = [];
        for (const { seat: drawn, time, isMine } of openings) {
          const seat = drawn % starts.length;
          const row = { kin: isMine ? 1 : 2, since: starts[seat]!.findLast((start) => start <= time)!, seat };
          await query
            .insertInto("kin_slots")
            .values(row)
            .onConflict((conflict) => conflict.doNothing())
            .execute();
          if (isMine) mine.push(time);
        }
        const ranges: { low: string; high: string }[] = [];
        for await (const range of slotRanges(query, [1], WHOLE)) ranges.push(range);
        for (const [n, { low, high }] of ranges.entries()) {
          expect(low < high).toBe(true);
          if (n > 0) expect(high <= ranges[n - 1]!.low).toBe(true);
        }
        for (const time of mine) {
          const id = `${firstIdAt(time)}00000000000.1`;
          expect(ranges.some(({ low, high }) => low <= id && id < high)).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });
});
