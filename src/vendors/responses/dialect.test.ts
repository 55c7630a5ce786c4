import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fault } from "../../base/faults.ts";
import { DEFAULT_LIMITS } from "../../base/limits.ts";
import type { AnswerPiece, FinishReason } from "../answer-pieces.ts";
import { responsesDialect } from "./dialect.ts";
import { ResponsesReader, readPieces } from "./reader.ts";
import { readRequest } from "./request.ts";
import { readSignature } from "./signatures.ts";

const TOOLS = [
  { type: "function", name: "look_up" },
  { type: "custom", name: "apply_patch" },
  { type: "namespace", name: "mcp__files", tools: [{ type: "function", name: "read" }] },
];
const request = readRequest(
  Buffer.from(JSON.stringify({ model: "m", input: "hi", stream: true, instructions: "i", tools: TOOLS })),
  DEFAULT_LIMITS,
);
const naming = { call: "call_1", model: "lab/mini", at: 5_000 };
const USAGE = { input: 7, cachedInput: 2, output: 3, reasoning: 1 };

const text = (words: string, choice = 0): AnswerPiece => ({ type: "text-delta", choice, text: words });
const thought = (words: string): AnswerPiece => ({ type: "reasoning-delta", choice: 0, text: words });
const call = (index: number, name: string): AnswerPiece => ({
  type: "tool-call-start",
  choice: 0,
  index,
  id: `c${index}`,
  name,
});
const given = (index: number, json: string): AnswerPiece => ({ type: "tool-call-delta", choice: 0, index, text: json });
const finish = (reason: FinishReason, more = {}): AnswerPiece => ({ type: "finish", choice: 0, reason, ...more });

// biome-ignore lint/suspicious/noExplicitAny: answers are looked at as clients see them
type Loose = any;

function whole(pieces: readonly AnswerPiece[]): Loose {
  const usage: AnswerPiece = { type: "usage", usage: USAGE };
  return JSON.parse(responsesDialect.writeAnswer(request, [...pieces, usage], naming).toString());
}

function stream(pieces: readonly AnswerPiece[]): string {
  const writer = responsesDialect.writeStream(request, naming);
  const written = pieces.map((piece) => writer.write(piece)?.toString() ?? "").join("");
  return written + writer.finish(USAGE, { amount: "0.5", currency: "CNY" }).toString();
}

function eventsOf(written: string): Loose[] {
  const events = written
    .split("\n\n")
    .filter(Boolean)
    .map((event) => {
      const read = JSON.parse(event.slice(event.indexOf("{")));
      expect(event.startsWith(`event: ${read.type}\ndata: `)).toBe(true);
      return read;
    });
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index));
  return events;
}

/** The output that a client puts together from a stream; every item is opened, written to and closed once. */
function gather(events: readonly Loose[]): Loose[] {
  const output: Loose[] = [];
  const closed = new Set<number>();
  for (const event of events) {
    const { type, output_index: place, delta } = event;
    if (place === undefined) continue;
    expect(closed.has(place)).toBe(false);
    if (type === "response.output_item.added") {
      expect(place).toBe(output.length);
      output.push({ item: event.item, text: "" });
      continue;
    }
    if (type === "response.output_item.done") {
      closed.add(place);
      expect(event.item.id).toBe(output[place].item.id);
      expect(textOf(event.item)).toBe(output[place].text || (event.item.type === "function_call" ? "{}" : ""));
      output[place] = event.item;
      continue;
    }
    expect(event.item_id).toBe(output[place].item.id);
    if (delta !== undefined) output[place].text += delta;
  }
  expect(closed.size).toBe(output.length);
  return output;
}

const textOf = (item: Loose): string =>
  item.arguments ?? item.input ?? [...(item.content ?? []), ...(item.summary ?? [])].map((part) => part.text).join("");

const TURN: readonly AnswerPiece[] = [
  { type: "start", id: "vendor-1", model: "big", created: 9 },
  thought("先想"),
  thought(" 🤔"),
  { type: "reasoning-end", choice: 0, signature: "sig" },
  text("Look"),
  text("ing."),
  call(0, "look_up"),
  given(0, '{"city":'),
  given(0, '"北京"}'),
  call(1, "apply_patch"),
  given(1, '{"input":"*** Begin\\n'),
  given(1, '中文"}'),
  call(2, "mcp__files__read"),
  finish("tool_calls"),
];

describe("an answer in this dialect", () => {
  test("is whole and streamed the same", () => {
    const events = eventsOf(stream(TURN));
    const last = events.at(-1);
    const answer = whole(TURN);
    expect(gather(events)).toEqual(answer.output);
    expect(last.type).toBe("response.completed");
    expect(last.response).toEqual({ ...answer, usage: { ...answer.usage, cost: 0.5, cost_currency: "CNY" } });
    expect(events.slice(0, 2).map(({ type }) => type)).toEqual(["response.created", "response.in_progress"]);
    expect(answer).toMatchObject({
      id: "resp_1",
      object: "response",
      created_at: 9,
      model: "big",
      status: "completed",
      store: false,
      instructions: "i",
      usage: {
        input_tokens: 9,
        input_tokens_details: { cached_tokens: 2 },
        output_tokens: 4,
        output_tokens_details: { reasoning_tokens: 1 },
        total_tokens: 13,
      },
    });
  });

  test("calls are those of the client's own tools", () => {
    const [, , plain, custom, inNamespace] = whole(TURN).output;
    expect(plain).toMatchObject({
      type: "function_call",
      call_id: "c0",
      name: "look_up",
      arguments: '{"city":"北京"}',
    });
    expect(custom).toMatchObject({
      type: "custom_tool_call",
      call_id: "c1",
      name: "apply_patch",
      input: "*** Begin\n中文",
    });
    expect(inNamespace).toMatchObject({
      type: "function_call",
      name: "read",
      namespace: "mcp__files",
      arguments: "{}",
    });
  });

  test("what the vendor wants back with its reasoning comes back", () => {
    const { encrypted_content: content } = whole(TURN).output[0];
    expect(readSignature(content)).toEqual({ signature: "sig" });
    const [redacted] = whole([{ type: "reasoning-end", choice: 0, redacted: "r" }, text("a"), finish("stop")]).output;
    expect([redacted.summary, readSignature(redacted.encrypted_content)]).toEqual([[], { redacted: "r" }]);
    expect(readSignature("gAAAA")).toBeUndefined();
  });

  test("calls that are written a piece in turn keep their own arguments", () => {
    const pieces = [
      call(0, "look_up"),
      given(0, '{"a"'),
      call(1, "look_up"),
      given(1, '{"b"'),
      text("So "),
      given(0, ":1}"),
      text("far."),
      given(1, ":2}"),
      finish("tool_calls"),
    ];
    const output = gather(eventsOf(stream(pieces)));
    expect(output.map(textOf)).toEqual(['{"a":1}', '{"b":2}', "So far."]);
    expect(whole(pieces).output.map(textOf).sort()).toEqual(output.map(textOf).sort());
  });

  test("a call is closed as soon as its arguments are whole and the next item begins", () => {
    const writer = responsesDialect.writeStream(request, naming);
    writer.write(call(0, "look_up"));
    writer.write(given(0, "{}"));
    expect(writer.write(call(1, "look_up"))!.toString()).toContain("response.output_item.done");
  });

  test.each([
    ["length", "incomplete", { reason: "max_output_tokens" }, null],
    ["content_filter", "incomplete", { reason: "content_filter" }, null],
    ["error", "failed", null, { code: "server_error", message: expect.stringContaining("network_error") }],
  ] as const)("an answer that ended by %s is %s, and never whole", (reason, status, incomplete, error) => {
    const pieces = [text("Some"), finish(reason, { raw: "network_error" })];
    const events = eventsOf(stream(pieces));
    const expected = { status, incomplete_details: incomplete, error, output: [{ status: "incomplete" }] };
    expect(whole(pieces)).toMatchObject(expected);
    expect(events.at(-1)).toMatchObject({ type: `response.${status}`, response: expected });
    expect(gather(events)).toEqual(events.at(-1).response.output);
  });

  test("an answer without an end is never whole", () => {
    expect(whole([text("Some")]).status).toBe("failed");
    expect(eventsOf(stream([text("Some")])).at(-1).type).toBe("response.failed");
  });

  test("other choices than the first are not shown", () => {
    const pieces = [text("one"), text("two", 1), finish("stop")];
    expect(gather(eventsOf(stream(pieces))).map(textOf)).toEqual(["one"]);
    expect(whole(pieces).output.map(textOf)).toEqual(["one"]);
  });

  test("an early stop closes what is open; an error ends the response as OpenAI does", () => {
    const open = () => {
      const writer = responsesDialect.writeStream(request, naming);
      const head = writer.write(text("Some"))!.toString();
      return { writer, head };
    };
    const stopped = open();
    const events = eventsOf(stopped.head + stopped.writer.stop(USAGE).toString());
    expect(gather(events)).toEqual(events.at(-1).response.output);
    expect(events.at(-1)).toMatchObject({ type: "response.incomplete", response: { usage: { input_tokens: 9 } } });
    const failed = open();
    const fault = new Fault("rate_limit_exceeded", () => "slow down");
    const [error, last] = eventsOf(failed.head + failed.writer.error(fault, "slow down").toString()).slice(-2);
    expect(error).toMatchObject({
      type: "error",
      code: "rate_limit_exceeded",
      message: "slow down",
      error: { type: "rate_limit_error", code: "rate_limit_exceeded", message: "slow down" },
    });
    expect(last).toMatchObject({
      type: "response.failed",
      response: { status: "failed", error: { code: "rate_limit_exceeded", message: "slow down" } },
    });
  });

  test("what is written is read as what it was, by any order of its pieces", () => {
    const words = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 });
    const one = fc.oneof(
      words.map((said) => text(said)),
      words.map((said) => thought(said)),
    );
    const argument = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 }).map((value) => JSON.stringify(value));
    const calls = fc.array(fc.tuple(fc.constantFrom("look_up", "apply", "mcp__files__read"), argument), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 8 }), calls, (said, called) => {
        const pieces = [
          ...said,
          ...called.flatMap(([name, json], index) => [
            call(index, name),
            ...[...json].map((character) => given(index, character)),
          ]),
          finish(called.length > 0 ? "tool_calls" : "stop"),
        ];
        const reader = new ResponsesReader({ eventBytes: 1_000_000 });
        const streamed = reader.push(Buffer.from(stream(pieces)));
        const buffered = readPieces("chat", Buffer.from(JSON.stringify(whole(pieces))));
        for (const read of [streamed, buffered]) expect(summaryOf(read)).toEqual(summaryOf(pieces));
      }),
    );
  });
});

/** All that an answer says: texts by their kind, calls with the client's names and their arguments, the finish. */
function summaryOf(pieces: readonly AnswerPiece[]): unknown {
  const said = { text: "", thought: "", calls: [] as { name: string; given: string }[], finish: "" };
  for (const piece of pieces) {
    if (piece.type === "text-delta") said.text += piece.text;
    else if (piece.type === "reasoning-delta") said.thought += piece.text;
    else if (piece.type === "tool-call-start") {
      said.calls.push({ name: piece.name.replace("mcp__files__", ""), given: "" });
    } else if (piece.type === "tool-call-delta") said.calls[piece.index]!.given += piece.text;
    else if (piece.type === "finish") said.finish = piece.reason;
  }
  return said;
}
