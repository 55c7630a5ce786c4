import { describe, expect, test } from "vitest";
import { Fault } from "../../base/faults.ts";
import type { StreamFollower, TextTransform } from "../spec.ts";
import { ResponsesDecoder } from "./decoder.ts";
import { transformAnswer } from "./response-texts.ts";
import { ResponsesFollower } from "./stream.ts";

/** Streams that pass untouched, or with their texts rewritten, where they do not go their usual way. */

const OPTIONS = { dropUsage: false, eventBytes: 100_000 };
let number = 0;
const event = (type: string, fields: object): string => {
  const document = { type, sequence_number: number++, ...fields };
  return `event: ${type}\ndata: ${JSON.stringify(document)}\n\n`;
};
/** Events numbered from 0. */
function numbered(make: () => readonly string[]): readonly string[] {
  number = 0;
  return make();
}

// biome-ignore lint/suspicious/noExplicitAny: events are looked at as clients see them
type Loose = any;
const eventsOf = (stream: string): Loose[] =>
  stream
    .split("\n\n")
    .filter(Boolean)
    .map((one) => JSON.parse(one.slice(one.indexOf("{"))));

const RESPONSE = { id: "resp_1", object: "response", status: "in_progress", output: [], usage: null };
const USAGE = { input_tokens: 5, output_tokens: 4, total_tokens: 9 };
const message = (text: string, more: object = {}) => ({
  id: "msg_1",
  type: "message",
  role: "assistant",
  content: [{ type: "output_text", text, annotations: [] }],
  ...more,
});
const AT = { item_id: "msg_1", output_index: 1, content_index: 0 };

const BEGIN = () => [
  event("response.created", { response: RESPONSE }),
  event("response.output_item.added", {
    output_index: 0,
    item: { id: "fc_1", type: "function_call", name: "f", call_id: "c", arguments: "" },
  }),
  event("response.function_call_arguments.delta", { item_id: "fc_1", output_index: 0, delta: "{}" }),
  event("response.output_item.done", {
    output_index: 0,
    item: { id: "fc_1", type: "function_call", name: "f", call_id: "c", arguments: "{}" },
  }),
  event("response.output_item.added", { output_index: 1, item: message("", { content: [] }) }),
  event("response.output_text.delta", { ...AT, delta: "Guten " }),
  event("response.output_text.delta", { ...AT, delta: "Tag 🌏" }),
];
const END = (usage: object | null = USAGE) => [
  event("response.output_text.done", { ...AT, text: "Guten Tag 🌏" }),
  event("response.content_part.done", { ...AT, part: message("Guten Tag 🌏").content[0] }),
  event("response.output_item.done", { output_index: 1, item: message("Guten Tag 🌏") }),
  event("response.completed", {
    response: { ...RESPONSE, status: "completed", output: [message("Guten Tag 🌏")], usage },
  }),
];

function feed(follower: StreamFollower, events: readonly string[]): string {
  return events.map((one) => follower.push(Buffer.from(one))?.toString() ?? "").join("");
}

describe("a response that passes", () => {
  test("its early end tells all that was written", () => {
    const follower = new ResponsesFollower(OPTIONS);
    const begin = numbered(BEGIN);
    expect(feed(follower, begin)).toBe(begin.join(""));
    const events = eventsOf(follower.stop().toString());
    const half = { ...message("Guten Tag 🌏"), status: "incomplete" };
    expect(events).toMatchObject([
      { type: "response.output_item.done", output_index: 1, item: half, sequence_number: 7 },
      {
        type: "response.incomplete",
        sequence_number: 8,
        response: {
          id: "resp_1",
          status: "incomplete",
          incomplete_details: { reason: "max_output_tokens" },
          output: [{ type: "function_call", arguments: "{}" }, half],
        },
      },
    ]);
  });

  test("of an output that is too long to keep, the early end tells nothing", () => {
    const follower = new ResponsesFollower({ ...OPTIONS, eventBytes: 600 });
    feed(follower, numbered(BEGIN));
    const more = numbered(() =>
      Array.from({ length: 8 }, () => event("response.output_text.delta", { ...AT, delta: "x".repeat(100) })),
    );
    feed(follower, more);
    expect(eventsOf(follower.stop().toString())).toMatchObject([
      { type: "response.incomplete", response: { output: [] } },
    ]);
  });

  test("the cost stands in the usage of its last event, and all else as it came", () => {
    for (const cost of ["", ',"cost":9,"cost_currency":"EUR"']) {
      const usage = JSON.parse(JSON.stringify(USAGE).replace("}", `${cost}}`));
      const events = numbered(() => [...BEGIN(), ...END(usage)]);
      const follower = new ResponsesFollower(OPTIONS);
      const whole =
        feed(follower, [...events, "data: [DONE]\n\n"]) + follower.finish({ amount: "0.25", currency: "CNY" });
      const last = events.at(-1)!;
      const priced = JSON.stringify(USAGE).replace("}", ',"cost":0.25,"cost_currency":"CNY"}');
      expect(whole).toBe(
        `${events.slice(0, -1).join("")}${last.replace(JSON.stringify(usage), priced)}data: [DONE]\n\n`,
      );
    }
    const silent = new ResponsesFollower(OPTIONS);
    const events = numbered(() => [...BEGIN(), ...END(null)]);
    expect(feed(silent, events) + silent.finish({ amount: "1", currency: "CNY" })).toBe(events.join(""));
    expect([silent.usage, silent.finished]).toEqual([undefined, true]);
  });

  test("a failure waits for the ledger, is no end, and goes in the vendor's own words", () => {
    const error = { code: "server_error", message: "Oops." };
    const failures = [
      () => [
        event("error", { ...error, param: null }),
        event("response.failed", { response: { ...RESPONSE, status: "failed", error } }),
      ],
      () => [event("response.failed", { response: { ...RESPONSE, status: "failed", error, usage: USAGE } })],
      () => ['data: {"error":{"message":"Oops.","code":"server_error"}}\n\n'],
    ];
    for (const failure of failures) {
      const events = numbered(() => [...BEGIN(), ...failure()]);
      const begin = numbered(BEGIN).join("");
      for (const follower of [new ResponsesFollower(OPTIONS), new ResponsesDecoder(OPTIONS)]) {
        expect(feed(follower, events)).toBe(begin);
        expect(follower).toMatchObject({ finished: false, fault: { errorClass: "server_error", charged: "unknown" } });
        expect(follower.finish(undefined).toString()).toBe(events.join("").slice(begin.length));
      }
    }
  });

  test("an error of Maidan's ends it as OpenAI does, with what was written", () => {
    const follower = new ResponsesFollower(OPTIONS);
    feed(follower, numbered(BEGIN));
    const events = eventsOf(follower.error(new Fault("timeout", () => "late"), "late").toString());
    expect(events).toMatchObject([
      { type: "error", sequence_number: 7, error: { code: "timeout", message: "late" } },
      {
        type: "response.failed",
        sequence_number: 8,
        response: { id: "resp_1", error: { code: "timeout" }, output: [{}, {}] },
      },
    ]);
  });

  test("an event that came without its blank line is passed on when the vendor closes", () => {
    const events = numbered(() => [...BEGIN(), ...END()]);
    for (const follower of [new ResponsesFollower(OPTIONS), new ResponsesDecoder(OPTIONS)]) {
      const passed = feed(follower, [events.join("").trimEnd()]);
      expect([follower.close()?.toString(), follower.ended]).toEqual([undefined, true]);
      expect(passed + follower.finish(undefined)).toBe(events.join("").trimEnd());
    }
    const cut = new ResponsesFollower(OPTIONS);
    const [first = "", second = ""] = events;
    expect(feed(cut, [first + second.trimEnd()]) + cut.close()).toBe(first + second);
    expect(cut.ended).toBe(false);
  });
});

/** Holds back the last four characters. */
function trailing(): TextTransform {
  let held = "";
  return {
    push: (text) => {
      const all = held + text.toUpperCase();
      held = all.slice(-4);
      return all.slice(0, -4);
    },
    end: () => `${held}!`,
  };
}

describe("a response whose texts are rewritten", () => {
  const open = (): ResponsesDecoder => {
    const decoder = new ResponsesDecoder(OPTIONS);
    decoder.transform(trailing);
    return decoder;
  };
  const written = (events: readonly Loose[]): string =>
    events.map(({ type, delta }) => (type === "response.output_text.delta" ? delta : "")).join("");

  test("what was held back goes out before its text is told whole, and later events are numbered after it", () => {
    const decoder = open();
    const passed = feed(
      decoder,
      numbered(() => [...BEGIN(), ...END()]),
    );
    const events = eventsOf(passed + decoder.finish(undefined));
    expect(written(events)).toBe("GUTEN TAG 🌏!");
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index));
    expect(events.at(-1).response.output[0].content[0].text).toBe("GUTEN TAG 🌏!".toString());
    expect(decoder).toMatchObject({ ended: true, finished: true, usage: { input: 5, output: 4 }, events: 3 });
    // What the vendor wrote is counted, not what was made of it.
    expect(decoder.textBytes).toBe(Buffer.byteLength("f{}Guten Tag 🌏"));
  });

  test("where its parts are told whole at the end only, it is rewritten there", () => {
    const decoder = open();
    const events = numbered(() => [BEGIN()[0]!, ...END().slice(3)]);
    const whole = eventsOf(feed(decoder, events) + decoder.finish(undefined));
    expect(whole.at(-1).response.output[0].content[0].text).toBe("GUTEN TAG 🌏!");
  });

  test("what was held back is told before an early end, and before an error", () => {
    const stopped = open();
    const events = eventsOf(feed(stopped, numbered(BEGIN)) + stopped.stop());
    expect(written(events)).toBe("GUTEN TAG 🌏!");
    expect(events.at(-1).response.output[1].content[0].text).toBe("GUTEN TAG 🌏!");
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index));
    const failed = open();
    const failure = numbered(() => [...BEGIN(), event("error", { code: "server_error", message: "Oops." })]);
    const last = eventsOf(feed(failed, failure) + failed.finish(undefined));
    expect([written(last), last.at(-1).type]).toEqual(["GUTEN TAG 🌏!", "error"]);
    const broken = open();
    const end = eventsOf(feed(broken, numbered(BEGIN)) + broken.error(new Fault("timeout", () => "late"), "late"));
    expect([written(end), end.at(-1).type]).toEqual(["GUTEN TAG 🌏!", "response.failed"]);
  });

  test("reasoning and refusals are texts of their own; calls are none", () => {
    const made: string[] = [];
    const body = {
      output: [
        {
          type: "reasoning",
          summary: [{ type: "summary_text", text: "a" }],
          content: [{ type: "reasoning_text", text: "b" }],
        },
        {
          type: "message",
          content: [
            { type: "output_text", text: "c" },
            { type: "refusal", refusal: "d" },
          ],
        },
        { type: "function_call", arguments: '{"text":"e"}' },
        { type: "web_search_call", action: { query: "f" } },
      ],
    };
    const changed = transformAnswer(Buffer.from(JSON.stringify(body)), (_choice, field) => {
      made.push(field);
      return { push: (text) => text.toUpperCase(), end: () => "" };
    });
    expect(made).toEqual(["reasoning", "reasoning", "content", "content"]);
    expect(changed.toString()).toBe(
      JSON.stringify(body).replace(
        /"(text|refusal)":"([abcd])"/g,
        (_all, name, text) => `"${name}":"${text.toUpperCase()}"`,
      ),
    );
  });
});

test("a vendor that counts its output as it likes does not make a list of a billion places", () => {
  const item = { type: "function_call", id: "i", arguments: "" };
  const events = numbered(() => [
    event("response.created", { response: RESPONSE }),
    event("response.output_item.added", { output_index: 3, item }),
    event("response.output_item.done", { output_index: 1_000_000_000, item: { ...item, id: "last" } }),
    event("response.output_item.done", { output_index: 0.5, item: { ...item, id: "first" } }),
  ]);
  const follower = new ResponsesFollower(OPTIONS);
  follower.push(Buffer.from(events.join("")));
  const { output } = eventsOf(follower.stop().toString()).at(-1).response;
  expect(output.map(({ id }: Loose) => id)).toEqual(["first", "i", "last"]);
});
