import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openSealer } from "../store/sealing.ts";
import { sampleEntry } from "../store/store.suite.ts";
import { CallBench, RecordingSink, SECRET } from "./environment.suite.ts";
import { KeptAnswers } from "./kept-answers.ts";
import { brokenBy, buffered, events, refusal, streamed } from "./scripted-transport.suite.ts";

const KEY = "a-key-that-nobody-may-find-71c2";
const ANSWER = "an-answer-that-nobody-may-find-9f3d";
const USAGE = { input: 9, output: 4 };

let bench: CallBench;
beforeEach(async () => {
  bench = await CallBench.open({ limits: { keptAnswerBytes: 4_000 } });
});
afterEach(async () => {
  expect((await bench.ledger.audit()).problems).toEqual([]);
  await bench.close();
});

/** Those of a node among others. */
const keptAt = (node: string): KeptAnswers => {
  const { store, folder, clock, limits } = bench;
  return new KeptAnswers(store.query, store.journal, openSealer(folder), clock, limits, node);
};
const ask = (fields: Record<string, unknown> = {}, idempotencyKey = KEY) => bench.call(fields, { idempotencyKey });

describe("the same Idempotency-Key again", () => {
  test.each([false, true])("gives the same bytes, and is not sent or billed again (streamed: %s)", async (stream) => {
    bench.vendor.answer(stream ? streamed(events([ANSWER, "!"], USAGE)) : buffered(ANSWER, USAGE));
    const fields = { stream, ...(stream && { stream_options: { include_usage: true } }) };
    const first = await ask(fields);
    const again = await ask(fields);
    await bench.crash();
    const later = await ask(fields);
    for (const replay of [again, later]) {
      expect(replay.sink.text).toBe(first.sink.text);
      expect(replay.sink.answeredHead).toEqual({ ...first.sink.answeredHead, replayed: true });
      expect(replay.outcome).toEqual({ ...first.outcome, started: true });
    }
    expect(bench.vendor.requests).toHaveLength(1);
    expect(await bench.fate(first.outcome.call)).toBe("hold settle");
    expect(await bench.entries()).toHaveLength(2);
    expect(bench.calls, "the observer hears of each replay too").toHaveLength(3);
  });

  test("with another body is refused", async () => {
    bench.vendor.answer(buffered(ANSWER, USAGE));
    const { outcome } = await ask();
    const other = await ask({ temperature: 1 });
    expect(other.outcome.fault).toMatchObject({ code: "idempotency_conflict", details: { call: outcome.call } });
    expect(bench.vendor.requests).toHaveLength(1);
  });

  test("while the call is under way is refused, whatever the body", async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    bench.vendor.answer(buffered(ANSWER, USAGE, { before: () => held }));
    const first = ask();
    await expect.poll(() => bench.vendor.exchanges.length).toBe(1);
    for (const fields of [{}, { temperature: 1 }]) {
      expect((await ask(fields)).outcome.fault).toMatchObject({ code: "idempotency_conflict" });
    }
    release();
    expect((await first).outcome.fault).toBeUndefined();
    expect((await ask()).sink.text).toContain(ANSWER);
    expect(bench.vendor.requests).toHaveLength(1);
  });

  test("after a crash in the middle is refused, since the vendor may have served the call", async () => {
    bench.vendor.answer(buffered(ANSWER, USAGE, { end: "never" }));
    void ask();
    await expect.poll(() => bench.vendor.exchanges[0]?.sent).toBe(1);
    await bench.crash();
    expect(bench.ledger.unsettled()).toMatchObject([{ reason: "crash" }]);
    const { outcome } = await ask();
    expect(outcome.fault).toMatchObject({
      code: "idempotency_conflict",
      details: { call: expect.stringMatching(/^call_/) },
    });
    expect(bench.vendor.requests).toHaveLength(1);
  });

  test("after a vendor broke off is refused, even where a later attempt was refused", async () => {
    await bench.close();
    bench = await CallBench.open({ routes: "- { id: mini, to: [lab/mini, spare/big] }" });
    bench.vendor.answer({ fail: brokenBy("server_error") }, refusal(503, { message: "busy" }));
    expect((await ask()).outcome.fault!.code).toBe("overloaded");
    expect((await ask()).outcome.fault!.code).toBe("idempotency_conflict");
    expect(bench.vendor.requests).toHaveLength(2);
  });

  test("after a call that surely cost nothing is a new call", async () => {
    bench.vendor.answer(refusal(503, { message: "busy" }), buffered(ANSWER, USAGE));
    expect((await ask()).outcome.fault!.code).toBe("overloaded");
    const { outcome, sink } = await ask();
    expect(outcome.fault).toBeUndefined();
    expect(sink.answeredHead!.replayed).toBe(false);
    expect((await ask({ model: "lab/unpriced" }, "another")).outcome.fault!.code).toBe("unpriced_model");
    expect((await ask({ model: "lab/unpriced" }, "another")).outcome.fault!.code).toBe("unpriced_model");
  });

  test.each([false, true])(
    "of an answer too long to keep is refused, though it was served (streamed: %s)",
    async (stream) => {
      const long = "长".repeat(1_500);
      bench.vendor.answer(stream ? streamed(events([long], USAGE)) : buffered(long, USAGE));
      const first = await ask({ stream });
      expect(first.outcome.fault).toBeUndefined();
      const again = await ask({ stream });
      expect(again.outcome.fault).toMatchObject({
        code: "idempotency_conflict",
        details: { call: first.outcome.call },
      });
      expect(again.outcome.fault!.message).toMatch(/too long to keep/);
    },
  );

  test("is another key for another caller", async () => {
    bench.vendor.answer(buffered("for the key", USAGE), buffered("for the payer", USAGE));
    await ask();
    const { sink } = await bench.call({}, { idempotencyKey: KEY, caller: { payer: "team" } });
    expect(sink.text).toContain("for the payer");
  });

  test("is forgotten when it is old enough", async () => {
    bench.vendor.answer(buffered("old", USAGE), buffered("new", USAGE));
    await ask();
    bench.clock.advance(bench.limits.keptAnswerMs + 1);
    expect((await ask()).sink.text).toContain("new");
    expect((await ask()).sink.text).toContain("new");
    bench.clock.advance(bench.limits.keptAnswerMs + 1);
    await bench.environment.keptAnswers.expire();
    expect(await bench.store.query.selectFrom("kept_answers").selectAll().execute()).toEqual([]);
  });

  test("is given back at the next start of a node that was killed before it held anything, and by nobody else", async () => {
    const claim = (kept: KeptAnswers, key: string) => kept.claim("c", key, Buffer.from("{}"), `call_${key}`);
    const conflict = { code: "idempotency_conflict" };
    const [killed, other] = [keptAt("one"), keptAt("other")];
    await claim(killed, "free");
    await claim(killed, "held");
    await bench.store.journal.append({ op: "entry", entry: sampleEntry("call_held.1") });
    const again = keptAt("one");
    await claim(again, "own");
    await keptAt("on").giveBackAbandoned();
    await other.giveBackAbandoned();
    for (const key of ["free", "held", "own"]) await expect(claim(other, key)).rejects.toMatchObject(conflict);
    await again.giveBackAbandoned();
    for (const key of ["held", "own"]) await expect(claim(other, key)).rejects.toMatchObject(conflict);
    expect(await claim(other, "free")).toMatchObject({ call: "call_free" });
    const release = sampleEntry("call_held.1", { phase: 1, kind: "release", amount: 0n, held: 20n });
    await bench.store.journal.append({ op: "entry", entry: release });
  });

  test("is never new while its call is in doubt, however long that is", async () => {
    bench.vendor.answer({ fail: brokenBy("server_error") }, buffered("the second", USAGE));
    const first = await ask();
    const { attempt } = bench.ledger.unsettled()[0]!;
    for (let day = 0; day < 3; day++) {
      bench.clock.advance(bench.limits.keptAnswerMs + 1);
      await bench.environment.keptAnswers.expire();
      await bench.crash();
      const { outcome } = await ask();
      expect(outcome.fault).toMatchObject({
        code: "idempotency_conflict",
        details: { call: first.outcome.call },
      });
    }
    expect(bench.vendor.requests).toHaveLength(1);
    await bench.ledger.resolve(attempt, { action: "release", reason: "not on the bill" }, bench.clock.now());
    expect((await ask()).sink.text).toContain("the second");
  });

  test("is never new while its call is under way, however long that is", async () => {
    bench.vendor.answer(buffered(ANSWER, USAGE, { end: "never" }));
    void ask();
    await expect.poll(() => bench.vendor.exchanges[0]?.sent).toBe(1);
    bench.clock.advance(bench.limits.keptAnswerMs + 1);
    const another = keptAt("another");
    await another.expire();
    const again = another.claim("team-key", KEY, Buffer.from(bench.request().request.body), "call_other");
    await expect(again).rejects.toMatchObject({ code: "idempotency_conflict" });
    await bench.crash();
  });

  test("that is too long is refused", async () => {
    expect((await ask({}, "k".repeat(256))).outcome.fault).toMatchObject({
      code: "invalid_request",
      param: "Idempotency-Key",
    });
  });
});

test("a client that went away and comes back gets the answer that was paid for", async () => {
  const call = { ...bench.request({ stream: true }), idempotencyKey: KEY };
  bench.vendor.answer(
    streamed(events([ANSWER, "!"], USAGE), { before: (index) => index === 2 && call.departure.leave() }),
  );
  const first = await bench.run(call, new RecordingSink());
  expect(first.sink.chunks.length).toBeLessThan(4);
  const { sink } = await ask({ stream: true });
  expect(sink.text).toBe(events([ANSWER, "!"], undefined).join(""));
  expect(bench.vendor.requests).toHaveLength(1);
});

test("nothing of a call stands in the store in clear", async () => {
  bench.vendor.answer(buffered(ANSWER, USAGE), streamed(events([ANSWER], USAGE)));
  const question = "a-question-that-nobody-may-find-1b77";
  for (const stream of [false, true]) {
    await bench.call(
      { stream, messages: [{ role: "user", content: question }] },
      { idempotencyKey: `${KEY}${stream}` },
    );
  }
  await bench.crash();
  const stored = await bench.stored();
  expect(stored).toContain("lab/mini"); // the rows are there
  for (const secret of [ANSWER, KEY, question, SECRET, "the-key-of-the-lab"]) {
    expect(stored).not.toContain(secret);
    expect(stored).not.toContain(Buffer.from(secret).toString("base64").slice(0, -4));
  }
});
