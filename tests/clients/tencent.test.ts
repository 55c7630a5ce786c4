import { hunyuan } from "tencentcloud-sdk-nodejs-hunyuan";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TOOL_ARGUMENTS } from "../../src/simulators/scene.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulators/server.ts";
import { tencentSimulator } from "../../src/simulators/tencent.ts";
import { TOOL_SCHEMA } from "./surfaces.ts";

/** The simulator of Tencent's Hunyuan, proven by Tencent's own client, which signs its own requests. */
const { Client } = hunyuan.v20230901;
let simulator: RunningSimulator;

beforeAll(async () => {
  simulator = await startSimulator(tencentSimulator);
});
afterAll(() => simulator.close());

function open(secretKey = tencentSimulator.credentials.secretKey!, secretId = tencentSimulator.credentials.secretId!) {
  const endpoint = simulator.origin.replace("http://", "");
  const profile = { signMethod: "TC3-HMAC-SHA256" as const, httpProfile: { endpoint, protocol: "http://" as const } };
  return new Client({ credential: { secretId, secretKey }, region: "", profile });
}

const Model = "practice-model";
const say = (Content: string) => [{ Role: "user", Content }];
const Tools = [{ Type: "function", Function: { Name: "weather", Parameters: JSON.stringify(TOOL_SCHEMA) } }];

// biome-ignore lint/suspicious/noExplicitAny: the client types a stream as a whole answer
async function gather(answer: any): Promise<any[]> {
  const events: unknown[] = [];
  for await (const { data } of answer) events.push(JSON.parse(data));
  return events;
}

describe("the simulator of tencent, seen by its own client", () => {
  test("text, whole and streamed", async () => {
    const whole = await open().ChatCompletions({ Model, Messages: say("你好 🌏"), Stream: false });
    expect(whole.Choices![0]).toMatchObject({ FinishReason: "stop", Message: { Content: "你好 🌏" } });
    expect(whole.Usage).toMatchObject({ PromptTokens: 4, CompletionTokens: 1 });
    const events = await gather(await open().ChatCompletions({ Model, Messages: say("你好 🌏"), Stream: true }));
    expect(events.map(({ Choices }) => Choices[0].Delta.Content).join("")).toBe("你好 🌏");
  });

  test("tools and embeddings", async () => {
    const called = await open().ChatCompletions({ Model, Messages: say("#tool"), Tools });
    expect(called.Choices![0]!.Message!.ToolCalls![0]!.Function).toEqual({
      Name: "weather",
      Arguments: TOOL_ARGUMENTS,
    });
    const { Data } = await open().GetEmbedding({ InputList: ["ab", "c"] });
    expect(Data!.map(({ Embedding }) => Embedding!.length)).toEqual([8, 8]);
  });

  test("a wrong secret, an unknown id and an error are the client's own errors", async () => {
    const ask = (client: InstanceType<typeof Client>, text = "hi") =>
      client.ChatCompletions({ Model, Messages: say(text) });
    await expect(ask(open("other"))).rejects.toMatchObject({ code: "AuthFailure.SignatureFailure" });
    await expect(ask(open("other", "AKIDother"))).rejects.toMatchObject({ code: "AuthFailure.SecretIdNotFound" });
    await expect(ask(open(), "#error rate_limit")).rejects.toMatchObject({ code: "RequestLimitExceeded" });
  });
});
