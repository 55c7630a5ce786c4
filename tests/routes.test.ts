import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { costOf, nano } from "./harness/arithmetic.ts";
import { expectCleanAudit } from "./harness/books.ts";
import { type RunningMaidan, startMaidan } from "./harness/maidan.ts";
import { eventsOf } from "./harness/requests.ts";
import { chat, DEAR_PRICE, DEAR_RATES, endpoint, PRICE, payer, RATES, yaml } from "./harness/settings.ts";
import { type RunningUpstream, startUpstream } from "./harness/start-upstream.ts";

const CHAT = "/v1/chat/completions";

/** Issue: "a list with the faults that move on to the next", "never after the first byte", "fallback attempts each at its own model". */
describe("a route", () => {
  let upstream: RunningUpstream;
  let maidan: RunningMaidan;

  beforeAll(async () => {
    upstream = await startUpstream({ models: { "*": { outputTokens: 8 } } });
    const vendor = (id: string, more: object = {}) =>
      endpoint(upstream, {
        id,
        timeouts: { firstByteMs: 300, betweenBytesMs: 300 },
        models: [{ id: "m", upstream: `${id}-m`, maxOutputTokens: 50, price: DEAR_PRICE }],
        ...more,
      });
    const second = { models: [{ id: "m", upstream: "b-m", maxOutputTokens: 50, price: PRICE }] };
    maidan = await startMaidan({
      yaml: yaml({
        endpoints: [
          vendor("a"),
          vendor("b", second),
          vendor("c"),
          vendor("d", { billsOnBreak: "generated" }),
          vendor("sick"),
        ],
        routes: [
          { id: "fallback", to: ["a/m", "b/m"] },
          { id: "strict", to: ["a/m", "b/m"], on: ["timeout"] },
          { id: "again", to: ["c/m"], on: ["rate_limit"], tries: 2 },
          { id: "generated", to: ["d/m", "b/m"] },
          { id: "breaker", to: ["sick/m", "b/m"] },
        ],
        payers: [payer("acme", "50.00")],
      }),
    });
  });
  afterAll(async () => {
    await maidan?.stop();
    await upstream?.stop();
  });

  const ask = (route: string, tag: string, more: object = {}) =>
    maidan.ask(CHAT, "sk-test-acme", { body: chat(route, { ...more, simulate: { tag } }) });
  const callOf = (answer: { headers: Record<string, unknown> }) =>
    maidan.admin.get(`calls/${answer.headers["x-maidan-call"]}`);

  it.each([false, true])(
    "moves on when the first fails; each attempt at its own model and price (streamed: %s)",
    async (stream) => {
      await upstream.behave("a-m", { failure: "error" });
      const tag = `moves on ${stream}`;
      const answer = await ask("fallback", tag, { stream });
      expect(answer.status).toBe(200);
      expect(answer.headers["x-maidan-model"]).toBe("b/m");
      const rows = await upstream.tallyOf(tag);
      expect(rows.map((row) => row.model)).toEqual(["a-m", "b-m"]);
      const call = await callOf(answer);
      expect(call).toMatchObject({ route: "fallback", state: "settled" });
      expect(call.attempts).toMatchObject([
        { model: "a/m", state: "released" },
        { model: "b/m", state: "settled" },
      ]);
      expect(nano(call.cost)).toBe(costOf(rows[1]!.billed!, RATES));
      expect(call.attempts[0].priceId).not.toBe(call.attempts[1].priceId);
    },
  );

  it("an attempt in doubt stays held at its own price while the next one answers", async () => {
    await upstream.behave("a-m", { failure: "hang" });
    const answer = await ask("fallback", "doubtful");
    expect(answer.headers["x-maidan-model"]).toBe("b/m");
    const call = await callOf(answer);
    expect(call.attempts).toMatchObject([
      { model: "a/m", state: "unsettled" },
      { model: "b/m", state: "settled" },
    ]);
    const [row] = (await upstream.tallyOf("doubtful")).filter((one) => one.model === "b-m");
    expect(nano(call.attempts[1].cost)).toBe(costOf(row!.billed!, RATES));
  });

  it("moves on only for the faults it names", async () => {
    await upstream.behave("a-m", { failure: "error" });
    expect((await ask("strict", "strict error")).status).toBe(502);
    expect(await upstream.tallyOf("strict error")).toHaveLength(1);
    await upstream.behave("a-m", { failure: "bad_request" });
    expect((await ask("fallback", "bad request")).status).toBe(400);
    expect(await upstream.tallyOf("bad request")).toHaveLength(1);
  });

  it("never moves on after the first byte", async () => {
    await upstream.behave("a-m", { failure: "cut", outputTokens: 20, betweenChunksMs: 1 });
    const answer = await ask("fallback", "begun", { stream: true });
    expect(answer.status).toBe(200);
    expect(eventsOf(answer.body).length).toBeGreaterThan(2);
    expect((await upstream.tallyOf("begun")).map((row) => row.model)).toEqual(["a-m"]);
    expect((await callOf(answer)).attempts).toHaveLength(1);
  });

  it("settles a broken stream by what was generated, where the vendor bills so", async () => {
    await upstream.behave("d-m", { failure: "cut", outputTokens: 20, betweenChunksMs: 1 });
    const answer = await ask("generated", "generated", { stream: true });
    const call = await callOf(answer);
    expect(call.attempts).toMatchObject([{ model: "d/m", state: "settled", basis: "estimated" }]);
    expect(nano(call.cost)).toBeGreaterThan(0n);
    const whole = { input: 1_000, cachedInput: 0, output: 50, reasoning: 0 };
    expect(nano(call.cost)).toBeLessThan(costOf(whole, DEAR_RATES));
  });

  it("waits as long as retry-after says before it tries the same again", async () => {
    await upstream.behave("c-m", { failure: "rate_limit", failures: 1, retryAfterSeconds: 1, outputTokens: 8 });
    const answer = await ask("again", "patient");
    expect(answer.status).toBe(200);
    const [first, second] = await upstream.tallyOf("patient");
    expect([first!.state, second!.state]).toEqual(["refused", "served"]);
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(990);
    expect((await callOf(answer)).attempts.map((one: { state: string }) => one.state)).toEqual(["released", "settled"]);
  });

  it("passes an endpoint over that fails again and again; readyz?verbose shows it", async () => {
    await upstream.behave("sick-m", { failure: "error" });
    for (let n = 0; n < 5; n++) expect((await ask("breaker", `breaker ${n}`)).status).toBe(200);
    expect((await ask("breaker", "passed over")).status).toBe(200);
    expect((await upstream.tallyOf("passed over")).map((row) => row.model)).toEqual(["b-m"]);
    const ready = await maidan.ask("/readyz?verbose", undefined);
    expect(ready.status).toBe(200);
    expect(ready.body.toString()).toMatch(/sick[^}\n]*open/);
  });

  it("the books balance", () => expectCleanAudit(maidan.admin));
});
