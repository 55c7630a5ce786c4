import { describe, expect, test } from "vitest";
import type { ImageOrder } from "../conversation.ts";
import { asked, readAtEveryCut, readChunks, sender, UNSUPPORTED } from "../reading.suite.ts";
import type { Quirks } from "../spec.ts";
import { gemini } from "./protocol.ts";

const TARGET = {
  baseUrl: "https://g.example/v1beta",
  credentials: { apiKey: "secret-key" },
  headers: { "X-Proxy": "1" },
  quirks: {},
};
const sendTo = (model: string, quirks: Quirks = {}) => sender(gemini, { ...TARGET, quirks }, model);
const send = sendTo("gemini-3.5-flash");
const MESSAGES = [{ role: "user", content: "hi" }];

describe("a request", () => {
  test("has Gemini's names, and its key in a header", () => {
    const { wire, body } = send(
      {
        messages: [{ role: "developer", content: "Be brief." }, ...MESSAGES],
        max_tokens: 9,
        temperature: 3,
        top_p: 0.5,
        seed: 1,
        stop: ["a", "b", "c", "d", "e", "f"],
        n: 2,
        response_format: { type: "json_schema", json_schema: { name: "n", schema: { type: "object" } } },
        cached_content: "cachedContents/x",
      },
      { maxOutputTokens: 7 },
    );
    expect(body).toEqual({
      systemInstruction: { parts: [{ text: "Be brief." }] },
      contents: [{ role: "user", parts: [{ text: "hi" }] }],
      cachedContent: "cachedContents/x",
      generationConfig: {
        candidateCount: 2,
        maxOutputTokens: 7,
        temperature: 2,
        topP: 0.5,
        seed: 1,
        stopSequences: ["a", "b", "c", "d", "e"],
        responseMimeType: "application/json",
        responseJsonSchema: { type: "object" },
        thinkingConfig: { includeThoughts: true },
      },
    });
    expect(wire).toMatchObject({
      method: "POST",
      path: "/models/gemini-3.5-flash:generateContent",
      headers: { "x-goog-api-key": "secret-key", "x-proxy": "1" },
      adjusted: ["temperature=2", 'stop=["a","b","c","d","e"]'],
    });
    expect(wire.path + wire.body.toString()).not.toContain("secret-key");
  });

  test("is sent where its model stands, in whatever spelling", () => {
    expect(send({ stream: true }).wire.path).toBe("/models/gemini-3.5-flash:streamGenerateContent?alt=sse");
    expect(sendTo("models/a?b:c")({}).wire.path).toBe("/models/a%3Fb%3Ac:generateContent");
    const vertex = sendTo("g", { paths: { chat: "/publishers/google/models/{model}" }, keyHeader: "Authorization" })(
      {},
    ).wire;
    expect(vertex.path).toBe("/publishers/google/models/g:generateContent");
    expect(vertex.headers.authorization).toBe("Bearer secret-key");
    expect(gemini.probe(TARGET, 0)).toMatchObject({ method: "GET", path: "/models?pageSize=1" });
  });

  test("carries calls, their results together, and what came with them", () => {
    const call = (id: string, given: string, more = {}) => ({
      id,
      type: "function",
      function: { name: "f", arguments: given },
      ...more,
    });
    const signed = { extra_content: { google: { thought_signature: "c2ln" } } };
    const picture = { type: "image_url", image_url: { url: "data:image/jpg;base64,AAAA" } };
    const messages = [
      ...MESSAGES,
      {
        role: "assistant",
        content: "wait",
        reasoning_content: "hm",
        tool_calls: [call("a", '{"x":1}', signed), call("b", "")],
      },
      { role: "tool", tool_call_id: "a", content: '{"y":2}' },
      { role: "tool", tool_call_id: "b", content: [{ type: "text", text: "晴" }, picture] },
      { role: "user", content: "and?" },
    ];
    expect(send({ messages }).body.contents).toEqual([
      { role: "user", parts: [{ text: "hi" }] },
      {
        role: "model",
        parts: [
          { text: "wait" },
          { functionCall: { id: "a", name: "f", args: { x: 1 } }, thoughtSignature: "c2ln" },
          { functionCall: { id: "b", name: "f", args: {} } },
        ],
      },
      {
        role: "user",
        parts: [
          { functionResponse: { id: "a", name: "f", response: { y: 2 } } },
          { functionResponse: { id: "b", name: "f", response: { output: "晴" } } },
        ],
      },
      { role: "user", parts: [{ inlineData: { mimeType: "image/jpeg", data: "AAAA" } }] },
      { role: "user", parts: [{ text: "and?" }] },
    ]);
  });

  test("says of calls that another model made what Google documents for them", () => {
    const tool_calls = ["a", "b"].map((id) => ({ id, type: "function", function: { name: "f", arguments: "{}" } }));
    const messages = [...MESSAGES, { role: "assistant", content: null, tool_calls }];
    const signatures = (model: string): unknown =>
      sendTo(model)({ messages }).body.contents[1].parts.map(
        (part: object) => (part as { thoughtSignature?: string }).thoughtSignature,
      );
    const unsigned = ["skip_thought_signature_validator", undefined];
    expect(["gemini-3-pro-preview", "gemini-flash-latest", "practice"].map(signatures)).toEqual([
      unsigned,
      unsigned,
      unsigned,
    ]);
    expect(signatures("gemini-2.5-flash")).toEqual([undefined, undefined]);
  });

  test("carries media inline, and by their addresses", () => {
    const content = [
      { type: "image_url", image_url: { url: "https://x/y.webp?z=1" } },
      { type: "input_audio", input_audio: { data: "AAAA", format: "mp3" } },
      { type: "file", file: { file_data: "data:application/pdf;base64,BBBB" } },
      { type: "file", file: { file_id: "files/abc" } },
      { type: "text", text: "" },
    ];
    expect(send({ messages: [{ role: "user", content }] }).body.contents[0].parts).toEqual([
      { fileData: { mimeType: "image/webp", fileUri: "https://x/y.webp?z=1" } },
      { inlineData: { mimeType: "audio/mp3", data: "AAAA" } },
      { inlineData: { mimeType: "application/pdf", data: "BBBB" } },
      { fileData: { fileUri: "https://g.example/v1beta/files/abc" } },
    ]);
  });

  test("declares tools by their JSON Schema, and how they may be called", () => {
    const parameters = { type: "object", additionalProperties: false };
    const tools = [{ type: "function", function: { name: "f", description: "d", parameters } }];
    const choice = (tool_choice: unknown): unknown =>
      send({ tools, tool_choice }).body.toolConfig?.functionCallingConfig;
    expect(send({ tools }).body.tools).toEqual([
      { functionDeclarations: [{ name: "f", description: "d", parametersJsonSchema: parameters }] },
    ]);
    expect([undefined, "auto", "none", "required", { type: "function", function: { name: "f" } }].map(choice)).toEqual([
      undefined,
      { mode: "AUTO" },
      { mode: "NONE" },
      { mode: "ANY" },
      { mode: "ANY", allowedFunctionNames: ["f"] },
    ]);
    expect(send({ tools, parallel_tool_calls: false }).wire.adjusted).toEqual(["-parallel_tool_calls"]);
  });

  test("instructions alone are what the user says", () => {
    const { body } = send({ messages: [{ role: "system", content: "Say hi." }] });
    expect([body.systemInstruction, body.contents]).toEqual([
      undefined,
      [{ role: "user", parts: [{ text: "Say hi." }] }],
    ]);
  });
});

describe("thinking", () => {
  const think = (model: string, fields: object): unknown => {
    const { wire, body } = sendTo(model)(fields);
    return [body.generationConfig?.thinkingConfig, wire.adjusted ?? []];
  };
  const shown = { includeThoughts: true };

  test.each([
    ["gemini-3.5-flash", {}, shown, []],
    ["gemini-3.5-flash", { reasoning_effort: "medium" }, { thinkingLevel: "medium", ...shown }, []],
    ["gemini-3.5-flash", { reasoning_effort: "none" }, { thinkingLevel: "minimal" }, ["reasoning_effort=minimal"]],
    [
      "gemini-3.1-pro-preview",
      { reasoning_effort: "minimal" },
      { thinkingLevel: "low", ...shown },
      ["reasoning_effort=low"],
    ],
    [
      "gemini-3.1-pro-preview",
      { reasoning_effort: "xhigh" },
      { thinkingLevel: "high", ...shown },
      ["reasoning_effort=high"],
    ],
    [
      "gemini-3.5-flash",
      { thinking_budget: 5_000 },
      { thinkingLevel: "medium", ...shown },
      ["reasoning_effort=medium"],
    ],
    ["gemini-2.5-flash", { reasoning_effort: "none" }, { thinkingBudget: 0 }, []],
    ["gemini-2.5-flash", { reasoning_effort: "low" }, { thinkingBudget: 1_024, ...shown }, []],
    ["gemini-2.5-pro", { reasoning_effort: "none" }, { thinkingBudget: 128 }, ["thinking_budget=128"]],
    ["gemini-2.5-flash-lite", { thinking_budget: 100 }, { thinkingBudget: 512, ...shown }, ["thinking_budget=512"]],
    ["gemini-2.5-flash", { thinking_budget: 99_999 }, { thinkingBudget: 24_576, ...shown }, ["thinking_budget=24576"]],
    ["gemini-2.0-flash", { reasoning_effort: "low" }, undefined, ["-reasoning_effort"]],
    ["gemma-3-27b-it", {}, undefined, []],
    ["gemini-2.5-flash-image", {}, undefined, []],
  ])("%s with %j", (model, fields, config, adjusted) => {
    expect(think(model, fields)).toEqual([config, adjusted]);
  });
});

describe("vectors and pictures", () => {
  const draw = (order: Partial<ImageOrder>) => {
    const content = { operation: "images", prompt: "a square", count: 1, extra: {}, ...order } as ImageOrder;
    const request = { ...asked({}), operation: "images" as const, content: () => content };
    return gemini.encode(request, { model: "gemini-3.1-flash-image", includeUsage: false }, TARGET, 0);
  };

  test("are asked for in one batch, and by an image model", () => {
    const { wire, body } = sendTo("gemini-embedding-001")({ input: ["a", "b"], dimensions: 8 }, {}, "embeddings");
    expect(wire.path).toBe("/models/gemini-embedding-001:batchEmbedContents");
    expect(body.requests[1]).toEqual({
      model: "models/gemini-embedding-001",
      content: { parts: [{ text: "b" }] },
      outputDimensionality: 8,
    });
    const { path, body: drawing, adjusted } = draw({ size: "1792x1024", format: "url", quality: "hd" });
    expect(path).toBe("/models/gemini-3.1-flash-image:generateContent");
    expect(JSON.parse(drawing.toString())).toEqual({
      contents: [{ role: "user", parts: [{ text: "a square" }] }],
      generationConfig: { responseModalities: ["IMAGE"], imageConfig: { aspectRatio: "16:9" } },
    });
    expect(adjusted).toEqual(["size=16:9", "-quality", "response_format=b64_json"]);
  });

  test("that it cannot make are refused before anything is sent", () => {
    expect(() => send({ input: [1, 2] }, {}, "embeddings")).toThrow(
      expect.objectContaining({ ...UNSUPPORTED, param: "input" }),
    );
    expect(() => draw({ count: 2 })).toThrow(expect.objectContaining({ ...UNSUPPORTED, param: "n" }));
  });

  test("are read", () => {
    const vectors = { embeddings: [{ values: [1, 2] }, { values: [3] }] };
    expect(gemini.readPieces("embeddings", json(vectors))).toEqual([
      { type: "start" },
      { type: "embedding", index: 0, vector: [1, 2] },
      { type: "embedding", index: 1, vector: [3] },
    ]);
    const parts = [{ text: "here", thought: true }, { inlineData: { mimeType: "image/png", data: "AAAA" } }];
    const drawing = {
      candidates: [{ content: { parts }, finishReason: "STOP" }],
      usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 1290, totalTokenCount: 1293 },
    };
    expect(gemini.readPieces("images", json(drawing))).toEqual([
      { type: "start" },
      { type: "image", index: 0, base64: "AAAA" },
      { type: "usage", usage: { input: 3, output: 1290, images: 1 } },
    ]);
    for (const none of [
      { candidates: [{ finishReason: "IMAGE_SAFETY" }] },
      { promptFeedback: { blockReason: "SAFETY" } },
    ]) {
      expect(() => gemini.readPieces("images", json(none))).toThrow(
        expect.objectContaining({ errorClass: "content_filter", charged: "nothing" }),
      );
    }
  });
});

function json(document: object): Buffer {
  return Buffer.from(JSON.stringify(document));
}

const chunk = (
  parts: object[] | undefined,
  more: object = {},
  usage: object = { promptTokenCount: 9, totalTokenCount: 9 },
): string =>
  `data: ${JSON.stringify({
    candidates: [{ index: 0, ...(parts && { content: { parts, role: "model" } }), ...more }],
    usageMetadata: usage,
    modelVersion: "g",
    responseId: "r1",
  })}\r\n\r\n`;
const LAST = {
  promptTokenCount: 9,
  cachedContentTokenCount: 4,
  toolUsePromptTokenCount: 2,
  candidatesTokenCount: 3,
  thoughtsTokenCount: 5,
  totalTokenCount: 19,
};
const STREAM = Buffer.from(
  chunk([{ text: "想 🤔", thought: true }]) +
    chunk([{ text: "你好 🌏" }]) +
    chunk([
      { functionCall: { name: "f", args: { a: "北京" } }, thoughtSignature: "c2ln" },
      { functionCall: { id: "own", name: "g" } },
    ]) +
    chunk([{ text: "", thoughtSignature: "bGFzdA==" }], { finishReason: "STOP" }, LAST),
);
const PIECES = [
  { type: "start", id: "r1", model: "g" },
  { type: "reasoning-delta", choice: 0, text: "想 🤔" },
  { type: "reasoning-end", choice: 0 },
  { type: "text-delta", choice: 0, text: "你好 🌏" },
  { type: "tool-call-start", choice: 0, index: 0, id: "call_r1_0_0", name: "f", signature: "c2ln" },
  { type: "tool-call-delta", choice: 0, index: 0, text: '{"a":"北京"}' },
  { type: "tool-call-start", choice: 0, index: 1, id: "own", name: "g" },
  { type: "tool-call-delta", choice: 0, index: 1, text: "{}" },
  { type: "finish", choice: 0, reason: "tool_calls" },
];
const USAGE = { input: 7, cachedInput: 4, output: 3, reasoning: 5 };

describe("an answer", () => {
  test("is read alike wherever it is cut, and its last usage counts", () => {
    for (const reading of readAtEveryCut(gemini, STREAM)) {
      expect(reading.filter(({ type }) => type !== "usage")).toEqual(PIECES);
      expect(reading.findLast(({ type }) => type === "usage")).toEqual({ type: "usage", usage: USAGE });
    }
  });

  test("that is whole has an end", () => {
    const parts = [{ text: "a" }, { inlineData: { mimeType: "image/png", data: "AAAA" } }];
    const document = { candidates: [{ content: { parts }, finishReason: "MAX_TOKENS" }] };
    expect(gemini.readPieces("chat", json(document))).toEqual([
      { type: "start" },
      { type: "text-delta", choice: 0, text: "a" },
      { type: "text-delta", choice: 0, text: "![](data:image/png;base64,AAAA)" },
      { type: "finish", choice: 0, reason: "length" },
      { type: "end" },
    ]);
  });

  test.each([
    ["SAFETY", { reason: "content_filter", raw: "SAFETY" }],
    ["RECITATION", { reason: "content_filter", raw: "RECITATION" }],
    ["MALFORMED_FUNCTION_CALL", { reason: "error", raw: "MALFORMED_FUNCTION_CALL" }],
    ["SOMETHING_NEW", { reason: "error", raw: "SOMETHING_NEW" }],
    ["STOP", { reason: "stop" }],
  ])("ends with %s", (finishReason, expected) => {
    const twice = Buffer.from(chunk(undefined, { finishReason }) + chunk(undefined, { finishReason }));
    const finishes = readChunks(gemini, [twice]).filter(({ type }) => type === "finish");
    expect(finishes).toEqual([{ type: "finish", choice: 0, ...expected }]);
  });

  test("whose prompt was blocked is none, and is charged where tokens are told", () => {
    const blocked = { promptFeedback: { blockReason: "PROHIBITED_CONTENT" } };
    const counted = { ...blocked, usageMetadata: { promptTokenCount: 5, totalTokenCount: 5 } };
    for (const [document, charged] of [
      [blocked, "nothing"],
      [counted, "unknown"],
    ] as const) {
      const fault = expect.objectContaining({
        errorClass: "content_filter",
        charged,
        vendorCode: "PROHIBITED_CONTENT",
      });
      expect(() => gemini.readPieces("chat", json(document))).toThrow(fault);
      expect(readChunks(gemini, [Buffer.from(`data: ${JSON.stringify(document)}\n\n`)]).at(-1)).toEqual({
        type: "fault",
        fault,
      });
    }
  });

  test("an error may be an event of a stream", () => {
    const error = Buffer.from(
      `data: ${JSON.stringify({ error: { code: 503, status: "UNAVAILABLE", message: "busy" } })}\n\n`,
    );
    expect(readChunks(gemini, [error])).toMatchObject([
      { type: "fault", fault: { errorClass: "overloaded", charged: "nothing" } },
    ]);
    expect(readChunks(gemini, [Buffer.from(chunk([{ text: "a" }])), error]).at(-1)).toMatchObject({
      type: "fault",
      fault: { errorClass: "overloaded", charged: "unknown" },
    });
  });

  test.each(["", "[]", "{}", '{"candidates":1}'])("%s is none", (text) => {
    for (const operation of gemini.operations) expect(() => gemini.readPieces(operation, Buffer.from(text))).toThrow();
  });
});

describe("usage", () => {
  const usageOf = (usageMetadata: object): unknown => {
    const pieces = gemini.readPieces("chat", json({ candidates: [], usageMetadata }));
    const found = pieces.find((piece) => piece.type === "usage");
    return found?.type === "usage" ? found.usage : undefined;
  };

  test.each([
    [{}, undefined],
    [{ promptTokenCount: 9 }, { input: 9 }],
    // Counts of nought are left out on this wire.
    [
      { promptTokenCount: 9, totalTokenCount: 9 },
      { input: 9, output: 0 },
    ],
    [
      { promptTokenCount: 9, candidatesTokenCount: 3, totalTokenCount: 20 },
      { input: 9, output: 3, reasoning: 8 },
    ],
    [
      {
        promptTokenCount: 100,
        cachedContentTokenCount: 40,
        promptTokensDetails: [
          { modality: "TEXT", tokenCount: 50 },
          { modality: "AUDIO", tokenCount: 30 },
          { modality: "IMAGE", tokenCount: 20 },
        ],
        cacheTokensDetails: [
          { modality: "TEXT", tokenCount: 30 },
          { modality: "AUDIO", tokenCount: 10 },
        ],
        candidatesTokenCount: 12,
        candidatesTokensDetails: [{ modality: "AUDIO", tokenCount: 10 }],
      },
      { input: 20, cachedInput: 40, inputAudio: 20, inputImage: 20, output: 2, outputAudio: 10 },
    ],
    [{ promptTokenCount: -1, candidatesTokenCount: 1.5 }, undefined],
  ])("%j is %j", (raw, usage) => {
    expect(usageOf(raw)).toEqual(usage);
  });
});

describe("errors", () => {
  const detail = (type: string, fields: object): object => ({
    "@type": `type.googleapis.com/google.rpc.${type}`,
    ...fields,
  });
  const quota = (quotaId: string): object[] => [
    detail("QuotaFailure", { violations: [{ quotaId }] }),
    detail("RetryInfo", { retryDelay: "34.4s" }),
  ];

  test.each([
    [400, "INVALID_ARGUMENT", "Request contains an invalid argument.", [], "invalid_request"],
    [
      400,
      "INVALID_ARGUMENT",
      "API key not valid. Please pass a valid API key.",
      [detail("ErrorInfo", { reason: "API_KEY_INVALID" })],
      "auth",
    ],
    [400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.", [], "auth"],
    [
      400,
      "INVALID_ARGUMENT",
      "The input token count (9) exceeds the maximum number of tokens allowed (8).",
      [],
      "context_length",
    ],
    [400, "FAILED_PRECONDITION", "User location is not supported for the API use.", [], "permission"],
    [401, "UNAUTHENTICATED", "no", [], "auth"],
    [403, "PERMISSION_DENIED", "no", [], "permission"],
    [403, "PERMISSION_DENIED", "no", [detail("ErrorInfo", { reason: "SERVICE_DISABLED" })], "permission"],
    [404, "NOT_FOUND", "models/x is not found", [], "not_found"],
    [
      429,
      "RESOURCE_EXHAUSTED",
      "You exceeded your current quota, please check your plan and billing details.",
      quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"),
      "rate_limit",
    ],
    [
      429,
      "RESOURCE_EXHAUSTED",
      "You exceeded your current quota, please check your plan and billing details.",
      quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"),
      "quota",
    ],
    [429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.", [], "billing"],
    [500, "INTERNAL", "no", [], "server_error"],
    [503, "UNAVAILABLE", "The model is overloaded.", [], "overloaded"],
    [504, "DEADLINE_EXCEEDED", "no", [], "timeout"],
  ])("%i %s: %s %#", (code, status, message, details, errorClass) => {
    const body = { error: { code, status, message, details } };
    const expected = { errorClass, charged: "nothing", vendorStatus: code, vendorCode: status };
    for (const document of [body, [body]]) expect(gemini.readError(code, {}, json(document))).toMatchObject(expected);
    const hint = details.length === 2 ? 34_400 : undefined;
    expect(gemini.readError(code, {}, json(body)).retryAfterMs).toBe(hint);
  });

  test("other shapes are known by their status, and keys are blacked out", () => {
    expect(gemini.readError(502, {}, Buffer.from("<html><title>Bad Gateway</title>"))).toMatchObject({
      errorClass: "server_error",
    });
    expect(gemini.readError(429, {}, json({ error: { code: "quota_exceeded", message: "x" } }))).toMatchObject({
      errorClass: "quota",
    });
    const message = `no access for AIza${"x".repeat(35)}`;
    const fault = gemini.readError(403, {}, json({ error: { code: 403, status: "PERMISSION_DENIED", message } }));
    expect(fault.text("en")).not.toContain("AIza");
  });
});
