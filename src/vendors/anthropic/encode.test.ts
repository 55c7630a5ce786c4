import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../base/limits.ts";
import type { Conversation, Message } from "../conversation.ts";
import { readRequest as readOpenAi } from "../openai/request.ts";
import type { Changes, ModelRequest, Target } from "../spec.ts";
import { compose } from "./compose.ts";
import { encode, encodeCount } from "./encode.ts";
import { fromNative, writeCallId, writeCallSignature, writeSignature } from "./marks.ts";
import { readRequest } from "./request.ts";

const TARGET: Target = { credentials: { apiKey: "sk-ant-1" }, headers: {}, quirks: {} };
const CHANGES: Changes = { model: "claude-sonnet-4-5", includeUsage: true, unnamedOutputTokens: 1_000 };

const EMPTY: Conversation = {
  operation: "chat",
  messages: [{ role: "user", parts: [{ type: "text", text: "hi" }] }],
  tools: [],
  toolChoice: undefined,
  parallelToolCalls: undefined,
  maxOutputTokens: undefined,
  temperature: undefined,
  topP: undefined,
  topK: undefined,
  presencePenalty: undefined,
  frequencyPenalty: undefined,
  seed: undefined,
  stop: [],
  choices: 1,
  reasoning: undefined,
  format: undefined,
  user: undefined,
  extra: {},
};

function write(
  chat: Partial<Conversation>,
  changes: Partial<Changes> = {},
  quirks: Target["quirks"] = {},
): { body: Record<string, unknown>; adjusted: readonly string[] } {
  const { body, adjusted } = compose({ ...EMPTY, ...chat }, false, { ...CHANGES, ...changes }, quirks);
  return { body: JSON.parse(body.toString()), adjusted };
}
const textTurn = (role: "user" | "assistant" | "system", text: string): Message =>
  ({ role, parts: [{ type: "text", text }] }) as Message;

describe("a request for Anthropic, of a client that speaks another protocol", () => {
  test("has the model, the longest answer and the messages", () => {
    expect(write({})).toEqual({
      body: { model: "claude-sonnet-4-5", max_tokens: 1_000, messages: [{ role: "user", content: "hi" }] },
      adjusted: [],
    });
  });

  test.each([
    [{ maxOutputTokens: 50 }, {}, 50],
    [{ maxOutputTokens: 50 }, { maxOutputTokens: 20 }, 20],
    [{ maxOutputTokens: 50 }, { maxOutputTokens: 80 }, 50],
    [{}, { maxOutputTokens: 20 }, 20],
    [{}, { unnamedOutputTokens: undefined }, 4_096],
  ])("the longest answer of %j with %j is %d", (chat, changes, longest) => {
    expect(write(chat, changes as Partial<Changes>).body.max_tokens).toBe(longest);
  });

  test("instructions stand apart, turns alternate, results come first, ids are well-formed and unique", () => {
    const call = (id: string) => ({ type: "tool-call" as const, id, name: "look", arguments: '{"a":1}' });
    const result = (callId: string, text: string): Message => ({
      role: "tool",
      callId,
      name: "look",
      parts: [{ type: "text", text }],
    });
    const { body } = write({
      messages: [
        textTurn("system", "one"),
        textTurn("user", "a"),
        textTurn("user", "b"),
        textTurn("system", "two"),
        { role: "assistant", parts: [call("functions.look:0"), call("call_1")] },
        result("functions.look:0", "r0"),
        { ...result("call_1", "r1"), failed: true } as Message,
        textTurn("user", "c"),
        { role: "assistant", parts: [call("call_1")] },
        result("call_1", "again"),
        { role: "assistant", parts: [{ type: "text", text: "" }] },
      ],
    });
    expect(body.system).toBe("one\ntwo");
    const use = (id: string) => ({ type: "tool_use", id, name: "look", input: { a: 1 } });
    expect(body.messages).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "a" },
          { type: "text", text: "b" },
        ],
      },
      { role: "assistant", content: [use("functions_look_0"), use("call_1")] },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "functions_look_0", content: "r0" },
          { type: "tool_result", tool_use_id: "call_1", content: "r1", is_error: true },
          { type: "text", text: "c" },
        ],
      },
      { role: "assistant", content: [use("call_1_2")] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "call_1_2", content: "again" }] },
    ]);
  });

  test("nothing but instructions are what is asked", () => {
    const { body } = write({ messages: [textTurn("system", "Write a poem.")] });
    expect(body).toMatchObject({ messages: [{ role: "user", content: [{ text: "Write a poem." }] }] });
    expect(body.system).toBeUndefined();
  });

  test("pictures and documents keep their sources, and marks of the cache stay", () => {
    const { body } = write({
      messages: [
        { role: "system", parts: [{ type: "text", text: "s", cache: "1h" }] },
        {
          role: "user",
          parts: [
            { type: "image", base64: "aGk=", mediaType: "image/jpg", cache: "5m" },
            { type: "image", url: "https://i" },
            { type: "file", base64: "JVBE", name: "n" },
            { type: "file", base64: "aGk=", mediaType: "text/plain" },
            { type: "file", url: "https://f" },
          ],
        },
      ],
    });
    expect(body.system).toEqual([{ type: "text", text: "s", cache_control: { type: "ephemeral", ttl: "1h" } }]);
    const [{ content }] = body.messages as [{ content: unknown }];
    expect(content).toEqual([
      {
        type: "image",
        source: { type: "base64", media_type: "image/jpeg", data: "aGk=" },
        cache_control: { type: "ephemeral" },
      },
      { type: "image", source: { type: "url", url: "https://i" } },
      {
        type: "document",
        source: { type: "base64", media_type: "application/pdf", data: "JVBE" },
        title: "n",
      },
      { type: "document", source: { type: "text", media_type: "text/plain", data: "hi" } },
      { type: "document", source: { type: "url", url: "https://f" } },
    ]);
  });

  test("tools, choices of tools, one call at a time", () => {
    const tools = [{ name: "look", description: "d", parameters: { properties: { a: {} } }, strict: true }];
    expect(write({ tools }).body).toMatchObject({
      tools: [
        { name: "look", description: "d", input_schema: { type: "object", properties: { a: {} } }, strict: true },
      ],
    });
    const choice = (chat: Partial<Conversation>, quirks = {}) => write({ tools, ...chat }, {}, quirks).body.tool_choice;
    expect(choice({})).toBeUndefined();
    expect(choice({ toolChoice: "required" })).toEqual({ type: "any" });
    expect(choice({ toolChoice: { tool: "look" } })).toEqual({ type: "tool", name: "look" });
    expect(choice({ toolChoice: "none", parallelToolCalls: false })).toEqual({ type: "none" });
    expect(choice({ parallelToolCalls: false })).toEqual({ type: "auto", disable_parallel_tool_use: true });
    expect(choice({ toolChoice: "required" }, { clamps: { tool_choice: ["auto", "none"] } })).toEqual({ type: "auto" });
  });

  test("an answer by a schema, the user's name, fields that the vendor knows", () => {
    const schema = { type: "object", additionalProperties: false };
    expect(
      write({
        format: { type: "schema", name: "n", schema, strict: true },
        user: "u",
        extra: { speed: "fast", enable_search: true },
      }).body,
    ).toMatchObject({
      output_config: { format: { type: "json_schema", schema } },
      metadata: { user_id: "u" },
      speed: "fast",
    });
    expect(write({ extra: { enable_search: true } }).body).not.toHaveProperty("enable_search");
  });

  test.each<[Partial<Conversation>, string, object, readonly string[]]>([
    [{ temperature: 1.7 }, "claude-sonnet-4-5", { temperature: 1 }, ["temperature=1"]],
    [{ temperature: 0.5, topP: 0.9 }, "claude-haiku-4-5", { temperature: 0.5 }, ["-top_p"]],
    [{ temperature: 0.5, topP: 0.9 }, "claude-3-7-sonnet-20250219", { temperature: 0.5, top_p: 0.9 }, []],
    [{ temperature: 0.5, topP: 0.9 }, "kimi-k3", { temperature: 0.5, top_p: 0.9 }, []],
    [{ temperature: 0.5, topK: 5 }, "claude-opus-4-8", {}, ["-temperature", "-top_k"]],
    [{ temperature: 0.5 }, "claude-sonnet-5", {}, ["-temperature"]],
    [{ temperature: 0.5 }, "claude-opus-4-20250514", { temperature: 0.5 }, []],
    [{ seed: 1, presencePenalty: 1 }, "m", {}, ["-seed", "-presence_penalty"]],
    [{ stop: ["a", " \n"] }, "m", { stop_sequences: ["a"] }, ['stop=["a"]']],
  ])("%j for %s becomes %j, and that is told", (chat, model, fields, adjusted) => {
    const written = write(chat, { model });
    const { model: _, max_tokens, messages, ...rest } = written.body;
    expect([rest, written.adjusted]).toEqual([fields, adjusted]);
  });

  test.each<[Partial<Conversation>, Partial<Changes>, object, readonly string[]]>([
    [{ reasoning: { effort: "none" } }, {}, { thinking: { type: "disabled" } }, []],
    [
      { reasoning: { effort: "low" }, maxOutputTokens: 10_000 },
      {},
      { thinking: { type: "enabled", budget_tokens: 2_048 } },
      [],
    ],
    [
      { reasoning: { budgetTokens: 9_000 }, maxOutputTokens: 10_000, temperature: 0.2 },
      {},
      { thinking: { type: "enabled", budget_tokens: 8_000 } },
      ["thinking.budget_tokens=8000", "-temperature"],
    ],
    [{ reasoning: { effort: "high" }, maxOutputTokens: 1_000 }, {}, {}, ["-thinking"]],
    [
      { reasoning: { effort: "xhigh" }, maxOutputTokens: 500 },
      { model: "claude-opus-4-8" },
      { thinking: { type: "adaptive" }, output_config: { effort: "xhigh" } },
      [],
    ],
    [
      { reasoning: { budgetTokens: 5_000 } },
      { model: "claude-sonnet-5" },
      { thinking: { type: "adaptive" } },
      ["thinking=adaptive"],
    ],
  ])("%j with %j thinks %j", (chat, changes, fields, adjusted) => {
    const written = write(chat, changes);
    const { model, max_tokens, messages, ...rest } = written.body;
    expect([rest, written.adjusted]).toEqual([fields, adjusted]);
  });

  test("thinking goes along with Anthropic's own signature only, and is off where it is missing in a turn that goes on", () => {
    const history = (signature: string | undefined): Message[] => [
      textTurn("user", "go"),
      {
        role: "assistant",
        parts: [
          { type: "reasoning", text: "hm", signature },
          { type: "tool-call", id: "a", name: "look", arguments: "" },
        ],
      },
      { role: "tool", callId: "a", name: "look", parts: [{ type: "text", text: "r" }] },
    ];
    const reasoning = { effort: "low" as const };
    const signed = write({ messages: history(fromNative("RXFv")), reasoning, maxOutputTokens: 9_000 });
    expect(signed.body.messages).toMatchObject([
      {},
      {
        content: [
          { type: "thinking", thinking: "hm", signature: "RXFv" },
          { type: "tool_use", input: {} },
        ],
      },
      {},
    ]);
    expect(signed.body.thinking).toBeDefined();
    for (const signature of [undefined, "another vendor's"]) {
      const { body, adjusted } = write({ messages: history(signature), reasoning, maxOutputTokens: 9_000 });
      expect(body.messages).toMatchObject([{}, { content: [{ type: "tool_use" }] }, {}]);
      expect([body.thinking, adjusted]).toEqual([undefined, ["-thinking"]]);
    }
  });

  test.each<[Partial<Conversation>, string]>([
    [{ choices: 2 }, "n"],
    [{ format: { type: "json" } }, "response_format"],
    [{ messages: [{ role: "user", parts: [{ type: "audio", base64: "", format: "wav" }] }] }, "messages[0]"],
  ])("%j cannot be said", (chat, param) => {
    expect(() => write(chat)).toThrow(expect.objectContaining({ errorClass: "unsupported", param }));
  });

  test("an OpenAI client's request arrives whole, with the headers of the vendor", () => {
    const body = {
      model: "asked",
      stream: true,
      messages: [
        { role: "developer", content: "Be brief." },
        { role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } }] },
      ],
    };
    const request = readOpenAi("chat", Buffer.from(JSON.stringify(body)), DEFAULT_LIMITS);
    const wire = encode(request, CHANGES, { ...TARGET, headers: { "X-Team": "t" } });
    expect(wire).toMatchObject({
      method: "POST",
      path: "/v1/messages",
      headers: {
        accept: "text/event-stream",
        "x-api-key": "sk-ant-1",
        "anthropic-version": "2023-06-01",
        "x-team": "t",
      },
    });
    expect(JSON.parse(wire.body.toString())).toEqual({
      model: "claude-sonnet-4-5",
      max_tokens: 1_000,
      system: "Be brief.",
      messages: [
        {
          role: "user",
          content: [{ type: "image", source: { type: "base64", media_type: "image/png", data: "aGk=" } }],
        },
      ],
      stream: true,
    });
  });
});

describe("a request of a client that speaks Anthropic's protocol", () => {
  const ask = (document: object, headers?: Record<string, string>): ModelRequest =>
    readRequest(Buffer.from(JSON.stringify(document)), DEFAULT_LIMITS, headers && { headers });
  const PLAIN = { model: "asked", max_tokens: 5_000, messages: [{ role: "user", content: "hi" }] };
  const same: Changes = { model: "asked", includeUsage: false };

  test("takes its own headers along; the operator's win", () => {
    const headers = { "anthropic-version": "2026-10-21", "anthropic-beta": "a,b" };
    expect(encode(ask(PLAIN, headers), same, TARGET).headers).toMatchObject(headers);
    const target = { ...TARGET, headers: { "Anthropic-Beta": "c" }, quirks: { keyHeader: "authorization" } };
    expect(encode(ask(PLAIN, headers), same, target).headers).toMatchObject({
      "anthropic-beta": "c",
      authorization: "Bearer sk-ant-1",
    });
  });

  test("a budget of thinking stays below a lowered answer, or goes", () => {
    const request = ask({ ...PLAIN, thinking: { type: "enabled", budget_tokens: 4_000, display: "omitted" } });
    const lowered = (maxOutputTokens: number) => {
      const { body, adjusted } = encode(request, { ...same, maxOutputTokens }, TARGET);
      const { max_tokens, thinking } = JSON.parse(body.toString());
      return [max_tokens, thinking, adjusted];
    };
    expect(lowered(4_500)).toEqual([4_500, { type: "enabled", budget_tokens: 4_000, display: "omitted" }, []]);
    expect(lowered(3_000)).toEqual([
      3_000,
      { type: "enabled", budget_tokens: 2_999, display: "omitted" },
      ["thinking.budget_tokens=2999"],
    ]);
    expect(lowered(1_000)).toEqual([1_000, { type: "disabled" }, ["thinking=disabled"]]);
  });

  test("loses the thinking that Maidan wrote for other vendors, and nothing else", () => {
    const mine = { type: "thinking", thinking: "a", signature: "RXFv" };
    const theirs = { type: "thinking", thinking: "b", signature: writeSignature(undefined) };
    const hidden = { type: "redacted_thinking", data: writeCallSignature("x", "s") };
    const call = { type: "tool_use", id: writeCallId("f:0"), name: "look", input: { maidan: '"maidan.' } };
    const result = { type: "tool_result", tool_use_id: call.id, content: "r" };
    const thinking = { type: "enabled", budget_tokens: 2_000 };
    const history = (...assistant: object[]) => [
      { role: "user", content: "go" },
      { role: "assistant", content: assistant },
      { role: "user", content: [result] },
    ];
    const sent = (messages: object[]) => {
      const { body, adjusted } = encode(ask({ ...PLAIN, thinking, messages }), same, TARGET);
      return { ...JSON.parse(body.toString()), adjusted };
    };
    expect(sent(history(theirs, hidden, call))).toMatchObject({
      messages: history(call),
      thinking: { type: "disabled" },
      adjusted: ["-messages.thinking", "thinking=disabled"],
    });
    expect(sent(history(mine, call))).toMatchObject({ messages: history(mine, call), thinking, adjusted: [] });
    const before = [
      { role: "user", content: "x" },
      { role: "assistant", content: [theirs] },
    ];
    expect(sent([...before, ...history(mine, call)])).toMatchObject({
      messages: [{ role: "user", content: "x" }, ...history(mine, call)],
      thinking,
      adjusted: ["-messages.thinking"],
    });
  });

  test("is counted by the vendor without being changed", () => {
    const { max_tokens: _, ...rest } = PLAIN;
    const request = readRequest(Buffer.from(JSON.stringify(rest)), DEFAULT_LIMITS, { counting: true });
    const wire = encodeCount(request, "claude-1", TARGET);
    expect(wire).toMatchObject({ method: "POST", path: "/v1/messages/count_tokens" });
    expect(JSON.parse(wire.body.toString())).toEqual({ ...rest, model: "claude-1" });
  });
});
