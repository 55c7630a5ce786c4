import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OpenAiFollower } from "./stream.ts";
import { UsualPiece } from "./usual-piece.ts";

const OPTIONS = { dropUsage: false, eventBytes: 100_000 };
const HEAD = '"id":"c1","object":"chat.completion.chunk","model":"mini"';
const piece = (delta: object, more = ""): string =>
  `data: {${HEAD},"choices":[{"index":0,"delta":${JSON.stringify(delta)},"finish_reason":null}]${more}}\n\n`;

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom(
    "",
    "a",
    "好",
    '"',
    "\\",
    "\n",
    '","error":{"message":"x"}',
    '"usage":{"prompt_tokens":1}',
    "data: [DONE]",
  ),
);
const event = fc.oneof(
  { weight: 8, arbitrary: text.map((content) => piece({ content })) },
  { weight: 2, arbitrary: text.map((reasoning) => piece({ reasoning_content: reasoning })) },
  { weight: 1, arbitrary: fc.tuple(text, text).map(([content, reasoning]) => piece({ content, reasoning })) },
  { weight: 1, arbitrary: text.map((content) => piece({ content }, ',"usage":null')) },
  {
    weight: 1,
    arbitrary: text.map((content) => piece({ content }, ',"usage":{"prompt_tokens":3,"completion_tokens":2}')),
  },
  { weight: 1, arbitrary: fc.constantFrom(": ping\n\n", "\n", 'data: {"choices":[]}\n\n') },
);

function progress(follower: OpenAiFollower) {
  return { events: follower.events, textBytes: follower.textBytes, usage: follower.usage, fault: follower.fault };
}

describe("pieces of the usual form", () => {
  test("count as they do when each is looked into, and pass as they came, wherever they are cut", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), fc.array(fc.nat(2_000), { maxLength: 6 }), (events, places) => {
        const apart = events.map((one) => {
          const follower = new OpenAiFollower(OPTIONS);
          follower.push(Buffer.from(one));
          return progress(follower);
        });
        const bytes = Buffer.from(events.join(""));
        const cuts = [0, ...places.map((place) => Math.min(place, bytes.length)).sort((a, b) => a - b), bytes.length];
        const follower = new OpenAiFollower(OPTIONS);
        const passed = cuts.slice(1).map((end, n) => follower.push(bytes.subarray(cuts[n], end)));
        passed.push(follower.finish(undefined));
        expect(Buffer.concat(passed.filter((part) => part !== undefined)).toString()).toBe(bytes.toString());
        const shown = progress(follower);
        expect(shown.events).toBe(apart.reduce((sum, { events: count }) => sum + count, 0));
        expect(shown.textBytes).toBe(apart.reduce((sum, { textBytes }) => sum + textBytes, 0));
        expect(shown.usage).toEqual(apart.findLast(({ usage }) => usage)?.usage);
        expect(shown.fault).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });

  test("are known by their bytes alone", () => {
    const usual = new UsualPiece();
    const learnt = Buffer.from(piece({ content: "one" }));
    const start = learnt.indexOf("one");
    expect(usual.match(learnt, 0, 1_000)).toBe(-1);
    usual.learn(learnt, start, start + 3);
    for (const [content, bytes] of [
      ["", 0],
      ["three", 5],
      ["好", 3],
    ] as const) {
      const other = Buffer.from(piece({ content }));
      expect(usual.match(other, 0, 1_000)).toBe(other.length);
      expect(usual.textBytes).toBe(bytes);
      expect(usual.match(other, 0, other.length - 1)).toBe(-1);
      expect(usual.match(other.subarray(0, -1), 0, 1_000)).toBe(-1);
    }
    expect(usual.match(Buffer.from(piece({ content: 'a"' })), 0, 1_000)).toBe(-1);
    expect(usual.match(Buffer.from(piece({ role: "assistant" })), 0, 1_000)).toBe(-1);
  });

  test("are not looked for any more where no two have the same form", () => {
    const usual = new UsualPiece();
    for (let n = 0; n < 10 && usual.learns; n++) {
      const one = Buffer.from(piece({ content: "a", n }));
      const start = one.indexOf('"a"') + 1;
      usual.learn(one, start, start + 1);
      if (n < 3) expect(usual.learns).toBe(true);
    }
    expect(usual.learns).toBe(false);
  });
});
