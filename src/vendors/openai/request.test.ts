import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fault } from "../../base/faults.ts";
import type { Changes, Quirks, Target } from "../spec.ts";
import { encode, probe } from "./encode.ts";
import { readRequest } from "./request.ts";

const LIMITS = { bodyBytes: 20 * 1024 * 1024 };
const TARGET: Target = { credentials: { apiKey: "test-key" }, headers: {}, quirks: {} };
const MESSAGES = [{ role: "user", content: "hi" }];

const readChat = (body: string) => readRequest("chat", Buffer.from(body), LIMITS);
const chat = (fields: object) => readChat(JSON.stringify({ model: "m", messages: MESSAGES, ...fields }));
const embed = (fields: object) =>
  readRequest("embeddings", Buffer.from(JSON.stringify({ model: "m", input: "a", ...fields })), LIMITS);

function faultOf(work: () => unknown): Fault {
  try {
    work();
  } catch (fault) {
    return fault as Fault;
  }
  throw new Error("no fault");
}

describe("what is read of a chat request", () => {
  test("the fields that Maidan looks at", () => {
    const body = '{"model":"lab/mini","messages":[{"role":"user","content":"hi"}],"stream":true,"n":3,"max_tokens":77}';
    const request = readChat(body);
    expect(request).toMatchObject({
      operation: "chat",
      dialect: { id: "openai" },
      model: "lab/mini",
      stream: true,
      wantsUsage: false,
      maxOutputTokens: 77,
      maxOutputField: "max_tokens",
      choices: 3,
      images: 0,
      audioBytes: 0,
      inputs: 0,
    });
    expect([...request.fields.keys()]).toEqual(["model", "messages", "stream", "n", "max_tokens"]);
    const span = request.fields.get("model")!;
    expect(request.body.subarray(span.start, span.end).toString()).toBe('"lab/mini"');
  });

  test("null is as if absent, and usage is wanted only in a stream", () => {
    const nulls = { stream: null, n: null, max_tokens: null, max_completion_tokens: null, stream_options: null };
    expect(chat(nulls)).toMatchObject({ stream: false, choices: 1, maxOutputTokens: undefined, wantsUsage: false });
    expect(chat({ stream: true, stream_options: { include_usage: true } }).wantsUsage).toBe(true);
    expect(chat({ stream_options: { include_usage: true } }).wantsUsage).toBe(false);
  });

  test("of two lengths the longer counts; a negative one means none", () => {
    expect(chat({ max_tokens: 10, max_completion_tokens: 20 })).toMatchObject({
      maxOutputTokens: 20,
      maxOutputField: "max_completion_tokens",
    });
    expect(chat({ max_tokens: 30, max_completion_tokens: 20 }).maxOutputTokens).toBe(30);
    expect(chat({ max_tokens: -1 }).maxOutputTokens).toBeUndefined();
    expect(chat({ max_tokens: -1, max_completion_tokens: 20 }).maxOutputTokens).toBeUndefined();
  });

  test.each([
    ["model", { model: undefined }],
    ["model", { model: 5 }],
    ["model", { model: "" }],
    ["model", { model: "x".repeat(513) }],
    ["messages", { messages: undefined }],
    ["messages", { messages: [] }],
    ["messages", { messages: "hi" }],
    ["messages[1]", { messages: [{ role: "user", content: "" }, "hi"] }],
    ["stream", { stream: "true" }],
    ["stream_options", { stream: true, stream_options: [] }],
    ["stream_options.include_usage", { stream: true, stream_options: { include_usage: 1 } }],
    ["max_tokens", { max_tokens: 0 }],
    ["max_tokens", { max_tokens: 1.5 }],
    ["max_completion_tokens", { max_completion_tokens: "100" }],
    ["n", { n: 0 }],
    ["n", { n: 2.5 }],
  ])("a wrong %s is told: %j", (param, fields) => {
    const fault = faultOf(() => chat(fields));
    expect(fault).toBeInstanceOf(Fault);
    expect([fault.code, fault.param]).toEqual(["invalid_request", param]);
    expect(fault.text("en")).toContain(`"${param}"`);
    expect(fault.text("zh")).toContain(param);
  });

  test.each([
    ['{"model":"a","model":"b","messages":[{}]}', "model"],
    ['{"model":"a","mod\\u0065l":"b","messages":[{}]}', "model"],
    ['{"max_tokens":5,"model":"a","messages":[{}],"max_tokens":500}', "max_tokens"],
    ['{"model":"a","messages":[{}],"MAX_TOKENS":500}', "MAX_TOKENS"],
    ['{"model":"a","messages":[{}],"max_to\u212aens":500}', "max_to\u212aens"],
    ['{"model":"a","\u017ftream":true,"messages":[{}]}', "\u017ftream"],
  ])("a field that a vendor could read otherwise is refused: %s", (body, param) => {
    expect(faultOf(() => readChat(body))).toMatchObject({ code: "invalid_request", param });
  });

  test("other fields may stand twice: the vendor's business", () => {
    expect(readChat('{"model":"a","seed":1,"messages":[{}],"seed":2}').model).toBe("a");
  });

  test.each([
    ["", /no body/],
    ["[]", /JSON object/],
    ["null", /JSON object/],
    ['{"model":"a",\n  "messages": [}', /line 2, column 16/],
    ['{"model":"a"', /too early, at line 1, column 13/],
    ["\ufeff{}", /line 1, column 1/],
  ])("a body that is no request is refused: %j", (body, message) => {
    const fault = faultOf(() => readChat(body));
    expect(fault.code).toBe("invalid_request");
    expect(fault.message).toMatch(message);
  });

  test("stray bytes and long bodies are refused", () => {
    const stray = Buffer.from('{"model":"a","messages":[{"content":"?"}]}');
    stray[stray.indexOf("?")] = 0xff;
    expect(faultOf(() => readRequest("chat", stray, LIMITS)).message).toContain("UTF-8");
    expect(faultOf(() => readRequest("chat", stray, { bodyBytes: 10 })).code).toBe("body_too_large");
  });

  test("no message quotes the body", () => {
    const fault = faultOf(() => readChat('{"model":"secret-prompt", oops}'));
    expect(fault.message + JSON.stringify(fault.details)).not.toContain("secret");
  });
});

describe("how many input tokens it can be", () => {
  /** Bytes of all texts of a request: what a byte-level tokenizer makes at the most, template apart. */
  const textBytes = (value: unknown): number => {
    if (typeof value === "string") return Buffer.byteLength(value);
    if (typeof value !== "object" || value === null) return 0;
    return Object.values(value).reduce<number>((bytes, one) => bytes + textBytes(one), 0);
  };
  const content = fc.string({ unit: "binary", maxLength: 60 });
  const messages = fc.array(
    fc.oneof(
      fc.record({ role: fc.constant("user"), content }),
      fc.record({
        role: fc.constant("user"),
        content: fc.array(fc.record({ type: fc.constant("text"), text: content })),
      }),
      fc.record({
        role: fc.constant("assistant"),
        tool_calls: fc.array(fc.record({ function: fc.record({ name: content, arguments: content }) })),
      }),
    ),
    { minLength: 1, maxLength: 5 },
  );

  test("the bound is never below the bytes of the texts, and the guess never above the bound", () => {
    fc.assert(
      fc.property(messages, fc.boolean(), (list, escaped) => {
        let body = JSON.stringify({ model: "m", messages: list });
        if (escaped)
          body = body.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
        const { bound, estimate } = readChat(body).inputTokens;
        expect(bound).toBeGreaterThanOrEqual(textBytes(list.map(({ role: _role, ...rest }) => rest)));
        expect(estimate).toBeLessThanOrEqual(bound);
        expect(estimate).toBeGreaterThan(0);
      }),
    );
  });

  test("the guess is near what tokenizers make", () => {
    const guess = (text: string) => chat({ messages: [{ role: "user", content: text }] }).inputTokens.estimate;
    expect(guess("The quick brown fox jumps over the lazy dog. ".repeat(100))).toBeCloseTo(1286 + 7, -2);
    expect(guess("每次调用都有付款方。".repeat(100))).toBeCloseTo(1000 + 7, -2);
  });

  test("base64 of pictures and sound is no text, and is counted apart", () => {
    const base64 = "A".repeat(100_000);
    const request = chat({
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "what is this?" },
            { type: "image_url", image_url: { url: `data:image/png;base64,${base64}` } },
            { type: "image_url", image_url: { url: "https://example.com/cat.png" } },
            { type: "input_audio", input_audio: { data: base64, format: "wav" } },
          ],
        },
      ],
    });
    expect(request.images).toBe(2);
    expect(request.audioBytes).toBe(75_000);
    expect(request.inputTokens.bound).toBeLessThan(1200);
    expect(request.inputTokens.estimate).toBeLessThan(50);
  });

  test("text that only looks like a picture counts as text", () => {
    const text = `data:image/png;base64,${"A".repeat(5000)}`;
    for (const part of [
      { type: "text", text },
      { type: "text", text: "x", image_url: { url: text } },
      { type: "image_url", image_url: { url: text.replace("image/png", "text/plain") } },
      { type: "file", file: { file_data: text } },
    ]) {
      expect(chat({ messages: [{ role: "user", content: [part] }] }).inputTokens.bound).toBeGreaterThan(5000);
    }
  });

  test("tools count twice, and have their own allowance", () => {
    const tools = [{ type: "function", function: { name: "f", description: "x".repeat(2000), parameters: {} } }];
    const { bound, estimate } = chat({ tools }).inputTokens;
    expect(bound).toBeGreaterThan(4500);
    expect(estimate).toBeGreaterThan(550);
    expect(estimate).toBeLessThan(700);
  });
});

describe("what is read of an embeddings request", () => {
  test.each([
    ["hello world", 1, 4],
    [["a", "b", "c"], 3, 1],
    [[1, 2, 3, 4], 1, 4],
    [[[1, 2], [3]], 2, 3],
    [[{ type: "text", text: "abcdefg" }], 1, 2],
  ])("%j is %i inputs", (input, inputs, estimate) => {
    const request = embed({ input });
    expect(request).toMatchObject({ operation: "embeddings", inputs, stream: false, maxOutputTokens: undefined });
    expect(request.inputTokens.estimate).toBe(estimate);
    expect(request.inputTokens.bound).toBeGreaterThan(estimate);
  });

  test.each([[undefined], [[]], [5], [[null]], [{}]])("input %j is refused", (input) => {
    expect(faultOf(() => embed({ input }))).toMatchObject({ code: "invalid_request", param: "input" });
  });
});

describe("what is sent", () => {
  const sent = (body: string, changes: Changes, quirks: Quirks = {}) =>
    encode(readChat(body), changes, { ...TARGET, quirks }).body.toString();
  const BASE =
    '{ "seed":1.0, "model" : "route" ,"messages":[{"role":"user","content":"\\u4f60 \\"model\\""}],"x":{"model":1}';

  test("the model's name, and not a byte else", () => {
    expect(sent(`${BASE}}`, { model: 'up"stream', includeUsage: false })).toBe(
      `${BASE}}`.replace('"route"', '"up\\"stream"'),
    );
  });

  test("the very same buffer where nothing changes", () => {
    const request = readChat(`${BASE},"stream":true,"stream_options":{"include_usage":true}}`);
    expect(encode(request, { model: "route", includeUsage: true }, TARGET).body).toBe(request.body);
  });

  test.each([
    ["absent", "", '"max_tokens":50,', {}],
    [
      "absent, for a vendor with the newer name",
      "",
      '"max_completion_tokens":50,',
      { maxOutputField: "max_completion_tokens" as const },
    ],
  ])("a length that is %s is put in", (_case, more, field, quirks) => {
    expect(sent(`${BASE}${more}}`, { model: "route", maxOutputTokens: 50, includeUsage: false }, quirks)).toBe(
      `{${field}${BASE.slice(1)}}`,
    );
  });

  test.each([
    ['"max_tokens":100', '"max_tokens":50'],
    ['"max_tokens":1e2', '"max_tokens":50'],
    ['"max_tokens":20', '"max_tokens":20'],
    ['"max_tokens":-1', '"max_tokens":50'],
    ['"max_tokens":null', '"max_tokens":50'],
    ['"max_completion_tokens":100', '"max_completion_tokens":50'],
    ['"max_completion_tokens":100,"max_tokens":30', '"max_completion_tokens":50,"max_tokens":30'],
    ['"max_completion_tokens":null,"max_tokens":70', '"max_completion_tokens":null,"max_tokens":50'],
  ])("%s is lowered to %s", (before, after) => {
    expect(sent(`${BASE},${before}}`, { model: "route", maxOutputTokens: 50, includeUsage: false })).toBe(
      `${BASE},${after}}`,
    );
  });

  test.each([
    ['"stream":true', '"stream":true', true],
    ['"stream":true,"stream_options":null', '"stream":true,"stream_options":{"include_usage":true}', false],
    ['"stream":true,"stream_options":{}', '"stream":true,"stream_options":{"include_usage":true}', false],
    [
      '"stream":true,"stream_options":{ "a":1 }',
      '"stream":true,"stream_options":{"include_usage":true, "a":1 }',
      false,
    ],
    [
      '"stream":true,"stream_options":{"include_usage": false,"a":1}',
      '"stream":true,"stream_options":{"include_usage": true,"a":1}',
      false,
    ],
  ])("usage is asked for: %s", (before, after, front) => {
    const expected = `${BASE},${after}}`;
    expect(sent(`${BASE},${before}}`, { model: "route", includeUsage: true })).toBe(
      front ? `{"stream_options":{"include_usage":true},${expected.slice(1)}` : expected,
    );
    expect(sent(`${BASE},${before}}`, { model: "route", includeUsage: true }, { noStreamOptions: true })).toBe(
      `${BASE},${before}}`,
    );
  });

  test("usage is not asked for where nothing streams", () => {
    expect(sent(`${BASE}}`, { model: "route", includeUsage: true })).toBe(`${BASE}}`);
  });

  test("any request: the changed fields change, and cutting them out leaves the same bytes", () => {
    const fields = fc.dictionary(
      fc.string({ maxLength: 6 }).map((name) => `_${name}`),
      fc.jsonValue(),
      { maxKeys: 4 },
    );
    const options = fc.option(fc.dictionary(fc.constantFrom("a", "include_usage", "é"), fc.boolean()), { nil: null });
    fc.assert(
      fc.property(fields, options, fc.constantFrom(0, 2, "\t"), fc.nat(90), (extra, stream_options, indent, length) => {
        const named = { model: "route", stream: true, messages: MESSAGES, max_tokens: length + 1 };
        const document = { ...extra, stream_options, ...named };
        const body = JSON.stringify(document, undefined, indent);
        const changed = sent(body, { model: "upstream-名", maxOutputTokens: 50, includeUsage: true });
        expect(JSON.parse(changed)).toEqual({
          // As it was sent: JSON has no −0.
          ...JSON.parse(body),
          model: "upstream-名",
          max_tokens: Math.min(50, length + 1),
          stream_options: { ...stream_options, include_usage: true },
        });
        const plain = (text: string): string =>
          text
            .replace(/"stream_options":(\s*)(null|\{[^}]*\}),?/, "")
            .replace(/"model":(\s*)"(route|upstream-名)"/, "")
            .replace(/"max_tokens":(\s*)\d+/, "");
        expect(plain(changed)).toBe(plain(body));
      }),
    );
  });
});

describe("where it is sent, and as whom", () => {
  const changes: Changes = { model: "m", includeUsage: false };

  test("paths and headers of the protocol", () => {
    const request = chat({ stream: true });
    expect(encode(request, changes, TARGET)).toMatchObject({
      method: "POST",
      path: "/chat/completions",
      headers: {
        authorization: "Bearer test-key",
        "content-type": "application/json",
        accept: "text/event-stream",
      },
    });
    expect(encode(embed({}), changes, TARGET)).toMatchObject({
      path: "/embeddings",
      headers: { accept: "application/json" },
    });
    expect(probe(TARGET)).toMatchObject({ method: "GET", path: "/models", body: Buffer.alloc(0) });
  });

  test("those of an endpoint win", () => {
    const target: Target = {
      credentials: { apiKey: "test-key" },
      headers: { "X-Project": "p", Accept: "*/*" },
      quirks: { keyHeader: "Api-Key", paths: { chat: "/v2/chat", models: "/v2/models" } },
    };
    const { path, headers } = encode(chat({}), changes, target);
    expect(path).toBe("/v2/chat");
    expect(headers).toEqual({
      "api-key": "test-key",
      "x-project": "p",
      accept: "*/*",
      "content-type": "application/json",
    });
    expect(probe(target).path).toBe("/v2/models");
  });

  test("no credential, no header", () => {
    expect(encode(chat({}), changes, { ...TARGET, credentials: {} }).headers).not.toHaveProperty("authorization");
  });
});

test("a request that is nested without end is refused before anything is made of it", () => {
  const nested = (levels: number) =>
    chat({ tools: "NESTED" })
      .body.toString()
      .replace('"NESTED"', "[".repeat(levels) + "]".repeat(levels));
  expect(faultOf(() => readChat(nested(20_000)))).toMatchObject({ code: "invalid_request", status: 400 });
  expect(readChat(nested(400)).model).toBe("m");
});
