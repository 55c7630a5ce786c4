import { describe, expect, test } from "vitest";
import type { AnswerPiece } from "../answer-pieces.ts";
import { readRequest } from "../openai/request.ts";
import type { Target } from "../spec.ts";
import { sign } from "./encode.ts";
import { skywork } from "./protocol.ts";

const NOW = 1_700_000_000_000;
const TARGET: Target = {
  credentials: { appKey: "test-app-key", appSecret: "test-app-secret" },
  headers: {},
  quirks: {},
};
const CHANGES = { model: "SkyChat-MegaVerse", includeUsage: true };
const chat = (fields: object) =>
  readRequest(
    "chat",
    Buffer.from(JSON.stringify({ model: "m", messages: [{ role: "user", content: "hi" }], ...fields })),
    {
      bodyBytes: 10_000,
    },
  );
const sent = (fields: object, changes = {}) => skywork.encode(chat(fields), { ...CHANGES, ...changes }, TARGET, NOW);
const bodyOf = (fields: object, changes = {}) => JSON.parse(sent(fields, changes).body.toString());

describe("a request", () => {
  test("is signed as two other programs signed it", () => {
    expect(sign("test-app-key", "test-app-secret", "1700000000")).toBe("588eec69bdaa714fcff616ea47fe1c1e");
    expect(sent({ stream: true }).headers).toMatchObject({
      app_key: "test-app-key",
      timestamp: "1700000000",
      sign: "588eec69bdaa714fcff616ea47fe1c1e",
      stream: "true",
    });
  });

  test("has the roles and the names of its vendor", () => {
    const messages = [
      { role: "system", content: "Be brief." },
      { role: "user", content: [{ type: "text", text: "a" }] },
      { role: "assistant", content: "b", reasoning_content: "hm" },
      { role: "user", content: "c" },
    ];
    expect(bodyOf({ messages, max_tokens: 100, temperature: 1.5, seed: 1 }, { maxOutputTokens: 50 })).toEqual({
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "a" },
        { role: "bot", content: "b" },
        { role: "user", content: "c" },
      ],
      model: "SkyChat-MegaVerse",
      param: { generate_length: 50, temperature: 1 },
    });
    expect(sent({ temperature: 1.5, seed: 1, max_tokens: 9000 }).adjusted).toEqual([
      "-seed",
      "max_tokens=2048",
      "temperature=1",
    ]);
  });

  test("is fitted to what the endpoint's own rules take, and keeps the platform's own parameters", () => {
    const target = { ...TARGET, quirks: { clamps: { top_k: { max: 10 } } } };
    const wire = skywork.encode(chat({ top_k: 50, repetition_penalty: 1.1, other: 1 }), CHANGES, target, NOW);
    expect(JSON.parse(wire.body.toString()).param).toEqual({ top_k: 10, repetition_penalty: 1.1 });
    expect(wire.adjusted).toEqual(["top_k=10"]);
  });

  test.each([
    [{ tools: [{ type: "function", function: { name: "f" } }] }, "tools"],
    [{ n: 2 }, "n"],
    [{ response_format: { type: "json_object" } }, "response_format"],
    [{ messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "https://x/y" } }] }] }, "messages"],
    [{ messages: [{ role: "tool", tool_call_id: "a", content: "b" }] }, "messages"],
  ])("%j is more than it can say", (fields, param) => {
    expect(() => sent(fields)).toThrow(
      expect.objectContaining({ errorClass: "unsupported", param, charged: "nothing" }),
    );
  });
});

const LINES = [
  { code: 200, trace_id: "t", resp_data: { reply: "你好", status: 1 } },
  { code: 200, trace_id: "t", resp_data: { reply: " 🌏", status: 1 } },
  {
    code: 200,
    trace_id: "t",
    resp_data: {
      reply: "",
      status: 3,
      finish_reason: 2,
      usage: { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 },
    },
  },
];
const STREAM = Buffer.from(`${LINES.map((line) => JSON.stringify(line)).join("\n")}\n`);
const PIECES = [
  { type: "start", id: "t" },
  { type: "text-delta", choice: 0, text: "你好" },
  { type: "text-delta", choice: 0, text: " 🌏" },
  { type: "usage", usage: expect.objectContaining({ input: 4, output: 2 }) },
  { type: "finish", choice: 0, reason: "length" },
  { type: "end" },
];

function read(chunks: readonly Buffer[]): AnswerPiece[] {
  const reader = skywork.readStream({ eventBytes: 10_000 });
  return [...chunks.flatMap((chunk) => reader.push(chunk)), ...reader.end()];
}

describe("an answer", () => {
  test("is read alike wherever it is cut, with or without its last line end", () => {
    for (let at = 0; at <= STREAM.length; at++) {
      expect(read([STREAM.subarray(0, at), STREAM.subarray(at)])).toEqual(PIECES);
    }
    expect(read([STREAM.subarray(0, -1)])).toEqual(PIECES);
  });

  test("that is whole has the same pieces", () => {
    const whole = { code: 200, resp_data: { reply: "a", status: 4 } };
    expect(skywork.readPieces("chat", Buffer.from(JSON.stringify(whole)))).toEqual([
      { type: "start" },
      { type: "text-delta", choice: 0, text: "a" },
      { type: "finish", choice: 0, reason: "content_filter", raw: "sensitive" },
      { type: "end" },
    ]);
  });

  test.each([
    [{ code: 401, code_msg: "sign error" }, "auth"],
    [{ code: 429, code_msg: "slow down" }, "rate_limit"],
    [{ code: 500, code_msg: "x" }, "server_error"],
    [{ code: 1234, code_msg: "the prompt is too long" }, "context_length"],
  ])("an error hides in a 200: %j", (document, errorClass) => {
    const body = Buffer.from(JSON.stringify(document));
    expect(() => skywork.readPieces("chat", body)).toThrow(expect.objectContaining({ errorClass, charged: "nothing" }));
    expect(read([body])).toMatchObject([{ type: "fault", fault: { errorClass, charged: "nothing" } }]);
    expect(read([Buffer.from(`${JSON.stringify(LINES[0])}\n`), body]).at(-1)).toMatchObject({
      type: "fault",
      fault: { charged: "unknown" },
    });
  });

  test.each(["", "[]", "{}", '{"code":200}'])("%s is none", (text) => {
    expect(() => skywork.readPieces("chat", Buffer.from(text))).toThrow(
      expect.objectContaining({ errorClass: "server_error" }),
    );
  });
});

test("a probe tells a wrong signature from a refused request", () => {
  const answer = (code: number) => skywork.readProbe!({}, Buffer.from(JSON.stringify({ code, code_msg: "x" })));
  expect([answer(400), answer(401)?.errorClass]).toEqual([undefined, "auth"]);
  expect(JSON.parse(skywork.probe(TARGET, NOW).body.toString())).toEqual({ messages: [] });
});
