import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fault } from "../../base/faults.ts";
import type { AnswerPiece } from "../answer-pieces.ts";
import type { ImageOrder } from "../conversation.ts";
import { httpTransport } from "../http-transport.ts";
import { NOW, readAtEveryCut, readChunks, sender, UNSUPPORTED } from "../reading.suite.ts";
import type { AnswerSink, ModelRequest, Target } from "../spec.ts";
import { record } from "../transport.suite.ts";
import { dashscope } from "./protocol.ts";
import { TaskTransport } from "./task-transport.ts";

const TARGET: Target = { credentials: { apiKey: "sk-test" }, headers: {}, quirks: {} };
const send = sender(dashscope, TARGET, "qwen-plus");

describe("a request", () => {
  test("has the shape of its vendor", () => {
    const { wire, body } = send(
      {
        max_tokens: 9,
        temperature: 2,
        top_p: 0,
        stop: "x",
        enable_search: true,
        other: 1,
        frequency_penalty: 1,
        stream: true,
        thinking_budget: 5,
      },
      { maxOutputTokens: 7 },
    );
    expect(wire.path).toBe("/services/aigc/text-generation/generation");
    expect(wire.headers).toMatchObject({ authorization: "Bearer sk-test", "x-dashscope-sse": "enable" });
    expect(body).toEqual({
      model: "qwen-plus",
      input: { messages: [{ role: "user", content: "hi" }] },
      parameters: {
        result_format: "message",
        incremental_output: true,
        max_completion_tokens: 7,
        temperature: 1.99,
        top_p: 0.01,
        stop: ["x"],
        enable_thinking: true,
        thinking_budget: 5,
        enable_search: true,
      },
    });
    expect(wire.adjusted).toEqual(["-frequency_penalty", "temperature=1.99", "top_p=0.01"]);
  });

  test("goes another way with a picture, in lists of parts", () => {
    const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
    const messages = [
      { role: "system", content: "Be brief." },
      { role: "user", content: [{ type: "text", text: "看" }, image] },
    ];
    const { wire, body } = send({ messages });
    expect(wire.path).toBe("/services/aigc/multimodal-generation/generation");
    expect(body.input.messages).toEqual([
      { role: "system", content: [{ text: "Be brief." }] },
      { role: "user", content: [{ text: "看" }, { image: "data:image/png;base64,AAAA" }] },
    ]);
    expect(sender(dashscope, TARGET, "qwen-vl-max")({}).wire.path).toContain("multimodal");
  });

  const tool = (name: string) => ({ type: "function", function: { name } });
  const forced = { type: "function", function: { name: "f" } };
  const json = { response_format: { type: "json_object" } };

  test("has one text a message where there is no picture", () => {
    const parts = [
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ];
    const calls = [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }];
    const messages = [
      { role: "user", content: parts },
      { role: "assistant", content: null, reasoning_content: "hm", tool_calls: calls },
      { role: "tool", tool_call_id: "c", content: "1" },
    ];
    expect(send({ messages }).body.input.messages).toEqual([
      { role: "user", content: "ab" },
      { role: "assistant", content: "", reasoning_content: "hm", tool_calls: calls },
      { role: "tool", content: "1", tool_call_id: "c" },
    ]);
  });

  test.each([
    ["qwen-plus", { reasoning_effort: "none" }, { enable_thinking: false }, undefined],
    ["qwen-plus", { enable_thinking: true }, { enable_thinking: true }, undefined],
    ["qwen-plus", { reasoning_effort: "high" }, { enable_thinking: true }, ["enable_thinking=true"]],
    [
      "qwen3.8-max",
      { reasoning_effort: "high" },
      { enable_thinking: true, reasoning_effort: "xhigh" },
      ["reasoning_effort=xhigh"],
    ],
    ["qwen3.8-max", { reasoning_effort: "low" }, { enable_thinking: true, reasoning_effort: "low" }, undefined],
    ["qwen-plus", { enable_thinking: true, ...json }, { enable_thinking: false, ...json }, ["enable_thinking=false"]],
    [
      "qwen-plus",
      { enable_thinking: true, tools: [tool("f")], tool_choice: forced },
      { enable_thinking: true, tool_choice: "auto" },
      ["tool_choice=auto"],
    ],
    ["qwen-plus", { tools: [tool("f")], tool_choice: "required" }, { tool_choice: forced }, undefined],
    ["qwen-plus", { seed: -1 }, { seed: 0 }, ["seed=0"]],
  ] as const)("%s, asked for %j, is told %j", (model, fields, told, adjusted) => {
    const { wire, body } = sender(dashscope, TARGET, model)(fields);
    expect(body.parameters).toMatchObject(told);
    expect(wire.adjusted).toEqual(adjusted);
  });

  test("names the longest answer as its endpoint says", () => {
    const quirks = { maxOutputField: "max_completion_tokens" } as const;
    const { body } = sender(dashscope, { ...TARGET, quirks }, "qwen-plus")({ max_tokens: 3 });
    expect(body.parameters).toMatchObject({ max_completion_tokens: 3 });
  });

  test("goes the way that its endpoint names, in that way's shape", () => {
    const quirks = { paths: { chat: "/services/aigc/multimodal-generation/generation" } };
    const { body } = sender(dashscope, { ...TARGET, quirks }, "qwen3.5-plus")({});
    expect(body.input.messages).toEqual([{ role: "user", content: [{ text: "hi" }] }]);
  });

  test.each([
    [{ n: 5 }, "n"],
    [{ n: 2, tools: [tool("f")] }, "n"],
    [{ n: 2, enable_thinking: true }, "n"],
    [{ tool_choice: "required", tools: [tool("f"), tool("g")] }, "tool_choice"],
    [{ messages: [{ role: "user", content: [{ type: "file", file: { file_data: "AAAA" } }] }] }, "messages"],
  ])("%# is more than it can say", (fields, param) => {
    expect(() => send(fields)).toThrow(expect.objectContaining({ ...UNSUPPORTED, param }));
  });

  test("embeds texts, as many as its model takes", () => {
    const inputs = Array.from({ length: 11 }, () => "a");
    expect(send({ input: inputs }, {}, "embeddings").body.input.texts).toHaveLength(11);
    const newer = sender(dashscope, TARGET, "text-embedding-v4");
    expect(() => newer({ input: inputs }, {}, "embeddings")).toThrow(expect.objectContaining(UNSUPPORTED));
    expect(send({ input: "a", dimensions: 64 }, {}, "embeddings").body).toEqual({
      model: "qwen-plus",
      input: { texts: ["a"] },
      parameters: { dimension: 64 },
    });
  });
});

const event = (message: object, finish_reason = "null"): string => {
  const usage = {
    input_tokens: 9,
    output_tokens: 3,
    prompt_tokens_details: { cached_tokens: 4 },
    output_tokens_details: { reasoning_tokens: 1 },
  };
  const output = { choices: [{ message: { role: "assistant", content: "", ...message }, finish_reason }] };
  return `id:1\nevent:result\n:HTTP_STATUS/200\ndata:${JSON.stringify({ output, usage, request_id: "r" })}\n\n`;
};

describe("an answer", () => {
  test("is read alike wherever it is cut", () => {
    const call = (more: object) => ({ tool_calls: [{ index: 0, type: "function", ...more }] });
    const stream =
      event({ reasoning_content: "hm" }) +
      event({ content: "你好 🌏" }) +
      event(call({ id: "c", function: { name: "f", arguments: "" } })) +
      event(call({ id: "", function: { arguments: '{"a":1}' } })) +
      event({}, "tool_calls");
    for (const reading of readAtEveryCut(dashscope, Buffer.from(stream))) {
      expect(reading.filter(({ type }) => type !== "usage")).toEqual([
        { type: "start", id: "r" },
        { type: "reasoning-delta", choice: 0, text: "hm" },
        { type: "reasoning-end", choice: 0 },
        { type: "text-delta", choice: 0, text: "你好 🌏" },
        { type: "tool-call-start", choice: 0, index: 0, id: "c", name: "f" },
        { type: "tool-call-delta", choice: 0, index: 0, text: '{"a":1}' },
        { type: "finish", choice: 0, reason: "tool_calls" },
      ]);
      expect(reading.at(-1)).toMatchObject({ usage: { input: 5, cachedInput: 4, output: 2, reasoning: 1 } });
    }
  });

  test("that the rules strike in the middle ends there, and is billed so far", () => {
    const struck = { code: "DataInspectionFailed", message: "Output data may contain inappropriate content." };
    const end = `id:2\nevent:error\n:HTTP_STATUS/400\ndata:${JSON.stringify(struck)}\n\n`;
    const pieces = readChunks(dashscope, [Buffer.from(event({ content: "a" }) + end)]);
    expect(pieces.slice(-3)).toEqual([
      { type: "usage", usage: expect.objectContaining({ output: 2 }) },
      { type: "finish", choice: 0, reason: "content_filter", raw: "DataInspectionFailed" },
      { type: "end" },
    ]);
    expect(readChunks(dashscope, [Buffer.from(end)])).toEqual([
      { type: "fault", fault: expect.objectContaining({ errorClass: "content_filter", charged: "nothing" }) },
    ]);
  });

  test("of a model that sees tells its pictures apart, and its cache", () => {
    const usage = {
      input_tokens: 100,
      output_tokens: 1,
      image_tokens: 60,
      input_tokens_details: { image_tokens: 60, text_tokens: 40 },
      prompt_tokens_details: { cached_tokens: 10 },
    };
    const content = [{ text: "a" }, { text: "b" }];
    const body = { output: { choices: [{ message: { content }, finish_reason: "stop" }] }, usage, request_id: "r" };
    const pieces = dashscope.readPieces("chat", Buffer.from(JSON.stringify(body)));
    expect(pieces).toContainEqual({
      type: "usage",
      usage: expect.objectContaining({ input: 30, inputImage: 60, cachedInput: 10, output: 1 }),
    });
    expect(pieces.flatMap((piece) => (piece.type === "text-delta" ? [piece.text] : []))).toEqual(["a", "b"]);
  });

  test("of a model that repeats itself is told once", () => {
    const reader = dashscope.readStream({ eventBytes: 10_000, model: "qwen-mt-plus" });
    const frames = [event({ content: "Hel" }), event({ content: "Hello" }), event({ content: "Hello" }, "stop")];
    const pieces = frames.flatMap((frame) => reader.push(Buffer.from(frame)));
    expect(pieces.filter(({ type }) => type === "text-delta")).toEqual([
      { type: "text-delta", choice: 0, text: "Hel" },
      { type: "text-delta", choice: 0, text: "lo" },
    ]);
  });

  test("of an older model has one text", () => {
    const body = {
      output: { text: "a", finish_reason: "length" },
      usage: { input_tokens: 1, output_tokens: 1 },
      request_id: "r",
    };
    expect(dashscope.readPieces("chat", Buffer.from(JSON.stringify(body)))).toContainEqual({
      type: "finish",
      choice: 0,
      reason: "length",
    });
  });

  test.each([
    [400, "InvalidParameter", "Range of input length should be [1, 30720]", "context_length"],
    [400, "InvalidParameter", "temperature", "invalid_request"],
    [400, "BadRequest.TooLarge", "Payload Too Large", "invalid_request"],
    [400, "Arrearage", "Access denied, please make sure your account is in good standing.", "billing"],
    [401, "InvalidApiKey", "Invalid API-key provided.", "auth"],
    [403, "AllocationQuota.FreeTierOnly", "exhausted", "quota"],
    [403, "Model.AccessDenied", "no", "permission"],
    [404, "ModelNotFound", "no", "not_found"],
    [429, "Throttling.RateQuota", "slow", "rate_limit"],
    [429, "Throttling.AllocationQuota", "Allocated quota exceeded, please increase your quota limit.", "rate_limit"],
    [429, "insufficient_quota", "You exceeded your current quota", "quota"],
    [429, "Throttling.ServiceOverloaded", "busy", "overloaded"],
    [500, "InternalError.Algo", "x", "server_error"],
    [500, "RequestTimeOut", "x", "timeout"],
  ])("status %i, %s (%s): class %s", (status, code, message, errorClass) => {
    const body = JSON.stringify({ code, message, request_id: "r" });
    expect(dashscope.readError(status, {}, Buffer.from(body))).toMatchObject({ errorClass, charged: "nothing" });
    const late = `id:2\nevent:error\n:HTTP_STATUS/${status}\ndata:${body}\n\n`;
    expect(dashscope.readError(status, {}, Buffer.from(late))).toMatchObject({ errorClass });
    expect(readChunks(dashscope, [Buffer.from(event({ content: "a" })), Buffer.from(late)]).at(-1)).toMatchObject({
      type: "fault",
      fault: { errorClass, charged: "unknown", vendorStatus: status },
    });
  });

  test("whose pictures were drawn at once has them in its parts", () => {
    const content = [{ image: "https://x/1" }, { image: "https://x/2" }];
    const body = { output: { choices: [{ message: { content } }] }, usage: { image_count: 2 }, request_id: "r" };
    expect(dashscope.readPieces("images", Buffer.from(JSON.stringify(body)))).toEqual([
      { type: "start", id: "r" },
      { type: "image", index: 0, url: "https://x/1" },
      { type: "image", index: 1, url: "https://x/2" },
      { type: "usage", usage: { images: 2 } },
    ]);
  });

  test.each(["", "[]", "{}", '{"output":{}}'])("%s is none", (text) => {
    for (const operation of dashscope.operations)
      expect(() => dashscope.readPieces(operation, Buffer.from(text))).toThrow();
  });
});

describe("a task", () => {
  let server: Server;
  let script: (object | number)[];
  const asked: string[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      request.resume().on("end", () => {
        const next = script.shift();
        if (next === 0) response.destroy();
        else if (typeof next === "number") response.writeHead(next).end("{}");
        else response.end(JSON.stringify(next));
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const order = {
    operation: "images",
    stream: false,
    dialect: { id: "openai" },
    content: (): ImageOrder => ({
      operation: "images",
      prompt: "a square",
      count: 2,
      size: "1024x1024",
      quality: undefined,
      style: undefined,
      format: undefined,
      user: undefined,
      extra: {},
    }),
  } as unknown as ModelRequest;

  async function run(answers: (object | number)[], firstByteMs = 10_000): Promise<readonly AnswerPiece[]> {
    script = answers;
    asked.length = 0;
    const { port } = server.address() as AddressInfo;
    const transport = new TaskTransport(httpTransport({ baseUrl: `http://127.0.0.1:${port}` }), 5);
    const wire = dashscope.encode(order, { model: "wanx", includeUsage: false }, TARGET, NOW);
    expect(JSON.parse(wire.body.toString())).toEqual({
      model: "wanx",
      input: { prompt: "a square" },
      parameters: { n: 2, size: "1024*1024" },
    });
    const bounds = { connectMs: 1_000, firstByteMs, betweenBytesMs: 1_000 };
    const body = await new Promise<Buffer>((resolve, reject) => {
      const chunks: Buffer[] = [];
      const sink: AnswerSink = {
        onHead: () => {},
        onChunk: (chunk) => chunks.push(chunk),
        onEnd: () => resolve(Buffer.concat(chunks)),
        onFail: reject,
      };
      transport.send(wire, sink, bounds);
    }).finally(() => transport.close());
    return dashscope.readPieces("images", body);
  }

  const state = (task_status: string, more: object = {}) => ({ output: { task_id: "t/1", task_status, ...more } });

  test("is asked for until it is over, and is one answer", async () => {
    const done = {
      ...state("SUCCEEDED", { results: [{ url: "https://x/1" }, { url: "https://x/2" }] }),
      usage: { image_count: 2 },
    };
    expect(await run([state("PENDING"), state("RUNNING"), done])).toEqual([
      { type: "start" },
      { type: "image", index: 0, url: "https://x/1" },
      { type: "image", index: 1, url: "https://x/2" },
      { type: "usage", usage: { images: 2 } },
    ]);
    expect(asked).toEqual(["POST /services/aigc/text2image/image-synthesis", "GET /tasks/t%2F1", "GET /tasks/t%2F1"]);
  });

  test("that failed says why", async () => {
    const failed = state("FAILED", { code: "DataInspectionFailed", message: "no" });
    await expect(run([state("PENDING"), failed])).rejects.toMatchObject({ errorClass: "content_filter" });
    await expect(run([state("PENDING"), state("CANCELED")])).rejects.toBeInstanceOf(Fault);
  });

  test("is asked for again where its state cannot be had for a while", async () => {
    const done = state("SUCCEEDED", { results: [{ url: "https://x/1" }, { code: "x", message: "y" }] });
    expect(await run([state("PENDING"), 503, 429, 0, done])).toContainEqual({ type: "usage", usage: { images: 1 } });
    expect(asked).toHaveLength(5);
  });

  test("that was taken may be charged, whatever is said of it later; one that was not is not", async () => {
    await expect(run([state("PENDING"), 404])).rejects.toMatchObject({
      errorClass: "server_error",
      charged: "unknown",
      details: { task: "t/1" },
    });
    const { port } = server.address() as AddressInfo;
    const transport = new TaskTransport(httpTransport({ baseUrl: `http://127.0.0.1:${port}` }), 5);
    script = [400];
    const wire = dashscope.encode(order, { model: "wanx", includeUsage: false }, TARGET, NOW);
    expect(await record(transport, wire).done).toMatchObject({ status: 400, events: ["head", "chunk", "end"] });
    await transport.close();
    expect((await record(transport, wire).done).fault).toMatchObject({ charged: "nothing" });
  });

  test("is waited for before all is closed, and forgotten when its call is given up", async () => {
    const { port } = server.address() as AddressInfo;
    const transport = new TaskTransport(httpTransport({ baseUrl: `http://127.0.0.1:${port}` }), 5);
    const wire = dashscope.encode(order, { model: "wanx", includeUsage: false }, TARGET, NOW);
    script = [state("PENDING"), state("RUNNING"), state("SUCCEEDED")];
    const kept = record(transport, wire);
    const closing = transport.close();
    expect((await kept.done).events).toEqual(["head", "chunk", "end"]);
    await closing;
    const other = new TaskTransport(httpTransport({ baseUrl: `http://127.0.0.1:${port}` }), 5);
    script = [state("PENDING"), ...Array.from({ length: 50 }, () => state("RUNNING"))];
    const gone = record(other, wire);
    gone.exchange.abort();
    await other.close();
    expect(gone.events).toEqual([]);
  });

  test("is asked for only where its model does not draw at once", () => {
    const quirks = { paths: { images: "/services/aigc/multimodal-generation/generation" } };
    const wire = dashscope.encode(order, { model: "qwen-image", includeUsage: false }, { ...TARGET, quirks }, NOW);
    expect(wire.headers["x-dashscope-async"]).toBeUndefined();
    expect(JSON.parse(wire.body.toString())).toEqual({
      model: "qwen-image",
      input: { messages: [{ role: "user", content: [{ text: "a square" }] }] },
      parameters: { n: 2, size: "1024*1024" },
    });
  });

  test("that takes longer than the call may is left, and may be charged", async () => {
    const forever = Array.from({ length: 50 }, () => state("RUNNING"));
    await expect(run([state("PENDING"), ...forever], 700)).rejects.toMatchObject({
      errorClass: "timeout",
      charged: "unknown",
    });
  });
});
