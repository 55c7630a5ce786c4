import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { STREAMS, withLineEnds } from "../vendors/openai/stream-cases.suite.ts";
import type { TextTransform, TransformFactory } from "../vendors/spec.ts";
import { CallBench, costOfMini } from "./environment.suite.ts";
import { buffered, events, piece, streamed, textOf } from "./scripted-transport.suite.ts";

let bench: CallBench;
beforeAll(async () => {
  bench = await CallBench.open({
    budgets: 'budgets: [{ id: org-total, amount: "1000000", currency: USD, window: total }]',
  });
});
afterAll(async () => {
  await bench.expectSoundBooks();
  await bench.close();
});

/** What a client and the ledger see of a stream that came in these chunks. */
async function relay(chunks: readonly Buffer[], fields: Record<string, unknown> = {}, transform?: TransformFactory) {
  bench.vendor.answer(streamed(chunks));
  const { outcome, sink } = await bench.call({ stream: true, ...fields }, { transform });
  const [, row] = await bench.entries(outcome.call);
  const { kind, amount, basis, input, cached_input, output, reasoning } = row!;
  return {
    fault: outcome.fault?.message,
    text: sink.text,
    bill: { kind, amount, basis, input, cached_input, output, reasoning },
  };
}

function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % bytes.length)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end)).filter(({ length }) => length > 0);
}

const TEXTS = ["您好", "，", "wörld 🀄", ' \\n"quoted" ', "\u2028", "x"];
const USAGE = { input: 12, output: 7, cached: 5 };

/** A stream with comments and stray blank lines between its events. */
function withComments(stream: string): string {
  return `: 开始\n\n${stream.replace("\n\n", "\n\n: ping\n\n: pong 🀄\n\n")}`;
}

const whole = withComments(events(TEXTS, USAGE).join(""));
const ENDINGS = [["\n"], ["\r\n"], ["\r"], ["\n", "\r\n"], ["\r\n", "\r", "\n"], ["\r", "\r", "\r\n"]];
const wants = { stream_options: { include_usage: true } };

describe("a stream cut anywhere", () => {
  test.each(ENDINGS)("at every byte, with lines that end in %j: the same relay, usage and cost", async (...ends) => {
    const bytes = withLineEnds(whole, ends);
    const expected = await relay([bytes]);
    expect(expected.bill).toMatchObject({ kind: "settle", amount: costOfMini(7, 7, 5), basis: "reported" });
    expect(textOf(expected.text)).toBe(TEXTS.join(""));
    const places = Array.from({ length: bytes.length - 1 }, (_, i) => i + 1);
    expect(
      await relay(
        places.map((place, i) => bytes.subarray(places[i - 1] ?? 0, place)).concat(bytes.subarray(bytes.length - 1)),
      ),
    ).toEqual(expected);
    for (let place = 1; place < bytes.length; place += ends.length === 3 && ends[0] === "\r\n" ? 1 : 17) {
      expect(await relay([bytes.subarray(0, place), bytes.subarray(place)]), `cut at ${place}`).toEqual(expected);
    }
  });

  test("an error behind text is an error in the middle, also where both come in one piece", async () => {
    const bytes = Buffer.from(
      `${events(TEXTS, undefined).slice(0, 3).join("")}data: {"error":{"message":"overloaded"}}\n\n`,
    );
    const expected = await relay([bytes]);
    expect(textOf(expected.text.slice(0, expected.text.lastIndexOf("data: ")))).not.toBe("");
    expect(expected.text).toContain('"error"');
    expect(expected.bill.kind).toBe("unsettled");
    for (let place = 1; place < bytes.length; place += 3) {
      expect(await relay([bytes.subarray(0, place), bytes.subarray(place)]), `cut at ${place}`).toEqual(expected);
    }
  });

  test("in any mixture of cuts, line ends and wishes: the same relay, usage and cost", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(), { maxLength: 40 }),
        fc.array(fc.constantFrom("\n", "\r\n", "\r"), { minLength: 1, maxLength: 9 }),
        fc.boolean(),
        fc.boolean(),
        async (places, ends, wantsUsage, reports) => {
          const stream = withComments(events(TEXTS, reports ? USAGE : undefined).join(""));
          const bytes = withLineEnds(stream, ends);
          const fields = wantsUsage ? wants : {};
          expect(await relay(cutAt(bytes, places), fields)).toEqual(await relay([bytes], fields));
        },
      ),
      { numRuns: 40 },
    );
  });

  test.each(Object.keys(STREAMS))("a real stream (%s): the same relay, usage and cost, by both paths", async (name) => {
    const bytes = Buffer.from(STREAMS[name]!);
    const expected = await relay([bytes], wants);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 12 }), async (places) => {
        const cut = await relay(cutAt(bytes, places), wants);
        // A stream that fails is told by what reached the client before; its bill never depends on that.
        if (expected.fault === undefined) expect(cut).toEqual(expected);
        else expect({ fault: cut.fault, bill: cut.bill }).toEqual({ fault: expected.fault, bill: expected.bill });
      }),
      { numRuns: 15 },
    );
    if (expected.fault === undefined) expect(await relay([bytes], wants, identity)).toEqual(expected);
  });

  test("the usage chunk that only Maidan asked for is taken out, all else passes byte for byte", async () => {
    const { text } = await relay([Buffer.from(whole)]);
    expect(text).toBe(withComments(events(TEXTS, undefined).join("")));
    expect(bench.vendor.body().stream_options).toEqual({ include_usage: true });
  });
});

test("the streamed and the buffered form of the same answer cost the same", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: "grapheme", maxLength: 12 }), { minLength: 1, maxLength: 8 }),
      fc.option(fc.record({ input: fc.nat(4_000), output: fc.nat(4_000) }), { nil: undefined }),
      fc.boolean(),
      async (texts, usage, rewritten) => {
        const transform = rewritten ? upperCase : undefined;
        bench.vendor.answer(streamed(events(texts, usage)), buffered(texts.join(""), usage));
        const one = await bench.call({ stream: true }, { transform });
        const other = await bench.call({}, { transform });
        const [a, b] = [await bench.settlement(one.outcome.call), await bench.settlement(other.outcome.call)];
        if (usage) {
          expect(a).toMatchObject({ amount: b.amount, basis: "reported", input: b.input, output: b.output });
        } else {
          // Without usage both are estimates; a stream shows more of what was generated, never less.
          expect(a.basis).toBe("estimated");
          expect(b.basis).toBe("estimated");
          expect(a.input).toBe(b.input);
          expect(a.amount).toBeGreaterThanOrEqual(b.amount);
        }
      },
    ),
    { numRuns: 40 },
  );
});

const identity: TransformFactory = () => ({ push: (text) => text, end: () => "" });
const upperCase: TransformFactory = () => ({ push: (text) => text.toUpperCase(), end: () => "" });

/** Holds back the last characters that could begin a bad word, and writes another in its place. */
class Replace implements TextTransform {
  readonly #word: string;
  readonly #other: string;
  #held = "";

  constructor(word: string, other: string) {
    this.#word = word;
    this.#other = other;
  }

  push(text: string): string {
    const all = (this.#held + text).replaceAll(this.#word, this.#other);
    let keep = Math.min(this.#word.length - 1, all.length);
    while (keep > 0 && !this.#word.startsWith(all.slice(all.length - keep))) keep -= 1;
    this.#held = all.slice(all.length - keep);
    return all.slice(0, all.length - keep);
  }

  end(): string {
    return this.#held;
  }
}

/** Holds back as many characters. */
class Delay implements TextTransform {
  readonly #count: number;
  #held = "";

  constructor(count: number) {
    this.#count = count;
  }

  push(text: string): string {
    this.#held += text;
    const out = this.#held.slice(0, Math.max(0, this.#held.length - this.#count));
    this.#held = this.#held.slice(out.length);
    return out;
  }

  end(): string {
    return this.#held;
  }
}

describe("the decoded path", () => {
  test("a transform that changes nothing gives the very bytes of the other path", async () => {
    for (const ends of ENDINGS) {
      const bytes = withLineEnds(whole, ends);
      expect(await relay([bytes], wants, identity)).toEqual(await relay([bytes], wants));
    }
  });

  test("a word that is split over pieces is rewritten at every cutting; usage and cost stay", async () => {
    const message = "The secret of the 秘密 is a secret, se cret secre";
    const expectedText = message.replaceAll("secret", "XXX");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(message.length), { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        fc.constantFrom(...ENDINGS),
        async (splits, places, ends) => {
          const at = [...new Set([0, ...splits, message.length])].sort((a, b) => a - b);
          const texts = at.slice(1).map((end, i) => message.slice(at[i]!, end));
          const bytes = withLineEnds(events(texts, USAGE).join(""), ends);
          const rewritten = await relay(cutAt(bytes, places), wants, () => new Replace("secret", "XXX"));
          expect(textOf(rewritten.text)).toBe(expectedText);
          expect(rewritten.bill).toMatchObject({ amount: costOfMini(7, 7, 5), basis: "reported", output: 7 });
        },
      ),
      { numRuns: 40 },
    );
  });

  test("text that is held back is not lost, however much, at every byte", async () => {
    for (const count of [1, 3, 1_000]) {
      const bytes = Buffer.from(events(TEXTS, USAGE).join(""));
      for (let place = 1; place < bytes.length; place += 29) {
        const cut = [bytes.subarray(0, place), bytes.subarray(place)];
        const { text, bill } = await relay(cut, {}, () => new Delay(count));
        expect(textOf(text), `${count} held back, cut at ${place}`).toBe(TEXTS.join(""));
        expect(bill).toMatchObject({ amount: costOfMini(7, 7, 5), basis: "reported" });
      }
    }
  });

  test("each choice has a transform of its own", async () => {
    const parts = [
      piece({ content: "se" }),
      piece({ content: "sec" }, null, 1),
      piece({ content: "cret" }),
      piece({ content: "ret" }, null, 1),
    ];
    const chunks = [...parts, piece({}, "stop"), piece({}, "stop", 1), ...events([], USAGE).slice(-2)];
    const { text } = await relay(
      chunks.map((chunk) => Buffer.from(chunk)),
      { n: 2 },
      () => new Replace("secret", "-"),
    );
    expect(textOf(text, 0)).toBe("-");
    expect(textOf(text, 1)).toBe("-");
  });

  test("rewrites a buffered answer, and leaves its usage and cost", async () => {
    bench.vendor.answer(buffered("The secret is out.", USAGE));
    const { outcome, sink } = await bench.call({}, { transform: () => new Replace("secret", "-") });
    const answer = JSON.parse(sink.text);
    expect(answer.choices[0].message.content).toBe("The - is out.");
    expect(answer.usage.completion_tokens).toBe(7);
    expect((await bench.settlement(outcome.call)).amount).toBe(costOfMini(7, 7, 5));
  });
});
