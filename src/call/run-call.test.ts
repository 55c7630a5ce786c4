import { afterEach, describe, expect, test } from "vitest";
import { CallBench, costOfMini } from "./environment.suite.ts";
import { gatherCall } from "./memory-sink.ts";
import { buffered, events, streamed, textOf } from "./scripted-transport.suite.ts";

let bench: CallBench;
afterEach(() => bench.close());

describe("a call from inside the process", () => {
  test("is held, billed and recorded like any other, buffered", async () => {
    bench = await CallBench.open();
    bench.vendor.answer(buffered("Good day.", { input: 9, output: 4, cached: 2 }));
    const call = { ...bench.request(), caller: { payer: "team" } };
    const { outcome, head, body } = await gatherCall(bench.environment, call);
    expect(outcome).toMatchObject({ model: "lab/mini", fault: undefined, started: true });
    expect(head).toMatchObject({ status: 200, stream: false, model: "lab/mini", vendorRequestId: "req-of-the-test" });
    expect(head!.cost).toEqual({ amount: "0.000048", currency: "USD" });
    expect(JSON.parse(body.toString()).choices[0].message.content).toBe("Good day.");
    const [hold, settle] = await bench.entries(outcome.call);
    expect(hold).toMatchObject({ kind: "hold", payer: "team", key: "", route: "mini", model: "lab/mini" });
    expect(hold!.held).toBeGreaterThan(settle!.amount);
    expect(settle).toMatchObject({ kind: "settle", amount: costOfMini(7, 4, 2), basis: "reported", overrun: 0 });
    expect(settle).toMatchObject({ input: 7, cached_input: 2, output: 4, held: hold!.held });
    expect(bench.budget()).toEqual({ settled: "0.000048", held: "0", left: "0.999952" });
    await bench.expectSoundBooks();
  });

  test("is held, billed and recorded like any other, streamed", async () => {
    bench = await CallBench.open();
    bench.vendor.answer(streamed(events(["Good", " day."], { input: 9, output: 4, cached: 2 })));
    const call = { ...bench.request({ stream: true }), caller: { payer: "team" } };
    const { outcome, head, body } = await gatherCall(bench.environment, call);
    expect(outcome.fault).toBeUndefined();
    expect(head).toMatchObject({ stream: true, cost: undefined });
    expect(textOf(body.toString())).toBe("Good day.");
    expect(await bench.settlement(outcome.call)).toMatchObject({ amount: costOfMini(7, 4, 2), basis: "reported" });
    await bench.expectSoundBooks();
  });

  test("goes through the practice vendor, whose count is the bill", async () => {
    bench = await CallBench.open();
    for (const stream of [false, true]) {
      const call = { ...bench.request({ model: "play/talker", stream, max_tokens: 50 }), caller: { payer: "org" } };
      const { outcome } = await gatherCall(bench.environment, call);
      const settled = await bench.settlement(outcome.call);
      const served = bench.practice.served().answers.at(-1)!;
      expect(settled).toMatchObject({ payer: "org", input: served.input, output: served.output });
      expect(settled.amount).toBe(costOfMini(served.input, served.output));
    }
    await bench.expectSoundBooks();
  });

  test("by a payer that does not exist sends nothing", async () => {
    bench = await CallBench.open();
    const call = { ...bench.request(), caller: { payer: "nobody" } };
    const { outcome, head } = await gatherCall(bench.environment, call);
    expect(outcome).toMatchObject({ started: false, fault: { code: "not_found" } });
    expect(head).toBeUndefined();
    expect(bench.calls).toMatchObject([{ payer: undefined, fault: { code: "not_found" } }]);
    expect(await bench.entries()).toEqual([]);
  });
});

describe("before anything is sent", () => {
  test.each([
    ["a wrong key", { caller: { secret: "wrong" } }, {}, "invalid_api_key"],
    ["a model that does not exist", {}, { model: "mimi" }, "model_not_found"],
    ["a model without a price", {}, { model: "lab/unpriced" }, "unpriced_model"],
    [
      "a budget without room",
      {},
      { model: "lab/dear", messages: [{ role: "user", content: "x".repeat(5_000) }] },
      "budget_exhausted",
    ],
  ])("%s is refused, and costs nothing", async (_, rest, fields, code) => {
    bench = await CallBench.open();
    const { outcome, sink } = await bench.call(fields, rest);
    expect(outcome).toMatchObject({ started: false, fault: { code } });
    expect(sink.answeredHead).toBeUndefined();
    expect(bench.vendor.requests).toEqual([]);
    expect(await bench.entries()).toEqual([]);
    expect(bench.environment.gate.inFlight).toBe(0);
  });

  test("the nearest names are told for a name that does not exist", async () => {
    bench = await CallBench.open();
    const { outcome } = await bench.call({ model: "lab/minj" });
    expect(outcome.fault!.details).toMatchObject({ nearest: expect.arrayContaining(["lab/mini"]) });
  });

  test("a budget that is used up is named, with what is left of it", async () => {
    bench = await CallBench.open({
      budgets: 'budgets: [{ id: org-total, amount: "0.00001", currency: USD, window: total }]',
    });
    const { outcome } = await bench.call();
    expect(outcome.fault).toMatchObject({ code: "budget_exhausted", details: { budget: "org-total", payer: "org" } });
    expect(JSON.stringify(outcome.fault!.details)).toContain('"limit":"0.00001"');
  });
});

describe("admission", () => {
  test("a call over a limit is refused with when to come back, and a call that ends makes room", async () => {
    bench = await CallBench.open({ more: "limits: { concurrency: 1 }" });
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    bench.vendor.answer(
      buffered("a", { input: 9, output: 1 }, { before: () => held }),
      buffered("b", { input: 9, output: 1 }),
    );
    const first = bench.call();
    await expect.poll(() => bench.vendor.exchanges.length).toBe(1);
    const { outcome } = await bench.call();
    expect(outcome.fault).toMatchObject({ code: "rate_limit_exceeded", retryAfterMs: 1_000 });
    release();
    await first;
    expect((await bench.call()).outcome.fault).toBeUndefined();
  });

  test("tokens a minute are corrected to what was used", async () => {
    bench = await CallBench.open({ more: "limits: { tpm: 5000 }" });
    bench.vendor.answer(buffered("a", { input: 9, output: 1 }), buffered("b", { input: 9, output: 1 }));
    expect((await bench.call()).outcome.fault).toBeUndefined(); // admitted at over 4,096 tokens, used 10
    expect((await bench.call()).outcome.fault).toBeUndefined();
  });
});
