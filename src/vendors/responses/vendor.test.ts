import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../base/limits.ts";
import type { AnswerPiece } from "../answer-pieces.ts";
import { readAtEveryCut, readChunks, sender, UNSUPPORTED } from "../reading.suite.ts";
import { VendorFault } from "../vendor-fault.ts";
import { responses } from "./protocol.ts";
import { readRequest } from "./request.ts";

/** What vendors of Responses are sent for clients of another protocol, and how their answers are read. */

const target = { credentials: { apiKey: "sk-1" }, headers: {}, quirks: {} };
const send = sender(responses, target, "big");

describe("a request for a vendor of responses", () => {
  test("says a conversation with tools in items", () => {
    const { wire, body } = send(
      {
        stream: true,
        messages: [
          { role: "system", content: "Be brief." },
          {
            role: "user",
            content: [
              { type: "text", text: "look" },
              { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
            ],
          },
          {
            role: "assistant",
            content: "Looking.",
            tool_calls: [{ id: "c1", type: "function", function: { name: "look_up", arguments: "" } }],
          },
          { role: "tool", tool_call_id: "c1", content: "found" },
          { role: "system", content: "New rule." },
          { role: "user", content: "and?" },
        ],
        tools: [{ type: "function", function: { name: "look_up", parameters: { type: "object" } } }],
        tool_choice: { type: "function", function: { name: "look_up" } },
        parallel_tool_calls: false,
        max_tokens: 900,
        temperature: 0.5,
        seed: 7,
        reasoning_effort: "low",
        response_format: { type: "json_schema", json_schema: { name: "n", schema: { type: "object" }, strict: true } },
      },
      { maxOutputTokens: 500 },
    );
    expect(wire).toMatchObject({ method: "POST", path: "/responses", adjusted: ["-seed"] });
    expect(wire.headers).toMatchObject({ authorization: "Bearer sk-1", accept: "text/event-stream" });
    expect(body).toEqual({
      model: "big",
      instructions: "Be brief.",
      input: [
        {
          type: "message",
          role: "user",
          content: [
            { type: "input_text", text: "look" },
            { type: "input_image", image_url: "data:image/png;base64,AAAA", detail: "auto" },
          ],
        },
        { type: "message", role: "assistant", content: [{ type: "output_text", text: "Looking." }] },
        { type: "function_call", call_id: "c1", name: "look_up", arguments: "{}" },
        { type: "function_call_output", call_id: "c1", output: "found" },
        { type: "message", role: "system", content: [{ type: "input_text", text: "New rule." }] },
        { type: "message", role: "user", content: [{ type: "input_text", text: "and?" }] },
      ],
      tools: [{ type: "function", name: "look_up", parameters: { type: "object" }, strict: false }],
      tool_choice: { type: "function", name: "look_up" },
      parallel_tool_calls: false,
      max_output_tokens: 500,
      temperature: 0.5,
      reasoning: { effort: "low", summary: "auto" },
      text: { format: { type: "json_schema", name: "n", schema: { type: "object" }, strict: true } },
      store: false,
      stream: true,
    });
  });

  test.each([
    [{ n: 2 }, "n"],
    [{ stop: ["x"] }, "stop"],
    [
      {
        messages: [{ role: "user", content: [{ type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }] }],
      },
      "messages",
    ],
  ])("%j has no way to be said", (fields, param) => {
    expect(() => send(fields)).toThrow(expect.objectContaining({ ...UNSUPPORTED, param }));
  });

  test("fields that chat has under the same or another name go along; defaults stand where nothing else does", () => {
    const more = {
      prompt_cache_key: "k",
      safety_identifier: "s",
      metadata: { a: "b" },
      verbosity: "low",
      logit_bias: {},
    };
    expect(send(more).body).toMatchObject({
      prompt_cache_key: "k",
      safety_identifier: "s",
      metadata: { a: "b" },
      text: { verbosity: "low" },
    });
    expect(send(more).body).not.toHaveProperty("logit_bias");
    const defaults = { service_tier: "flex", temperature: 1 };
    const other = { ...target, quirks: { defaults } };
    expect(sender(responses, other, "big")({ temperature: 0 }).body).toMatchObject({
      service_tier: "flex",
      temperature: 0,
    });
    const own = readRequest(Buffer.from('{"model":"m","input":"hi","temperature":0}'), DEFAULT_LIMITS);
    const changes = { model: "m", maxOutputTokens: 5, includeUsage: true };
    expect(responses.encode(own, changes, other, 0).body.toString()).toBe(
      '{"max_output_tokens":5,"service_tier":"flex","model":"m","input":"hi","temperature":0}',
    );
  });

  test("goes where the endpoint has it", () => {
    const other = sender(
      responses,
      { ...target, quirks: { paths: { chat: "/v3/responses" } }, headers: { "X-Own": "1" } },
      "big",
    );
    expect(other({}).wire).toMatchObject({ path: "/v3/responses", headers: { "x-own": "1" } });
  });
});

const event = (type: string, fields: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
const USAGE = {
  input_tokens: 30,
  input_tokens_details: { cached_tokens: 10 },
  output_tokens: 9,
  output_tokens_details: { reasoning_tokens: 4 },
  total_tokens: 39,
};
const created = event("response.created", { response: { id: "resp_9", model: "big-1", created_at: 11.5 } });

const STREAM = [
  created,
  event("response.in_progress", { response: { id: "resp_9" } }),
  event("response.output_item.added", { output_index: 0, item: { id: "rs", type: "reasoning", summary: [] } }),
  event("response.reasoning_summary_text.delta", { output_index: 0, summary_index: 0, delta: "想" }),
  event("response.output_item.done", { output_index: 0, item: { id: "rs", type: "reasoning" } }),
  event("response.output_text.delta", { output_index: 1, content_index: 0, delta: "好 🌏" }),
  event("response.output_item.added", {
    output_index: 2,
    item: { type: "function_call", call_id: "c0", name: "f", arguments: "" },
  }),
  event("response.output_item.added", {
    output_index: 3,
    item: { type: "function_call", call_id: "c1", name: "g", arguments: "" },
  }),
  event("response.function_call_arguments.delta", { output_index: 3, delta: '{"b"' }),
  event("response.function_call_arguments.delta", { output_index: 2, delta: "{}" }),
  event("response.function_call_arguments.delta", { output_index: 3, delta: ":1}" }),
  event("response.output_item.done", { output_index: 2, item: { type: "function_call", arguments: "{}" } }),
  event("response.output_item.added", {
    output_index: 4,
    item: { type: "custom_tool_call", call_id: "c2", name: "h", input: "" },
  }),
  event("response.output_item.done", { output_index: 4, item: { type: "custom_tool_call", input: "free" } }),
  event("response.unheard_of", { output_index: 9 }),
  ": ping\n\n",
  event("response.completed", { response: { status: "completed", usage: USAGE } }),
].join("");

const PIECES: readonly AnswerPiece[] = [
  { type: "start", id: "resp_9", model: "big-1", created: 11 },
  { type: "reasoning-delta", choice: 0, text: "想" },
  { type: "reasoning-end", choice: 0 },
  { type: "text-delta", choice: 0, text: "好 🌏" },
  { type: "tool-call-start", choice: 0, index: 0, id: "c0", name: "f" },
  { type: "tool-call-start", choice: 0, index: 1, id: "c1", name: "g" },
  { type: "tool-call-delta", choice: 0, index: 1, text: '{"b"' },
  { type: "tool-call-delta", choice: 0, index: 0, text: "{}" },
  { type: "tool-call-delta", choice: 0, index: 1, text: ":1}" },
  { type: "tool-call-start", choice: 0, index: 2, id: "c2", name: "h" },
  { type: "tool-call-delta", choice: 0, index: 2, text: '{"input":"free"}' },
  { type: "usage", usage: { input: 20, cachedInput: 10, output: 5, reasoning: 4 } },
  { type: "finish", choice: 0, reason: "tool_calls" },
  { type: "end" },
];

describe("an answer of a vendor of responses", () => {
  test("is read piece by piece, wherever it is cut, with any line ends, and without the names of events", () => {
    for (const read of readAtEveryCut(responses, Buffer.from(STREAM))) expect(read).toEqual(PIECES);
    for (const other of [STREAM.replaceAll("\n", "\r\n"), STREAM.replace(/^event:.*\n/gm, "")]) {
      expect(readChunks(responses, [Buffer.from(other)])).toEqual(PIECES);
    }
  });

  test("without its last blank line is read to its end", () => {
    expect(readChunks(responses, [Buffer.from(STREAM.trimEnd())])).toEqual(PIECES);
  });

  test.each([
    [{ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } }, { reason: "length" }],
    [{ status: "incomplete", incomplete_details: { reason: "content_filter" } }, { reason: "content_filter" }],
    [
      { status: "incomplete", incomplete_details: { reason: "odd" } },
      { reason: "error", raw: "odd" },
    ],
    [{ status: "cancelled" }, { reason: "error", raw: "cancelled" }],
    [{ status: "completed" }, { reason: "stop" }],
  ])("%j is told as %j", (end, finish) => {
    const stream = created + event("response.incomplete", { response: end });
    expect(readChunks(responses, [Buffer.from(stream)])).toContainEqual({ type: "finish", choice: 0, ...finish });
    const body = { object: "response", output: [], ...end };
    expect(responses.readPieces("chat", Buffer.from(JSON.stringify(body)))).toContainEqual({
      type: "finish",
      choice: 0,
      ...finish,
    });
  });

  test("a refusal is text", () => {
    const stream = created + event("response.refusal.delta", { output_index: 0, delta: "No." });
    expect(readChunks(responses, [Buffer.from(stream)])).toContainEqual({ type: "text-delta", choice: 0, text: "No." });
  });

  test.each([
    [
      "an event of its own",
      event("error", { code: "rate_limit_exceeded", message: "Slow. sk-abcdefgh123", param: null }),
      "rate_limit",
    ],
    [
      "one in `error`",
      event("error", { error: { type: "x", code: "context_length_exceeded", message: "Long." } }),
      "context_length",
    ],
    [
      "a failed response",
      event("response.failed", { response: { status: "failed", error: { code: "server_error", message: "Oops." } } }),
      "server_error",
    ],
    ["another interface's", 'data: {"error":{"message":"busy","code":"server_is_overloaded"}}\n\n', "overloaded"],
  ])("an error inside it: %s", (_name, error, errorClass) => {
    const text = event("response.output_text.delta", { output_index: 0, delta: "So" });
    for (const [stream, charged] of [
      [created + error, "nothing"],
      [created + text + error, "unknown"],
    ] as const) {
      const fault = readChunks(responses, [Buffer.from(stream)]).at(-1);
      expect(fault).toMatchObject({ type: "fault", fault: { errorClass, charged } });
      expect((fault as { fault: VendorFault }).fault.message).not.toContain("sk-abcdefgh123");
    }
  });

  test("a whole answer that failed is a fault", () => {
    const failed = {
      object: "response",
      status: "failed",
      error: { code: "rate_limit_exceeded", message: "Slow." },
      output: [],
    };
    expect(() => responses.readPieces("chat", Buffer.from(JSON.stringify(failed)))).toThrow(
      expect.objectContaining({ errorClass: "rate_limit", charged: "nothing" }),
    );
    expect(() => responses.readPieces("chat", Buffer.from('{"output":'))).toThrow(VendorFault);
  });
});
