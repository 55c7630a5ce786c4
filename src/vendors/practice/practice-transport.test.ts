import { describe, expect, test } from "vitest";
import type { ModelSetting, PracticeSetting } from "../../config/settings.ts";
import { openaiClient } from "../inside/openai-client.suite.ts";
import type { WireRequest } from "../spec.ts";
import { describeTransport, record } from "../transport.suite.ts";
import { type PracticeOptions, practiceTransport } from "./practice-transport.ts";

const post = (path: string, body: object | string): WireRequest => ({
  method: "POST",
  path,
  headers: {},
  body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
});

const ask = (model: string, extra: object = {}) =>
  post("/v1/chat/completions", { model, messages: [{ role: "user", content: "hello, world" }], ...extra });

const model = (id: string, practice: PracticeSetting = {}): ModelSetting => ({ id, practice });

const open = (practice: PracticeSetting = {}, options: PracticeOptions = { keepAnswers: 100 }) =>
  practiceTransport([model("echo", practice)], options);

interface Answer {
  choices: { message: { content: string | null; tool_calls?: unknown[] }; finish_reason: string }[];
  usage?: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
}

async function answer(practice: PracticeSetting, extra: object = {}): Promise<Answer> {
  const { body } = await record(open(practice), ask("echo", extra)).done;
  return JSON.parse(body.toString());
}

describeTransport("practice", async () => ({
  transport: practiceTransport([
    model("plain"),
    model("long", { outputTokens: 300 }),
    model("error", { failure: "error" }),
    model("slow", { firstByteMs: 90_000 }),
    model("stall", { outputTokens: 300, betweenChunksMs: 90_000 }),
    model("broken", { failure: "reset" }),
    model("cut", { outputTokens: 300, failure: "cut" }),
  ]),
  scenes: {
    body: ask("plain"),
    stream: ask("long", { stream: true }),
    error: ask("error"),
    slow: ask("slow"),
    stall: ask("stall", { stream: true }),
    broken: ask("broken"),
    cut: ask("cut", { stream: true }),
  },
}));

describe("practice, buffered and streamed, by the official client", () => {
  test("echoes the last message", async () => {
    const transport = open();
    const client = openaiClient(transport);
    const messages = [
      { role: "system" as const, content: "be kind" },
      {
        role: "user" as const,
        content: [
          { type: "text" as const, text: "请" },
          { type: "text" as const, text: "买单😀" },
        ],
      },
    ];
    const buffered = await client.chat.completions.create({ model: "echo", messages });
    expect(buffered.choices[0]).toMatchObject({
      message: { role: "assistant", content: "请买单😀" },
      finish_reason: "stop",
    });
    // 3 for the request, 3 a message, "be k|ind" and 请|买|单|😀
    expect(buffered.usage).toEqual({ prompt_tokens: 15, completion_tokens: 4, total_tokens: 19 });

    const stream = await client.chat.completions.create({
      model: "echo",
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const pieces: string[] = [];
    let usage: unknown;
    let finish: unknown;
    for await (const chunk of stream) {
      const { delta, finish_reason } = chunk.choices[0] ?? {};
      if (delta?.content) pieces.push(delta.content);
      finish = finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    expect(pieces).toEqual(["请", "买", "单", "😀"]);
    expect(finish).toBe("stop");
    expect(usage).toEqual(buffered.usage);
    const count = { answers: 2, input: 30, cachedInput: 0, output: 8, reasoning: 0 };
    expect(transport.served().models.get("echo")).toEqual(count);
  });

  test("calls the first tool, unless told not to", async () => {
    const client = openaiClient(open({ callTool: true }));
    const request = {
      model: "echo",
      messages: [{ role: "user" as const, content: "weather in 北京" }],
      tools: [{ type: "function" as const, function: { name: "look_up", parameters: {} } }],
    };
    const { choices } = await client.chat.completions.create(request);
    expect(choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: {
        content: null,
        tool_calls: [{ type: "function", function: { name: "look_up", arguments: '{"text":"weather in 北京"}' } }],
      },
    });
    const streamed = await client.chat.completions.stream(request).finalChatCompletion();
    expect(streamed.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: { tool_calls: [{ function: { name: "look_up", arguments: '{"text":"weather in 北京"}' } }] },
    });
    const refused = await client.chat.completions.create({ ...request, tool_choice: "none" });
    expect(refused.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "weather in 北京" } });
  });

  test("n choices, reasoning and cached input are counted, in both forms alike", async () => {
    const transport = open({ outputTokens: 40, reasoningTokens: 5, cachedInputTokens: 2 });
    const client = openaiClient(transport);
    const request = { model: "echo", messages: [{ role: "user" as const, content: "hello, world" }], n: 3 };
    const buffered = await client.chat.completions.create(request);
    expect(buffered.usage).toEqual({
      prompt_tokens: 9,
      completion_tokens: 135,
      total_tokens: 144,
      prompt_tokens_details: { cached_tokens: 2 },
      completion_tokens_details: { reasoning_tokens: 15 },
    });
    const streamed = await client.chat.completions
      .stream({ ...request, stream_options: { include_usage: true } })
      .finalChatCompletion();
    expect(streamed.usage).toEqual(buffered.usage);
    expect(streamed.choices.map(({ message }) => message.content)).toEqual(
      buffered.choices.map(({ message }) => message.content),
    );
    const [first, second] = transport.served().answers;
    expect(first).toMatchObject({ ended: "whole", input: 7, cachedInput: 2, output: 120, reasoning: 15 });
    expect(second).toEqual({ ...first, id: second!.id });
  });

  test("embeddings are of length one, the same for the same text, in any encoding", async () => {
    const transport = open();
    const client = openaiClient(transport);
    const { data, usage } = await client.embeddings.create({ model: "echo", input: ["买单", "hello, world", "买单"] });
    expect(data.map(({ embedding }) => embedding.length)).toEqual([64, 64, 64]);
    for (const { embedding } of data) expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
    expect(data[0]!.embedding).toEqual(data[2]!.embedding);
    expect(data[0]!.embedding).not.toEqual(data[1]!.embedding);
    expect(usage).toEqual({ prompt_tokens: 7, total_tokens: 7 });
    const plain = await client.embeddings.create({
      model: "echo",
      input: "买单",
      encoding_format: "float",
      dimensions: 64,
    });
    for (const [i, value] of plain.data[0]!.embedding.entries()) expect(value).toBeCloseTo(data[0]!.embedding[i]!, 6);
    const listed = await client.embeddings.create({ model: "echo", input: [[1, 2, 3], [4]], dimensions: 3 });
    expect(listed.data.map(({ embedding }) => embedding.length)).toEqual([3, 3]);
    expect(listed.usage.prompt_tokens).toBe(4);
    expect(transport.served().models.get("echo")).toMatchObject({ answers: 3, input: 13, output: 0 });
  });

  test("lists its models", async () => {
    const models = await openaiClient(
      practiceTransport([model("a"), { ...model("b"), upstream: "b-2" }]),
    ).models.list();
    expect(models.data.map(({ id, owned_by }) => [id, owned_by])).toEqual([
      ["a", "practice"],
      ["b-2", "practice"],
    ]);
  });
});

describe("the longest answer", () => {
  test.each([
    [{ max_tokens: 2 }, "hello, w", 2, "length"],
    [{ max_completion_tokens: 1, max_tokens: 3 }, "hell", 1, "length"],
    [{ max_tokens: 3 }, "hello, world", 3, "stop"],
    [{}, "hello, world", 3, "stop"],
  ])("%j", async (extra, content, tokens, finish) => {
    const { choices, usage } = await answer({}, extra);
    expect([choices[0]!.message.content, usage!.completion_tokens, choices[0]!.finish_reason]).toEqual([
      content,
      tokens,
      finish,
    ]);
  });

  test("reasoning comes out of it first", async () => {
    const { choices, usage } = await answer({ reasoningTokens: 5 }, { max_tokens: 4 });
    expect(choices[0]).toMatchObject({ message: { content: "" }, finish_reason: "length" });
    expect(usage).toMatchObject({ completion_tokens: 4, completion_tokens_details: { reasoning_tokens: 4 } });
  });

  test("the model's own holds too", async () => {
    const transport = practiceTransport([{ id: "echo", maxOutputTokens: 2 }]);
    const { body } = await record(transport, ask("echo", { max_tokens: 100 })).done;
    expect(JSON.parse(body.toString()).usage.completion_tokens).toBe(2);
  });
});

test("a fixed answer, without usage", async () => {
  const { choices, usage } = await answer({ answer: "您好", usage: false });
  expect([choices[0]!.message.content, usage]).toEqual(["您好", undefined]);
  const { body } = await record(
    open({ usage: false }),
    ask("echo", { stream: true, stream_options: { include_usage: true } }),
  ).done;
  expect(body.toString()).not.toContain("usage");
  expect(body.toString().endsWith("data: [DONE]\n\n")).toBe(true);
});

describe("failures", () => {
  test.each([
    ["error", 500, null],
    ["rate_limit", 429, "rate_limit_exceeded"],
    ["overloaded", 503, "overloaded"],
  ] as const)("%s", async (failure, status, code) => {
    const transport = open({ failure });
    const { status: got, body, headers } = await record(transport, ask("echo")).done;
    expect([got, JSON.parse(body.toString()).error.code]).toEqual([status, code]);
    expect(headers["retry-after"]).toBe(failure === "rate_limit" ? "1" : undefined);
    expect(transport.served()).toEqual({ models: new Map(), answers: [] });
  });

  test.each([["reset"], ["hang"]] as const)("%s serves nothing", async (failure) => {
    const transport = open({ failure });
    const bounds = { connectMs: 20, firstByteMs: 20, betweenBytesMs: 20 };
    const { events, fault } = await record(transport, ask("echo"), bounds).done;
    expect([events, fault!.charged]).toEqual([["fail"], "unknown"]);
    expect(transport.served().answers).toEqual([]);
  });

  test("garbage is no answer in either form", async () => {
    const { body, headers } = await record(open({ failure: "garbage" }), ask("echo", { stream: true })).done;
    expect(() => JSON.parse(body.toString().slice(6))).toThrow();
    expect(headers["content-type"]).toContain("text/event-stream");
  });

  test("cut serves what a stream had generated, and a buffered answer in full", async () => {
    const transport = open({ failure: "cut", outputTokens: 101 });
    const streamed = await record(transport, ask("echo", { stream: true })).done;
    const buffered = await record(transport, ask("echo")).done;
    expect([streamed.events.at(-1), buffered.events.at(-1)]).toEqual(["fail", "fail"]);
    expect(() => JSON.parse(buffered.body.toString())).toThrow();
    const pieces = streamed.body.toString().match(/"content":"[^"]+"/g);
    expect(pieces!.length).toBe(50);
    expect(transport.served().answers).toMatchObject([
      { ended: "cut", input: 9, output: 50 },
      { ended: "cut", input: 9, output: 101 },
    ]);
  });

  test("come at their rate, and the same calls for the same seed", async () => {
    const outcomes = async (seed: string) => {
      const transport = open({ failureRate: 0.25 }, { seed });
      const statuses: (number | undefined)[] = [];
      for (let i = 0; i < 400; i++) statuses.push((await record(transport, ask("echo")).done).status);
      return statuses;
    };
    const first = await outcomes("one");
    expect(await outcomes("one")).toEqual(first);
    expect(await outcomes("two")).not.toEqual(first);
    const failed = first.filter((status) => status === 500).length;
    expect(failed).toBeGreaterThan(60);
    expect(failed).toBeLessThan(140);
  });
});

describe("an aborted stream", () => {
  test("stops, and counts what it generated", async () => {
    for (let stop = 1; stop <= 10; stop++) {
      const transport = open({ outputTokens: 10, betweenChunksMs: 1 });
      let chunks = 0;
      const recorder = record(transport, ask("echo", { stream: true }), undefined, {
        onChunk: (exchange) => {
          chunks += 1;
          if (chunks === stop) exchange.abort();
        },
      });
      await recorder.chunked;
      await transport.close();
      expect(recorder.events.length).toBe(1 + stop);
      expect(transport.served().answers).toMatchObject([{ ended: "aborted", input: 9, output: stop }]);
    }
  });

  test("before its first piece, serves nothing", async () => {
    const transport = open({ firstByteMs: 60_000 });
    const recorder = record(transport, ask("echo", { stream: true }));
    recorder.exchange.abort();
    await transport.close();
    expect(transport.served().answers).toEqual([]);
  });

  test("whose receiver runs out of patience counts what it generated", async () => {
    const transport = open({ outputTokens: 10, betweenChunksMs: 60_000 });
    const bounds = { connectMs: 20, firstByteMs: 20, betweenBytesMs: 20 };
    await record(transport, ask("echo", { stream: true }), bounds).done;
    expect(transport.served().answers).toMatchObject([{ ended: "aborted", output: 1 }]);
  });
});

describe("bad requests", () => {
  test.each([
    [post("/v1/chat/completions", "{not json"), 400],
    [post("/v1/chat/completions", "[]"), 400],
    [post("/v1/chat/completions", { model: "echo" }), 400],
    [post("/v1/chat/completions", { model: "echo", messages: ["hi"] }), 400],
    [ask("echo", { max_tokens: 0 }), 400],
    [ask("echo", { n: "two" }), 400],
    [ask("echo", { n: 129 }), 400],
    [ask("other"), 404],
    [post("/v1/embeddings", { model: "echo", input: [] }), 400],
    [post("/v1/embeddings", { model: "echo", input: [{}] }), 400],
    [post("/v1/embeddings", { model: "echo", input: "a", dimensions: 1e9 }), 400],
    [post("/v1/embeddings", { model: "other", input: "a" }), 404],
    [post("/v1/audio", {}), 404],
  ])("%#", async (request, status) => {
    const { status: got, body } = await record(open(), request).done;
    const { error } = JSON.parse(body.toString());
    expect([got, error.type]).toEqual([status, "invalid_request_error"]);
    expect(error.message).toMatch(/[a-z].*演练/);
  });

  test("an answer that no memory could hold", async () => {
    const { status } = await record(open({ outputTokens: 1_000_000 }), ask("echo", { n: 100 })).done;
    expect(status).toBe(400);
  });
});

test("remembers no more answers than asked for", async () => {
  const transport = open({}, { keepAnswers: 3 });
  for (let i = 0; i < 20; i++) await record(transport, ask("echo")).done;
  const { answers, models } = transport.served();
  expect([answers.length, models.get("echo")!.answers]).toEqual([3, 20]);
});
