import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openai } from "../vendors/openai/protocol.ts";
import { type BenchOptions, CallBench, costOfMini, RecordingSink } from "./environment.suite.ts";
import { brokenBy, buffered, DONE, events, piece, refusal, streamed, textOf } from "./scripted-transport.suite.ts";

let bench: CallBench;
let shared = false;
afterEach(async () => {
  await bench.expectSoundBooks();
  if (!shared) await bench.close();
});

/** One bench for all tests of a group. */
function share(options: BenchOptions = {}): void {
  beforeAll(async () => {
    bench = await CallBench.open(options);
    shared = true;
  });
  afterAll(async () => {
    shared = false;
    await bench.close();
  });
}

const TEXTS = ["Good", " day", "."];
const HALF = events(TEXTS, undefined).slice(0, 3);

/** What the books say of a call that failed, and what its client was shown. */
async function fail(fields: Record<string, unknown> = {}) {
  const { outcome, sink } = await bench.call(fields);
  const entries = await bench.entries(outcome.call);
  return { outcome, sink, fate: entries.map(({ kind }) => kind).join(" "), close: entries.at(-1)!, hold: entries[0]! };
}

describe("a vendor that refuses", () => {
  share();

  test.each([
    [400, { message: "no", type: "invalid_request_error", code: null }, "invalid_request"],
    [400, { message: "too long", code: "context_length_exceeded" }, "context_length_exceeded"],
    [401, { message: "Incorrect API key provided", code: "invalid_api_key" }, "vendor_error"],
    [402, { message: "Insufficient balance", code: "1113" }, "vendor_error"],
    [404, { message: "no such model", code: "model_not_found" }, "model_not_found"],
    [429, { message: "slow down", code: "rate_limit_exceeded" }, "rate_limit_exceeded"],
    [500, { message: "oops" }, "vendor_error"],
    [503, { message: "busy", code: "overloaded" }, "overloaded"],
  ])("with %i %j costs nothing", async (status, error, code) => {
    bench.vendor.answer(refusal(status, error), refusal(status, error));
    for (const stream of [false, true]) {
      const { outcome, sink, fate } = await fail({ stream });
      expect(outcome).toMatchObject({ started: false, fault: { code, origin: "vendor", vendorStatus: status } });
      expect(sink.answeredHead).toBeUndefined();
      expect(fate).toBe("hold release");
    }
    expect(bench.budget()).toEqual({ settled: "0", held: "0", left: "1" });
    expect(bench.attempts.slice(-2)).toMatchObject([{ outcome: "released" }, { outcome: "released" }]);
  });

  test("by an error in an answer that says 200 costs nothing", async () => {
    const body = JSON.stringify({ error: { message: "busy", code: "overloaded" } });
    bench.vendor.answer({ headers: { "content-type": "application/json" }, chunks: [body] });
    expect(await fail()).toMatchObject({ outcome: { fault: { code: "overloaded" } }, fate: "hold release" });
  });

  test("at great length is read only so far", async () => {
    bench.vendor.answer({ status: 500, chunks: ["x".repeat(60_000), "y".repeat(60_000), "z"] });
    expect(await fail()).toMatchObject({ outcome: { fault: { code: "vendor_error" } }, fate: "hold release" });
    expect(bench.vendor.exchanges.at(-1)).toMatchObject({ aborted: true, sent: 2 });
  });

  test("because it was never reached costs nothing", async () => {
    bench.vendor.answer({ fail: brokenBy("server_error", "nothing") });
    expect(await fail()).toMatchObject({ outcome: { started: false }, fate: "hold release" });
  });
});

const RULES = ["unknown", "generated", "nothing"] as const;

describe.each(RULES)("a vendor that breaks off and bills: %s", (rule) => {
  share({ lab: `billsOnBreak: ${rule}` });

  test("before its answer", async () => {
    for (const stream of [false, true]) {
      bench.vendor.answer({ fail: brokenBy("timeout") });
      const { outcome, sink, fate, close, hold } = await fail({ stream });
      expect(outcome).toMatchObject({ started: false, fault: { code: "timeout" } });
      expect(sink).toMatchObject({ answeredHead: undefined, ended: false });
      // Of what a vendor generated without a word nobody here knows.
      expect(fate).toBe(rule === "nothing" ? "hold release" : "hold unsettled");
      if (rule !== "nothing") {
        expect(close).toMatchObject({ amount: hold.held, held: hold.held });
        expect(bench.ledger.unsettled().at(-1)).toMatchObject({ reason: "timeout", amount: hold.held });
      }
    }
  });

  test("in the middle of a buffered answer", async () => {
    const whole = buffered("Good day.", { input: 9, output: 3 });
    bench.vendor.answer(
      { ...whole, chunks: [String(whole.chunks![0]).slice(0, 50)], end: brokenBy("server_error") },
      { ...whole, chunks: [String(whole.chunks![0]).slice(0, 50)] },
    );
    for (let count = 0; count < 2; count++) {
      const { outcome, fate } = await fail();
      expect(outcome).toMatchObject({ started: false, fault: { code: "vendor_error" } });
      expect(fate).toBe(rule === "nothing" ? "hold release" : "hold unsettled");
    }
  });

  test("after the first byte of a stream, by a fault or a silent end", async () => {
    bench.vendor.answer(streamed(HALF, { end: brokenBy("server_error") }), streamed(HALF));
    for (let count = 0; count < 2; count++) {
      const { outcome, sink, fate, close } = await fail({ stream: true });
      expect(outcome).toMatchObject({ started: true, fault: { code: "vendor_error" } });
      expect(sink.ended).toBe(true);
      expect(textOf(sink.streamed)).toBe("Good day");
      expect(sink.last!.toString()).toMatch(/^data: \{"error":\{"message":".+","type":"server_error"/);
      expect(sink.text).not.toContain("[DONE]");
      expect(fate).toBe({ unknown: "hold unsettled", generated: "hold settle", nothing: "hold release" }[rule]);
      if (rule === "generated") {
        expect(close).toMatchObject({ basis: "estimated", output: 3 }); // eight bytes
        expect(close.amount).toBe(costOfMini(close.input!, 3));
      }
      if (rule === "unknown") {
        // What it probably cost is told beside the bound that goes on counting.
        const { estimate, amount } = bench.ledger.unsettled().at(-1)!;
        expect(estimate).toBeGreaterThan(0n);
        expect(estimate).toBeLessThan(amount);
      }
    }
  });

  test("by an error inside the stream, after the first byte: the client hears the vendor's own words", async () => {
    const error = `data: ${JSON.stringify({ error: { message: "the kitchen burns", code: "server_error" } })}\n\n`;
    bench.vendor.answer(streamed([...HALF, error, DONE]), streamed([...HALF, error]));
    for (let count = 0; count < 2; count++) {
      const { outcome, sink, fate } = await fail({ stream: true });
      expect(outcome).toMatchObject({ started: true, fault: { code: "vendor_error" } });
      expect(sink.ended).toBe(true);
      expect(sink.text.match(/the kitchen burns/g)).toHaveLength(1);
      expect(fate).toBe({ unknown: "hold unsettled", generated: "hold settle", nothing: "hold release" }[rule]);
    }
  });

  test("with a whole answer that is no stream is billed for it", async () => {
    bench.vendor.answer(buffered("Good day.", { input: 9, output: 3 }));
    const { outcome, fate, close } = await fail({ stream: true });
    expect(outcome).toMatchObject({ started: false, fault: { code: "vendor_error" } });
    expect(fate).toBe("hold settle");
    expect(close).toMatchObject({ amount: costOfMini(9, 3), basis: "reported" });
  });
});

describe("a vendor that is out of its mind", () => {
  test.each([
    ["garbage for an answer", false, { chunks: ["<html>hello"] }],
    ["nothing for an answer", false, { chunks: [] }],
    ["JSON that is no answer", false, { chunks: ['{"choices":[]}'] }],
    ["garbage for a stream", true, streamed(['data: {"id": <html>\n\n'])],
    ["an empty stream", true, streamed([])],
    ["a stream of another kind", true, { headers: { "content-type": "text/html" }, chunks: ["<html>"] }],
  ])("%s is a vendor's error, in doubt", async (_, stream, answer) => {
    bench = await CallBench.open();
    bench.vendor.answer(answer);
    const { outcome, fate } = await fail({ stream });
    expect(outcome.fault).toMatchObject({ code: "vendor_error", origin: "vendor" });
    expect(fate).toBe("hold unsettled");
  });

  test("an answer or an event without end is stopped at its bound", async () => {
    bench = await CallBench.open({ limits: { answerBytes: 1_000, eventBytes: 1_000 } });
    bench.vendor.answer({ chunks: ["x".repeat(900), "x".repeat(900), "x"] });
    bench.vendor.answer(streamed([`data: ${"x".repeat(900)}`, "x".repeat(900), "x"]));
    for (const stream of [false, true]) {
      const { outcome, fate } = await fail({ stream });
      expect(outcome.fault!.code).toBe("vendor_error");
      expect(fate).toBe("hold unsettled");
      expect(bench.vendor.exchanges.at(-1)).toMatchObject({ aborted: true, sent: 2 });
    }
  });

  test("usage above what was held is recorded in full, and marked", async () => {
    bench = await CallBench.open();
    bench.vendor.answer(buffered("a", { input: 9, output: 50_000 }));
    const { close, outcome } = await fail({ max_tokens: 10 });
    expect(outcome.fault).toBeUndefined();
    expect(close).toMatchObject({ amount: costOfMini(9, 50_000), overrun: 1, basis: "reported" });
  });
});

describe("a call that takes too long", () => {
  test.each([false, true])("is given up at its bound (streamed: %s)", async (stream) => {
    bench = await CallBench.open({ limits: { callMs: 1_000 } });
    bench.vendor.answer(stream ? streamed(HALF, { end: "never" }) : buffered("a", undefined, { end: "never" }));
    const { outcome, sink, fate } = await fail({ stream });
    expect(outcome).toMatchObject({ started: stream, fault: { code: "timeout" } });
    expect(bench.vendor.exchanges[0]!.aborted).toBe(true);
    expect(fate).toBe("hold unsettled");
    if (stream) expect(sink.last!.toString()).toContain('"code":"timeout"');
  });

  test("is not sent again when its time has run out", async () => {
    bench = await CallBench.open({
      limits: { callMs: 30 },
      routes: "- { id: mini, to: [lab/mini, spare/big], on: [timeout] }",
    });
    bench.vendor.answer(buffered("a", undefined, { end: "never" }));
    expect((await fail()).outcome.fault!.code).toBe("timeout");
    expect(bench.vendor.requests).toHaveLength(1);
  });

  test("hands its endpoint's own bounds to the transport", async () => {
    bench = await CallBench.open({ lab: "timeouts: { firstByteMs: 11, betweenBytesMs: 12, connectMs: 13 }" });
    bench.vendor.answer(buffered("a", { input: 9, output: 1 }));
    await bench.call();
    expect(bench.vendor.bounds).toEqual([{ firstByteMs: 11, betweenBytesMs: 12, connectMs: 13 }]);
  });
});

describe("a defect of our own", () => {
  /** The protocol with one part that fails. */
  function defective(part: Partial<typeof openai>): void {
    const { connections } = bench.snapshot;
    (connections as Map<string, unknown>).set("lab", { ...connections.get("lab")!, protocol: { ...openai, ...part } });
  }
  const defect = (): never => {
    throw new TypeError("a defect");
  };

  test("before the vendor is asked gives the hold back: nothing was sent", async () => {
    bench = await CallBench.open();
    defective({ encode: defect });
    const { outcome, fate } = await fail();
    expect(outcome).toMatchObject({ started: false, fault: { code: "internal_error" } });
    expect(fate).toBe("hold release");
    expect(bench.ledger.unsettled()).toEqual([]);
    expect(bench.vendor.exchanges).toEqual([]);
    expect(bench.calls[0]!.fault!.cause).toBeInstanceOf(TypeError);
  });

  test("while an answer is read leaves the hold, in doubt, and does not throw", async () => {
    bench = await CallBench.open();
    const passage = openai.passage!;
    const parts = {
      readAnswer: { passage: { ...passage, readAnswer: defect } },
      readError: { readError: defect },
      followStream: { passage: { ...passage, followStream: defect } },
    };
    for (const [name, part] of Object.entries(parts)) {
      defective(part);
      const stream = name === "followStream";
      bench.vendor.answer(name === "readError" ? refusal(500, {}) : stream ? streamed(HALF) : buffered("a", undefined));
      const { outcome, fate } = await fail({ stream });
      expect(outcome).toMatchObject({ started: false, fault: { code: "internal_error" } });
      expect(fate).toBe("hold unsettled");
      expect(bench.attempts.at(-1)).toMatchObject({ outcome: "unsettled", fault: { code: "internal_error" } });
    }
  });

  test("in a stream that has begun cuts it, so that nobody takes it for whole", async () => {
    bench = await CallBench.open();
    const sink = new RecordingSink();
    sink.onWrite = (_, index) => (index === 2 ? defect() : true);
    bench.vendor.answer(streamed(events(TEXTS, { input: 9, output: 3 })));
    const { outcome } = await bench.call({ stream: true }, {}, sink);
    expect(outcome).toMatchObject({ started: true, fault: { code: "internal_error" } });
    expect(sink).toMatchObject({ wasCut: true, ended: false });
    expect(await bench.fate(outcome.call)).toBe("hold unsettled");
    expect(bench.vendor.exchanges[0]!.aborted).toBe(true);
  });

  test("after the settlement changes nothing of it", async () => {
    bench = await CallBench.open();
    const sink = new RecordingSink();
    sink.end = defect;
    bench.vendor.answer(buffered("a", { input: 9, output: 1 }));
    const { outcome } = await bench.call({}, {}, sink);
    expect(outcome.fault!.code).toBe("internal_error");
    expect(await bench.fate(outcome.call)).toBe("hold settle");
  });

  test("lets the call leave the door it came in by", async () => {
    bench = await CallBench.open({ more: "limits: { concurrency: 1 }" });
    defective({ encode: defect });
    for (let count = 0; count < 3; count++) expect((await fail()).outcome.fault!.code).toBe("internal_error");
    expect(bench.environment.gate.inFlight).toBe(0);
  });
});

test("a piece that says nothing yet, and then an error, costs nothing", async () => {
  bench = await CallBench.open();
  const error = `data: ${JSON.stringify({ error: { message: "busy", code: "overloaded" } })}\n\n`;
  bench.vendor.answer(streamed([piece({ role: "assistant", content: "" }), error]));
  const { outcome, fate } = await fail({ stream: true });
  expect(outcome).toMatchObject({ started: true, fault: { code: "overloaded" } });
  expect(fate).toBe("hold release");
});
