import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fault } from "../../base/faults.ts";
import type { StreamFollower, TextTransform } from "../spec.ts";
import { AnthropicDecoder } from "./decoder.ts";
import { writeEvent } from "./events.ts";
import { AnthropicReader } from "./reader.ts";
import { AnthropicFollower } from "./stream.ts";

const OPTIONS = { dropUsage: false, eventBytes: 64 * 1024 };
const COST = { amount: "0.000123", currency: "USD" };

const start = writeEvent("message_start", {
  message: {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 12, cache_read_input_tokens: 3, output_tokens: 1 },
  },
}).toString();
const ping = 'event: ping\ndata: {"type": "ping"}\n\n';
const begin = (index: number, block: object): string =>
  writeEvent("content_block_start", { index, content_block: block }).toString();
const delta = (index: number, given: object): string =>
  writeEvent("content_block_delta", { index, delta: given }).toString();
const text = (index: number, written: string): string => delta(index, { type: "text_delta", text: written });
const stop = (index: number): string => writeEvent("content_block_stop", { index }).toString();
const reason = (why: string, usage: object = { output_tokens: 7 }): string =>
  writeEvent("message_delta", { delta: { stop_reason: why, stop_sequence: null }, usage }).toString();
const end = writeEvent("message_stop", {}).toString();
const textBlock = { type: "text", text: "" };
const hello = begin(0, textBlock) + text(0, 'hi "content_block_delta" 买') + stop(0);

interface Followed {
  readonly passed: string;
  readonly end: string;
  readonly seen: unknown;
}

function follow(follower: StreamFollower, stream: string, cuts: readonly number[] = [], cost = undefined as unknown) {
  const bytes = Buffer.from(stream);
  const edges = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  const passed: Buffer[] = [];
  for (let at = 1; at < edges.length; at++) {
    const went = follower.push(Buffer.from(bytes.subarray(edges[at - 1], edges[at])));
    if (went) passed.push(Buffer.from(went));
  }
  const last = follower.close?.();
  if (last) passed.push(last);
  const { usage, events, textBytes, ended, finished, fault } = follower;
  const seen = { usage, events, textBytes, ended, finished, fault: fault?.message };
  return {
    passed: Buffer.concat(passed).toString(),
    end: follower.finish(cost as never).toString(),
    seen,
  } satisfies Followed;
}

describe("a followed stream of Anthropic's protocol", () => {
  test("keeps the reason and the end back, and tells usage of both ends", () => {
    const stream = start + ping + hello + reason("end_turn") + ping + end;
    const { passed, end: last, seen } = follow(new AnthropicFollower(OPTIONS), stream);
    expect(passed).toBe(start + ping + hello);
    expect(last).toBe(reason("end_turn") + ping + end);
    expect(seen).toEqual({
      usage: { input: 12, cachedInput: 3, output: 7 },
      events: 1,
      textBytes: 28,
      ended: true,
      finished: true,
      fault: undefined,
    });
  });

  test("shows the cost in the last usage, and changes no other byte, however lines end", () => {
    for (const newline of ["\n", "\r\n", "\r"]) {
      const stream = (start + hello + reason("end_turn") + end).replaceAll("\n", newline).replaceAll("data: ", "data:");
      const { passed, end: last } = follow(new AnthropicFollower(OPTIONS), stream, [], COST);
      const shown = '"output_tokens":7,"cost":0.000123,"cost_currency":"USD"';
      expect(passed + last).toBe(stream.replace('"output_tokens":7', shown));
    }
  });

  test("an answer that goes on after a reason was not at its end", () => {
    const stream = start + hello + reason("pause_turn") + begin(1, textBlock) + stop(1) + reason("end_turn") + end;
    const { passed, end: last } = follow(new AnthropicFollower(OPTIONS), stream);
    expect([passed + last, last]).toEqual([stream, reason("end_turn") + end]);
  });

  test("a stream that ends without its end, or without a blank line, gets what clients wait for", () => {
    const whole = start + hello + reason("end_turn");
    const without = follow(new AnthropicFollower(OPTIONS), whole);
    expect(without.passed + without.end).toBe(whole + end);
    for (const missing of [1, 2]) {
      const cutShort = follow(new AnthropicFollower(OPTIONS), (whole + end).slice(0, -missing));
      expect(cutShort.passed + cutShort.end).toBe(whole + end);
      expect(cutShort.seen).toMatchObject({ ended: true, finished: true });
    }
    const half = follow(new AnthropicFollower(OPTIONS), start + hello.slice(0, -30));
    expect(half.seen).toMatchObject({ ended: false, finished: false });
    expect(half.end).toBe("");
  });

  test("an error inside the stream is the vendor's, and passes in its own words", () => {
    const error = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n';
    const early = new AnthropicFollower(OPTIONS);
    early.push(Buffer.from(start + error));
    expect(early.fault).toMatchObject({ errorClass: "overloaded", charged: "nothing" });
    const late = new AnthropicFollower(OPTIONS);
    expect(late.push(Buffer.from(start + hello + error))!.toString()).toBe(start + hello + error);
    expect(late.fault).toMatchObject({ errorClass: "overloaded", charged: "unknown" });
    expect(late.finish(undefined).toString()).toBe("");
  });

  test("stops cleanly: the open block, the reason, the end", () => {
    const follower = new AnthropicFollower(OPTIONS);
    follower.push(Buffer.from(start + begin(0, textBlock) + text(0, "six by")));
    expect(follower.stop().toString()).toBe(stop(0) + reason("max_tokens", { output_tokens: 2 }) + end);
    const whole = new AnthropicFollower(OPTIONS);
    whole.push(Buffer.from(start + hello + reason("tool_use")));
    expect(whole.stop().toString()).toBe(reason("tool_use") + end);
    const nothing = new AnthropicFollower(OPTIONS).stop().toString();
    expect(nothing.match(/event: \w+/g)).toEqual([
      "event: message_start",
      "event: message_delta",
      "event: message_stop",
    ]);
  });

  test("an error of Maidan's own has the protocol's shape", () => {
    const fault = new Fault("budget_exhausted", () => "no money", { details: { left: 5n } });
    const error = new AnthropicFollower(OPTIONS).error(fault, "no money").toString();
    expect(JSON.parse(error.slice(error.indexOf("{")))).toEqual({
      type: "error",
      error: { type: "billing_error", message: "no money", details: { left: "5", error_code: "budget_exhausted" } },
    });
    expect(error.startsWith("event: error\n")).toBe(true);
  });

  test("what blocks begin with counts, and what is no text does not", () => {
    const stream =
      start +
      begin(0, { type: "thinking", thinking: "ab", signature: "" }) +
      delta(0, { type: "signature_delta", signature: "RXFv" }) +
      stop(0) +
      begin(1, { type: "text", text: "abc" }) +
      delta(1, { type: "citations_delta", citation: { type: "char_location", cited_text: "long text" } }) +
      stop(1) +
      begin(2, { type: "tool_use", id: "a", name: "n", input: { a: 1 } }) +
      stop(2);
    const follower = new AnthropicFollower(OPTIONS);
    follower.push(Buffer.from(stream));
    expect([follower.textBytes, follower.events]).toEqual([2 + 3 + 7, 3]);
  });
});

const shout = (): TextTransform => {
  let held = "";
  return {
    push: (given) => {
      held += given;
      const free = held.slice(0, -3);
      held = held.slice(free.length);
      return free.toUpperCase();
    },
    end: () => `${held.toUpperCase()}!`,
  };
};

function textsOf(stream: string): Record<string, string> {
  const texts: Record<string, string> = {};
  const open = new Set<number>();
  for (const event of stream.split("\n\n").filter(Boolean)) {
    const read = JSON.parse(event.slice(event.indexOf("{")));
    if (read.type === "content_block_start") open.add(read.index);
    if (read.type === "content_block_stop") open.delete(read.index);
    if (read.type !== "content_block_delta") continue;
    expect(open.has(read.index)).toBe(true);
    const [[name, value]] = Object.entries(read.delta).filter(([key]) => key !== "type") as [[string, string]];
    texts[`${read.index}.${name}`] = (texts[`${read.index}.${name}`] ?? "") + value;
  }
  return texts;
}

describe("a decoded stream of Anthropic's protocol", () => {
  const stream =
    start +
    begin(0, { type: "thinking", thinking: "", signature: "" }) +
    delta(0, { type: "thinking_delta", thinking: "I wonder 🤔" }) +
    delta(0, { type: "signature_delta", signature: "RXFv" }) +
    stop(0) +
    begin(1, textBlock) +
    text(1, "hello ") +
    ping +
    text(1, "world 买单") +
    stop(1) +
    begin(2, { type: "tool_use", id: "a", name: "n", input: {} }) +
    delta(2, { type: "input_json_delta", partial_json: '{"text":"stays"}' }) +
    stop(2) +
    reason("tool_use") +
    end;

  test("rewrites texts inside their blocks, wherever the stream is cut; rewritten thinking loses its signature", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5_000), { maxLength: 10 }), (cuts) => {
        const decoder = new AnthropicDecoder(OPTIONS);
        decoder.transform(shout);
        const { passed, end: last } = follow(decoder, stream, cuts);
        expect(textsOf(passed + last)).toEqual({
          "0.thinking": "I WONDER 🤔!",
          "0.signature": "maidan.",
          "1.text": "HELLO WORLD 买单!",
          "2.partial_json": '{"text":"stays"}',
        });
        expect(last).toBe(reason("tool_use") + end);
      }),
    );
  });

  test("an event of several lines is read as one, and is spelled anew only where its text changed", () => {
    const lines = text(0, "data: hi there").replace(',"delta"', ',\ndata: "delta"');
    const split =
      start + begin(0, textBlock) + lines + stop(0) + reason("end_turn").replace(',"usage"', ',\ndata: "usage"') + end;
    const followed = follow(new AnthropicFollower(OPTIONS), split, [], COST);
    expect(followed.passed + followed.end).toBe(split);
    expect(followed.seen).toMatchObject({ textBytes: 14, finished: true, usage: { output: 7 } });
    const decoder = new AnthropicDecoder(OPTIONS);
    decoder.transform(shout);
    const { passed } = follow(decoder, split);
    expect(passed).toContain('"text":"DATA: HI TH"');
    expect(passed).toContain('"text":"ERE!"');
  });

  test("lets go what is held back before an early stop", () => {
    const decoder = new AnthropicDecoder(OPTIONS);
    decoder.transform(shout);
    const passed = decoder.push(Buffer.from(start + begin(0, textBlock) + text(0, "held")))!.toString();
    expect(textsOf(passed + decoder.stop().toString())).toEqual({ "0.text": "HELD!" });
  });

  test("a stream that nothing rewrites is the follower's", () => {
    const same = { push: (given: string) => given, end: () => "" };
    const decoder = new AnthropicDecoder(OPTIONS);
    decoder.transform(() => same);
    const { passed, end: last } = follow(decoder, stream);
    expect(passed + last).toBe(stream);
  });
});

describe("a stream of Anthropic's protocol, read", () => {
  const stream = [
    start,
    ping,
    start, // some send it twice
    begin(0, { type: "thinking", thinking: "", signature: "" }),
    delta(0, { type: "thinking_delta", thinking: "想" }),
    delta(0, { type: "signature_delta", signature: "RX" }),
    delta(0, { type: "signature_delta", signature: "Fv" }),
    stop(0),
    begin(1, { type: "redacted_thinking", data: "ZGF0" }),
    stop(1),
    begin(2, textBlock),
    text(2, "你好 🌏"),
    delta(2, { type: "citations_delta", citation: {} }),
    stop(2),
    begin(3, { type: "server_tool_use", id: "s", name: "web_search", input: {} }),
    delta(3, { type: "input_json_delta", partial_json: "{}" }),
    stop(3),
    begin(4, { type: "tool_use", id: "a", name: "one", input: {} }),
    delta(4, { type: "input_json_delta", partial_json: "" }),
    stop(4),
    begin(5, { type: "tool_use", id: "b", name: "two", input: {} }),
    delta(5, { type: "input_json_delta", partial_json: '{"x"' }),
    delta(5, { type: "input_json_delta", partial_json: ":1}" }),
    stop(5),
    reason("tool_use", { output_tokens: 7, output_tokens_details: { thinking_tokens: 2 } }),
    end,
  ].join("");
  const usage = { input: 12, cachedInput: 3 };
  const pieces = [
    { type: "start", id: "msg_1", model: "claude" },
    { type: "usage", usage },
    { type: "usage", usage },
    { type: "reasoning-delta", choice: 0, text: "想" },
    { type: "reasoning-end", choice: 0, signature: "anthropic:RXFv" },
    { type: "reasoning-end", choice: 0, redacted: "anthropic:ZGF0" },
    { type: "text-delta", choice: 0, text: "你好 🌏" },
    { type: "tool-call-start", choice: 0, index: 0, id: "a", name: "one" },
    { type: "tool-call-delta", choice: 0, index: 0, text: "{}" },
    { type: "tool-call-start", choice: 0, index: 1, id: "b", name: "two" },
    { type: "tool-call-delta", choice: 0, index: 1, text: '{"x"' },
    { type: "tool-call-delta", choice: 0, index: 1, text: ":1}" },
    { type: "usage", usage: { ...usage, output: 5, reasoning: 2 } },
    { type: "finish", choice: 0, reason: "tool_calls" },
    { type: "end" },
  ];

  test("is the same pieces at every cut", () => {
    const bytes = Buffer.from(stream);
    const whole = new AnthropicReader(OPTIONS);
    expect([...whole.push(bytes), ...whole.end()]).toEqual(pieces);
    for (let at = 0; at < bytes.length; at++) {
      const reader = new AnthropicReader(OPTIONS);
      const read = [...reader.push(bytes.subarray(0, at)), ...reader.push(bytes.subarray(at)), ...reader.end()];
      expect(read).toEqual(pieces);
    }
    const slow = new AnthropicReader(OPTIONS);
    expect([...bytes].flatMap((byte) => slow.push(Buffer.from([byte])))).toEqual(pieces);
  });

  test.each([
    ["end_turn", { reason: "stop" }],
    ["max_tokens", { reason: "length" }],
    ["refusal", { reason: "content_filter" }],
    ["pause_turn", { reason: "stop", raw: "pause_turn" }],
    ["model_context_window_exceeded", { reason: "length", raw: "model_context_window_exceeded" }],
    ["gave_up", { reason: "error", raw: "gave_up" }],
  ])("%s finishes with %j", (why, finish) => {
    const reader = new AnthropicReader(OPTIONS);
    const read = reader.push(Buffer.from(start + hello + reason(why)));
    expect(read.find((piece) => piece.type === "finish")).toEqual({ type: "finish", choice: 0, ...finish });
  });

  test("an error in the middle is a fault, and half an answer has no finish", () => {
    const error = 'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"oops"}}\n\n';
    const reader = new AnthropicReader(OPTIONS);
    const read = reader.push(Buffer.from(start + hello + error));
    expect(read.at(-1)).toMatchObject({ type: "fault", fault: { errorClass: "server_error", charged: "unknown" } });
    const half = new AnthropicReader(OPTIONS);
    const some = [...half.push(Buffer.from(start + hello.slice(0, -40))), ...half.end()];
    expect(some.some((piece) => piece.type === "finish" || piece.type === "end")).toBe(false);
  });
});
