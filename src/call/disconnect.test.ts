import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { Departure } from "./departure.ts";
import { CallBench, costOfMini, RecordingSink } from "./environment.suite.ts";
import { buffered, DONE, events, piece, streamed, textOf, usagePiece } from "./scripted-transport.suite.ts";

let bench: CallBench;
afterEach(async () => {
  await bench.expectSoundBooks();
  await bench.close();
});

const ABORT = "billsOnAbort: generated\n    onDisconnect: abort";
const DRAIN = "onDisconnect: drain";
const TOKENS = 20;
const TEXTS = Array.from({ length: TOKENS }, (_, i) => `词${i % 10}`);
const USAGE = { input: 9, output: TOKENS };
const STREAM = events(TEXTS, USAGE);

/** A streamed call whose client goes away at the piece with this number. */
async function leaveAt(place: number) {
  const departure = new Departure();
  const before = (index: number): void => {
    if (index === place) departure.leave();
  };
  bench.vendor.answer(streamed(STREAM, { before }));
  const { outcome, sink } = await bench.call({ stream: true }, { departure });
  const exchange = bench.vendor.exchanges.at(-1)!;
  return { outcome, sink, exchange, row: await bench.settlement(outcome.call) };
}

describe("a client that goes away in the middle of a stream", () => {
  test("is billed what the vendor reports, where the stream is read on, at every chunk", async () => {
    bench = await CallBench.open({ lab: DRAIN });
    for (let place = 0; place <= STREAM.length; place++) {
      const { row, exchange, sink } = await leaveAt(place);
      expect(row, `at ${place}`).toMatchObject({ amount: costOfMini(9, TOKENS), basis: "reported", output: TOKENS });
      expect(exchange).toMatchObject({ aborted: false, sent: STREAM.length });
      expect(sink.chunks.length, "nothing is written to one who has gone").toBeLessThanOrEqual(place);
    }
  });

  test("is billed what was generated, where the stream is closed, at every chunk", async () => {
    bench = await CallBench.open({ lab: ABORT });
    for (let place = 0; place <= STREAM.length; place++) {
      const { row, exchange } = await leaveAt(place);
      if (exchange.aborted) {
        const generated = STREAM.slice(0, place).filter((event) => event.includes("词")).length;
        const bytes = Math.ceil((generated * 4) / 3);
        const output = place > STREAM.indexOf(usagePiece(USAGE)) ? TOKENS : Math.max(generated, bytes);
        expect(row, `at ${place}`).toMatchObject({ basis: "estimated", output });
        // The input is estimated too: never zero.
        expect(row.input).toBeGreaterThan(0);
        expect(row.amount).toBe(costOfMini(row.input!, output));
        expect(exchange.sent).toBe(place);
      } else {
        expect(row, `at ${place}`).toMatchObject({ amount: costOfMini(9, TOKENS), basis: "reported" });
      }
      expect(row.amount, "never for nothing").toBeGreaterThan(0n);
    }
  });

  test("is not left while its vendor bills the whole answer anyway", async () => {
    bench = await CallBench.open({ lab: "billsOnAbort: full\n    onDisconnect: abort" });
    const { row, exchange } = await leaveAt(5);
    expect(exchange.aborted).toBe(false);
    expect(row).toMatchObject({ amount: costOfMini(9, TOKENS), basis: "reported" });
  });

  test("is billed exactly what the practice vendor generated, at any moment", async () => {
    bench = await CallBench.open({
      practice: ", practice: { outputTokens: 30, betweenChunksMs: 1 }",
    });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 30 }), async (pieces) => {
        const departure = new Departure();
        const sink = new RecordingSink();
        sink.onWrite = (_, index) => {
          if (index === pieces) departure.leave();
          return true;
        };
        const { outcome } = await bench.call({ stream: true, model: "play/talker" }, { departure }, sink);
        const served = bench.practice.served().answers.at(-1)!;
        const row = await bench.settlement(outcome.call);
        expect(row).toMatchObject({ basis: "reported", output: served.output, input: served.input });
      }),
      { numRuns: 10 },
    );
  });
});

describe("a client that goes away", () => {
  test("after the vendor was asked and before it answers is billed for what was read and written by then", async () => {
    bench = await CallBench.open({ lab: ABORT });
    const departure = new Departure();
    bench.vendor.onSend = () => departure.leave();
    bench.vendor.answer(streamed(STREAM));
    const { outcome } = await bench.call({ stream: true }, { departure });
    const row = await bench.settlement(outcome.call);
    expect(row).toMatchObject({ basis: "estimated", output: 0 });
    expect(row.amount).toBe(costOfMini(row.input!, 0));
    expect(row.amount).toBeGreaterThan(0n);
    expect(bench.vendor.exchanges[0]).toMatchObject({ aborted: true, sent: 1 });
  });

  test("before the vendor was asked costs nothing", async () => {
    bench = await CallBench.open();
    const departure = new Departure();
    bench.journal.stop();
    const call = bench.call({}, { departure });
    await expect.poll(() => bench.journal.asked.at(-1)).toBe("hold");
    departure.leave();
    bench.journal.go();
    const { outcome } = await call;
    expect(outcome).toMatchObject({ started: false, fault: { code: "timeout" } });
    expect(bench.vendor.requests).toEqual([]);
    expect(await bench.fate(outcome.call)).toBe("hold release");
    expect(bench.budget()).toEqual({ settled: "0", held: "0", left: "1" });
  });

  test("while it waits for room in a budget leaves the line", async () => {
    bench = await CallBench.open({
      budgets: 'budgets: [{ id: org-total, amount: "0.05", currency: USD, window: total }]',
      limits: { holdWaitMs: 60_000 },
    });
    let finish = (): void => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    bench.vendor.answer(buffered("a", { input: 9, output: 1 }, { before: () => held }));
    const first = bench.call();
    await expect.poll(() => bench.vendor.exchanges.length).toBe(1);
    const departure = new Departure();
    const second = bench.call({}, { departure });
    await expect.poll(() => bench.ledger.inFlight.waiting).toBe(1);
    departure.leave();
    expect((await second).outcome).toMatchObject({ started: false, fault: { code: "timeout" } });
    expect(bench.ledger.inFlight.waiting).toBe(0);
    finish();
    await first;
  });

  test("from a buffered call is billed the whole answer, which is read on", async () => {
    bench = await CallBench.open({ lab: ABORT });
    const departure = new Departure();
    bench.vendor.answer(buffered("Good day.", { input: 9, output: 4 }, { before: () => departure.leave() }));
    const { outcome } = await bench.call({}, { departure });
    expect(await bench.settlement(outcome.call)).toMatchObject({ amount: costOfMini(9, 4), basis: "reported" });
    expect(bench.vendor.exchanges[0]!.aborted).toBe(false);
  });

  test("during a rest between two tries is not tried for again", async () => {
    bench = await CallBench.open({ routes: "- { id: mini, to: [lab/mini], tries: 3 }" });
    const departure = new Departure();
    bench.vendor.answer({ status: 500, headers: { "retry-after": "9" }, chunks: ["{}"] });
    const call = bench.call({}, { departure });
    await expect.poll(() => bench.attempts.length).toBe(1);
    departure.leave();
    expect((await call).outcome.fault).toMatchObject({ code: "vendor_error" });
    expect(bench.vendor.requests).toHaveLength(1);
  });
});

describe("a client that reads slowly", () => {
  test("slows the vendor down, and gets everything in order", async () => {
    bench = await CallBench.open();
    const sink = new RecordingSink();
    sink.onWrite = () => {
      setImmediate(() => sink.drain!());
      return false;
    };
    bench.vendor.answer(streamed(STREAM));
    await bench.call({ stream: true }, {}, sink);
    const [exchange] = bench.vendor.exchanges;
    expect(exchange!.pauses).toBe(TOKENS + 2);
    expect(exchange!.resumes).toBeGreaterThanOrEqual(TOKENS + 2);
    expect(textOf(sink.text)).toBe(TEXTS.join(""));
  });

  test("and takes more than one piece after the pause is still waited for, and not taken for gone", async () => {
    bench = await CallBench.open({ limits: { clientStallMs: 40 } });
    const sink = new RecordingSink();
    sink.onWrite = (_, index) => index < 1 || index > 2;
    // The second and third piece come in one turn: the pause takes hold after them.
    bench.vendor.answer(
      streamed(
        [
          piece({ role: "assistant" }),
          piece({ content: "a" }),
          piece({ content: "b" }),
          piece({}, "stop"),
          usagePiece({ input: 9, output: 2 }),
          DONE,
        ],
        {
          before: async (index) => {
            if (index !== 3) return;
            sink.drain?.();
            await new Promise((resolve) => setTimeout(resolve, 90));
          },
        },
      ),
    );
    const exchanges = bench.vendor;
    exchanges.ignorePauses = true;
    const { outcome } = await bench.call({ stream: true }, {}, sink);
    expect(sink.wasCut).toBe(false);
    expect(textOf(sink.text)).toBe("ab");
    expect(outcome.fault).toBeUndefined();
  });

  test("and then not at all counts as gone: cut, not ended, and billed by the rule", async () => {
    for (const [lab, aborted] of [
      [DRAIN, false],
      [ABORT, true],
    ] as const) {
      bench = await CallBench.open({ lab, limits: { clientStallMs: 20 } });
      const sink = new RecordingSink();
      sink.onWrite = () => false;
      sink.drained = () => {};
      bench.vendor.answer(streamed(STREAM));
      const { outcome } = await bench.call({ stream: true }, {}, sink);
      expect(sink.wasCut).toBe(true);
      expect(sink.chunks).toHaveLength(1);
      const row = await bench.settlement(outcome.call);
      expect(row.basis).toBe(aborted ? "estimated" : "reported");
      expect(bench.vendor.exchanges[0]!.aborted).toBe(aborted);
      if (lab === DRAIN) {
        await bench.expectSoundBooks();
        await bench.close();
      }
    }
  });
});
