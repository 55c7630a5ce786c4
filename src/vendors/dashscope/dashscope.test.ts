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
        max_tokens: 7,
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

  test.each([
    [{ n: 5 }, "n"],
    [{ tool_choice: "required", tools: [{ type: "function", function: { name: "f" } }] }, "tool_choice"],
  ])("%# is more than it can say", (fields, param) => {
    expect(() => send(fields)).toThrow(expect.objectContaining({ ...UNSUPPORTED, param }));
  });

  test("embeds texts", () => {
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
    [400, "DataInspectionFailed", "Output data may contain inappropriate content.", "content_filter"],
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
      fault: { errorClass, charged: "unknown" },
    });
  });

  test.each(["", "[]", "{}", '{"output":{}}'])("%s is none", (text) => {
    for (const operation of dashscope.operations)
      expect(() => dashscope.readPieces(operation, Buffer.from(text))).toThrow();
  });
});

describe("a task", () => {
  let server: Server;
  let script: object[];
  const asked: string[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      request.resume().on("end", () => response.end(JSON.stringify(script.shift())));
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

  async function run(answers: object[], firstByteMs = 10_000): Promise<readonly AnswerPiece[]> {
    script = answers;
    asked.length = 0;
    const { port } = server.address() as AddressInfo;
    const transport = new TaskTransport(httpTransport({ baseUrl: `http://127.0.0.1:${port}` }));
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

  test("that takes longer than the call may is left, and may be charged", async () => {
    const forever = Array.from({ length: 50 }, () => state("RUNNING"));
    await expect(run([state("PENDING"), ...forever], 700)).rejects.toMatchObject({
      errorClass: "timeout",
      charged: "unknown",
    });
  });
});
