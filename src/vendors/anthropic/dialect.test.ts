import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fault } from "../../base/faults.ts";
import { DEFAULT_LIMITS } from "../../base/limits.ts";
import type { AnswerPiece } from "../answer-pieces.ts";
import { anthropicDialect } from "./dialect.ts";
import { errorBody } from "./errors.ts";
import { readCallId, readCallSignature, writeCallId } from "./marks.ts";
import { AnthropicReader, readPieces } from "./reader.ts";
import { readRequest } from "./request.ts";

const request = readRequest(
  Buffer.from('{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hello there"}]}'),
  DEFAULT_LIMITS,
);
const naming = { call: "call1", model: "lab/mini", at: 0 };

function stream(pieces: readonly AnswerPiece[], usage = undefined as never): string {
  const writer = anthropicDialect.writeStream(request, naming);
  const written = pieces.map((piece) => writer.write(piece)?.toString() ?? "").join("");
  return written + writer.finish(usage, { amount: "0.5", currency: "CNY" }).toString();
}

// biome-ignore lint/suspicious/noExplicitAny: events are looked at as clients see them
const eventsOf = (written: string): any[] =>
  written
    .split("\n\n")
    .filter(Boolean)
    .map((event) => {
      const read = JSON.parse(event.slice(event.indexOf("{")));
      expect(event.startsWith(`event: ${read.type}\ndata: `)).toBe(true);
      return read;
    });

const text = (given: string): AnswerPiece => ({ type: "text-delta", choice: 0, text: given });
const call = (index: number, id: string, signature?: string): AnswerPiece => ({
  type: "tool-call-start",
  choice: 0,
  index,
  id,
  name: `tool${index}`,
  ...(signature !== undefined && { signature }),
});
const given = (index: number, json: string): AnswerPiece => ({
  type: "tool-call-delta",
  choice: 0,
  index,
  text: json,
});
const finish = (reason: "stop" | "tool_calls" | "length" | "content_filter" | "error", more = {}): AnswerPiece => ({
  type: "finish",
  choice: 0,
  reason,
  ...more,
});

/** The message that a client puts together from a stream, with blocks one after the other as the protocol has them. */
function gather(written: string): Record<string, unknown> & { content: unknown[] } {
  let message: Record<string, unknown> = {};
  // biome-ignore lint/suspicious/noExplicitAny: blocks are looked at as clients see them
  const content: any[] = [];
  let open: number | undefined;
  let json = "";
  for (const event of eventsOf(written)) {
    if (event.type === "message_start") message = event.message;
    else if (event.type === "content_block_start") {
      expect([open, event.index]).toEqual([undefined, content.length]);
      open = event.index;
      content.push({ ...event.content_block });
      json = "";
    } else if (event.type === "content_block_delta") {
      expect(event.index).toBe(open);
      const { type, ...rest } = event.delta;
      const block = content.at(-1);
      if (type === "input_json_delta") json += rest.partial_json;
      else for (const [name, value] of Object.entries(rest)) block[name] += value;
    } else if (event.type === "content_block_stop") {
      expect(event.index).toBe(open);
      open = undefined;
      if (json !== "") content.at(-1).input = JSON.parse(json);
    } else if (event.type === "message_delta") {
      expect(open).toBeUndefined();
      message = { ...message, ...event.delta, usage: event.usage };
    }
  }
  return { ...message, content };
}

describe("an answer in Anthropic's dialect", () => {
  const pieces: AnswerPiece[] = [
    { type: "start", id: "chatcmpl-1", model: "deepseek" },
    { type: "reasoning-delta", choice: 0, text: "想" },
    { type: "reasoning-delta", choice: 0, text: "一想" },
    { type: "reasoning-end", choice: 0, signature: "sig" },
    text("你好"),
    text(" 🌏"),
    call(0, "functions.look:0", "thought"),
    given(0, '{"a"'),
    given(0, ":1}"),
    call(1, "call_1"),
    given(1, "{}"),
    { type: "text-delta", choice: 1, text: "of another choice" },
    finish("tool_calls"),
    { type: "usage", usage: { input: 5, cachedInput: 3, cacheWrite1h: 2, output: 4, reasoning: 6 } },
  ];
  const usage = { input: 5, cachedInput: 3, cacheWrite1h: 2, output: 4, reasoning: 6 };

  test("is the same streamed and buffered", () => {
    const buffered = JSON.parse(anthropicDialect.writeAnswer(request, pieces, naming).toString());
    const streamed = gather(stream(pieces, usage as never));
    const { cost, cost_currency, ...counted } = streamed.usage as Record<string, unknown>;
    expect([cost, cost_currency]).toEqual([0.5, "CNY"]);
    expect({ ...streamed, usage: counted }).toEqual(buffered);
    expect(buffered).toEqual({
      id: "chatcmpl-1",
      type: "message",
      role: "assistant",
      model: "deepseek",
      content: [
        { type: "thinking", thinking: "想一想", signature: "maidan.sig" },
        { type: "text", text: "你好 🌏" },
        { type: "redacted_thinking", data: expect.stringMatching(/^maidan\.call\./) },
        { type: "tool_use", id: writeCallId("functions.look:0"), name: "tool0", input: { a: 1 } },
        { type: "tool_use", id: "call_1", name: "tool1", input: {} },
      ],
      stop_reason: "tool_use",
      stop_sequence: null,
      usage: {
        input_tokens: 5,
        cache_creation_input_tokens: 2,
        cache_read_input_tokens: 3,
        cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 2 },
        output_tokens: 10,
        output_tokens_details: { thinking_tokens: 6 },
        server_tool_use: null,
        service_tier: null,
      },
    });
    expect(readCallSignature(buffered.content[2].data)).toEqual({ id: "functions.look:0", signature: "thought" });
  });

  test("begins with a guess of the input, and ends with a guess of the output where nothing was reported", () => {
    const [begin, ...rest] = eventsOf(stream([text("four tokens?"), finish("stop")]));
    expect(begin.message.usage).toMatchObject({ input_tokens: request.inputTokens.estimate, output_tokens: 0 });
    expect(begin.message).toMatchObject({ id: "msg_call1", model: "lab/mini", stop_reason: null });
    expect(rest.at(-2).usage).toMatchObject({ input_tokens: request.inputTokens.estimate, output_tokens: 4 });
  });

  test.each([
    [finish("stop"), "end_turn", null],
    [finish("stop", { stopSequence: "END" }), "stop_sequence", "END"],
    [finish("stop", { raw: "pause_turn" }), "pause_turn", null],
    [finish("length"), "max_tokens", null],
    [finish("tool_calls"), "tool_use", null],
    [finish("content_filter"), "refusal", null],
    // What broke off is never taken for whole.
    [finish("error", { raw: "network_error" }), "max_tokens", null],
    [undefined, "max_tokens", null],
  ])("%j is %s", (end, stop_reason, stop_sequence) => {
    const all = [text("a"), ...(end ? [end] : [])];
    expect(gather(stream(all))).toMatchObject({ stop_reason, stop_sequence });
    expect(JSON.parse(anthropicDialect.writeAnswer(request, all, naming).toString())).toMatchObject({
      stop_reason,
      stop_sequence,
    });
  });

  test("calls that a vendor mixes are written one after the other", () => {
    const mixed = [
      call(0, "a"),
      call(1, "b"),
      given(1, '{"b":'),
      given(0, '{"a":'),
      call(2, "c"),
      given(0, "1}"),
      given(1, "2}"),
      given(2, '{"c":3}'),
      finish("tool_calls"),
    ];
    expect(gather(stream(mixed)).content).toMatchObject([
      { id: "a", input: { a: 1 } },
      { id: "b", input: { b: 2 } },
      { id: "c", input: { c: 3 } },
    ]);
    const bare = [call(0, "a"), call(1, "b"), given(1, "{}"), finish("tool_calls")];
    expect(gather(stream(bare)).content).toMatchObject([{ id: "a" }, { id: "b", input: {} }]);
  });

  test("stops early with its blocks closed, and tells an error as the protocol does", () => {
    const writer = anthropicDialect.writeStream(request, naming);
    const begun = writer.write(text("half"))!.toString();
    expect(gather(begun + writer.stop({ input: 3 }).toString())).toMatchObject({
      content: [{ type: "text", text: "half" }],
      stop_reason: "max_tokens",
      usage: { input_tokens: 3 },
    });
    const fault = new Fault("rate_limit_exceeded", () => "slow");
    expect(eventsOf(writer.error(fault, "slow").toString())).toMatchObject([
      { type: "error", error: { type: "rate_limit_error", message: "slow" } },
    ]);
  });

  test("is read back as it was written, with any pieces", () => {
    const word = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 });
    const id = fc.oneof(fc.constantFrom("functions.a:0", "call-1", "maidan_x", "é"), word);
    const turn = fc.oneof(
      fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.map(text)),
      fc
        .tuple(fc.array(word, { minLength: 1, maxLength: 3 }), fc.option(fc.base64String(), { nil: undefined }))
        .map(([words, signature]): AnswerPiece[] => [
          ...words.map((one): AnswerPiece => ({ type: "reasoning-delta", choice: 0, text: one })),
          { type: "reasoning-end", choice: 0, signature },
        ]),
      fc.tuple(id, fc.dictionary(word, word)).map(([one, args]) => ({ id: one, args })),
    );
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 6 }), (turns) => {
        let calls = 0;
        const all = turns.flatMap((one) => {
          if (Array.isArray(one)) return one;
          const index = calls++;
          return [call(index, one.id), given(index, JSON.stringify(one.args))];
        });
        const reader = new AnthropicReader({ eventBytes: 1_000_000 });
        const streamed = summary(reader.push(Buffer.from(stream([...all, finish("stop")]))));
        const buffered = summary(readPieces(anthropicDialect.writeAnswer(request, [...all, finish("stop")], naming)));
        expect(streamed).toEqual(summary(all));
        expect(buffered).toEqual(summary(all));
      }),
    );
  });
});

/** Texts joined, ids as their vendor wrote them: what must survive. */
function summary(pieces: readonly AnswerPiece[]): string[] {
  const parts: string[] = [];
  let last = "";
  for (const piece of pieces) {
    const kind = piece.type === "tool-call-delta" ? "" : piece.type;
    if (piece.type === "text-delta" || piece.type === "reasoning-delta") {
      if (last === piece.type) parts[parts.length - 1] += piece.text;
      else parts.push(`${piece.type} ${piece.text}`);
    } else if (piece.type === "tool-call-start") parts.push(`call ${readCallId(piece.id)} `);
    else if (piece.type === "tool-call-delta") parts[parts.length - 1] += piece.text;
    if (kind !== "") last = kind;
  }
  return parts;
}

describe("ids of calls", () => {
  test("are the vendor's own wherever Anthropic would take them, and come back whole in any case", () => {
    expect(writeCallId("toolu_01-A")).toBe("toolu_01-A");
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (id) => {
        expect(writeCallId(id)).toMatch(/^[a-zA-Z0-9_-]+$/);
        expect(readCallId(writeCallId(id))).toBe(id);
      }),
    );
    expect(readCallId("maidan_not one of ours")).toBe("maidan_not one of ours");
  });
});

describe("errors in Anthropic's shape", () => {
  test.each([
    ["invalid_request", "invalid_request_error"],
    ["invalid_api_key", "authentication_error"],
    ["budget_exhausted", "billing_error"],
    ["model_not_allowed", "permission_error"],
    ["model_not_found", "not_found_error"],
    ["idempotency_conflict", "conflict_error"],
    ["body_too_large", "request_too_large"],
    ["unpriced_model", "invalid_request_error"],
    ["rate_limit_exceeded", "rate_limit_error"],
    ["vendor_error", "api_error"],
    ["internal_error", "api_error"],
    ["overloaded", "overloaded_error"],
    ["timeout", "timeout_error"],
  ] as const)("%s is a %s", (code, type) => {
    const fault = new Fault(code, (language) => language, { param: "p", details: { budget: "b" } });
    expect(JSON.parse(errorBody(fault, "zh", "call1").toString())).toEqual({
      type: "error",
      error: { type, message: "zh", details: { budget: "b", error_code: code, param: "p" } },
      request_id: "call1",
    });
  });
});
