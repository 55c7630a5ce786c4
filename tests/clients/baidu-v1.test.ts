import * as qianfan from "@baiducloud/qianfan";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ACCESS_KEY, baiduV1Simulator } from "../../src/simulators/baidu-v1.ts";
import { TOOL_ARGUMENTS } from "../../src/simulators/scene.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulators/server.ts";
import { TOOL_SCHEMA } from "./surfaces.ts";

/**
 * The simulator of Wenxin Workshop, proven by Baidu's own client: it fetches its tokens and signs its requests itself, and is
 * led to the simulator by its own setting of the base address.
 */
let simulator: RunningSimulator;
const { apiKey, secretKey } = baiduV1Simulator.credentials;

beforeAll(async () => {
  simulator = await startSimulator(baiduV1Simulator);
});
afterAll(() => simulator.close());

type Settings = Record<string, string>;
// biome-ignore lint/suspicious/noExplicitAny: the client types an answer as a stream or a whole
type Loose = any;

/** The two ways in. */
const WAYS: Readonly<Record<string, Settings>> = {
  "with a token": { QIANFAN_AK: apiKey!, QIANFAN_SK: secretKey! },
  "with signed requests": { QIANFAN_ACCESS_KEY: ACCESS_KEY, QIANFAN_SECRET_KEY: secretKey! },
};

function settings(way: Settings, endpoint = "practice-model"): Loose {
  return {
    ...way,
    QIANFAN_BASE_URL: simulator.origin,
    QIANFAN_CONSOLE_API_BASE_URL: simulator.origin,
    QIANFAN_LLM_API_RETRY_COUNT: "0",
    Endpoint: endpoint,
  };
}

const chat = (way: Settings, body: object, endpoint?: string): Promise<Loose> =>
  new qianfan.ChatCompletion(settings(way, endpoint)).chat(body as Loose) as Promise<Loose>;
const say = (content: string) => ({ messages: [{ role: "user", content }] });

describe.each(Object.entries(WAYS))("the simulator of baidu-v1, seen by its own client, %s", (_name, way) => {
  test("text, whole", async () => {
    expect(await chat(way, say("你好 🌏"))).toMatchObject({
      result: "你好 🌏",
      finish_reason: "normal",
      need_clear_history: false,
      usage: { prompt_tokens: 4, completion_tokens: 1, total_tokens: 5 },
    });
  });

  test("text, streamed", async () => {
    const frames: Loose[] = [];
    for await (const frame of await chat(way, { ...say("你好，世界 🌏 hello"), stream: true })) frames.push(frame);
    expect(frames.map(({ result }) => result).join("")).toBe("你好，世界 🌏 hello");
    expect(frames.at(-1)).toMatchObject({ is_end: true, usage: { completion_tokens: 4 } });
  });

  test("a call of a function, and its result", async () => {
    const functions = [{ name: "weather", description: "weather", parameters: TOOL_SCHEMA }];
    const { function_call: call } = await chat(way, { ...say("#tool"), functions });
    expect(call).toMatchObject({ name: "weather", arguments: TOOL_ARGUMENTS });
    const messages = [
      { role: "user", content: "#tool" },
      { role: "assistant", content: "", function_call: call },
      { role: "function", name: "weather", content: '{"晴":1}' },
    ];
    expect(await chat(way, { messages, functions })).toMatchObject({ result: 'Tool says: {"晴":1}' });
  });

  test("embeddings and pictures", async () => {
    const embeddings = new qianfan.Embedding(settings(way, "practice-embedding"));
    const { data } = (await embeddings.embedding({ input: ["ab", "c"] })) as Loose;
    expect(data.map(({ embedding }: Loose) => embedding.length)).toEqual([8, 8]);
    const pictures = new qianfan.Text2Image(settings(way, "practice-image"));
    const drawn = (await pictures.text2Image({ prompt: "山水", n: 2 } as Loose)) as Loose;
    expect(drawn.data.map(({ b64_image }: Loose) => b64_image.slice(0, 4))).toEqual(["iVBO", "iVBO"]);
  });

  test("what the rules strike, and what is too long", async () => {
    expect(await chat(way, say("#moderated-later"))).toMatchObject({ need_clear_history: true, ban_round: -1 });
    expect(await chat(way, { ...say("#long"), max_output_tokens: 3 })).toMatchObject({ is_truncated: true });
  });

  test.each([
    ["#error rate_limit", 336501],
    ["#error overloaded", 336100],
    ["#error context_length", 336103],
    ["#moderated", 336006],
  ])("%s is the client's own error %i", async (text, code) => {
    const failed = chat(way, say(text)).then(
      (answer) => answer.error_code,
      (error) => JSON.parse(error.message).error_code,
    );
    expect(await failed).toBe(code);
  });

  test("an error comes as it is in the place of a stream", async () => {
    const asked = chat(way, { ...say("#error invalid_request"), stream: true });
    await expect(asked).rejects.toThrow("336003");
  });

  test("turns out of order and unknown models are refused", async () => {
    const messages = [{ role: "user", content: "a" }, ...say("b").messages];
    await expect(chat(way, { messages })).rejects.toThrow("odd number");
    await expect(chat(way, say("hi"), "other-model")).rejects.toThrow("336005");
  });
});

describe("the simulator of baidu-v1, seen by its own client", () => {
  test("refuses the wrong secret, and the wrong key, in both ways in", async () => {
    const ask = (way: Settings) => chat(way, say("hi"));
    await expect(ask({ QIANFAN_AK: apiKey!, QIANFAN_SK: "other" })).rejects.toThrow("Client authentication failed");
    await expect(ask({ QIANFAN_AK: "other", QIANFAN_SK: secretKey! })).rejects.toThrow("unknown client id");
    const signed = (QIANFAN_ACCESS_KEY: string, QIANFAN_SECRET_KEY: string) =>
      ask({ QIANFAN_ACCESS_KEY, QIANFAN_SECRET_KEY });
    await expect(signed(ACCESS_KEY, "other")).rejects.toThrow("IAM Certification failed");
    await expect(signed("other", secretKey!)).rejects.toThrow("IAM Certification failed");
  });
});
