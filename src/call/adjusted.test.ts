import { afterEach, describe, expect, test } from "vitest";
import { CallBench, costOfMini, usd } from "./environment.suite.ts";
import { buffered, events, streamed } from "./scripted-transport.suite.ts";

let bench: CallBench;
afterEach(async () => {
  await bench.expectSoundBooks();
  await bench.close();
});

const budget = (amount: string, currency = "USD") => ({
  budgets: `budgets: [{ id: org-total, amount: "${amount}", currency: ${currency}, window: total }]`,
});

describe("a budget with little left", () => {
  test.each([
    [{}, "max_tokens"],
    [{ max_tokens: 2_000 }, "max_tokens"],
    [{ max_completion_tokens: 2_000 }, "max_completion_tokens"],
  ])("lowers the longest answer of %j to what the rest buys, and says so", async (fields, field) => {
    bench = await CallBench.open(budget("0.0011"));
    bench.vendor.answer(buffered("a", { input: 9, output: 4 }), streamed(events(["a"], { input: 9, output: 4 })));
    for (const stream of [false, true]) {
      const { outcome, sink } = await bench.call({ ...fields, stream });
      const lowered = bench.vendor.body()[field];
      expect(lowered).toBeGreaterThanOrEqual(bench.limits.usefulOutputTokens);
      expect(lowered).toBeLessThan(110);
      expect(sink.answeredHead!.adjusted).toBe(`${field}=${lowered}`);
      const [hold] = await bench.entries(outcome.call);
      expect(hold!.held).toBeLessThanOrEqual(usd("0.0011"));
      // One token more would not have fitted.
      expect(hold!.held + 10_000n).toBeGreaterThan(usd("0.0011") - (stream ? costOfMini(9, 4) : 0n));
      expect(JSON.parse(hold!.detail)).toMatchObject({ outputTokens: lowered });
    }
  });

  test("is shared among all answers that are asked for at once", async () => {
    bench = await CallBench.open(budget("0.0011"));
    bench.vendor.answer(buffered("a", { input: 9, output: 60 }));
    const { outcome } = await bench.call({ n: 3 });
    const lowered = bench.vendor.body().max_tokens;
    expect(lowered).toBeLessThanOrEqual(36);
    const [hold] = await bench.entries(outcome.call);
    expect(hold!.held).toBeLessThanOrEqual(usd("0.0011"));
    expect(hold!.held + 3n * 10_000n).toBeGreaterThan(usd("0.0011"));
  });

  test("refuses what would be no useful answer, and leaves a short one alone", async () => {
    bench = await CallBench.open(budget("0.000316"));
    expect((await bench.call()).outcome.fault!.code).toBe("budget_exhausted");
    bench.vendor.answer(buffered("a", { input: 9, output: 4 }));
    const { sink, outcome } = await bench.call({ max_tokens: 5 });
    expect(outcome.fault).toBeUndefined();
    expect(sink.answeredHead!.adjusted).toBeUndefined();
    expect(bench.vendor.body().max_tokens).toBe(5);
  });

  test("changes nothing where there is room", async () => {
    bench = await CallBench.open();
    bench.vendor.answer(buffered("a", { input: 9, output: 4 }));
    const { sink } = await bench.call();
    expect(sink.answeredHead!.adjusted).toBeUndefined();
    expect(bench.vendor.body()).not.toHaveProperty("max_tokens");
  });

  test("has no shorter embedding to offer: refused", async () => {
    bench = await CallBench.open(budget("0.000001"));
    const { outcome } = await bench.run(bench.request({ model: "lab/vector", input: "some text" }, "embeddings"));
    expect(outcome.fault!.code).toBe("budget_exhausted");
  });
});

test("several answers at once are held and billed together", async () => {
  bench = await CallBench.open();
  bench.vendor.answer(buffered("a", { input: 9, output: 12 }), buffered("a", { input: 9, output: 4 }));
  const three = await bench.call({ n: 3, max_tokens: 100 });
  const one = await bench.call({ max_tokens: 100 });
  const [held3] = await bench.entries(three.outcome.call);
  const [held1] = await bench.entries(one.outcome.call);
  expect(held3!.amount - held1!.amount).toBe(200n * 10_000n);
  expect((await bench.settlement(three.outcome.call)).amount).toBe(costOfMini(9, 12));
});

test("embeddings are billed by their input, reported or estimated", async () => {
  bench = await CallBench.open();
  const body = (usage: object) => ({
    headers: {},
    chunks: [JSON.stringify({ object: "list", data: [{ index: 0, embedding: [1] }], ...usage })],
  });
  bench.vendor.answer(body({ usage: { prompt_tokens: 5, total_tokens: 5 } }), body({}));
  const reported = await bench.run(bench.request({ model: "lab/vector", input: ["some text"] }, "embeddings"));
  expect(await bench.settlement(reported.outcome.call)).toMatchObject({
    amount: 10_000n,
    basis: "reported",
    input: 5,
    output: null,
  });
  const estimated = await bench.run(bench.request({ model: "lab/vector", input: ["some text"] }, "embeddings"));
  const row = await bench.settlement(estimated.outcome.call);
  expect(row).toMatchObject({ basis: "estimated", output: null });
  expect(row.amount).toBe(BigInt(row.input!) * 2_000n);
});

describe("an endpoint whose models need no price", () => {
  test("is served at no cost, its usage recorded", async () => {
    bench = await CallBench.open();
    bench.vendor.answer(buffered("a", { input: 9, output: 4 }));
    const { outcome, sink } = await bench.call({ model: "free/gift" });
    expect(sink.answeredHead!.cost).toEqual({ amount: "0", currency: "USD" });
    expect(await bench.settlement(outcome.call)).toMatchObject({ amount: 0n, input: 9, output: 4, basis: "reported" });
  });
});

describe("a price in another currency than the budget's", () => {
  test("is held and settled in both, at the rate in force", async () => {
    bench = await CallBench.open();
    bench.vendor.answer(buffered("a", { input: 1_000, output: 100 }));
    const { outcome, sink } = await bench.call({ model: "lab/yuan" });
    // 7 CNY a million in, 70 out: 0.014 CNY, which is 0.014 / 7.1 USD.
    expect(sink.answeredHead!.cost).toEqual({ amount: "0.014", currency: "CNY" });
    expect(await bench.settlement(outcome.call)).toMatchObject({ amount: usd("0.014"), currency: "CNY" });
    expect(bench.budget("org-yuan").settled).toBe("0.014");
    expect(bench.budget("org-total").settled).toBe("0.001971831");
  });

  test("clamps by the budget's currency", async () => {
    bench = await CallBench.open(budget("0.005"));
    bench.vendor.answer(buffered("a", { input: 9, output: 4 }));
    const { outcome } = await bench.call({ model: "lab/yuan" });
    expect(outcome.fault).toBeUndefined();
    expect(bench.vendor.body().max_tokens).toBeGreaterThan(400);
    expect(bench.vendor.body().max_tokens).toBeLessThan(510);
  });

  test("is refused where no rate leads to it", async () => {
    bench = await CallBench.open(budget("100", "EUR"));
    expect((await bench.call()).outcome.fault!.code).toBe("unpriced_model");
    expect(bench.vendor.requests).toEqual([]);
  });
});
