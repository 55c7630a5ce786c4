import { ApiError, FunctionCallingConfigMode, type GenerateContentResponse, GoogleGenAI } from "@google/genai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { geminiSimulator } from "../../src/simulators/gemini.ts";
import { REASONING, TOOL_ARGUMENTS } from "../../src/simulators/scene.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulators/server.ts";
import { TOOL_SCHEMA } from "./surfaces.ts";

/** The simulator of Google's Gemini API, proven by Google's own client. */
let simulator: RunningSimulator;
let client: GoogleGenAI;

const open = (apiKey: string): GoogleGenAI =>
  new GoogleGenAI({ apiKey, httpOptions: { baseUrl: simulator.origin, apiVersion: "v1beta" } });

beforeAll(async () => {
  simulator = await startSimulator(geminiSimulator, { chunkBytes: 7 });
  client = open(geminiSimulator.credentials.apiKey!);
});
afterAll(() => simulator.close());

const model = "practice-model";
type Config = NonNullable<Parameters<GoogleGenAI["models"]["generateContent"]>[0]["config"]>;
const functionDeclarations = ["weather", "news"].map((name) => ({
  name,
  description: name,
  parametersJsonSchema: TOOL_SCHEMA,
}));
const tools = [{ functionDeclarations }];

async function streamed(contents: string, config: Config = {}): Promise<GenerateContentResponse[]> {
  const chunks: GenerateContentResponse[] = [];
  for await (const chunk of await client.models.generateContentStream({ model, contents, config })) chunks.push(chunk);
  return chunks;
}

const ask = (contents: string, config: Config = {}) => client.models.generateContent({ model, contents, config });

describe("the simulator of gemini, seen by Google's client", () => {
  test("text, whole and streamed, cut anywhere", async () => {
    const whole = await ask("你好，世界 🌏", { systemInstruction: "Be brief." });
    expect([whole.text, whole.candidates![0]!.finishReason]).toEqual(["你好，世界 🌏", "STOP"]);
    expect(whole.usageMetadata).toMatchObject({ promptTokenCount: 16, candidatesTokenCount: 2, totalTokenCount: 18 });
    const chunks = await streamed("你好，世界 🌏");
    expect(chunks.map(({ text }) => text ?? "").join("")).toBe("你好，世界 🌏");
    expect(chunks.at(-1)).toMatchObject({
      candidates: [{ finishReason: "STOP" }],
      usageMetadata: { totalTokenCount: 9 },
    });
  });

  test("calls, one, several and empty, and the way back of their results", async () => {
    const { functionCalls, candidates } = await ask("#tools", { tools });
    expect(functionCalls!.map(({ name, args }) => [name, args])).toEqual([
      ["weather", JSON.parse(TOOL_ARGUMENTS)],
      ["news", JSON.parse(TOOL_ARGUMENTS)],
    ]);
    const results = functionCalls!.map(({ id, name }) => ({
      functionResponse: { id: id!, name: name!, response: { output: "晴" } },
    }));
    const contents = [
      { role: "user", parts: [{ text: "#tools" }] },
      candidates![0]!.content!,
      { role: "user", parts: results },
    ];
    const next = await client.models.generateContent({ model, contents, config: { tools } });
    expect(next.text).toBe("Tool says: 晴 | 晴");
    expect((await ask("#tool-empty", { tools })).functionCalls).toMatchObject([{ name: "weather", args: {} }]);
    const calls = (await streamed("#tool", { tools })).flatMap((chunk) => chunk.functionCalls ?? []);
    expect(calls).toMatchObject([{ name: "weather", args: JSON.parse(TOOL_ARGUMENTS) }]);
  });

  test("calls go back signed by the model, or with what Google documents for those of another", async () => {
    const back = (thoughtSignature: string | undefined) =>
      client.models.generateContent({
        model,
        contents: [
          { role: "user", parts: [{ text: "hi" }] },
          {
            role: "model",
            parts: [{ functionCall: { name: "weather", args: {} }, ...(thoughtSignature && { thoughtSignature }) }],
          },
          { role: "user", parts: [{ functionResponse: { name: "weather", response: { output: "晴" } } }] },
        ],
        config: { tools },
      });
    await expect(back(undefined)).rejects.toThrow(/missing a thought_signature/);
    await expect(back("b3RoZXI=")).rejects.toThrow(/not valid/);
    expect((await back("skip_thought_signature_validator")).text).toBe("Tool says: 晴");
  });

  test("thoughts are shown to those who ask, and counted apart", async () => {
    const silent = await ask("#reason yes");
    expect([silent.text, silent.candidates![0]!.content!.parts!.length]).toEqual(["yes", 1]);
    expect(silent.usageMetadata!.thoughtsTokenCount).toBeGreaterThan(0);
    const shown = await ask("#reason yes", { thinkingConfig: { includeThoughts: true } });
    expect(shown.candidates![0]!.content!.parts).toEqual([{ text: REASONING, thought: true }, { text: "yes" }]);
    expect((await ask("#cached")).usageMetadata!.cachedContentTokenCount).toBe(3);
  });

  test("the longest answer, a stop sequence, moderation before and in the middle", async () => {
    const long = await ask("#long", { maxOutputTokens: 3 });
    expect([long.text, long.candidates![0]!.finishReason]).toEqual(["long long lo", "MAX_TOKENS"]);
    expect((await ask("one STOP two", { stopSequences: ["STOP"] })).text).toBe("one ");
    const blocked = await ask("#moderated");
    expect([blocked.candidates, blocked.promptFeedback!.blockReason]).toEqual([undefined, "PROHIBITED_CONTENT"]);
    expect((await streamed("#moderated"))[0]!.promptFeedback!.blockReason).toBe("PROHIBITED_CONTENT");
    expect((await streamed("#moderated-later")).at(-1)!.candidates![0]!.finishReason).toBe("SAFETY");
  });

  test("tokens, vectors, pictures and the list of models", async () => {
    expect((await client.models.countTokens({ model, contents: "你好吗" })).totalTokens).toBe(3);
    const { embeddings } = await client.models.embedContent({ model: "practice-embedding", contents: ["ab", "c"] });
    expect(embeddings!.map(({ values }) => values!.length)).toEqual([8, 8]);
    const drawn = await client.models.generateContent({
      model: "practice-image",
      contents: "a square",
      config: { responseModalities: ["IMAGE"] },
    });
    expect(drawn.candidates![0]!.content!.parts![0]!.inlineData!.mimeType).toBe("image/png");
    const names: string[] = [];
    for await (const { name } of await client.models.list()) names.push(name!);
    expect(names).toContain("models/practice-model");
  });

  test.each([
    ["#error rate_limit", 429, /RetryInfo/],
    ["#error quota", 429, /PerDay/],
    ["#error overloaded", 503, /overloaded/],
    ["#error server_error", 500, /INTERNAL/],
    ["#error context_length", 400, /exceeds/],
    ["#error permission", 403, /PERMISSION_DENIED/],
  ])("%s has status %i", async (contents, status, message) => {
    const failure = await ask(contents).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ApiError);
    expect(failure).toMatchObject({ status, message: expect.stringMatching(message) });
  });

  test("another key, another model, a broken stream", async () => {
    const stranger = open("wrong").models.generateContent({ model, contents: "hi" });
    await expect(stranger).rejects.toMatchObject({ status: 400, message: expect.stringContaining("API_KEY_INVALID") });
    await expect(client.models.generateContent({ model: "other", contents: "hi" })).rejects.toMatchObject({
      status: 404,
    });
    await expect(streamed("#error-later overloaded")).rejects.toThrow(/UNAVAILABLE/);
    await expect(streamed("#cut")).rejects.toThrow();
  });

  test("what the real server refuses, it refuses", async () => {
    await expect(ask("hi", { temperature: 3 })).rejects.toThrow(/temperature/);
    await expect(ask("hi", { thinkingConfig: { thinkingBudget: 1, thinkingLevel: "LOW" as never } })).rejects.toThrow(
      /only one/,
    );
    await expect(ask("")).rejects.toThrow(/data/);
    const mode = FunctionCallingConfigMode.AUTO;
    const toolConfig = { functionCallingConfig: { mode, allowedFunctionNames: ["weather"] } };
    await expect(ask("hi", { tools, toolConfig })).rejects.toThrow(/ANY/);
  });
});
