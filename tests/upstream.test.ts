import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { send } from "./harness/requests.ts";
import { type RunningUpstream, startUpstream } from "./harness/start-upstream.ts";

/** The judge must be sound: the simulated vendor, proven by the official client, with no gateway between. */
describe("the simulated vendor", () => {
  let upstream: RunningUpstream;
  let client: OpenAI;

  beforeAll(async () => {
    upstream = await startUpstream({ models: { plain: { outputTokens: 5, inputTokens: 11 } }, apiKey: "sk-right" });
    client = new OpenAI({ apiKey: "sk-right", baseURL: upstream.baseUrl, maxRetries: 0 });
  });
  afterAll(() => upstream.stop());

  const ask = (simulate: object) => ({
    model: "plain",
    messages: [{ role: "user" as const, content: "hello" }],
    simulate,
  });

  it("answers the official client, buffered and streamed, and bills what it says", async () => {
    const buffered = await client.chat.completions.create(ask({ tag: "a", reasoningTokens: 3, cachedInputTokens: 4 }));
    expect(buffered.usage).toMatchObject({ prompt_tokens: 11, completion_tokens: 8, total_tokens: 19 });
    const stream = await client.chat.completions.create({
      ...ask({ tag: "b" }),
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let tokens: number | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      tokens = chunk.usage?.completion_tokens ?? tokens;
    }
    const again = await client.chat.completions.create(ask({}));
    expect(text).toBe(again.choices[0]!.message.content);
    expect(tokens).toBe(5);
    expect(await upstream.tallyOf("a")).toMatchObject([
      { state: "served", billed: { input: 7, cachedInput: 4, output: 5, reasoning: 3 } },
    ]);
    expect(await upstream.tallyOf("b")).toMatchObject([{ state: "served", billed: { input: 11, output: 5 } }]);
  });

  it("ends at max_tokens, and counts n choices", async () => {
    const answer = await client.chat.completions.create({ ...ask({}), max_tokens: 2, n: 3 });
    expect(answer.choices.map((choice) => choice.finish_reason)).toEqual(["length", "length", "length"]);
    expect(answer.usage?.completion_tokens).toBe(6);
  });

  it("refuses a wrong credential, and knows its models", async () => {
    const wrong = new OpenAI({ apiKey: "sk-wrong", baseURL: upstream.baseUrl, maxRetries: 0 });
    await expect(wrong.models.list()).rejects.toMatchObject({ status: 401 });
    const models = await client.models.list();
    expect(models.data.map((model) => model.id)).toEqual(["plain"]);
  });

  it("breaks in every way it is told to", async () => {
    const outcome = async (failure: string, stream: boolean) => {
      const answer = await send(`${upstream.baseUrl}/chat/completions`, {
        headers: { authorization: "Bearer sk-right" },
        body: { ...ask({ failure, tag: `${failure} ${stream}` }), stream },
        ...(failure.startsWith("hang") ? { leaveAfterMs: 500 } : {}),
      });
      const [row] = await upstream.tallyOf(`${failure} ${stream}`);
      return [answer.status, answer.broken, row!.state];
    };
    expect(await outcome("error", false)).toEqual([500, false, "refused"]);
    expect(await outcome("rate_limit", true)).toEqual([429, false, "refused"]);
    expect(await outcome("reset", false)).toEqual([0, true, "broken"]);
    expect(await outcome("hang", true)).toEqual([0, true, "broken"]);
    expect(await outcome("hang_midway", true)).toEqual([200, true, "broken"]);
    expect(await outcome("garbage", true)).toEqual([200, false, "broken"]);
    expect(await outcome("cut", true)).toEqual([200, true, "broken"]);
    expect(await outcome("cut", false)).toEqual([200, true, "broken"]);
    expect(await outcome("promises_more", false)).toEqual([200, true, "broken"]);
    expect((await outcome("promises_less", false))[2]).toBe("broken");
    expect(await outcome("error_event", true)).toEqual([200, false, "broken"]);
  });

  it("bills a client that leaves a stream by its rule, and a buffered answer in full", async () => {
    const leave = async (tag: string, stream: boolean, billsOnAbort: string) => {
      await send(`${upstream.baseUrl}/chat/completions`, {
        headers: { authorization: "Bearer sk-right" },
        body: { ...ask({ tag, billsOnAbort, outputTokens: 50, betweenChunksMs: 5, firstByteMs: 250 }), stream },
        ...(stream ? { leaveAfterEvents: 4 } : { leaveAfterMs: 100 }),
      });
      return vi.waitFor(async () => {
        const [row] = await upstream.tallyOf(tag);
        if (row?.state === "running") throw new Error(`${tag} is still running`);
        return [row!.state, row!.billed!.output] as const;
      });
    };
    const [state, output] = await leave("leave generated", true, "generated");
    expect(state).toBe("aborted");
    expect(output).toBeGreaterThanOrEqual(3);
    expect(output).toBeLessThan(50);
    expect(await leave("leave full", true, "full")).toEqual(["aborted", 50]);
    expect(await leave("leave buffered", false, "generated")).toEqual(["served", 50]);
  });
});
