import { describe, expect, test } from "vitest";
import type { AnswerPiece } from "../answer-pieces.ts";
import { readRequest } from "../openai/request.ts";
import type { Operation, Target } from "../spec.ts";
import { sensenova } from "./protocol.ts";
import { tokenOf } from "./sign.ts";

const NOW = 1_700_000_000_000;
const TARGET: Target = {
  credentials: { accessKeyId: "test-access-key", accessKeySecret: "test-secret-key" },
  headers: {},
  quirks: {},
};
const TOKEN =
  "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJ0ZXN0LWFjY2Vzcy1rZXkiLCJleHAiOjE3MDAwMDE4MDAsIm5iZiI6MTY5OTk5OTk5NX0.J29Lwx43sKb6uBJFXUNKg2nVYdfHfu4z9pbvmk9BFeQ";
const sent = (fields: object, operation: Operation = "chat") => {
  const body = { model: "m", messages: [{ role: "user", content: "hi" }], ...fields };
  const request = readRequest(operation, Buffer.from(JSON.stringify(body)), { bodyBytes: 10_000 });
  return sensenova.encode(request, { model: "SenseChat-5", includeUsage: true }, TARGET, NOW);
};
const bodyOf = (fields: object, operation: Operation = "chat") => JSON.parse(sent(fields, operation).body.toString());

describe("a request", () => {
  test("carries the token that two other programs computed", () => {
    expect(tokenOf("test-access-key", "test-secret-key", NOW)).toBe(TOKEN);
    expect(sent({}).headers.authorization).toBe(`Bearer ${TOKEN}`);
    expect(sensenova.probe({ ...TARGET, credentials: { apiKey: "k" } }, NOW).headers.authorization).toBe("Bearer k");
  });

  test("has the names of its vendor, and stays within its bounds", () => {
    expect(bodyOf({ max_tokens: 9, temperature: 0, top_p: 1, stop: "x", know_ids: ["k"], other: 1 })).toEqual({
      model: "SenseChat-5",
      messages: [{ role: "user", content: "hi" }],
      max_new_tokens: 9,
      temperature: 0.01,
      top_p: 0.99,
      stop: ["x"],
      stream: false,
      know_ids: ["k"],
    });
    expect(sent({ temperature: 0, top_p: 1, seed: 1 }).adjusted).toEqual(["-seed", "temperature=0.01", "top_p=0.99"]);
  });

  test("says pictures and reasoning in its own way", () => {
    const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
    const content = [{ type: "text", text: "看" }, image, { type: "image_url", image_url: { url: "https://x/y" } }];
    expect(bodyOf({ messages: [{ role: "user", content }], reasoning_effort: "none" })).toMatchObject({
      thinking: { enabled: false },
      messages: [
        {
          content: [
            { type: "text", text: "看" },
            { type: "image_base64", image_base64: "AAAA" },
            { type: "image_url", image_url: "https://x/y" },
          ],
        },
      ],
    });
  });

  test("has a text for every content, and parts where a tool shows a picture", () => {
    const calls = [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }];
    const image = { type: "image_url", image_url: { url: "https://x/y" } };
    const messages = [
      { role: "user", content: "q" },
      { role: "assistant", content: null, tool_calls: calls },
      { role: "tool", tool_call_id: "c", content: [image] },
    ];
    expect(bodyOf({ messages }).messages.slice(1)).toEqual([
      { role: "assistant", content: "", tool_calls: calls },
      { role: "tool", tool_call_id: "c", content: [{ type: "image_url", image_url: "https://x/y" }] },
    ]);
  });

  test("is fitted to what its endpoint declares", () => {
    const quirks = { clamps: { temperature: { max: 1 }, omit: ["top_p"] } };
    const request = readRequest(
      "chat",
      Buffer.from('{"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":2,"top_p":0.5}'),
      { bodyBytes: 10_000 },
    );
    const wire = sensenova.encode(request, { model: "m", includeUsage: true }, { ...TARGET, quirks }, NOW);
    expect(wire.adjusted).toEqual(["temperature=1", "-top_p"]);
  });

  test("embeds texts", () => {
    expect(bodyOf({ input: "a" }, "embeddings")).toEqual({ model: "SenseChat-5", input: ["a"] });
    expect(() => bodyOf({ input: [1, 2] }, "embeddings")).toThrow(
      expect.objectContaining({ errorClass: "unsupported" }),
    );
  });

  test.each([
    [{ n: 5 }, "n"],
    [{ response_format: { type: "json_object" } }, "response_format"],
  ])("%j is more than it can say", (fields, param) => {
    expect(() => sent(fields)).toThrow(expect.objectContaining({ errorClass: "unsupported", param }));
  });
});

const event = (choice: object, more: object = {}): string =>
  `data:${JSON.stringify({ data: { id: "x", choices: [{ index: 0, ...choice }], ...more }, status: { code: 0 } })}\n\n`;
const USAGE = { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11, prompt_tokens_details: { cached_tokens: 4 } };
const STREAM = Buffer.from(
  event({ delta: "你好 🌏" }) +
    event({ delta: "", tool_calls: [{ index: 0, id: "c", function: { name: "f", arguments: "" } }] }) +
    event({ delta: "", tool_calls: [{ index: 0, function: { arguments: "{}" } }] }) +
    event({ delta: "", finish_reason: "sensitive" }, { usage: USAGE }) +
    "data:[DONE]\n\n",
);

function read(chunks: readonly Buffer[]): AnswerPiece[] {
  const reader = sensenova.readStream({ eventBytes: 10_000 });
  return [...chunks.flatMap((chunk) => reader.push(chunk)), ...reader.end()];
}

describe("an answer", () => {
  test("is read alike wherever it is cut", () => {
    for (let at = 0; at <= STREAM.length; at++) {
      expect(read([STREAM.subarray(0, at), STREAM.subarray(at)])).toEqual([
        { type: "start", id: "x" },
        { type: "text-delta", choice: 0, text: "你好 🌏" },
        { type: "tool-call-start", choice: 0, index: 0, id: "c", name: "f" },
        { type: "tool-call-delta", choice: 0, index: 0, text: "{}" },
        { type: "finish", choice: 0, reason: "content_filter", raw: "sensitive" },
        { type: "usage", usage: expect.objectContaining({ input: 5, cachedInput: 4, output: 2 }) },
        { type: "end" },
      ]);
    }
  });

  test("that is whole has its calls with ids of their own", () => {
    const calls = [{ function: { name: "f", arguments: {} } }, { function: { name: "g", arguments: "{}" } }];
    const body = { data: { id: "x", choices: [{ message: "", tool_calls: calls, finish_reason: "tool_calls" }] } };
    const pieces = sensenova.readPieces("chat", Buffer.from(JSON.stringify(body)));
    expect(pieces.filter(({ type }) => type === "tool-call-start")).toEqual([
      { type: "tool-call-start", choice: 0, index: 0, id: "call_x_0_0", name: "f" },
      { type: "tool-call-start", choice: 0, index: 1, id: "call_x_0_1", name: "g" },
    ]);
  });

  test.each([
    ["stop", "stop"],
    ["length", "length"],
    ["context", "length"],
    ["sensitive", "content_filter"],
    ["tool_calls", "tool_calls"],
    ["odd", "error"],
  ])("that ends by %s is finished by %s", (word, reason) => {
    const body = { data: { id: "x", choices: [{ message: "a", finish_reason: word }] } };
    expect(sensenova.readPieces("chat", Buffer.from(JSON.stringify(body)))).toContainEqual(
      expect.objectContaining({ type: "finish", reason }),
    );
  });

  test.each([
    [401, 16, "auth"],
    [404, 5, "not_found"],
    [403, 7, "permission"],
    [429, 8, "rate_limit"],
    [400, 3, "invalid_request"],
    [400, 17, "context_length"],
    [400, 18, "content_filter"],
    [500, 13, "server_error"],
    [503, 14, "overloaded"],
    [504, 4, "timeout"],
  ])("status %i with code %i is of class %s", (status, code, errorClass) => {
    const body = Buffer.from(JSON.stringify({ error: { code, message: "x", details: [] } }));
    expect(sensenova.readError(status, {}, body)).toMatchObject({ errorClass, charged: "nothing" });
    const late = Buffer.from(`data:${JSON.stringify({ status: { code, message: "x" } })}\n\n`);
    expect(read([Buffer.from(event({ delta: "a" })), late]).at(-1)).toMatchObject({
      type: "fault",
      fault: { errorClass, charged: "unknown" },
    });
  });

  test.each(["", "[]", "{}", '{"data":{}}'])("%s is none", (text) => {
    for (const operation of sensenova.operations) {
      expect(() => sensenova.readPieces(operation, Buffer.from(text))).toThrow();
    }
  });
});
