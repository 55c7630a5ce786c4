import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fault } from "../../base/faults.ts";
import type { FollowOptions, TextTransform, TransformFactory } from "../spec.ts";
import { OpenAiDecoder } from "./decoder.ts";
import { OpenAiFollower } from "./stream.ts";
import {
  anyCuts,
  anyStream,
  COST,
  cut,
  EACH_BYTE,
  follow,
  holdingBack,
  identity,
  LINE_ENDS,
  payloads,
  STREAMS,
  textsOf,
  withLineEnds,
} from "./stream-cases.suite.ts";

const OPTIONS: FollowOptions = { dropUsage: true, eventBytes: 64 * 1024 };

function decoder(factory: TransformFactory, options = OPTIONS): OpenAiDecoder {
  const made = new OpenAiDecoder(options);
  made.transform(factory);
  return made;
}

function decoded(factory: TransformFactory, chunks: readonly Buffer[], options = OPTIONS): string {
  const { relayed, end } = follow(decoder(factory, options), chunks, COST);
  return Buffer.from(relayed + end, "latin1").toString();
}

/** Removes what is transformed, so that all else can be compared. */
function without(payload: string): unknown {
  if (payload === "[DONE]") return payload;
  const document = JSON.parse(payload);
  for (const choice of document.choices ?? []) {
    for (const field of ["content", "reasoning", "reasoning_content"]) delete choice.delta?.[field];
  }
  return document;
}

describe("transforms that change nothing", () => {
  test.each(Object.keys(STREAMS))("%s passes byte for byte", (name) => {
    for (const dropUsage of [true, false]) {
      const options = { ...OPTIONS, dropUsage };
      const plain = follow(new OpenAiFollower(options), [Buffer.from(STREAMS[name]!)], COST);
      expect(follow(decoder(identity, options), [Buffer.from(STREAMS[name]!)], COST)).toEqual(plain);
    }
  });

  test("any stream, any cuts", () => {
    fc.assert(
      fc.property(anyStream, anyCuts, fc.boolean(), (bytes, places, dropUsage) => {
        const options = { ...OPTIONS, dropUsage };
        const plain = follow(new OpenAiFollower(options), cut(bytes, places), COST);
        expect(follow(decoder(identity, options), cut(bytes, places), COST)).toEqual(plain);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("transforms that hold back and rewrite", () => {
  for (const [name, stream] of Object.entries(STREAMS)) {
    for (const held of [0, 1, 3, 1000]) {
      test(`${name}, ${held} characters held: texts are rewritten, all else stays`, () => {
        const shown = decoded(holdingBack(held), [Buffer.from(stream)]);
        const plain = decoded(identity, [Buffer.from(stream)]);
        const wanted = Object.entries(textsOf(plain)).map(([key, text]) => [key, text.toUpperCase()]);
        expect(textsOf(shown)).toEqual(Object.fromEntries(wanted));
        // Extra chunks carry nothing but text; without them the events are the vendor's.
        const others = payloads(shown)
          .map(without)
          .filter((event) => !isExtra(event));
        expect(others).toEqual(
          payloads(plain)
            .map(without)
            .filter((event) => !isExtra(event)),
        );
      });
    }

    test.each(Object.keys(LINE_ENDS))(`${name}, %s: cut at every byte, and byte by byte`, (ends) => {
      const bytes = withLineEnds(stream, LINE_ENDS[ends]!);
      const whole = decoded(holdingBack(2), [bytes]);
      for (let place = 1; place < bytes.length; place++) {
        const parts = [bytes.subarray(0, place), bytes.subarray(place)];
        if (decoded(holdingBack(2), parts) !== whole) expect(place, "cut").toBe(-1);
      }
      expect(decoded(holdingBack(2), EACH_BYTE(bytes))).toBe(whole);
    });
  }

  test("any stream, any cuts, any length held", () => {
    fc.assert(
      fc.property(anyStream, anyCuts, fc.nat(6), (bytes, places, held) => {
        expect(decoded(holdingBack(held), cut(bytes, places))).toBe(decoded(holdingBack(held), [bytes]));
      }),
      { numRuns: 1000 },
    );
  });

  test("what is held goes out before its choice finishes, in the likeness of the answer", () => {
    const shown = payloads(decoded(holdingBack(2), [Buffer.from(STREAMS.openai!)])).map((payload) =>
      payload === "[DONE]" ? payload : JSON.parse(payload),
    );
    const finish = shown.findIndex((event) => event.choices?.[0]?.finish_reason === "stop");
    expect(shown[finish - 1]).toMatchObject({
      id: "chatcmpl-CkQ7w1",
      model: "gpt-4o-mini-2024-07-18",
      choices: [{ index: 0, delta: { content: "]." }, finish_reason: null }],
    });
    expect(shown[finish].choices[0].delta).toEqual({});
  });

  test("what is held of the reasoning goes out when the answer begins", () => {
    const shown = payloads(decoded(holdingBack(3), [Buffer.from(STREAMS.deepseek!)]));
    const events = shown.slice(0, -1).map((payload) => JSON.parse(payload).choices[0].delta);
    const begins = events.findIndex((delta) => delta.content === "LET ME LO");
    expect(begins).toBeGreaterThan(0);
    expect(events[begins].reasoning_content).toBe("ER.");
    const ends = events.findIndex((delta) => delta.content === "OK.");
    expect(ends).toBe(events.length - 1);
  });

  test("a finish and a text in one chunk stay in one chunk", () => {
    const shown = payloads(decoded(holdingBack(5), [Buffer.from(STREAMS.kimi!)]));
    const finish = shown.find((payload) => payload.includes('"finish_reason":"stop"'))!;
    expect(JSON.parse(finish).choices).toEqual([{ index: 0, delta: { content: "HELLO!" }, finish_reason: "stop" }]);
  });

  test("only the changed string is spelled anew", () => {
    const event = 'data: {"n": 1.50, "choices" : [ { "delta":{"content" : "\\u0041b" , "x":1e2},"index":0} ]}\n\n';
    expect(decoded(holdingBack(0), [Buffer.from(event)])).toBe(event.replace('"\\u0041b"', '"AB"'));
  });

  test("a text that spans events of several lines", () => {
    const event = 'event: x\ndata: {"choices":[{"index":0,\ndata: "delta":{"content":"ab"}}]}\n\n';
    expect(payloads(decoded(holdingBack(0), [Buffer.from(event)]))).toEqual([
      '{"choices":[{"index":0,\n"delta":{"content":"AB"}}]}',
    ]);
  });
});

describe("a stream that does not come to its end", () => {
  const piece = Buffer.from(
    'data: {"id":"x","choices":[{"index":1,"delta":{"content":"abc"},"finish_reason":null}]}\n\n',
  );
  const open = (): OpenAiDecoder => {
    const made = decoder(holdingBack(2), { ...OPTIONS, choices: 2 });
    made.push(piece);
    return made;
  };

  test("gives out what it held before an error, a stop, and a silent end", () => {
    const fault = new Fault("vendor_error", () => "broken off");
    for (const end of [open().error(fault, "broken off"), open().stop(), open().finish(COST)]) {
      expect(JSON.parse(payloads(end.toString())[0]!)).toEqual({
        id: "x",
        choices: [{ index: 1, delta: { content: "BC" }, finish_reason: null }],
      });
    }
    expect(payloads(open().stop().toString())).toHaveLength(3);
    expect(payloads(open().error(fault, "broken off").toString())).toHaveLength(2);
    expect(payloads(open().finish(COST).toString())).toHaveLength(1);
  });

  test("a last piece without its blank line goes through the transforms too", () => {
    const made = open();
    made.push(Buffer.from('data: {"choices":[{"index":1,"delta":{"content":"de"},"finish_reason":"stop"}]}\n'));
    const end = payloads(made.finish(undefined).toString());
    expect(JSON.parse(end[0]!).choices[0].delta.content).toBe("BCDE");
    expect(end[1]).toBe("[DONE]");
  });

  test("and before an error of the vendor", () => {
    const made = open();
    const error = 'data: {"error":{"message":"busy"}}\n\n';
    const shown = payloads(made.push(Buffer.from(error))!.toString());
    expect(JSON.parse(shown[0]!).choices[0].delta.content).toBe("BC");
    expect(shown[1]).toBe('{"error":{"message":"busy"}}');
  });

  test("half a piece at the end is no way round them", () => {
    const made = open();
    made.push(Buffer.from('data: {"choices":[{"index":1,"delta":{"content":"secret'));
    expect(made.finish(undefined).toString()).not.toContain("secret");
  });
});

test("each text has a transform of its own", () => {
  const made: string[] = [];
  const factory = (choice: number, field: string): TextTransform => {
    made.push(`${choice} ${field}`);
    return identity();
  };
  decoded(factory, [Buffer.from(STREAMS["openai-two"]! + STREAMS.kimi!)]);
  expect(made).toEqual(["0 content", "1 content"]);
  made.length = 0;
  decoded(factory, [Buffer.from(STREAMS.deepseek!)]);
  expect(made).toEqual(["0 reasoning", "0 content"]);
});

function isExtra(event: unknown): boolean {
  if (event === "[DONE]") return false;
  const { choices = [] } = event as { choices?: { delta?: object; finish_reason?: unknown }[] };
  return choices.length === 1 && Object.keys(choices[0]?.delta ?? { x: 1 }).length === 0 && !choices[0]?.finish_reason;
}
