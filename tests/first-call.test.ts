import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { costOf, nano } from "./harness/arithmetic.ts";
import { type RunningMaidan, startMaidan } from "./harness/maidan.ts";
import { eventsOf } from "./harness/requests.ts";
import { chat, endpoint, PRICE, payer, RATES, yaml } from "./harness/settings.ts";
import { type RunningUpstream, startUpstream } from "./harness/start-upstream.ts";

const CHAT = "/v1/chat/completions";

describe("the first start", () => {
  let maidan: RunningMaidan;

  beforeAll(async () => {
    maidan = await startMaidan();
  });
  afterAll(() => maidan.stop());

  it("prints a line for curl that works at once, without any vendor's key", async () => {
    const { text } = maidan.printed;
    const line = /curl .*(?:\\\n.*)*/.exec(text)?.[0] ?? "";
    expect(line).toContain(`${maidan.address}${CHAT}`);
    const key = /Bearer ([^"'\s]+)/.exec(line)![1]!;
    const body = /(?:-d|--data(?:-raw)?|--json) '([^']+)'/.exec(line)![1]!;
    expect(JSON.parse(body).model).toBe("practice/echo");
    const answer = await maidan.ask(CHAT, key, { body });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body.toString()).choices[0].message.content).toEqual(expect.any(String));
    expect(answer.headers["x-maidan-model"]).toBe("practice/echo");
  });

  it("gives that key a small budget, and charges the call to it", async () => {
    const [budget] = (await maidan.admin.get("budgets")).items;
    expect(budget).toMatchObject({ id: "first-total", payer: "first", limit: "1", currency: "USD", window: "total" });
    const { items } = await maidan.admin.get("calls");
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({ payer: "first", model: "practice/echo", state: "settled" });
  });

  it("is alive, ready, and says what it depends on", async () => {
    expect((await maidan.ask("/livez", undefined)).status).toBe(200);
    const ready = await maidan.ask("/readyz?verbose", undefined);
    expect(ready.status).toBe(200);
    expect(ready.body.toString()).toContain("practice");
  });

  it("keeps the operators' API from those without the admin key", async () => {
    const without = await maidan.ask("/api/v1/budgets", undefined);
    expect(without.status).toBe(401);
    expect(without.headers["x-maidan-origin"]).toBe("gateway");
    expect((await maidan.ask("/api/v1/budgets", "wrong")).status).toBe(401);
  });
});

describe("a call", () => {
  let upstream: RunningUpstream;
  let maidan: RunningMaidan;

  beforeAll(async () => {
    upstream = await startUpstream({ models: { "gpt-4o-mini": { outputTokens: 7, cachedInputTokens: 5 } } });
    maidan = await startMaidan({
      yaml: yaml({
        endpoints: [
          endpoint(upstream, {
            models: [
              { id: "mini", upstream: "gpt-4o-mini", maxOutputTokens: 400, price: PRICE },
              { id: "embed", price: { currency: "USD", input: "0.02" } },
            ],
          }),
        ],
        routes: [{ id: "small", to: ["lab/mini"] }],
        payers: [
          payer("acme", "5.00"),
          payer("narrow", "5.00", { keys: [{ id: "n", secret: "sk-test-narrow", routes: ["small"] }] }),
        ],
      }),
    });
  });
  afterAll(async () => {
    await maidan?.stop();
    await upstream?.stop();
  });

  it("buffered, carries its id, its model and its cost, and the ledger has the very same", async () => {
    const answer = await maidan.ask(CHAT, "sk-test-acme", { body: chat("small", { simulate: { tag: "buffered" } }) });
    expect(answer.status).toBe(200);
    expect(answer.headers["x-maidan-model"]).toBe("lab/mini");
    const [amount, currency] = String(answer.headers["x-maidan-cost"]).split(" ");
    const [row] = await upstream.tallyOf("buffered");
    expect(currency).toBe("USD");
    expect(nano(amount!)).toBe(costOf(row!.billed!, RATES));
    const call = await maidan.admin.get(`calls/${answer.headers["x-maidan-call"]}`);
    expect(call).toMatchObject({
      payer: "acme",
      key: "acme-key",
      route: "small",
      state: "settled",
      cost: amount,
      currency,
    });
    expect(call.attempts).toHaveLength(1);
    expect(call.attempts[0]).toMatchObject({
      model: "lab/mini",
      basis: "reported",
      vendorRequestId: row!.id,
      cost: amount,
    });
    expect(call.attempts[0].usage).toMatchObject({ input: row!.billed!.input, cachedInput: 5, output: 7 });
  });

  it("streamed, costs the same as buffered, and the usage chunk carries the cost", async () => {
    const ask = (more: object) => maidan.ask(CHAT, "sk-test-acme", { body: chat("small", { user: "equal", ...more }) });
    const streamed = await ask({
      stream: true,
      stream_options: { include_usage: true },
      simulate: { tag: "streamed" },
    });
    expect(streamed.headers["content-type"]).toContain("text/event-stream");
    expect(streamed.headers["x-maidan-call"]).toMatch(/^call_/);
    const events = eventsOf(streamed.body);
    expect(events.at(-1)).toBe("[DONE]");
    const last = JSON.parse(events.at(-2)!);
    const cost = /"cost":([0-9.]+)/.exec(events.at(-2)!)![1]!;
    const [row] = await upstream.tallyOf("streamed");
    expect(last.choices).toEqual([]);
    expect(nano(cost)).toBe(costOf(row!.billed!, RATES));
    expect(last.usage.cost_currency).toBe("USD");
    const call = await maidan.admin.get(`calls/${streamed.headers["x-maidan-call"]}`);
    expect(call).toMatchObject({ state: "settled", cost });
    const buffered = await ask({ simulate: { inputTokens: row!.billed!.input + row!.billed!.cachedInput } });
    expect(String(buffered.headers["x-maidan-cost"])).toBe(`${cost} USD`);
  });

  it("passes the vendor's bytes on untouched, buffered", async () => {
    const answer = await maidan.ask(CHAT, "sk-test-acme", {
      body: chat("lab/mini", { n: 2, simulate: { tag: "same" } }),
    });
    expect(answer.body.equals((await upstream.exchange("same")).answer)).toBe(true);
  });

  it("passes a stream on untouched, comments and line endings included, but for the cost", async () => {
    const simulate = { tag: "same stream", lineEnding: "\r\n", comments: true, nullUsage: true };
    const body = chat("lab/mini", { stream: true, stream_options: { include_usage: true }, simulate });
    const answer = await maidan.ask(CHAT, "sk-test-acme", { body });
    const sent = (await upstream.exchange("same stream")).answer.toString();
    const expected = sent.replace(/("usage":\{"prompt_tokens".*?)\}\}\r\n/, "$1}COST}\r\n");
    const got = answer.body.toString().replace(/,"cost":"?[0-9.]+"?,"cost_currency":"USD"\}\}\r\n/, "}COST}\r\n");
    expect(got).toContain("COST");
    expect(got).toBe(expected);
  });

  it("takes out the usage chunk that the client did not ask for, and nothing else", async () => {
    const answer = await maidan.ask(CHAT, "sk-test-acme", {
      body: chat("lab/mini", { stream: true, simulate: { tag: "unasked" } }),
    });
    const sent = (await upstream.exchange("unasked")).answer.toString();
    expect(sent).toContain('"choices":[],"usage"');
    expect(answer.body.toString()).toBe(sent.replace(/data: \{[^\n]*"choices":\[\],"usage"[^\n]*\n\n/, ""));
  });

  it("forwards the client's bytes, changing only what it must", async () => {
    const body =
      '{ "seed":1e2,"model" : "small", "messages":[{"role":"user","content":"\\u4f60\\u597d \\/ 你好"}],\n' +
      ' "x_unknown": {"a":[1.50, -0]}, "simulate":{"tag":"bytes"}, "stream" :true}';
    expect((await maidan.ask(CHAT, "sk-test-acme", { body })).status).toBe(200);
    const { request, headers } = await upstream.exchange("bytes");
    const sent = request.toString();
    expect(JSON.parse(sent)).toMatchObject({ model: "gpt-4o-mini", stream_options: { include_usage: true } });
    const undone = sent
      .replace('"gpt-4o-mini"', '"small"')
      .replace(/\s*,?\s*"stream_options"\s*:\s*\{\s*"include_usage"\s*:\s*true\s*\}\s*,?/, "");
    expect(undone).toBe(body);
    expect(headers.authorization).toBe("Bearer sk-lab");
  });

  it("lists the models that a key may call, and refuses the others", async () => {
    const all = await maidan.client("sk-test-acme").models.list();
    expect(all.data.map((model) => model.id)).toEqual(expect.arrayContaining(["small", "lab/mini", "practice/echo"]));
    const few = await maidan.client("sk-test-narrow").models.list();
    expect(few.data.map((model) => model.id)).toEqual(["small"]);
    const refused = await maidan.ask(CHAT, "sk-test-narrow", { body: chat("lab/mini") });
    expect(refused.status).toBe(403);
    expect(JSON.parse(refused.body.toString()).error.code).toBe("model_not_allowed");
    expect((await maidan.ask(CHAT, "sk-test-narrow", { body: chat("small") })).status).toBe(200);
  });

  it("embeds, and pays for it", async () => {
    const client = maidan.client("sk-test-acme");
    const { data, response } = await client.embeddings
      .create({ model: "lab/embed", input: ["one", "two"] })
      .withResponse();
    expect(data.data.map((one) => one.embedding)).toEqual([
      [0.25, -0.5, 0.125],
      [0.25, -0.5, 0.125],
    ]);
    const cost = costOf(
      { input: data.usage.prompt_tokens, cachedInput: 0, output: 0, reasoning: 0 },
      { input: "0.02", output: "0" },
    );
    expect(nano(response.headers.get("x-maidan-cost")!.split(" ")[0]!)).toBe(cost);
  });

  it("adds up: the budget has exactly what the vendor served", async () => {
    const rows = (await upstream.tally()).filter((row) => row.billed);
    const embed = { input: "0.02", output: "0" };
    const expected = rows.reduce((sum, row) => sum + costOf(row.billed!, row.model === "embed" ? embed : RATES), 0n);
    const budgets = (await maidan.admin.get("budgets")).items;
    const settled = budgets
      .filter((budget: { payer: string }) => budget.payer !== "first")
      .reduce((sum: bigint, budget: { settled: string }) => sum + nano(budget.settled), 0n);
    expect(settled).toBe(expected);
    expect((await maidan.admin.get("audit")).balanced ?? true).toBe(true);
  });
});
