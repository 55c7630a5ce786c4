import { request as httpRequest, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../base/limits.ts";
import { CallBench } from "../call/environment.suite.ts";
import { makeServer } from "./server.ts";
import { AnthropicSurface } from "./surfaces/anthropic.ts";
import { OpenAiSurface } from "./surfaces/openai.ts";
import { ResponsesSurface } from "./surfaces/responses.ts";

let bench: CallBench;
let server: Server;
let port: number;

beforeEach(async () => {
  bench = await CallBench.open();
  server = makeServer({
    openAi: new OpenAiSurface(bench.environment, "en"),
    anthropic: new AnthropicSurface(bench.environment, "en"),
    responses: new ResponsesSurface(bench.environment, "en"),
    operators: (request, response) => response.end(`operators ${request.url}`),
    limits: { ...DEFAULT_LIMITS, headerBytes: 4_096 },
    language: "en",
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await bench.close();
});

function ask(method: string, path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }>((resolve, reject) => {
    const request = httpRequest({ port, path, method, headers, agent: false }, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode!, headers: response.headers, text });
    });
    request.on("error", reject);
    request.end(method === "POST" ? "{}" : undefined);
  });
}

/** Everything that comes back for these bytes, until the connection ends. */
function send(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("end", () => resolve(text));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNRESET" && text ? resolve(text) : reject(error),
    );
    socket.write(bytes);
  });
}

describe("the clients' paths", () => {
  test.each([
    ["GET", "/v1/engines", 404, "not_found"],
    ["POST", "/v1/", 404, "not_found"],
    ["POST", "/v1/chat/completions/more", 404, "not_found"],
    ["GET", "/v1/chat/completions", 405, "method_not_allowed"],
    ["DELETE", "/v1/embeddings?x=1", 405, "method_not_allowed"],
    ["POST", "/v1/models", 405, "method_not_allowed"],
  ])("%s %s is answered %i, in both languages", async (method, path, status, code) => {
    const english = await ask(method, path, { "accept-language": "en" });
    const chinese = await ask(method, path, { "accept-language": "zh" });
    for (const shown of [english, chinese]) {
      expect(shown.status).toBe(status);
      expect(shown.headers["x-maidan-origin"]).toBe("gateway");
      expect(JSON.parse(shown.text).error).toMatchObject({ code, type: "invalid_request_error", param: null });
    }
    expect(chinese.text).toMatch(/[\u4e00-\u9fff]/);
    expect(english.headers.allow).toBe(status === 405 ? (path === "/v1/models" ? "GET" : "POST") : undefined);
  });

  test.each([
    ["http://127.0.0.1:4000/v1/models?x=http://y", "invalid_api_key"],
    ["HTTPS://a.example/v1/models", "invalid_api_key"],
    ["http://[::1]:1/v1/engines", "not_found"],
  ])("a whole address is as good as its path: %s", async (target, code) => {
    expect(JSON.parse((await ask("GET", target)).text).error.code).toBe(code);
  });

  test.each([
    ["http://a.example", "/"],
    ["http://a.example?y=1", "/?y=1"],
    ["http://a.example/livez?y=/v1/", "/livez?y=/v1/"],
    ["ftp://a.example/v1/models", "ftp://a.example/v1/models"],
  ])("of a whole address the operators get the path: %s", async (target, path) => {
    expect((await ask("GET", target)).text).toBe(`operators ${path}`);
  });

  test("all else is the operators'", async () => {
    expect((await ask("GET", "/v1beta/x?y=1")).text).toBe("operators /v1beta/x?y=1");
  });
});

describe("what is no request", () => {
  test("headers over their bound are refused with an error that clients can read", async () => {
    const answer = await send(`GET /v1/models HTTP/1.1\r\nhost: x\r\nx-much: ${"y".repeat(8_000)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    const error = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4)).error;
    expect(error).toMatchObject({ code: "invalid_request", message: expect.stringContaining("4096") });
  });

  test("anything else is refused likewise", async () => {
    const answer = await send("hello, is anybody there?\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4)).error.code).toBe("invalid_request");
  });
});
