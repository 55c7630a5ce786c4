import { ChatAlibabaTongyi } from "@langchain/community/chat_models/alibaba_tongyi";
import { HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { createSDK } from "dashscope-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dashscopeSimulator } from "../../src/simulators/dashscope.ts";
import { TOOL_ARGUMENTS } from "../../src/simulators/scene.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulators/server.ts";
import { TOOL_SCHEMA } from "./surfaces.ts";

/** The simulator of DashScope, proven by LangChain's client, the widest used one on npm, and by one of the community. */
let simulator: RunningSimulator;
const KEY = dashscopeSimulator.credentials.apiKey!;

beforeAll(async () => {
  simulator = await startSimulator(dashscopeSimulator);
});
afterAll(() => simulator.close());

const question = [new SystemMessage("Be brief."), new HumanMessage("你好 🌏")];

describe("the simulator of dashscope, seen by LangChain's client", () => {
  const open = (alibabaApiKey = KEY, more: object = {}): ChatAlibabaTongyi =>
    new ChatAlibabaTongyi({
      alibabaApiKey,
      model: "practice-model",
      temperature: 1,
      maxRetries: 0,
      apiUrl: `${simulator.baseUrl}/services/aigc/text-generation/generation`,
      ...more,
    } as never);
  const tools = [{ type: "function", function: { name: "weather", description: "weather", parameters: TOOL_SCHEMA } }];

  test("text, whole", async () => {
    const answer = await open().invoke(question);
    expect(answer.content).toBe("你好 🌏");
    expect(answer.response_metadata).toMatchObject({ finish_reason: "stop" });
    expect(answer.usage_metadata).toMatchObject({ input_tokens: 13, output_tokens: 1 });
  });

  test("text, streamed and gathered", async () => {
    let text = "";
    for await (const chunk of await open().stream(question)) text += chunk.content;
    expect(text).toBe("你好 🌏");
    expect((await open(KEY, { streaming: true }).invoke(question)).content).toBe("你好 🌏");
  });

  test("a call of a tool, whole and streamed, and its result", async () => {
    const asked = new HumanMessage("#tool");
    const called = await open().bindTools(tools).invoke([asked]);
    expect(called.tool_calls).toMatchObject([{ name: "weather", args: JSON.parse(TOOL_ARGUMENTS) }]);
    let given = "";
    for await (const { tool_call_chunks: chunks } of await open().bindTools(tools).stream([asked])) {
      for (const { args } of chunks ?? []) given += args ?? "";
    }
    expect(given).toBe(TOOL_ARGUMENTS);
    const result = new ToolMessage({ content: "晴 ☀️", tool_call_id: called.tool_calls![0]!.id! });
    expect((await open().bindTools(tools).invoke([asked, called, result])).content).toBe("Tool says: 晴 ☀️");
  });

  test("a wrong key, errors and what the rules strike are told, before and in the middle", async () => {
    await expect(open("other").invoke(question)).rejects.toThrow(/Invalid API-key/);
    const ask = (text: string, more: object = {}) => open(KEY, more).invoke([new HumanMessage(text)]);
    await expect(ask("#error rate_limit")).rejects.toThrow(/rate limit/);
    await expect(ask("#moderated")).rejects.toThrow(/inappropriate content/);
    await expect(ask("#error-later overloaded", { streaming: true })).rejects.toThrow(/Too many requests/);
    await expect(ask("hi", { temperature: 2 })).rejects.toThrow(/not valid/);
    await expect(ask("hi", { model: "other" })).rejects.toThrow(/Model not exist/);
  });
});

describe("the simulator of dashscope, seen by dashscope-node", () => {
  const open = (accessToken = KEY) => createSDK({ accessToken, baseURL: simulator.origin } as never);
  // biome-ignore lint/suspicious/noExplicitAny: the client types neither the way to an event nor what it is given
  type Loose = any;
  const body = (content: string, parameters: object = {}): Loose => ({
    model: "practice-model",
    input: { messages: [{ role: "user", content }] },
    parameters,
  });

  /** The texts of the frames, each as it came. Slowly: this client loses frames that come together. */
  async function frames(parameters: object): Promise<string[]> {
    const answer: Loose = await open().chat.streamCompletion.request(body("#slow 你好，世界 🌏 hello", parameters));
    const texts: string[] = [];
    for (let left = 50; left > 0; left--) {
      const { done, events } = await answer.read();
      texts.push(...(events ?? []).flatMap((event: Loose) => event.data?.output?.text ?? []));
      if (done) break;
    }
    return texts;
  }

  test("text, whole", async () => {
    const answer: Loose = await open().chat.completion.request(body("你好 🌏"));
    expect(answer).toMatchObject({ output: { text: "你好 🌏", finish_reason: "stop" }, usage: { output_tokens: 1 } });
  });

  test("text, in increments and repeated", async () => {
    const increments = await frames({ incremental_output: true });
    expect("你好，世界 🌏 hello".startsWith(increments.join(""))).toBe(true);
    expect(increments.slice(0, 2)).toEqual(["你好，世", "界 🌏 "]);
    const repeated = await frames({});
    expect(repeated.slice(0, 2)).toEqual(["你好，世", "你好，世界 🌏 "]);
  });

  test("a wrong key is told", async () => {
    const refused = open("other")
      .chat.completion.request(body("hi"))
      .then(
        (answer: Loose) => answer.code,
        (error: Loose) => error.code ?? JSON.stringify(error.message ?? error),
      );
    expect(await refused).toContain("InvalidApiKey");
  });
});
