import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { costOf, nano, sum } from "./harness/arithmetic.ts";
import { budgetsOf, expectCleanAudit } from "./harness/books.ts";
import { type RunningMaidan, startMaidan } from "./harness/maidan.ts";
import { chat, endpoint, PRICE, payer, RATES, yaml } from "./harness/settings.ts";
import { type RunningUpstream, startUpstream } from "./harness/start-upstream.ts";
import type { TallyRow } from "./harness/upstream-behaviour.ts";

const CHUNKS = 50;
const CHAT = "/v1/chat/completions";

/** Issue: "the client goes away at each chunk of a 50-chunk answer: each is billed by the declared rule, none at zero". */
describe("a client that goes away", () => {
  let upstream: RunningUpstream;
  let maidan: RunningMaidan;

  beforeAll(async () => {
    upstream = await startUpstream({ models: { "*": { outputTokens: CHUNKS, betweenChunksMs: 3, firstByteMs: 40 } } });
    const models = [{ id: "mini", maxOutputTokens: 100, price: PRICE }];
    maidan = await startMaidan({
      yaml: yaml({
        endpoints: [
          endpoint(upstream, { id: "drain", models, onDisconnect: "drain" }),
          endpoint(upstream, { id: "abort", models, onDisconnect: "abort", billsOnAbort: "generated" }),
          endpoint(upstream, { id: "full", models, onDisconnect: "abort", billsOnAbort: "full" }),
        ],
        payers: ["drain", "abort", "full", "buffered"].map((id) => payer(id, "100.00")),
      }),
    });
  });
  afterAll(async () => {
    await maidan?.stop();
    await upstream?.stop();
  });

  interface Left {
    readonly chunk: number;
    readonly row: TallyRow;
    // biome-ignore lint/suspicious/noExplicitAny: an answer of the operators' API
    readonly call: any;
  }

  const body = (endpointId: string, chunk: number) =>
    chat(`${endpointId}/mini`, { stream: true, simulate: { tag: `${endpointId} ${chunk}` } });
  const key = (endpointId: string, chunk: number) => ({ "idempotency-key": `${endpointId} ${chunk}` });

  /** Leaves at each chunk; chunk 0 is when the vendor works and nothing has come yet. */
  async function leaveAtEachChunk(id: string): Promise<Left[]> {
    const chunks = Array.from({ length: CHUNKS + 1 }, (_, chunk) => chunk);
    await Promise.all(
      chunks.map((chunk) => {
        const leave = chunk === 0 ? { leaveAfterMs: 25 } : { leaveAfterEvents: chunk };
        return maidan.ask(CHAT, `sk-test-${id}`, { body: body(id, chunk), headers: key(id, chunk), ...leave });
      }),
    );
    const calls = await vi.waitFor(async () => {
      const items = await maidan.admin.all(`calls?payer=${id}`);
      expect(items.filter((one) => one.state === "held")).toEqual([]);
      return new Map(items.map((one) => [one.attempts[0].vendorRequestId as string | undefined, one]));
    }, 20_000);
    const rows = (await upstream.tally()).filter((row) => row.tag?.startsWith(`${id} `));
    expect(rows.map((row) => row.tag)).toHaveLength(new Set(rows.map((row) => row.tag)).size);
    expect(rows.length).toBeGreaterThanOrEqual(CHUNKS);
    const unnamed = [...calls.values()].filter((one) => one.attempts[0].vendorRequestId === undefined);
    return rows.map((row) => {
      const call = calls.get(row.id) ?? (unnamed.length === 1 ? unnamed[0] : undefined);
      return { chunk: Number(row.tag!.split(" ")[1]), row, call };
    });
  }

  async function expectBilledOnce(id: string, left: readonly Left[]): Promise<void> {
    for (const { call, chunk } of left) {
      expect(call, `chunk ${chunk}`).toMatchObject({ state: "settled" });
      expect(call.attempts).toHaveLength(1);
      expect(nano(call.cost), `chunk ${chunk}`).toBeGreaterThan(0n);
    }
    const budget = (await budgetsOf(maidan.admin)).get(`${id}-total`)!;
    expect(budget.held).toBe(0n);
    expect(budget.settled).toBe(sum(left.map(({ call }) => nano(call.cost))));
  }

  /** A client that comes back with the same key is never sent on again. */
  async function expectNeverSentAgain(id: string): Promise<void> {
    const before = (await upstream.tally()).length;
    for (const chunk of [1, 7, CHUNKS]) {
      const again = await maidan.ask(CHAT, `sk-test-${id}`, { body: body(id, chunk), headers: key(id, chunk) });
      expect([200, 409]).toContain(again.status);
    }
    expect((await upstream.tally()).length).toBe(before);
  }

  it.each(["drain", "full"])("%s: the answer is read to its end and billed as reported", async (id) => {
    const left = await leaveAtEachChunk(id);
    for (const { row, call, chunk } of left) {
      expect(row.state, `chunk ${chunk}`).toBe("served");
      expect(call.attempts[0].basis).toBe("reported");
      expect(nano(call.cost)).toBe(costOf(row.billed!, RATES));
    }
    await expectBilledOnce(id, left);
    await expectNeverSentAgain(id);
  });

  it("abort: the stream is closed and what was generated is billed, as an estimate", async () => {
    const left = await leaveAtEachChunk("abort");
    const aborted = left.filter(({ row }) => row.state === "aborted");
    expect(aborted.length).toBeGreaterThan(CHUNKS / 2);
    for (const { row, call, chunk } of aborted) {
      const [attempt] = call.attempts;
      expect(attempt.basis, `chunk ${chunk}`).toBe("estimated");
      expect(attempt.usage.input).toBeGreaterThan(0);
      // The first event is the role: a client that has seen `chunk` events has seen one token less.
      expect(attempt.usage.output, `chunk ${chunk}`).toBeGreaterThanOrEqual(chunk - 1);
      // The vendor may have written its last token by the time it hears of the end.
      expect(row.billed!.output).toBeLessThanOrEqual(CHUNKS);
    }
    await expectBilledOnce("abort", left);
    await expectNeverSentAgain("abort");
  });

  it("a buffered answer is always read to its end", async () => {
    for (let n = 0; n < 5; n++) {
      const simulate = { tag: `buffered ${n}`, firstByteMs: 60 };
      await maidan.ask(CHAT, "sk-test-buffered", { body: chat("abort/mini", { simulate }), leaveAfterMs: 30 });
    }
    await vi.waitFor(async () => {
      const rows = (await upstream.tally()).filter((row) => row.tag?.startsWith("buffered "));
      const expected = sum(rows.map((row) => costOf(row.billed!, RATES)));
      const budget = (await budgetsOf(maidan.admin)).get("buffered-total")!;
      expect(rows.length).toBeGreaterThan(0);
      expect(expected).toBeGreaterThan(0n);
      expect(budget).toMatchObject({ settled: expected, held: 0n });
    }, 10_000);
  });

  it("the books balance", () => expectCleanAudit(maidan.admin));
});
