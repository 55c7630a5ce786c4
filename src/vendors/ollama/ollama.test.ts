import { describe, expect, test } from "vitest";
import { readAtEveryCut, readChunks, sender, UNSUPPORTED } from "../reading.suite.ts";
import { ollama } from "./protocol.ts";

const send = sender(ollama, { credentials: {}, headers: { "X-Proxy": "1" }, quirks: {} }, "qwen3");

describe("a request", () => {
  test("has the names of Ollama's own", () => {
    const { wire, body } = send(
      {
        max_tokens: 9,
        temperature: 0.5,
        seed: 1,
        stop: "x",
        num_ctx: 4096,
        keep_alive: "5m",
        reasoning_effort: "xhigh",
        response_format: { type: "json_schema", json_schema: { name: "n", schema: { type: "object" } } },
      },
      { maxOutputTokens: 7 },
    );
    expect(body).toEqual({
      model: "qwen3",
      messages: [{ role: "user", content: "hi" }],
      stream: false,
      think: "high",
      format: { type: "object" },
      options: { num_predict: 7, temperature: 0.5, seed: 1, stop: ["x"], num_ctx: 4096 },
      keep_alive: "5m",
    });
    expect(wire.adjusted).toEqual(["reasoning_effort=high"]);
    expect(wire.headers["x-proxy"]).toBe("1");
  });

  test("says calls as objects, results by the function's name, pictures as bytes", () => {
    const call = { id: "c", type: "function", function: { name: "f", arguments: '{"a":1}' } };
    const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
    const { body } = send({
      messages: [
        { role: "user", content: [{ type: "text", text: "看" }, image] },
        { role: "assistant", content: null, tool_calls: [call], reasoning_content: "hm" },
        { role: "tool", tool_call_id: "c", content: "42" },
      ],
    });
    expect(body.messages).toEqual([
      { role: "user", content: "看", images: ["AAAA"] },
      {
        role: "assistant",
        content: "",
        thinking: "hm",
        tool_calls: [{ function: { name: "f", arguments: { a: 1 } } }],
      },
      { role: "tool", content: "42", tool_name: "f" },
    ]);
  });

  test("tells results apart by the order of their calls", () => {
    const tool_calls = ["a", "b"].map((id) => ({ id, type: "function", function: { name: id, arguments: "[1]" } }));
    const results = ["b", "a"].map((id) => ({ role: "tool", tool_call_id: id, content: `of ${id}` }));
    const { body } = send({ messages: [{ role: "assistant", content: null, tool_calls }, ...results] });
    expect(body.messages.slice(1)).toEqual([
      { role: "tool", content: "of a", tool_name: "a" },
      { role: "tool", content: "of b", tool_name: "b" },
    ]);
    expect(body.messages[0].tool_calls[0].function.arguments).toEqual({ value: [1] });
  });

  test.each([
    [{ thinking_budget: 0 }, false],
    [{ thinking_budget: 100 }, true],
    [{ reasoning_effort: "none" }, false],
    [{}, undefined],
  ])("thinks by %j: %j", (fields, think) => {
    expect(send(fields).body.think).toBe(think);
  });

  const address = { type: "image_url", image_url: { url: "https://x/y" } };
  test.each([
    [{ n: 2 }, "n"],
    [{ tool_choice: "required", tools: [] }, "tool_choice"],
    [{ messages: [{ role: "user", content: [address] }] }, "messages"],
  ])("%j is more than it can say", (fields, param) => {
    expect(() => send(fields)).toThrow(expect.objectContaining({ ...UNSUPPORTED, param }));
  });

  test("embeds texts", () => {
    expect(send({ input: "a" }, {}, "embeddings").body).toEqual({ model: "qwen3", input: ["a"] });
    expect(() => send({ input: [1] }, {}, "embeddings")).toThrow(expect.objectContaining(UNSUPPORTED));
  });
});

const line = (message: object, more: object = { done: false }): string =>
  `${JSON.stringify({ model: "qwen3", created_at: "2026-01-01T00:00:00Z", message, ...more })}\n`;
const STREAM = Buffer.from(
  line({ thinking: "hm" }) +
    line({ content: "你好 🌏" }) +
    line({ content: "", tool_calls: [{ function: { name: "f", arguments: { a: 1 } } }] }) +
    line({ content: "" }, { done: true, done_reason: "stop", prompt_eval_count: 9, eval_count: 2 }),
);
const PIECES = [
  { type: "start", model: "qwen3", created: 1_767_225_600 },
  { type: "reasoning-delta", choice: 0, text: "hm" },
  { type: "reasoning-end", choice: 0 },
  { type: "text-delta", choice: 0, text: "你好 🌏" },
  { type: "tool-call-start", choice: 0, index: 0, id: "call_20260101T000000Z_0_0", name: "f" },
  { type: "tool-call-delta", choice: 0, index: 0, text: '{"a":1}' },
  { type: "finish", choice: 0, reason: "tool_calls", raw: "stop" },
  { type: "usage", usage: { input: 9, output: 2 } },
  { type: "end" },
];

describe("an answer", () => {
  test("is read alike wherever it is cut", () => {
    for (const reading of readAtEveryCut(ollama, STREAM)) expect(reading).toEqual(PIECES);
    expect(readChunks(ollama, [STREAM.subarray(0, -1)])).toEqual(PIECES);
  });

  test("whose prompt was cached tells no input: that is unknown, not zero", () => {
    const body = Buffer.from(line({ content: "a" }, { done: true, eval_count: 2 }));
    expect(ollama.readPieces("chat", body)).toContainEqual({ type: "usage", usage: { input: undefined, output: 2 } });
  });

  test.each([
    [404, "model 'x' not found, try pulling it first", "not_found"],
    [400, "registry.ollama.ai/x does not support tools", "invalid_request"],
    [400, "the input length exceeds the context length", "context_length"],
    [503, "server busy, please try again.  maximum pending requests exceeded", "overloaded"],
    [500, "llama runner process has terminated", "server_error"],
  ])("status %i, %s: class %s", (status, error, errorClass) => {
    const body = Buffer.from(JSON.stringify({ error }));
    expect(ollama.readError(status, {}, body)).toMatchObject({ errorClass, charged: "nothing" });
  });

  test("an error may be a line of a stream", () => {
    const error = Buffer.from('{"error":"boom"}\n');
    expect(readChunks(ollama, [error])).toMatchObject([{ type: "fault", fault: { charged: "nothing" } }]);
    const late = readChunks(ollama, [Buffer.from(line({ content: "a" })), error]);
    expect(late.at(-1)).toMatchObject({ type: "fault", fault: { errorClass: "server_error", charged: "unknown" } });
  });

  test.each(["", "[]", "{}"])("%s is none", (text) => {
    for (const operation of ollama.operations) expect(() => ollama.readPieces(operation, Buffer.from(text))).toThrow();
  });
});
