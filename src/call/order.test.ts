import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CallBench, RecordingSink } from "./environment.suite.ts";
import { buffered, DONE, events, streamed } from "./scripted-transport.suite.ts";

let bench: CallBench;
beforeEach(async () => {
  bench = await CallBench.open();
});
afterEach(() => bench.close());

/** Long enough for anything that is not waiting to have happened. */
async function turns(): Promise<void> {
  for (let count = 0; count < 50; count++) await turn();
}

describe("what must be on the disk first", () => {
  test.each([false, true])("the vendor sees nothing before the hold is durable (streamed: %s)", async (stream) => {
    bench.vendor.answer(
      stream ? streamed(events(["a"], { input: 9, output: 1 })) : buffered("a", { input: 9, output: 1 }),
    );
    bench.vendor.onSend = () => expect(bench.journal.written.at(-1)).toBe("hold");
    bench.journal.stop();
    const call = bench.call({ stream });
    await expect.poll(() => bench.journal.asked.at(-1)).toBe("hold");
    await turns();
    expect(bench.vendor.requests).toEqual([]);
    bench.journal.go();
    expect((await call).outcome.fault).toBeUndefined();
    expect(bench.vendor.requests).toHaveLength(1);
  });

  test("a client sees its stream at once, and neither usage nor [DONE] before the settlement is durable", async () => {
    const sink = new RecordingSink();
    bench.vendor.answer(
      streamed(events(["Good", " day."], { input: 9, output: 4 }), {
        before: (index) => index === 0 && bench.journal.stop(),
      }),
    );
    const call = bench.call({ stream: true, stream_options: { include_usage: true } }, {}, sink);
    await expect.poll(() => bench.journal.asked.at(-1)).toBe("settle");
    await turns();
    expect(sink.streamed).toContain(" day.");
    expect(sink.streamed).toContain('"finish_reason":"stop"');
    expect(sink.streamed).not.toContain("[DONE]");
    expect(sink.streamed).not.toContain("prompt_tokens");
    expect(sink.ended).toBe(false);
    bench.journal.go();
    await call;
    expect(sink.text.endsWith(DONE)).toBe(true);
    expect(sink.text).toContain('"cost":0.000049,"cost_currency":"USD"');
    expect(bench.journal.written.at(-1)).toBe("settle");
  });

  test("a client sees nothing of a buffered answer before the settlement is durable", async () => {
    const sink = new RecordingSink();
    bench.vendor.answer(
      buffered("Good day.", { input: 9, output: 4 }, { before: (index) => index === 0 && bench.journal.stop() }),
    );
    const call = bench.call({}, {}, sink);
    await expect.poll(() => bench.journal.asked.at(-1)).toBe("settle");
    await turns();
    expect(sink.answeredHead).toBeUndefined();
    expect(sink.ended).toBe(false);
    bench.journal.go();
    await call;
    expect(sink.text).toContain("Good day.");
  });

  test("an answer that could not be settled durably is never called whole", async () => {
    const disk = new Error("the disk is gone");
    bench.vendor.answer(
      streamed(events(["a"], { input: 9, output: 1 }), { before: (index) => index === 4 && bench.journal.fail(disk) }),
      buffered("a", { input: 9, output: 1 }, { before: () => bench.journal.fail(disk) }),
    );
    const { outcome, sink } = await bench.call({ stream: true });
    expect(outcome).toMatchObject({ started: true, fault: { code: "internal_error" } });
    expect(sink).toMatchObject({ ended: false, wasCut: true });
    expect(sink.streamed).not.toContain("[DONE]");
  });

  test("a hold that could not be made durable is never sent", async () => {
    bench.journal.fail(new Error("the disk is gone"));
    const { outcome } = await bench.call();
    expect(outcome).toMatchObject({ started: false, fault: { code: "internal_error" } });
    expect(bench.vendor.requests).toEqual([]);
  });
});
