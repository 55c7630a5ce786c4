import Anthropic, {
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  PaymentRequiredError,
  RateLimitError,
} from "@anthropic-ai/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { REASONING, TOOL_ARGUMENTS } from "../../src/simulators/scene.ts";
import { type ServedSimulators, serveSimulators } from "../../src/simulators/serve.ts";
import { expectCleanAudit } from "../harness/books.ts";
import { type RunningMaidan, startMaidan } from "../harness/maidan.ts";

/** Anthropic's official client through the whole gateway: to Anthropic's simulator, to OpenAI's, and to `practice/echo`. */

const KEY = "sk-test-messages";
const POOR = "sk-test-poor";
const NATIVE = "sim-anthropic/practice-model";
const OTHER = "sim-openai/practice-model";
const ECHO = "practice/echo";
/** OpenAI's simulator once more, as a model that writes at most a hundred tokens. */
const SHORT = "short/practice-model";
/** An address of Anthropic's protocol where nobody answers. */
const DEAD = "dead/practice-model";

let simulators: ServedSimulators;
let maidan: RunningMaidan;
let client: Anthropic;

beforeAll(async () => {
  simulators = await serveSimulators({ host: "127.0.0.1", port: 0, protocols: ["openai", "anthropic"] });
  const payer = (id: string, secret: string, amount: string) => ({
    id,
    budgets: [{ id: `${id}-total`, amount, currency: "USD", window: "total" }],
    keys: [{ id: `${id}-key`, secret }],
  });
  const settings = parse(simulators.settings);
  const [{ models, ...openai }] = settings.endpoints;
  maidan = await startMaidan({
    yaml: stringify({
      currency: "USD",
      endpoints: [
        ...settings.endpoints,
        { ...openai, id: "short", models: [{ ...models[0], maxOutputTokens: 100 }] },
        { id: "dead", protocol: "anthropic", baseUrl: "http://127.0.0.1:9", models: [models[0]] },
      ],
      routes: [
        { id: "mixed", to: [OTHER, NATIVE] },
        { id: "claude", to: [NATIVE] },
      ],
      payers: [payer("rich", KEY, "1000"), payer("poor", POOR, "0.0025")],
    }),
  });
  client = clientOf(KEY);
}, 60_000);
afterAll(async () => {
  await maidan?.stop();
  await simulators?.close();
});

const clientOf = (apiKey: string): Anthropic => new Anthropic({ apiKey, baseURL: maidan.address, maxRetries: 0 });

const tools: Anthropic.Tool[] = ["weather", "news"].map((name) => ({
  name,
  description: name,
  input_schema: { type: "object", properties: { city: { type: "string" } } },
}));
const asking = (
  model: string,
  content: Anthropic.MessageParam["content"],
  more: Partial<Anthropic.MessageCreateParamsNonStreaming> = {},
): Anthropic.MessageCreateParamsNonStreaming => ({
  model,
  max_tokens: 4_000,
  messages: [{ role: "user", content }],
  ...more,
});

async function both(body: Anthropic.MessageCreateParamsNonStreaming): Promise<readonly Anthropic.Message[]> {
  return [await client.messages.create(body), await client.messages.stream(body).finalMessage()];
}

describe.each([NATIVE, OTHER])("Anthropic's client to %s", (model) => {
  test("text, with what the call cost and what it is called", async () => {
    const body = asking(model, "你好 🌏 hello", { system: "Be brief." });
    for (const message of await both(body)) {
      expect(message).toMatchObject({ role: "assistant", stop_reason: "end_turn" });
      expect(message.content).toEqual([{ type: "text", text: "你好 🌏 hello" }]);
      expect(message.usage).toMatchObject({ input_tokens: 19, output_tokens: 3 });
    }
    const { response, request_id } = await client.messages.create(body).withResponse();
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "x-maidan-model": model,
      "x-maidan-cost": "0.000025 USD",
      "request-id": expect.stringMatching(/./),
    });
    expect(request_id).toBe(response.headers.get("request-id"));
    const call = await maidan.admin.get(`calls/${response.headers.get("x-maidan-call")}`);
    expect(call).toMatchObject({ state: "settled", cost: "0.000025", payer: "rich" });
  });

  test("a stream's last usage has the cost", async () => {
    const stream = await client.messages.create({ ...asking(model, "hi"), stream: true });
    let usage: unknown;
    for await (const event of stream) if (event.type === "message_delta") usage = event.usage;
    expect(usage).toMatchObject({ output_tokens: 1, cost: 0.000004, cost_currency: "USD" });
  });

  test("a loop of tools, as an agent drives it", async () => {
    for (const stream of [false, true]) {
      const messages: Anthropic.MessageParam[] = [{ role: "user", content: "#tools" }];
      const ask = (): Promise<Anthropic.Message> => {
        const body = { ...asking(model, "", { tools }), messages };
        return stream ? client.messages.stream(body).finalMessage() : client.messages.create(body);
      };
      const first = await ask();
      const calls = first.content.filter((block) => block.type === "tool_use");
      expect([first.stop_reason, calls.map(({ name }) => name)]).toEqual(["tool_use", ["weather", "news"]]);
      for (const { input } of calls) expect(input).toEqual(JSON.parse(TOOL_ARGUMENTS));
      messages.push(
        { role: "assistant", content: first.content },
        {
          role: "user",
          content: calls.map(({ id, name }) => ({
            type: "tool_result" as const,
            tool_use_id: id,
            content: [{ type: "text" as const, text: `of ${name}` }],
            is_error: name === "news",
          })),
        },
      );
      const second = await ask();
      expect(second.content).toEqual([{ type: "text", text: "Tool says: of weather | of news" }]);
    }
    for (const message of await both(asking(model, "#tool-empty", { tools }))) {
      expect(message.content).toMatchObject([{ type: "tool_use", name: "weather", input: {} }]);
    }
  });

  test("events of the client's helper come in order", async () => {
    const seen: string[] = [];
    const stream = client.messages
      .stream(asking(model, "#reason yes and no"))
      .on("thinking", (_, all) => seen.push(`thinking ${all}`))
      .on("text", (_, all) => seen.push(`text ${all}`));
    const message = await stream.finalMessage();
    expect(message.content).toMatchObject([{ type: "thinking", thinking: REASONING }, { text: "yes and no" }]);
    expect(message.usage.output_tokens_details?.thinking_tokens).toBeGreaterThan(0);
    expect(seen).toContain(`thinking ${REASONING}`);
    expect(seen.at(-1)).toBe("text yes and no");
  });

  test("the longest answer, moderation, a picture, a cached part", async () => {
    for (const { stop_reason, usage } of await both(asking(model, "#long", { max_tokens: 20 }))) {
      expect([stop_reason, usage.output_tokens]).toEqual(["max_tokens", 20]);
    }
    for (const { stop_reason } of await both(asking(model, "#moderated-later"))) expect(stop_reason).toBe("refusal");
    for (const { usage } of await both(asking(model, "#cached twelve chars"))) {
      expect(usage).toMatchObject({ input_tokens: 10, cache_read_input_tokens: 10 });
    }
    const picture: Anthropic.ContentBlockParam[] = [
      { type: "text", text: "看图" },
      { type: "image", source: { type: "base64", media_type: "image/png", data: "aGk=" } },
    ];
    for (const { usage } of await both(asking(model, picture))) expect(usage.input_tokens).toBe(102);
  });

  test("errors are the client's own kinds, and say where they come from", async () => {
    const failing = async (body: Anthropic.MessageCreateParamsNonStreaming, by = client) => {
      try {
        await by.messages.create(body);
      } catch (error) {
        return error as InstanceType<typeof Anthropic.APIError>;
      }
      return expect.unreachable();
    };
    const limited = await failing(asking(model, "#error rate_limit"));
    expect(limited).toBeInstanceOf(RateLimitError);
    expect(limited.headers?.get("x-maidan-origin")).toBe("vendor");
    expect(await failing(asking(model, "#error context_length"))).toBeInstanceOf(BadRequestError);
    expect(await failing(asking(model, "#moderated"))).toBeInstanceOf(BadRequestError);
    const unknown = await failing(asking("claude-none", "hi"));
    expect(unknown).toBeInstanceOf(NotFoundError);
    expect([unknown.errorCode, unknown.type]).toEqual(["model_not_found", "not_found_error"]);
    expect(unknown.headers?.get("x-maidan-origin")).toBe("gateway");
    const stranger = await failing(asking(model, "hi"), clientOf("sk-nobody"));
    expect(stranger).toBeInstanceOf(AuthenticationError);
    const poor = await failing(asking(model, "x".repeat(5_000)), clientOf(POOR));
    expect(poor).toBeInstanceOf(PaymentRequiredError);
    expect(poor.errorCode).toBe("budget_exhausted");
    expect(poor.headers?.get("x-should-retry")).toBe("false");
    const wrong = await failing({ ...asking(model, "hi"), max_tokens: -1 });
    expect([wrong.type, (wrong.details as { param?: string }).param]).toEqual(["invalid_request_error", "max_tokens"]);
    await expect(client.messages.stream(asking(model, "#error-later overloaded")).finalMessage()).rejects.toThrow(
      /overloaded/i,
    );
    await expect(client.messages.stream(asking(model, "#cut")).finalMessage()).rejects.toThrow();
  });

  test("a small budget lowers the longest answer, and says so", async () => {
    const { data, response } = await clientOf(POOR)
      .messages.create(asking(model, "#long", { max_tokens: 4_000 }))
      .withResponse();
    expect(response.headers.get("x-maidan-adjusted")).toMatch(/^max_tokens=\d+$/);
    expect(["max_tokens", "end_turn"]).toContain(data.stop_reason);
  });
});

describe("Anthropic's client beside", () => {
  test("practice/echo, without any vendor", async () => {
    for (const message of await both(asking(ECHO, "谁买单？"))) {
      expect(message.content).toEqual([{ type: "text", text: "谁买单？" }]);
      expect(message.stop_reason).toBe("end_turn");
    }
  });

  test("counts tokens: by the vendor where it can, else by a guess that says so", async () => {
    const { messages } = asking("", "你好吗");
    const before = (await maidan.admin.get("calls?limit=1")).items[0]?.id;
    const native = await client.messages.countTokens({ model: NATIVE, messages }).withResponse();
    expect([native.data.input_tokens, native.response.headers.get("x-maidan-estimated")]).toEqual([3, null]);
    const guessed = await client.messages.countTokens({ model: OTHER, messages, tools }).withResponse();
    expect(guessed.data.input_tokens).toBeGreaterThan(3);
    expect(guessed.response.headers.get("x-maidan-estimated")).toBe("true");
    expect((await maidan.admin.get("calls?limit=1")).items[0]?.id).toBe(before);
    const unreached = await client.messages.countTokens({ model: DEAD, messages }).withResponse();
    expect(unreached.response.headers.get("x-maidan-estimated")).toBe("true");
    // What is wrong with the request itself is said by the vendor.
    const wrong = [{ role: "user" as const, content: [{ type: "text" as const, text: "" }] }];
    await expect(client.messages.countTokens({ model: NATIVE, messages: wrong })).rejects.toThrow(/non-empty/);
    await expect(clientOf("sk-nobody").messages.countTokens({ model: NATIVE, messages })).rejects.toBeInstanceOf(
      AuthenticationError,
    );
  });

  test("asks no model for a longer answer than it writes, and says so", async () => {
    const { data, response } = await client.messages.create(asking(SHORT, "#long")).withResponse();
    expect([data.stop_reason, data.usage.output_tokens]).toEqual(["max_tokens", 100]);
    expect(response.headers.get("x-maidan-adjusted")).toBe("max_tokens=100");
  });

  test("lists what its key may call", async () => {
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toEqual(expect.arrayContaining(["claude", NATIVE, OTHER, ECHO]));
    expect(data[0]).toMatchObject({ type: "model", display_name: expect.any(String) });
  });

  test("betas and versions are passed on, and not asked for", async () => {
    const message = await client.beta.messages.create({
      ...(asking(NATIVE, "hi") as Anthropic.Beta.MessageCreateParamsNonStreaming),
      betas: ["context-management-2025-06-27"],
      context_management: { edits: [] },
    });
    expect(message.content).toMatchObject([{ text: "hi" }]);
    const bare = await maidan.ask("/v1/messages", KEY, { body: asking(NATIVE, "hi") });
    expect(bare.status).toBe(200);
  });

  test("a tool that only Anthropic has goes on to the model that has it", async () => {
    const search = { type: "web_search_20250305" as const, name: "web_search" as const };
    const refused = client.messages.create(asking(OTHER, "hi", { tools: [search] }));
    await expect(refused).rejects.toThrow(/web_search_20250305/);
    const { response } = await client.messages.create(asking("mixed", "hi", { tools: [search] })).withResponse();
    expect(response.headers.get("x-maidan-model")).toBe(NATIVE);
  });

  test("a conversation may move between vendors: thinking that another one wrote does not break it", async () => {
    const thinking = { type: "enabled" as const, budget_tokens: 1_024 };
    const start: Anthropic.MessageParam[] = [{ role: "user", content: "#reason yes" }];
    for (const [first, second] of [
      [OTHER, NATIVE],
      [NATIVE, OTHER],
      [NATIVE, NATIVE],
    ] as const) {
      for (const answer of await both({ ...asking(first, ""), messages: start, thinking })) {
        expect(answer.content[0]).toMatchObject({ type: "thinking", thinking: REASONING });
        const messages: Anthropic.MessageParam[] = [
          ...start,
          { role: "assistant", content: answer.content },
          { role: "user", content: "go on" },
        ];
        for (const next of await both({ ...asking(second, ""), messages, thinking })) {
          expect(next.content).toMatchObject([{ type: "text", text: "go on" }]);
        }
      }
    }
  });

  test("a turn that began with another vendor's call goes on with Anthropic", async () => {
    const thinking = { type: "enabled" as const, budget_tokens: 1_024 };
    const question: Anthropic.MessageParam = { role: "user", content: "#tool" };
    const first = await client.messages.create({ ...asking(OTHER, "", { tools }), messages: [question] });
    const [call] = first.content.filter((block) => block.type === "tool_use");
    const answered = {
      ...asking(NATIVE, "", { tools, thinking }),
      messages: [
        question,
        {
          role: "assistant" as const,
          content: [{ type: "thinking" as const, thinking: "so", signature: "maidan." }, ...first.content],
        },
        { role: "user" as const, content: [{ type: "tool_result" as const, tool_use_id: call!.id, content: "晴" }] },
      ],
    };
    const { data, response } = await client.messages.create(answered).withResponse();
    expect(data.content).toMatchObject([{ text: "Tool says: 晴" }]);
    expect(response.headers.get("x-maidan-adjusted")).toBe("-messages.thinking, thinking=disabled");
  });

  test("the books balance", async () => {
    await expectCleanAudit(maidan.admin);
  });
});
