import { Ollama } from "ollama";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ollamaSimulator } from "../../src/simulators/ollama.ts";
import { REASONING, TOOL_ARGUMENTS } from "../../src/simulators/scene.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulators/server.ts";
import { TOOL_SCHEMA } from "./surfaces.ts";

/** The simulator of Ollama, proven by Ollama's own client. */
let simulator: RunningSimulator;
let client: Ollama;

beforeAll(async () => {
  simulator = await startSimulator(ollamaSimulator, { chunkBytes: 11 });
  client = new Ollama({ host: simulator.baseUrl });
});
afterAll(() => simulator.close());

const model = "practice-model";
const say = (content: string) => [{ role: "user", content }];
const tools = [{ type: "function", function: { name: "weather", description: "weather", parameters: TOOL_SCHEMA } }];

describe("the simulator of ollama, seen by its own client", () => {
  test("text, whole and streamed", async () => {
    const whole = await client.chat({ model, messages: say("你好 🌏") });
    expect([whole.message.content, whole.done_reason, whole.prompt_eval_count]).toEqual(["你好 🌏", "stop", 4]);
    let text = "";
    for await (const part of await client.chat({ model, messages: say("你好 🌏"), stream: true }))
      text += part.message.content;
    expect(text).toBe("你好 🌏");
  });

  test("tools, thinking, lengths", async () => {
    const { message } = await client.chat({ model, messages: say("#tool"), tools });
    expect(message.tool_calls).toEqual([{ function: { name: "weather", arguments: JSON.parse(TOOL_ARGUMENTS) } }]);
    expect((await client.chat({ model, messages: say("#reason yes"), think: true })).message.thinking).toBe(REASONING);
    const long = await client.chat({ model, messages: say("#long"), options: { num_predict: 3 } });
    expect([long.message.content, long.done_reason]).toEqual(["long long lo", "length"]);
  });

  test("embeddings and the list of models", async () => {
    const { embeddings } = await client.embed({ model: "practice-embedding", input: ["ab", "c"] });
    expect(embeddings.map((vector) => vector.length)).toEqual([8, 8]);
    expect((await client.list()).models.map(({ name }) => name)).toEqual(["practice-model", "practice-embedding"]);
  });

  test("errors, at once and in the middle", async () => {
    await expect(client.chat({ model: "other", messages: say("hi") })).rejects.toMatchObject({ status_code: 404 });
    await expect(client.chat({ model, messages: say("#error overloaded") })).rejects.toMatchObject({
      status_code: 503,
    });
    const read = async (): Promise<void> => {
      for await (const _ of await client.chat({ model, messages: say("#error-later"), stream: true }));
    };
    await expect(read()).rejects.toThrow(/runner/);
  });
});
