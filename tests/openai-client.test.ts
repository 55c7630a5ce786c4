import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { costOf, nano } from "./harness/arithmetic.ts";
import { type RunningMaidan, startMaidan } from "./harness/maidan.ts";
import { chat, endpoint, payer, RATES, yaml } from "./harness/settings.ts";
import { type RunningUpstream, startUpstream } from "./harness/start-upstream.ts";

/** Issue: "opens a gateway that any OpenAI client can use at once". */
describe("the official client of OpenAI", () => {
  let upstream: RunningUpstream;
  let maidan: RunningMaidan;

  beforeAll(async () => {
    upstream = await startUpstream({ models: { "*": { outputTokens: 12, reasoningTokens: 6 } } });
    maidan = await startMaidan({ yaml: yaml({ endpoints: [endpoint(upstream)], payers: [payer("acme", "50.00")] }) });
  });
  afterAll(async () => {
    await maidan?.stop();
    await upstream?.stop();
  });

  const client = () => maidan.client("sk-test-acme");
  // The client's types know nothing of the field that steers the simulated vendor.
  const ask = (more: object) => chat("lab/mini", more) as never as { model: string; messages: [] };
  const tools = [{ type: "function" as const, function: { name: "weather", parameters: { type: "object" } } }];

  it("buffered, several choices, reasoning", async () => {
    const answer = await client().chat.completions.create({ ...ask({ simulate: { tag: "n" } }), n: 3 });
    expect(answer.choices).toHaveLength(3);
    expect(answer.usage).toMatchObject({ completion_tokens: 54, completion_tokens_details: { reasoning_tokens: 18 } });
    const [row] = await upstream.tallyOf("n");
    const { items } = await maidan.admin.get("calls?limit=1");
    expect(nano(items[0].cost)).toBe(costOf(row!.billed!, RATES));
  });

  it("streamed, with usage and cost", async () => {
    const stream = await client().chat.completions.create({
      ...ask({}),
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let usage: unknown;
    let finish: string | null = null;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    const buffered = await client().chat.completions.create(ask({}));
    expect(text).toBe(buffered.choices[0]!.message.content);
    expect(finish).toBe("stop");
    expect(usage).toMatchObject({ completion_tokens: 18, cost_currency: "USD" });
  });

  it("tools, buffered and streamed", async () => {
    const buffered = await client().chat.completions.create({ ...ask({ simulate: { callsTool: true } }), tools });
    expect(buffered.choices[0]!.finish_reason).toBe("tool_calls");
    const stream = client().chat.completions.stream({ ...ask({ simulate: { callsTool: true } }), tools });
    const final = await stream.finalChatCompletion();
    const [call] = final.choices[0]!.message.tool_calls ?? [];
    expect(call).toMatchObject({ type: "function", function: { name: "weather", arguments: '{"city":"杭州"}' } });
  });

  it("structured output and logprobs come through untouched", async () => {
    const response_format = {
      type: "json_schema" as const,
      json_schema: { name: "city", strict: true, schema: { type: "object", properties: { city: { type: "string" } } } },
    };
    const answer = await client().chat.completions.parse({
      ...ask({ simulate: { tag: "structured" } }),
      response_format,
      logprobs: true,
      top_logprobs: 2,
    });
    expect(answer.choices[0]!.message.parsed).toEqual({ city: "杭州", open: true });
    expect(answer.choices[0]!.logprobs?.content?.[0]).toMatchObject({ token: "the ", logprob: -0.25 });
    const sent = JSON.parse((await upstream.exchange("structured")).request.toString());
    expect(sent).toMatchObject({ response_format, logprobs: true, top_logprobs: 2 });
  });

  it("images in the input come through untouched", async () => {
    const image_url = { url: `data:image/png;base64,${"iVBORw0KGgo=".repeat(50)}`, detail: "low" as const };
    const content = [
      { type: "text" as const, text: "What is this?" },
      { type: "image_url" as const, image_url },
    ];
    await client().chat.completions.create({
      ...ask({ simulate: { tag: "image" } }),
      messages: [{ role: "user", content }],
    });
    const sent = JSON.parse((await upstream.exchange("image")).request.toString());
    expect(sent.messages[0].content).toEqual(content);
  });

  it("max_tokens and max_completion_tokens end an answer, and are not raised or lowered without need", async () => {
    for (const field of ["max_tokens", "max_completion_tokens"]) {
      const answer = await client()
        .chat.completions.create(ask({ [field]: 9, simulate: { tag: field } }))
        .withResponse();
      expect(answer.data.usage?.completion_tokens).toBe(9);
      expect(answer.response.headers.get("x-maidan-adjusted")).toBeNull();
      expect(JSON.parse((await upstream.exchange(field)).request.toString())[field]).toBe(9);
    }
  });

  it("errors reach the client as its own classes", async () => {
    await expect(maidan.client("sk-test-no").chat.completions.create(ask({}))).rejects.toMatchObject({
      status: 401,
      code: "invalid_api_key",
    });
    await expect(client().chat.completions.create({ ...ask({}), model: "lab/none" })).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
      param: "model",
    });
  });

  it("an error in the middle of a stream is thrown, not swallowed", async () => {
    const read = async () => {
      const stream = await client().chat.completions.create({ ...ask({ simulate: { failure: "cut" } }), stream: true });
      for await (const chunk of stream) expect(chunk.object).toBe("chat.completion.chunk");
    };
    await expect(read()).rejects.toThrow();
  });
});
