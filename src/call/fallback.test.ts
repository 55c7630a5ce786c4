import { afterEach, describe, expect, test } from "vitest";
import { unsupported } from "../vendors/translation/unsupported.ts";
import { CallBench, costOfMini } from "./environment.suite.ts";
import { brokenBy, buffered, events, piece, refusal, streamed, textOf } from "./scripted-transport.suite.ts";
import type { Connection } from "./spec.ts";

let bench: CallBench;
afterEach(async () => {
  await bench.expectSoundBooks();
  await bench.close();
});

const USAGE = { input: 9, output: 4 };
const ROUTE = "- { id: mini, to: [lab/mini, spare/big] }";
const overloaded = refusal(503, { message: "busy", code: "overloaded" });

async function run(fields: Record<string, unknown> = {}) {
  const { outcome, sink } = await bench.call(fields);
  return { outcome, sink, entries: await bench.entries(outcome.call) };
}

describe("a route with a second model", () => {
  test("each attempt is priced at its own model, and sent under its own name", async () => {
    bench = await CallBench.open({ routes: ROUTE, lab: "billsOnBreak: generated" });
    bench.vendor.answer(
      overloaded,
      buffered("a", USAGE),
      { fail: brokenBy("server_error") },
      streamed(events(["a"], USAGE)),
    );
    for (const stream of [false, true]) {
      const { outcome, entries, sink } = await run({ stream });
      expect(outcome).toMatchObject({ fault: undefined, model: "spare/big" });
      expect(sink.answeredHead).toMatchObject({ model: "spare/big" });
      expect(entries.map(({ attempt, kind, model }) => `${attempt.slice(-1)} ${kind} ${model}`)).toEqual([
        "1 hold lab/mini",
        `1 ${stream ? "unsettled" : "release"} lab/mini`,
        "2 hold spare/big",
        "2 settle spare/big",
      ]);
      expect(entries[3]!.amount).toBe(9n * 3_000n + 4n * 20_000n);
      expect(entries[3]!.price).not.toBe(entries[0]!.price);
    }
    expect([0, 1, 2, 3].map((index) => bench.vendor.body(index).model)).toEqual([
      "mini-2026",
      "big",
      "mini-2026",
      "big",
    ]);
  });

  test("is reached where the first vendor's protocol cannot say what is asked: nothing was sent to that one", async () => {
    bench = await CallBench.open({ routes: ROUTE });
    const connections = bench.snapshot.connections as Map<string, Connection>;
    const own = connections.get("lab")!;
    const encode = () => {
      throw unsupported(() => "tools", "tools");
    };
    connections.set("lab", { ...own, protocol: { ...own.protocol, encode } });
    bench.vendor.answer(buffered("a", USAGE));
    const { outcome, entries } = await run();
    expect(outcome).toMatchObject({ fault: undefined, model: "spare/big" });
    expect(entries.map(({ kind, model }) => `${kind} ${model}`)).toEqual([
      "hold lab/mini",
      "release lab/mini",
      "hold spare/big",
      "settle spare/big",
    ]);
    expect(bench.vendor.requests).toHaveLength(1);
  });

  test("is reached by what a vendor means by a code of its own", async () => {
    bench = await CallBench.open({ routes: ROUTE, lab: 'quirks: { errors: { "77": overloaded } }' });
    bench.vendor.answer(refusal(400, { message: "no", code: "77" }), buffered("a", USAGE));
    const { outcome } = await run();
    expect(outcome).toMatchObject({ fault: undefined, model: "spare/big" });
  });

  test("is not reached by faults that the route does not name", async () => {
    bench = await CallBench.open({ routes: "- { id: mini, to: [lab/mini, spare/big], on: [timeout] }" });
    bench.vendor.answer(overloaded);
    const { outcome } = await run();
    expect(outcome).toMatchObject({ model: "lab/mini", fault: { code: "overloaded" } });
    expect(bench.vendor.requests).toHaveLength(1);
  });

  test.each([
    ["error", overloaded],
    ["timeout", { fail: brokenBy("timeout") }],
    ["rate_limit", refusal(429, { message: "slow down" })],
    ["auth", refusal(401, { message: "Incorrect API key provided" })],
    ["not_found", refusal(404, { message: "The model does not exist", code: "model_not_found" })],
    ["context_length", refusal(400, { message: "too long", code: "context_length_exceeded" })],
  ])("is reached by %s where the route names it", async (on, answer) => {
    bench = await CallBench.open({ routes: `- { id: mini, to: [lab/mini, spare/big], on: [${on}] }` });
    bench.vendor.answer(answer, buffered("a", USAGE));
    expect((await run()).outcome).toMatchObject({ model: "spare/big", fault: undefined });
  });

  test("is never reached by a request that is wrong everywhere", async () => {
    bench = await CallBench.open({ routes: ROUTE });
    bench.vendor.answer(refusal(400, { message: "temperature must be below 2", type: "invalid_request_error" }));
    expect((await run()).outcome.fault!.code).toBe("invalid_request");
    expect(bench.vendor.requests).toHaveLength(1);
  });

  test("is never reached after the first byte, and is before it", async () => {
    bench = await CallBench.open({ routes: ROUTE });
    const error = `data: ${JSON.stringify({ error: { message: "busy", code: "overloaded" } })}\n\n`;
    bench.vendor.answer(streamed([error]), streamed(events(["b"], USAGE)));
    const before = await run({ stream: true });
    expect(before.outcome).toMatchObject({ model: "spare/big", fault: undefined });
    expect(textOf(before.sink.text)).toBe("b");
    expect(before.sink.text).not.toContain("busy");
    bench.vendor.answer(streamed([piece({ content: "a" }), error]));
    const after = await run({ stream: true });
    expect(after.outcome).toMatchObject({ model: "lab/mini", started: true, fault: { code: "overloaded" } });
    expect(bench.vendor.requests).toHaveLength(3);
  });

  test("without a price, or too dear, does not hide why the first one failed", async () => {
    for (const second of ["lab/unpriced", "lab/dear"]) {
      bench = await CallBench.open({ routes: `- { id: mini, to: [spare/big, ${second}] }` });
      bench.vendor.answer(overloaded);
      const messages = [{ role: "user", content: "x".repeat(2_000) }];
      expect((await run({ messages })).outcome).toMatchObject({ fault: { code: "overloaded" } });
      if (second === "lab/unpriced") await bench.close();
    }
  });

  test("all having failed, the last fault is told", async () => {
    bench = await CallBench.open({ routes: ROUTE });
    bench.vendor.answer(overloaded, refusal(429, { message: "slow down" }));
    const { outcome, entries } = await run();
    expect(outcome).toMatchObject({ model: "spare/big", fault: { code: "rate_limit_exceeded" } });
    expect(entries.map(({ kind }) => kind)).toEqual(["hold", "release", "hold", "release"]);
  });
});

describe("tries of one model", () => {
  const TRIES = "- { id: mini, to: [lab/mini, spare/big], tries: 3 }";

  test("are repeated after the rest that the vendor asks for, each an attempt of its own", async () => {
    bench = await CallBench.open({ routes: TRIES });
    const busy = refusal(429, { message: "slow down" }, { "retry-after-ms": "60" });
    bench.vendor.answer(busy, busy, buffered("a", USAGE));
    const times: number[] = [];
    bench.vendor.onSend = () => times.push(performance.now());
    const { outcome, entries } = await run();
    expect(outcome).toMatchObject({ model: "lab/mini", fault: undefined });
    expect(entries.map(({ kind }) => kind)).toEqual(["hold", "release", "hold", "release", "hold", "settle"]);
    // A rest is never shorter than asked for (timers may be early by a millisecond).
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(58);
    expect(times[2]! - times[1]!).toBeGreaterThanOrEqual(58);
  });

  test("are given up where the vendor asks for a long rest: the next model is asked at once", async () => {
    bench = await CallBench.open({ routes: TRIES });
    bench.vendor.answer(refusal(429, { message: "slow down" }, { "retry-after": "3600" }), buffered("a", USAGE));
    expect((await run()).outcome).toMatchObject({ model: "spare/big", fault: undefined });
  });

  test("end at the bound of attempts of a call", async () => {
    bench = await CallBench.open({ routes: TRIES, limits: { attempts: 4 } });
    const busy = refusal(429, { message: "slow down" }, { "retry-after-ms": "1" });
    bench.vendor.answer(busy, busy, busy, busy);
    const { outcome } = await run();
    expect(outcome.fault!.code).toBe("rate_limit_exceeded");
    expect(bench.vendor.requests).toHaveLength(4);
  });
});

describe("the breaker", () => {
  test("sends an endpoint that fails to the end of the line, and lets it come back", async () => {
    bench = await CallBench.open({ routes: ROUTE });
    for (let count = 0; count < 5; count++) {
      bench.vendor.answer(overloaded, buffered("a", USAGE));
      await run();
    }
    expect(bench.environment.health.state("lab").state).toBe("open");
    bench.vendor.answer(buffered("a", USAGE));
    const resting = await run();
    expect(resting.outcome.model).toBe("spare/big");
    expect(resting.entries).toHaveLength(2);
    bench.clock.advance(5_000);
    bench.vendor.answer(buffered("a", USAGE));
    const back = await run();
    expect(back.outcome.model).toBe("lab/mini");
    expect(back.entries[1]!.amount).toBe(costOfMini(9, 4));
    expect(bench.environment.health.state("lab").state).toBe("closed");
  });

  test("still tries an endpoint that rests where there is no other", async () => {
    bench = await CallBench.open();
    for (let count = 0; count < 6; count++) {
      bench.vendor.answer(overloaded);
      await run();
    }
    bench.vendor.answer(buffered("a", USAGE));
    expect((await run()).outcome.fault).toBeUndefined();
  });

  test("is not opened by what clients do wrong", async () => {
    bench = await CallBench.open();
    for (let count = 0; count < 6; count++) {
      bench.vendor.answer(refusal(400, { message: "wrong", type: "invalid_request_error" }));
      await run();
    }
    expect(bench.environment.health.state("lab").state).toBe("closed");
  });
});
