import { request as httpRequest, type IncomingHttpHeaders, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CallBench, SECRET } from "../../call/environment.suite.ts";
import { buffered, events, refusal, streamed, textOf } from "../../call/scripted-transport.suite.ts";
import { makeServer } from "../server.ts";
import { AnthropicSurface } from "./anthropic.ts";
import { OpenAiSurface } from "./openai.ts";
import { ResponsesSurface } from "./responses.ts";

let bench: CallBench;
let server: Server;
let port: number;

beforeEach(async () => {
  bench = await CallBench.open({ limits: { bodyBytes: 10_000, headerBytes: 4_096 } });
  server = makeServer({
    openAi: new OpenAiSurface(bench.environment, "en"),
    anthropic: new AnthropicSurface(bench.environment, "en"),
    responses: new ResponsesSurface(bench.environment, "en"),
    operators: (_, response) => response.end("operators"),
    limits: bench.limits,
    language: "en",
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await bench.expectSoundBooks();
  await bench.close();
});

interface Shown {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  readonly json: any;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** Sent as it is, in so many pieces without a length where there are several. */
  readonly body?: readonly (string | Buffer)[];
}

const CHAT = "/v1/chat/completions";
const QUESTION = { model: "mini", messages: [{ role: "user", content: "Hello?" }] };

function ask(path: string, { method = "POST", headers = {}, body = [] }: Asked = {}): Promise<Shown> {
  return new Promise((resolve, reject) => {
    const sent = { authorization: `Bearer ${SECRET}`, ...headers };
    const request = httpRequest({ port, path, method, headers: sent, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        const json = text.startsWith("{") ? JSON.parse(text) : undefined;
        resolve({ status: response.statusCode!, headers: response.headers, text, json });
      });
    });
    request.on("error", reject);
    const [only, ...others] = body;
    if (others.length === 0) request.end(only);
    else {
      for (const part of body) request.write(part);
      request.end();
    }
  });
}

const chat = (fields: object = {}, headers: Record<string, string> = {}): Promise<Shown> =>
  ask(CHAT, { headers, body: [JSON.stringify({ ...QUESTION, ...fields })] });

/** An error in OpenAI's shape, from Maidan itself, that says the same in both languages. */
async function expectRefusal(asked: (headers: Record<string, string>) => Promise<Shown>, status: number, code: string) {
  const english = await asked({ "accept-language": "en" });
  const chinese = await asked({ "accept-language": "zh-CN,zh;q=0.9" });
  for (const shown of [english, chinese]) {
    expect(shown).toMatchObject({
      status,
      headers: { "x-maidan-origin": "gateway", "content-type": "application/json" },
    });
    expect(shown.json.error).toMatchObject({ code, message: expect.any(String), type: expect.any(String) });
    expect(shown.json.error).toHaveProperty("param");
  }
  expect(english.json.error.message).toMatch(/^[\x20-\x7e]+$/);
  expect(chinese.json.error.message).toMatch(/[\u4e00-\u9fff]/);
  return english;
}

describe("an answer", () => {
  test("buffered carries call, model, cost and the vendor's own id", async () => {
    bench.vendor.answer(buffered("Good day.", { input: 9, output: 4 }));
    const { status, headers, json } = await chat();
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "x-maidan-model": "lab/mini",
      "x-maidan-cost": "0.000049 USD",
      "x-request-id": "req-of-the-test",
      "x-maidan-call": expect.stringMatching(/^call_/),
    });
    expect(json.choices[0].message.content).toBe("Good day.");
  });

  test("streamed carries them too, but for the cost, which stands in the usage chunk", async () => {
    bench.vendor.answer(streamed(events(["Good", " day."], { input: 9, output: 4 })));
    const { headers, text } = await chat({ stream: true, stream_options: { include_usage: true } });
    expect(headers).toMatchObject({ "content-type": "text/event-stream; charset=utf-8", "x-maidan-model": "lab/mini" });
    expect(headers).not.toHaveProperty("x-maidan-cost");
    expect(textOf(text)).toBe("Good day.");
    expect(text).toContain('"cost":0.000049,"cost_currency":"USD"');
  });

  test("that was adjusted says so", async () => {
    bench.vendor.answer(buffered("a", { input: 9, output: 4 }));
    await bench.close();
    bench = await CallBench.open({
      budgets: 'budgets: [{ id: org-total, amount: "0.0011", currency: USD, window: total }]',
    });
    bench.vendor.answer(buffered("a", { input: 9, output: 4 }));
    server.removeAllListeners("request");
    const surface = new OpenAiSurface(bench.environment, "en");
    server.on("request", (request, response) => void surface.call("chat", request, response));
    expect((await chat()).headers["x-maidan-adjusted"]).toMatch(/^max_tokens=\d+$/);
  });

  test("kept for an Idempotency-Key says that it is; an empty key is none", async () => {
    bench.vendor.answer(
      buffered("a", { input: 9, output: 1 }),
      buffered("b", { input: 9, output: 1 }),
      buffered("c", { input: 9, output: 1 }),
    );
    const first = await chat({}, { "idempotency-key": "one" });
    const again = await chat({}, { "idempotency-key": "one" });
    expect(again.text).toBe(first.text);
    expect(again.headers).toMatchObject({
      "x-maidan-replayed": "true",
      "x-maidan-call": first.headers["x-maidan-call"],
    });
    const texts = [await chat({}, { "idempotency-key": "" }), await chat({}, { "idempotency-key": "" })].map(
      ({ text }) => text,
    );
    expect(texts[0]).not.toBe(texts[1]);
  });

  test("lists the models that may be called", async () => {
    const { json } = await ask("/v1/models", { method: "GET" });
    expect(json.object).toBe("list");
    expect(json.data).toContainEqual({ id: "mini", object: "model", created: 0, owned_by: "maidan" });
    expect(json.data.map(({ id }: { id: string }) => id)).toContain("lab/mini");
  });
});

describe("a refusal by Maidan", () => {
  test.each([
    ["no key", { authorization: "" }, {}, 401, "invalid_api_key"],
    ["a wrong key", { authorization: "Bearer wrong" }, {}, 401, "invalid_api_key"],
    ["an unknown model", {}, { model: "minj" }, 404, "model_not_found"],
    ["an unpriced model", {}, { model: "lab/unpriced" }, 422, "unpriced_model"],
    ["a wrong type", {}, { messages: "hello" }, 400, "invalid_request"],
    [
      "an exhausted budget",
      {},
      { model: "lab/dear", messages: [{ role: "user", content: "x".repeat(3_000) }] },
      402,
      "budget_exhausted",
    ],
  ] as const)("%s is in OpenAI's shape, in the client's language", async (_, headers, fields, status, code) => {
    const shown = await expectRefusal((language) => chat(fields, { ...headers, ...language }), status, code);
    expect(shown.headers["x-should-retry"]).toBe(code === "budget_exhausted" ? "false" : undefined);
    expect(bench.vendor.requests).toEqual([]);
  });

  test.each([
    ["malformed JSON", ['{"model": "mini",'], {}],
    ["no body", [], {}],
    ["an encoded body", [gzipSync(JSON.stringify(QUESTION))], { "content-encoding": "gzip" }],
    ["a byte that is no text", [Buffer.from([0x22, 0xff, 0x22])], {}],
  ] as const)("%s", async (_, body, headers) => {
    await expectRefusal(
      (language) => ask(CHAT, { body, headers: { ...headers, ...language } }),
      400,
      "invalid_request",
    );
  });

  test("a body over the bound, whether it says its length or not", async () => {
    const large = JSON.stringify({ ...QUESTION, user: "x".repeat(20_000) });
    await expectRefusal((headers) => ask(CHAT, { body: [large], headers }), 413, "body_too_large");
    const pieces = large.match(/.{1,3000}/g)!;
    await expectRefusal((headers) => ask(CHAT, { body: pieces, headers }), 413, "body_too_large");
  });

  test("a body far over the bound: the answer arrives, and the connection ends", async () => {
    const huge = Buffer.alloc(4_000_000, "x");
    const shown = await expectRefusal((headers) => ask(CHAT, { body: [huge], headers }), 413, "body_too_large");
    expect(shown.headers.connection).toBe("close");
  });

  test("the key may come as x-api-key; models ask for one too", async () => {
    const { status } = await ask("/v1/models", { method: "GET", headers: { authorization: "", "x-api-key": SECRET } });
    expect(status).toBe(200);
    await expectRefusal(
      (language) => ask("/v1/models", { method: "GET", headers: { authorization: "", ...language } }),
      401,
      "invalid_api_key",
    );
  });
});

describe("a vendor's error", () => {
  test("passes in the vendor's own words, with its status, where it means what it says", async () => {
    const error = {
      message: "temperature is too high",
      type: "invalid_request_error",
      param: "temperature",
      code: "odd",
      more: [1],
    };
    bench.vendor.answer(refusal(400, error));
    const { status, headers, json } = await chat();
    expect(status).toBe(400);
    expect(json).toEqual({ error });
    expect(headers).toMatchObject({
      "x-maidan-origin": "vendor",
      "x-maidan-model": "lab/mini",
      "x-maidan-call": expect.any(String),
    });
  });

  test("carries when to come back", async () => {
    bench.vendor.answer(refusal(429, { message: "slow down", code: "rate_limit_exceeded" }, { "retry-after": "7" }));
    const { status, headers } = await chat();
    expect(status).toBe(429);
    expect(headers).toMatchObject({ "retry-after": "7", "retry-after-ms": "7000", "x-maidan-origin": "vendor" });
  });

  test("of Maidan's own credential is not shown as the client's, nor with the credential", async () => {
    bench.vendor.answer(
      refusal(401, { message: "Incorrect API key provided: the-key-of-the-lab", code: "invalid_api_key" }),
    );
    const { status, headers, text, json } = await chat();
    expect(status).toBe(502);
    expect(headers["x-maidan-origin"]).toBe("vendor");
    expect(json.error.code).toBe("vendor_error");
    expect(text).not.toContain("the-key-of-the-lab");
  });

  test("that is a page of HTML becomes an error that clients can read", async () => {
    bench.vendor.answer({
      status: 502,
      headers: { "content-type": "text/html" },
      chunks: ["<html><title>Bad Gateway</title></html>"],
    });
    const { status, headers, json } = await chat();
    expect(status).toBe(502);
    expect(headers["content-type"]).toBe("application/json");
    expect(json.error).toMatchObject({ code: "vendor_error", message: expect.stringContaining("Bad Gateway") });
  });

  test("inside a stream that has begun is the last event", async () => {
    bench.vendor.answer(streamed(events(["Good"], undefined).slice(0, 2)));
    const { status, text } = await chat({ stream: true });
    expect(status).toBe(200);
    const last = JSON.parse(text.trimEnd().split("\n").at(-1)!.slice(6));
    expect(last.error).toMatchObject({ code: "vendor_error", type: "server_error" });
    bench.ledger.unsettled();
  });
});

test("a client that breaks off is noticed, and billed by the rule", async () => {
  let broken = (): void => {};
  const gone = new Promise<void>((resolve) => {
    broken = resolve;
  });
  bench.vendor.answer(
    streamed(events(["Good", " day."], { input: 9, output: 4 }), { before: (index) => index === 2 && gone }),
  );
  const socket = connect(port, "127.0.0.1");
  const body = JSON.stringify({ ...QUESTION, stream: true });
  socket.write(
    `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${SECRET}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await new Promise((resolve) => socket.once("data", resolve));
  socket.destroy();
  broken();
  await expect.poll(() => bench.calls.length).toBe(1);
  const [row] = (await bench.entries()).filter(({ kind }) => kind === "settle");
  expect(row).toMatchObject({ basis: "reported", output: 4 });
});
