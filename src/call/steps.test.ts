import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import OpenAI from "openai";
import { afterEach, describe, expect, test } from "vitest";
import { CallBench, RecordingSink } from "./environment.suite.ts";
import { events, piece, streamed, textOf } from "./scripted-transport.suite.ts";

let bench: CallBench;
afterEach(async () => {
  await bench.expectSoundBooks();
  await bench.close();
});

/** A vendor whose abort stops the bill, and a budget that buys the bound of the input and about `tokens` of output. */
const options = (tokens: number, more: object = {}) => ({
  lab: "billsOnAbort: generated",
  budgets: `budgets: [{ id: org-total, amount: "${(tokens / 100_000 + 0.000226).toFixed(9)}", currency: USD, window: total }]`,
  limits: { stepOutputTokens: 64, ...more },
});

const words = (count: number): string[] => Array.from({ length: count }, (_, i) => `w${i % 10}`);

describe("a stream that is held in steps", () => {
  test("is topped up as it goes on, and gives back what it did not need", async () => {
    bench = await CallBench.open(options(1_000));
    bench.vendor.answer(streamed(events(words(300), { input: 9, output: 300 })));
    const { outcome, sink } = await bench.call({ stream: true });
    expect(outcome.fault).toBeUndefined();
    expect(textOf(sink.text)).toBe(words(300).join(""));
    const kinds = (await bench.entries(outcome.call)).map(({ kind }) => kind);
    expect(kinds[0]).toBe("hold");
    expect(kinds.filter((kind) => kind === "top-up").length).toBeGreaterThanOrEqual(4);
    const row = await bench.settlement(outcome.call);
    expect(row).toMatchObject({ output: 300, basis: "reported", overrun: 0 });
    expect(sink.answeredHead!.adjusted).toBeUndefined();
  });

  test("is not held in steps where the whole answer fits, or where the vendor bills it all anyway", async () => {
    for (const [lab, budget] of [
      ["billsOnAbort: generated", 10_000],
      ["billsOnAbort: full", 1_000],
    ] as const) {
      bench = await CallBench.open({ ...options(budget), lab });
      bench.vendor.answer(streamed(events(words(300), { input: 9, output: 300 })));
      const { outcome } = await bench.call({ stream: true });
      expect(await bench.fate(outcome.call)).toBe("hold settle");
      if (budget === 10_000) await bench.close();
    }
  });

  test("stops cleanly when no more can be held, and is billed what was generated", async () => {
    bench = await CallBench.open(options(200));
    bench.vendor.answer(streamed(events(words(400), { input: 9, output: 400 })));
    const { outcome, sink } = await bench.call({ stream: true });
    expect(outcome).toMatchObject({ fault: undefined, started: true });
    expect(bench.vendor.exchanges[0]!.aborted).toBe(true);
    const shown = textOf(sink.text).length / 2;
    expect(shown).toBeGreaterThan(150);
    expect(shown).toBeLessThanOrEqual(200);
    expect(sink.last!.toString()).toContain('"finish_reason":"length"');
    expect(sink.text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(await bench.settlement(outcome.call)).toMatchObject({ basis: "estimated", output: shown, overrun: 0 });
  });

  test("stops every answer that is still open", async () => {
    bench = await CallBench.open(options(200));
    const pieces = words(200).flatMap((content) => [piece({ content }), piece({ content }, null, 1)]);
    pieces.splice(20, 0, piece({}, "stop", 0));
    bench.vendor.answer(streamed(pieces));
    const { sink } = await bench.call({ stream: true, n: 2 });
    const end = JSON.parse(sink.last!.toString().split("\n")[0]!.slice(6));
    expect(end.choices).toEqual([{ index: 1, delta: {}, finish_reason: "length" }]);
  });

  test("never goes over the limit, whatever comes in one piece", async () => {
    bench = await CallBench.open(options(300));
    await fc.assert(
      fc
        .asyncProperty(fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 20 }), async (sizes) => {
          const chunks = sizes.map((size) =>
            words(size)
              .map((content) => piece({ content }))
              .join(""),
          );
          bench.vendor.answer(streamed([...chunks, piece({}, "stop"), "data: [DONE]\n\n"]));
          const sink = new RecordingSink();
          const within = (): boolean => {
            const { limit, settled, held } = bench.ledger.budget("org-total")!;
            return settled + held <= limit;
          };
          sink.onWrite = () => {
            expect(within()).toBe(true);
            return true;
          };
          const { outcome } = await bench.call({ stream: true }, {}, sink);
          expect(within()).toBe(true);
          const settled = (await bench.entries(outcome.call)).find(({ kind }) => kind === "settle");
          if (settled) expect(settled).toMatchObject({ overrun: 0, basis: "estimated" });
          else expect(outcome.fault!.code).toBe("budget_exhausted");
        })
        .beforeEach(async () => {
          await bench.close();
          bench = await CallBench.open(options(300));
        }),
      { numRuns: 15 },
    );
  });

  test("that was stopped is read by the official client as an answer that reached its length", async () => {
    bench = await CallBench.open(options(200));
    bench.vendor.answer(streamed(events(words(400), { input: 9, output: 400 })));
    const { sink } = await bench.call({ stream: true });
    const server = createServer((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(sink.text);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const client = new OpenAI({ apiKey: "any", baseURL: `http://127.0.0.1:${port}/v1`, maxRetries: 0 });
      const stream = client.chat.completions.stream({ model: "mini", messages: [{ role: "user", content: "Hello?" }] });
      const answer = await stream.finalChatCompletion();
      expect(answer.choices[0]).toMatchObject({ finish_reason: "length", message: { content: textOf(sink.text) } });
    } finally {
      server.close();
    }
  });
});
