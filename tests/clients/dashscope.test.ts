import { ChatAlibabaTongyi } from "@langchain/community/chat_models/alibaba_tongyi";
import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dashscopeSimulator } from "../../src/simulators/dashscope.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulators/server.ts";

/** The simulator of DashScope, proven by LangChain's client, the widest used one on npm. */
let simulator: RunningSimulator;

beforeAll(async () => {
  simulator = await startSimulator(dashscopeSimulator);
});
afterAll(() => simulator.close());

function open(apiKey = dashscopeSimulator.credentials.apiKey!, more: object = {}): ChatAlibabaTongyi {
  const model = new ChatAlibabaTongyi({
    alibabaApiKey: apiKey,
    model: "practice-model",
    temperature: 1,
    maxRetries: 0,
    ...more,
  } as never);
  (model as unknown as { apiUrl: string }).apiUrl = `${simulator.baseUrl}/services/aigc/text-generation/generation`;
  return model;
}

const question = [new SystemMessage("Be brief."), new HumanMessage("你好 🌏")];

describe("the simulator of dashscope, seen by LangChain's client", () => {
  test("text, whole", async () => {
    const answer = await open().invoke(question);
    expect(answer.content).toBe("你好 🌏");
    expect(answer.response_metadata.tokenUsage).toMatchObject({ promptTokens: 13, completionTokens: 1 });
  });

  test("text, streamed", async () => {
    let text = "";
    for await (const chunk of await open(undefined, { streaming: true }).stream(question)) text += chunk.content;
    expect(text).toBe("你好 🌏");
  });

  test("a wrong key and an error are told", async () => {
    await expect(open("other").invoke(question)).rejects.toThrow(/Invalid API-key/);
    await expect(open().invoke([new HumanMessage("#error rate_limit")])).rejects.toThrow(/rate limit/);
  });
});
