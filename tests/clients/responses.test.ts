import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { responsesSimulator } from "../../src/simulators/responses.ts";
import { REASONING, TOOL_ARGUMENTS } from "../../src/simulators/scene.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulators/server.ts";
import { TOOL_SCHEMA } from "./surfaces.ts";

/** The simulator of OpenAI's Responses, proven by OpenAI's own client. */
let simulator: RunningSimulator;
let client: OpenAI;

beforeAll(async () => {
  simulator = await startSimulator(responsesSimulator, { chunkBytes: 13 });
  client = new OpenAI({ apiKey: responsesSimulator.credentials.apiKey!, baseURL: simulator.baseUrl, maxRetries: 0 });
});
afterAll(() => simulator.close());

const model = "practice-model";
const tools = [{ type: "function" as const, name: "weather", parameters: TOOL_SCHEMA, strict: false }];

describe("the simulator of responses, seen by OpenAI's own client", () => {
  test("text, whole and streamed", async () => {
    const whole = await client.responses.create({ model, input: "你好 🌏" });
    expect([whole.output_text, whole.status, whole.usage!.input_tokens]).toEqual(["你好 🌏", "completed", 4]);
    const stream = client.responses.stream({ model, input: "你好 🌏" });
    expect((await stream.finalResponse()).output_text).toBe("你好 🌏");
  });

  test("tools and reasoning", async () => {
    const called = await client.responses.stream({ model, input: "#tool", tools }).finalResponse();
    expect(called.output[0]).toMatchObject({ type: "function_call", name: "weather", arguments: TOOL_ARGUMENTS });
    const asked = { model, input: "#reason yes", include: ["reasoning.encrypted_content" as const] };
    for (const thought of [
      await client.responses.create(asked),
      await client.responses.stream(asked).finalResponse(),
    ]) {
      expect(thought.output[0]).toMatchObject({
        type: "reasoning",
        summary: [{ text: REASONING }],
        encrypted_content: expect.any(String),
      });
    }
  });

  test("custom tools, and their results", async () => {
    const patch = { type: "custom" as const, name: "apply_patch" };
    const called = await client.responses.stream({ model, input: "#tool", tools: [patch] }).finalResponse();
    const [call] = called.output;
    expect(call).toMatchObject({ type: "custom_tool_call", name: "apply_patch", input: TOOL_ARGUMENTS });
    const { call_id } = call as OpenAI.Responses.ResponseCustomToolCall;
    const input: OpenAI.Responses.ResponseInput = [
      { role: "user", content: "#tool" },
      call as OpenAI.Responses.ResponseCustomToolCall,
      { type: "custom_tool_call_output", call_id, output: "patched" },
    ];
    expect((await client.responses.create({ model, input, tools: [patch] })).output_text).toBe("Tool says: patched");
  });

  test("a length, a filter and errors", async () => {
    const long = await client.responses.create({ model, input: "#long", max_output_tokens: 20 });
    expect([long.status, long.incomplete_details?.reason]).toEqual(["incomplete", "max_output_tokens"]);
    const filtered = await client.responses.create({ model, input: "#moderated-later" });
    expect(filtered.incomplete_details?.reason).toBe("content_filter");
    await expect(client.responses.create({ model, input: "#error rate_limit" })).rejects.toBeInstanceOf(
      OpenAI.RateLimitError,
    );
    const failed = await client.responses.create({ model, input: "#error-later", stream: true });
    const read = async (): Promise<void> => {
      for await (const _event of failed);
    };
    await expect(read()).rejects.toThrow("The server had an error.");
    await expect(client.responses.create({ model, input: "x", previous_response_id: "resp_1" })).rejects.toBeInstanceOf(
      OpenAI.NotFoundError,
    );
    await expect(client.responses.create({ model, input: "x", max_output_tokens: 1 })).rejects.toBeInstanceOf(
      OpenAI.BadRequestError,
    );
  });
});
