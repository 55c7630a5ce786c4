import { ChatIflytekXinghuo } from "@langchain/community/chat_models/iflytek_xinghuo";
import { ChatMessage, HumanMessage } from "@langchain/core/messages";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { iflytekSimulator } from "../../src/simulators/iflytek.ts";
import { REASONING, TOOL_ARGUMENTS } from "../../src/simulators/scene.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulators/server.ts";
import { TOOL_SCHEMA } from "./surfaces.ts";

/**
 * The simulator of iFlytek's Spark: its WebSocket proven by LangChain's client, which signs its own addresses, and its HTTP
 * interface by OpenAI's client, as iFlytek's documentation shows it. LangChain's knows neither tools nor reasoning.
 */
let simulator: RunningSimulator;
const { appId, apiKey, apiSecret } = iflytekSimulator.credentials as Record<string, string>;

beforeAll(async () => {
  simulator = await startSimulator(iflytekSimulator, { chunkBytes: 13 });
});
afterAll(() => simulator.close());

describe("the WebSocket, seen by LangChain", () => {
  function open(fields: object = {}, path = "/v3.1/chat"): ChatIflytekXinghuo {
    const model = new ChatIflytekXinghuo({
      iflytekAppid: appId!,
      iflytekApiKey: apiKey!,
      iflytekApiSecret: apiSecret!,
      maxRetries: 0,
      ...fields,
    });
    model.apiUrl = `${simulator.baseUrl}${path}`;
    return model;
  }

  test.each([false, true])("text and its usage, streamed: %s", async (streaming) => {
    const messages = [
      new HumanMessage("hi"),
      new ChatMessage({ role: "assistant", content: "hello" }),
      new HumanMessage("四十二，你好 🌏"),
    ];
    const answer = await open({ streaming })._generate(messages, {} as never);
    expect(answer.generations[0]!.text).toBe("四十二，你好 🌏");
    expect(answer.llmOutput!.tokenUsage).toEqual({ promptTokens: 15, completionTokens: 2, totalTokens: 17 });
    expect(simulator.served.at(-1)).toMatchObject({ model: "generalv3", whole: true, usage: { input: 15, output: 2 } });
  });

  test("the longest answer", async () => {
    expect((await open({ max_tokens: 5 }).invoke("#long")).content).toBe("long long long long ");
  });

  test("every version's domain belongs to its own path", async () => {
    expect((await open({ version: "v4.0" }, "/v4.0/chat").invoke("hi")).content).toBe("hi");
    const before = simulator.served.length;
    // What the client makes of an error frame: an empty answer.
    const signedForAnother = open({ version: "v1.1" }, "/v1.1/chat");
    signedForAnother.domain = "4.0Ultra";
    expect((await signedForAnother.invoke("hi")).content).toBe("");
    expect(simulator.served.length).toBe(before);
  });

  test.each([
    ["secret", { iflytekApiSecret: "other" }, 403],
    ["key", { iflytekApiKey: "other" }, 401],
  ])("a wrong %s is refused at the handshake", async (_, fields, status) => {
    const stream = (await open(fields).openWebSocketStream({})) as Record<"closed" | "connection", Promise<unknown>>;
    // The client itself leaves this promise alone.
    stream.closed.catch(() => {});
    await expect(stream.connection).rejects.toMatchObject({ message: `Unexpected server response: ${status}` });
  });

  test("another application's id is refused in a frame", async () => {
    const before = simulator.served.length;
    expect((await open({ iflytekAppid: "other" }).invoke("hi")).content).toBe("");
    expect(simulator.served.length).toBe(before);
  });

  test("an unsigned handshake is refused", async () => {
    const socket = new WebSocket(`${simulator.baseUrl}/v4.0/chat`);
    const error = await new Promise<Error>((resolve) => socket.on("error", resolve));
    expect(error.message).toBe("Unexpected server response: 401");
  });
});

describe("the HTTP interface, seen by OpenAI's client", () => {
  const model = "practice-model";
  const open = (key = `${apiKey}:${apiSecret}`): OpenAI =>
    new OpenAI({ apiKey: key, baseURL: `${simulator.origin}/v1`, maxRetries: 0 });
  const say = (content: string): OpenAI.ChatCompletionMessageParam[] => [{ role: "user", content }];
  const tools: OpenAI.ChatCompletionTool[] = [
    { type: "function", function: { name: "weather", parameters: TOOL_SCHEMA as OpenAI.FunctionParameters } },
  ];

  test("text, whole and streamed", async () => {
    const { choices, usage } = await open().chat.completions.create({ model, messages: say("你好 🌏") });
    expect([choices[0]!.message.content, usage!.prompt_tokens]).toEqual(["你好 🌏", 4]);
    let text = "";
    let tokens = 0;
    for await (const chunk of await open().chat.completions.create({ model, messages: say("你好 🌏"), stream: true })) {
      text += chunk.choices[0]?.delta.content ?? "";
      tokens = chunk.usage?.completion_tokens ?? tokens;
    }
    expect([text, tokens]).toEqual(["你好 🌏", 1]);
  });

  test("calls: a list where it is asked for, else an object", async () => {
    const ask = (more: object) =>
      open().chat.completions.create({
        model,
        messages: say("#tool"),
        tools,
        ...more,
      }) as Promise<OpenAI.ChatCompletion>;
    const [call] = (await ask({ tool_calls_switch: true })).choices[0]!.message.tool_calls!;
    expect(call).toMatchObject({ function: { name: "weather", arguments: TOOL_ARGUMENTS } });
    expect((await ask({})).choices[0]!.message.tool_calls).toMatchObject({ function: { name: "weather" } });
  });

  test("reasoning", async () => {
    const { choices } = await open().chat.completions.create({ model, messages: say("#reason yes") });
    expect(choices[0]!.message).toMatchObject({ content: "yes", reasoning_content: REASONING });
  });

  test("errors: of the gate by their status, of the platform in a 200", async () => {
    await expect(open("other").chat.completions.create({ model, messages: say("hi") })).rejects.toMatchObject({
      status: 401,
      message: "401 invalid user",
    });
    await expect(open().chat.completions.create({ model: "other", messages: say("hi") })).rejects.toMatchObject({
      status: 400,
      code: 10404,
    });
    expect(await open().chat.completions.create({ model, messages: say("#error rate_limit") })).toMatchObject({
      code: 11202,
    });
  });
});
