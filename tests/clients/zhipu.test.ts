import { ChatZhipuAI } from "@langchain/community/chat_models/zhipuai";
import { HumanMessage } from "@langchain/core/messages";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ZhipuAI } from "zhipuai-sdk-nodejs-v4";
import { type RunningSimulator, startSimulator } from "../../src/simulators/server.ts";
import { zhipuSimulator } from "../../src/simulators/zhipu.ts";

/** The simulator of Zhipu's platform, proven by Zhipu's client (which signs its own tokens) and by LangChain's. */
let simulator: RunningSimulator;
let client: ZhipuAI;
const { apiKey } = zhipuSimulator.credentials;

beforeAll(async () => {
  simulator = await startSimulator(zhipuSimulator);
  client = new ZhipuAI({ apiKey: apiKey!, baseUrl: simulator.baseUrl });
});
afterAll(() => simulator.close());

const ask = (content: string, stream = false, of = client): Promise<unknown> =>
  of.createCompletions({ model: "practice-model", messages: [{ role: "user", content }], stream });

describe("the simulator of zhipu, seen by its own client", () => {
  test("text, whole", async () => {
    expect(await ask("你好 🌏")).toMatchObject({
      choices: [{ message: { content: "你好 🌏" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 4, completion_tokens: 1 },
    });
  });

  test("text, streamed", async () => {
    let bytes = "";
    for await (const chunk of (await ask("你好 🌏", true)) as AsyncIterable<Buffer>) bytes += chunk.toString();
    expect(bytes).toContain('"finish_reason":"stop"}],"usage":{"prompt_tokens":4');
    expect(bytes.trim().endsWith("data: [DONE]")).toBe(true);
  });

  test("embeddings", async () => {
    const { data } = await client.createEmbeddings({ model: "practice-embedding", input: "ab" } as never);
    expect(data[0]!.embedding).toHaveLength(8);
  });

  test("a token signed with another secret is refused", async () => {
    const stranger = new ZhipuAI({ apiKey: "simulated.other", baseUrl: simulator.baseUrl, cacheToken: false });
    await expect(ask("hi", false, stranger)).rejects.toMatchObject({ error: { code: "1001" } });
  });
});

describe("the simulator of zhipu, seen by LangChain", () => {
  const open = (key: string): ChatZhipuAI => {
    const model = new ChatZhipuAI({ zhipuAIApiKey: key, model: "practice-model", maxRetries: 0 } as never);
    (model as unknown as { apiUrl: string }).apiUrl = `${simulator.baseUrl}/chat/completions`;
    return model;
  };

  test("text, whole and streamed", async () => {
    const question = [new HumanMessage("四十二 🌏")];
    expect((await open(apiKey!).invoke(question)).content).toBe("四十二 🌏");
    let text = "";
    for await (const chunk of await open(apiKey!).stream(question)) text += chunk.content;
    expect(text).toBe("四十二 🌏");
  });
});
