import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nano } from "./harness/arithmetic.ts";
import { type RunningMaidan, startMaidan } from "./harness/maidan.ts";
import { eventsOf, type RawRequest } from "./harness/requests.ts";
import { chat, DEAR_PRICE, endpoint, PRICE, payer, yaml } from "./harness/settings.ts";
import { type RunningUpstream, startUpstream } from "./harness/start-upstream.ts";
import type { Failure } from "./harness/upstream-behaviour.ts";

const CHAT = "/v1/chat/completions";

/** Issue: "Bad input, each with a clear error and nothing charged". */
describe("bad input", () => {
  let upstream: RunningUpstream;
  let maidan: RunningMaidan;

  beforeAll(async () => {
    upstream = await startUpstream();
    maidan = await startMaidan({
      yaml: yaml({
        limits: { bodyBytes: 200_000 },
        endpoints: [
          endpoint(upstream, {
            timeouts: { firstByteMs: 400, betweenBytesMs: 400 },
            models: [
              { id: "mini", maxOutputTokens: 400, price: PRICE },
              { id: "dear", maxOutputTokens: 400, price: DEAR_PRICE },
              { id: "gratis", maxOutputTokens: 400 },
            ],
          }),
          endpoint(upstream, { id: "gone", baseUrl: `http://127.0.0.1:${await closedPort()}/v1` }),
        ],
        payers: [payer("acme", "5.00"), payer("poor", "0.001")],
      }),
    });
  });
  afterAll(async () => {
    await maidan?.stop();
    await upstream?.stop();
  });

  interface Shown {
    readonly status: number;
    readonly origin: string | undefined;
    readonly error: { message: string; type: string; param: string | null; code: string; [detail: string]: unknown };
    readonly headers: Record<string, unknown>;
  }

  /** Sends it in both languages; the machine's part must be the same, the message in the language. */
  const refused = async (key: string | undefined, options: RawRequest, path = CHAT): Promise<Shown> => {
    const shown: Shown[] = [];
    for (const language of ["zh-CN,zh;q=0.9", "en"]) {
      const answer = await maidan.ask(path, key, {
        ...options,
        headers: { "accept-language": language, ...options.headers },
      });
      const { error } = JSON.parse(answer.body.toString());
      shown.push({
        status: answer.status,
        origin: answer.headers["x-maidan-origin"] as string,
        error,
        headers: answer.headers,
      });
    }
    const [zh, en] = shown as [Shown, Shown];
    expect(zh.error.message).toMatch(/[\u4e00-\u9fff]/);
    expect(en.error.message).not.toMatch(/[\u4e00-\u9fff]/);
    expect([zh.status, zh.error.code]).toEqual([en.status, en.error.code]);
    expect(en.error.type).toEqual(expect.any(String));
    return en;
  };

  const settledOf = async (id: string): Promise<bigint> =>
    nano((await maidan.admin.get(`budgets/${id}-total`)).settled);
  const callOf = (shown: Shown) => maidan.admin.get(`calls/${shown.headers["x-maidan-call"]}`);

  it("no key, a wrong key", async () => {
    expect(await refused(undefined, { body: chat("lab/mini") })).toMatchObject({
      status: 401,
      origin: "gateway",
      error: { code: "invalid_api_key" },
    });
    expect(await refused("sk-test-nobody", { body: chat("lab/mini") })).toMatchObject({
      status: 401,
      error: { code: "invalid_api_key" },
    });
  });

  it("an unknown model, with the nearest names", async () => {
    const shown = await refused("sk-test-acme", { body: chat("lab/mimi") });
    expect(shown).toMatchObject({ status: 404, origin: "gateway", error: { code: "model_not_found", param: "model" } });
    expect(shown.error.message).toContain("lab/mini");
  });

  it("malformed JSON, wrong types, no model, no messages", async () => {
    const wrong: (string | object)[] = [
      '{"model":"lab/mini","messages":[',
      "",
      "[]",
      '{"model":"lab/mini","messages":[{"role":"user","content":"x"}]} trailing',
      chat("lab/mini", { stream: "yes" }),
      chat("lab/mini", { max_tokens: "many" }),
      chat("lab/mini", { max_tokens: 0 }),
      chat("lab/mini", { n: 0 }),
      { model: 7, messages: [] },
      { messages: [{ role: "user", content: "x" }] },
      { model: "lab/mini" },
    ];
    for (const body of wrong) {
      const shown = await refused("sk-test-acme", { body });
      expect([shown.status, shown.error.code, shown.origin], JSON.stringify(body)).toEqual([
        400,
        "invalid_request",
        "gateway",
      ]);
    }
  });

  it("a body that is too large, told by its length or found out", async () => {
    const body = JSON.stringify(chat("lab/mini", { user: "x".repeat(300_000) }));
    expect(await refused("sk-test-acme", { body })).toMatchObject({ status: 413, error: { code: "body_too_large" } });
    expect(await refused("sk-test-acme", { body, headers: { "transfer-encoding": "chunked" } })).toMatchObject({
      status: 413,
    });
  });

  it("an unpriced model", async () => {
    const shown = await refused("sk-test-acme", { body: chat("lab/gratis") });
    expect(shown).toMatchObject({ status: 422, origin: "gateway", error: { code: "unpriced_model" } });
    expect(shown.error.message).toContain("lab/gratis");
  });

  it("an exhausted budget: names it, its payer, its figures, and is never retried by the official client", async () => {
    const shown = await refused("sk-test-poor", { body: chat("lab/dear", { max_tokens: 300 }) });
    expect(shown).toMatchObject({ status: 402, origin: "gateway", error: { code: "budget_exhausted" } });
    expect(JSON.stringify(shown.error)).toContain("poor-total");
    expect(shown.error).toMatchObject({ budget: "poor-total", payer: "poor", limit: "0.001", settled: "0", held: "0" });
    let requests = 0;
    const client = maidan.client("sk-test-poor", {
      maxRetries: 3,
      fetch: (...parameters) => {
        requests += 1;
        return fetch(...parameters);
      },
    });
    await expect(client.chat.completions.create(chat("lab/dear", { max_tokens: 300 }) as never)).rejects.toMatchObject({
      status: 402,
    });
    expect(requests).toBe(1);
  });

  it("an unknown path, a wrong method", async () => {
    expect(await refused("sk-test-acme", { body: {} }, "/v1/chat/completion")).toMatchObject({
      status: 404,
      error: { code: "not_found" },
    });
    expect(await refused("sk-test-acme", { method: "GET" })).toMatchObject({
      status: 405,
      error: { code: "method_not_allowed" },
    });
  });

  const vendorFaults: [Failure, boolean, number, string, "released" | "unsettled"][] = [
    ["error", false, 502, "vendor_error", "released"],
    ["error", true, 502, "vendor_error", "released"],
    ["unauthorized", false, 502, "vendor_error", "released"],
    ["hang", false, 504, "timeout", "unsettled"],
    ["hang", true, 504, "timeout", "unsettled"],
    ["garbage", false, 502, "vendor_error", "unsettled"],
    ["reset", false, 502, "vendor_error", "unsettled"],
    ["reset", true, 502, "vendor_error", "unsettled"],
    ["cut", false, 502, "vendor_error", "unsettled"],
    ["promises_more", false, 502, "vendor_error", "unsettled"],
    ["promises_less", false, 502, "vendor_error", "unsettled"],
  ];
  it.each(vendorFaults)("a vendor that breaks: %s, streamed %s", async (failure, stream, status, code, state) => {
    const shown = await refused("sk-test-acme", { body: chat("lab/mini", { stream, simulate: { failure } }) });
    expect(shown).toMatchObject({ status, origin: "vendor", error: { code } });
    expect(shown.error.message).not.toContain("sk-sec");
    const call = await callOf(shown);
    expect(call).toMatchObject({ state, attempts: [{ model: "lab/mini", state }] });
    expect(await settledOf("acme")).toBe(0n);
  });

  it("a vendor's own words come through where its status is ours too, such as an overload", async () => {
    const answer = await maidan.ask(CHAT, "sk-test-acme", {
      body: chat("lab/mini", { simulate: { failure: "overloaded" } }),
    });
    expect([answer.status, answer.headers["x-maidan-origin"]]).toEqual([503, "vendor"]);
    expect(JSON.parse(answer.body.toString()).error).toMatchObject({
      code: "overloaded",
      message: expect.stringContaining("overloaded"),
    });
  });

  it("a vendor's own refusal of a request comes through in its own words", async () => {
    const answer = await maidan.ask(CHAT, "sk-test-acme", {
      body: chat("lab/mini", { simulate: { failure: "bad_request" } }),
    });
    expect(answer.status).toBe(400);
    expect(answer.headers["x-maidan-origin"]).toBe("vendor");
    expect(JSON.parse(answer.body.toString()).error.message).toContain("Unsupported value: 'temperature'");
  });

  it("a vendor's rate limit comes through, with how long to wait", async () => {
    const simulate = { failure: "rate_limit", retryAfterSeconds: 17 };
    const answer = await maidan.ask(CHAT, "sk-test-acme", { body: chat("lab/mini", { simulate }) });
    expect([answer.status, answer.headers["x-maidan-origin"], answer.headers["retry-after"]]).toEqual([
      429,
      "vendor",
      "17",
    ]);
    expect(JSON.parse(answer.body.toString()).error.code).toBe("rate_limit_exceeded");
  });

  const breaksMidway = ["cut", "hang_midway", "error_event", "garbage"] as const;
  it.each(breaksMidway)("a stream that breaks in its middle: %s", async (failure) => {
    const body = chat("lab/mini", { stream: true, simulate: { failure, betweenChunksMs: 1, outputTokens: 30 } });
    const answer = await maidan.ask(CHAT, "sk-test-acme", { body });
    expect(answer.status).toBe(200);
    const events = eventsOf(answer.body);
    expect(events).not.toContain("[DONE]");
    expect(JSON.parse(events.at(-1)!).error.message).toEqual(expect.any(String));
    const call = await maidan.admin.get(`calls/${answer.headers["x-maidan-call"]}`);
    expect(call.state).toBe("unsettled");
    expect(await settledOf("acme")).toBe(0n);
  });

  it("an endpoint that cannot be reached: nothing was sent, so nothing is held", async () => {
    const shown = await refused("sk-test-acme", { body: chat("gone/mini") });
    expect(shown.status).toBeGreaterThanOrEqual(502);
    expect((await callOf(shown)).state).toBe("released");
  });

  it("in the end nothing is charged, what is in doubt is held and listed, and the books balance", async () => {
    expect(await settledOf("acme")).toBe(0n);
    expect(await settledOf("poor")).toBe(0n);
    const unsettled = await maidan.admin.all("unsettled");
    const doubtful = vendorFaults.filter(([, , , , state]) => state === "unsettled").length * 2 + breaksMidway.length;
    expect(unsettled).toHaveLength(doubtful);
    const held = nano((await maidan.admin.get("budgets/acme-total")).held);
    expect(held).toBeGreaterThan(0n);
    expect(unsettled.reduce((sum, one) => sum + nano(one.amount), 0n)).toBe(held);
  });
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
