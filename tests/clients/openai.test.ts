import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openaiSimulator } from "../../src/simulators/openai.ts";
import { REASONING, TOOL_ARGUMENTS } from "../../src/simulators/scene.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulators/server.ts";
import { TOOL_SCHEMA } from "./surfaces.ts";

/** The simulator of OpenAI, proven by OpenAI's own client. */
let simulator: RunningSimulator;
let client: OpenAI;

beforeAll(async () => {
  simulator = await startSimulator(openaiSimulator, { chunkBytes: 7 });
  client = new OpenAI({ apiKey: openaiSimulator.credentials.apiKey!, baseURL: simulator.baseUrl, maxRetries: 0 });
});
afterAll(() => simulator.close());

const model = "practice-model";
const say = (content: string): OpenAI.ChatCompletionMessageParam[] => [{ role: "user", content }];
const tools: OpenAI.ChatCompletionFunctionTool[] = [
  { type: "function", function: { name: "weather", parameters: TOOL_SCHEMA } },
];

describe("the simulator of openai, seen by its official client", () => {
  test("text, whole and streamed, cut anywhere", async () => {
    const whole = await client.chat.completions.create({ model, messages: say("你好 🌏") });
    expect([whole.choices[0]!.message.content, whole.choices[0]!.finish_reason]).toEqual(["你好 🌏", "stop"]);
    const runner = client.chat.completions.stream({
      model,
      messages: say("你好 🌏"),
      stream_options: { include_usage: true },
    });
    expect(await runner.finalContent()).toBe("你好 🌏");
    expect(await runner.totalUsage()).toMatchObject({ prompt_tokens: 4, completion_tokens: 1 });
  });

  test("tools, streamed in pieces", async () => {
    const runner = client.chat.completions.stream({ model, messages: say("#tool"), tools });
    const message = await runner.finalMessage();
    expect(message.tool_calls![0]).toMatchObject({ function: { name: "weather", arguments: TOOL_ARGUMENTS } });
  });

  test("reasoning and cached tokens are reported apart", async () => {
    const { usage, choices } = await client.chat.completions.create({ model, messages: say("#reason yes") });
    expect((choices[0]!.message as { reasoning_content?: string }).reasoning_content).toBe(REASONING);
    expect(usage!.completion_tokens_details!.reasoning_tokens).toBeGreaterThan(0);
    const cached = await client.chat.completions.create({ model, messages: say("#cached") });
    expect(cached.usage!.prompt_tokens_details!.cached_tokens).toBe(3);
  });

  test("embeddings and images", async () => {
    const { data, usage } = await client.embeddings.create({ model: "practice-embedding", input: ["ab", "c"] });
    expect(data.map(({ embedding }) => embedding.length)).toEqual([8, 8]);
    expect(usage.prompt_tokens).toBe(3);
    const images = await client.images.generate({ model: "practice-image", prompt: "a square", n: 2 });
    expect(images.data!.map(({ b64_json }) => typeof b64_json)).toEqual(["string", "string"]);
  });

  test.each([
    ["auth", OpenAI.AuthenticationError],
    ["rate_limit", OpenAI.RateLimitError],
    ["not_found", OpenAI.NotFoundError],
    ["invalid_request", OpenAI.BadRequestError],
    ["server_error", OpenAI.InternalServerError],
  ])("an error of class %s is the client's own", async (errorClass, kind) => {
    const asked = client.chat.completions.create({ model, messages: say(`#error ${errorClass}`) });
    await expect(asked).rejects.toBeInstanceOf(kind);
  });

  test("another key and another model are refused", async () => {
    const stranger = client.withOptions({ apiKey: "sk-wrong" });
    await expect(stranger.models.list()).rejects.toMatchObject({ status: 401 });
    await expect(client.chat.completions.create({ model: "other", messages: say("hi") })).rejects.toMatchObject({
      status: 404,
    });
  });

  test("an error in the middle, and a broken connection, are seen", async () => {
    for (const scene of ["#error-later", "#cut"]) {
      const runner = client.chat.completions.stream({ model, messages: say(scene) });
      await expect(runner.finalContent(), scene).rejects.toThrow();
    }
  });
});
