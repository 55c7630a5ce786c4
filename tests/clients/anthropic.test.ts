import Anthropic, {
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  OverloadedError,
  RateLimitError,
} from "@anthropic-ai/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anthropicSimulator } from "../../src/simulators/anthropic.ts";
import { REASONING, TOOL_ARGUMENTS } from "../../src/simulators/scene.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulators/server.ts";

/** Anthropic's official client on the simulator itself: what the client takes for Anthropic, the simulator is. */

const MODEL = "practice-model";
let simulator: RunningSimulator;
let client: Anthropic;

beforeAll(async () => {
  simulator = await startSimulator(anthropicSimulator, { chunkBytes: 7 });
  client = new Anthropic({
    apiKey: anthropicSimulator.credentials.apiKey!,
    baseURL: simulator.baseUrl,
    maxRetries: 0,
  });
});
afterAll(() => simulator?.close());

const tools: Anthropic.Tool[] = ["weather", "news"].map((name) => ({
  name,
  description: name,
  input_schema: { type: "object", properties: { city: { type: "string" } } },
}));
const asking = (content: string, more: Partial<Anthropic.MessageCreateParamsNonStreaming> = {}) => ({
  model: MODEL,
  max_tokens: 2_000,
  messages: [{ role: "user" as const, content }],
  ...more,
});

/** The same message in both forms. */
async function both(body: Anthropic.MessageCreateParamsNonStreaming): Promise<readonly Anthropic.Message[]> {
  return [await client.messages.create(body), await client.messages.stream(body).finalMessage()];
}

describe("Anthropic's client on the simulator", () => {
  test("text, in Chinese and with emoji", async () => {
    for (const message of await both(asking("你好，世界 🌏", { system: "Be brief." }))) {
      expect(message.content).toEqual([{ type: "text", text: "你好，世界 🌏" }]);
      expect(message).toMatchObject({ stop_reason: "end_turn", usage: { input_tokens: 16, output_tokens: 2 } });
    }
  });

  test("calls of tools, one, several, without arguments, and their results", async () => {
    for (const message of await both(asking("#tools", { tools }))) {
      expect(message.stop_reason).toBe("tool_use");
      const calls = message.content.filter((block) => block.type === "tool_use");
      expect(calls.map(({ name, input }) => [name, input])).toEqual([
        ["weather", JSON.parse(TOOL_ARGUMENTS)],
        ["news", JSON.parse(TOOL_ARGUMENTS)],
      ]);
      const results = calls.map(({ id }) => ({ type: "tool_result" as const, tool_use_id: id, content: "晴" }));
      const next = await client.messages.create(
        asking("", {
          tools,
          messages: [
            { role: "user", content: "#tools" },
            { role: "assistant", content: message.content },
            { role: "user", content: results },
          ],
        }),
      );
      expect(next.content).toEqual([{ type: "text", text: "Tool says: 晴 | 晴" }]);
    }
    for (const message of await both(asking("#tool-empty", { tools }))) {
      expect(message.content).toMatchObject([{ type: "tool_use", name: "weather", input: {} }]);
    }
  });

  test("thinking, with a signature that must come back as it was", async () => {
    const thinking = { type: "enabled" as const, budget_tokens: 1_024 };
    for (const message of await both(asking("#reason 四十二", { thinking }))) {
      expect(message.content).toMatchObject([{ type: "thinking", thinking: REASONING }, { text: "四十二" }]);
      expect(message.usage.output_tokens_details?.thinking_tokens).toBeGreaterThan(0);
      const [first] = message.content;
      const again = (signature: string) =>
        client.messages.create(
          asking("", {
            thinking,
            messages: [
              { role: "user", content: "#reason" },
              { role: "assistant", content: [{ ...(first as Anthropic.ThinkingBlock), signature }] },
              { role: "user", content: "go on" },
            ],
          }),
        );
      expect((await again((first as Anthropic.ThinkingBlock).signature)).stop_reason).toBe("end_turn");
      await expect(again("c29tZWJvZHkgZWxzZQ==")).rejects.toThrow(/Invalid `signature`/);
    }
  });

  test("the longest answer, a stop sequence, a refusal in the middle, a cached part", async () => {
    for (const message of await both(asking("#long", { max_tokens: 20 }))) {
      expect([message.stop_reason, message.usage.output_tokens]).toEqual(["max_tokens", 20]);
    }
    for (const message of await both(asking("one STOP two", { stop_sequences: ["STOP"] }))) {
      expect(message).toMatchObject({ stop_reason: "stop_sequence", stop_sequence: "STOP" });
    }
    for (const message of await both(asking("#moderated-later"))) expect(message.stop_reason).toBe("refusal");
    for (const message of await both(asking("#cached"))) {
      expect(message.usage).toMatchObject({ input_tokens: 4, cache_read_input_tokens: 3 });
    }
  });

  test("tokens are counted, and models listed", async () => {
    const { messages } = asking("你好吗");
    expect(await client.messages.countTokens({ model: MODEL, messages })).toMatchObject({ input_tokens: 3 });
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toEqual([MODEL]);
  });

  test("errors come as the client's own kinds", async () => {
    const stranger = new Anthropic({ apiKey: "sk-other", baseURL: simulator.baseUrl, maxRetries: 0 });
    await expect(stranger.messages.create(asking("hi"))).rejects.toBeInstanceOf(AuthenticationError);
    for (const [text, kind] of [
      ["#error rate_limit", RateLimitError],
      ["#error overloaded", OverloadedError],
      ["#error context_length", BadRequestError],
      ["#moderated", BadRequestError],
    ] as const) {
      await expect(client.messages.create(asking(text))).rejects.toBeInstanceOf(kind);
    }
    await expect(client.messages.create({ ...asking("hi"), model: "other" })).rejects.toBeInstanceOf(NotFoundError);
    await expect(client.messages.stream(asking("#error-later overloaded")).finalMessage()).rejects.toThrow(
      /Overloaded/,
    );
    await expect(client.messages.stream(asking("#cut")).finalMessage()).rejects.toThrow();
  });

  test("what the real server refuses, it refuses", async () => {
    const call = { type: "tool_use" as const, id: "functions.weather:0", name: "weather", input: {} };
    const result = { type: "tool_result" as const, tool_use_id: call.id, content: "晴" };
    const withCall = (calls: Anthropic.ContentBlockParam[], results: Anthropic.ContentBlockParam[]) =>
      client.messages.create(
        asking("", {
          tools,
          messages: [
            { role: "user", content: "hi" },
            { role: "assistant", content: calls },
            { role: "user", content: results },
          ],
        }),
      );
    await expect(withCall([call], [result])).rejects.toThrow(/should match pattern/i);
    await expect(withCall([{ ...call, id: "a" }], [{ type: "text", text: "hi" }])).rejects.toThrow(/without/);
    await expect(withCall([{ ...call, id: "a" }], [result])).rejects.toThrow(/without|unexpected/);
    await expect(client.messages.create(asking("hi", { max_tokens: -1 }))).rejects.toThrow(/max_tokens/);
    const other = { ...asking("hi"), seed: 1 };
    await expect(client.messages.create(other)).rejects.toThrow(/Extra inputs/);
  });

  test("the vendor's log has every call that was served", () => {
    expect(simulator.served.length).toBeGreaterThan(10);
    expect(simulator.served.at(-1)).toMatchObject({ model: MODEL });
  });
});
