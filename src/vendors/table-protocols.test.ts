import { DEFAULT_LIMITS } from "../base/limits.ts";
import type { PracticeSetting } from "../config/settings.ts";
import { openai } from "./openai/protocol.ts";
import { readRequest } from "./openai/request.ts";
import { practiceTransport } from "./practice/practice-transport.ts";
import { describeProtocol, type ProtocolScene, type ProtocolSubject } from "./protocol.suite.ts";
import { openRecorded } from "./recorded/recorded.ts";
import type { Transport, WireRequest } from "./spec.ts";
import { record } from "./transport.suite.ts";

/** Protocol `openai`, against the bytes of the vendors inside this process, which the official client has accepted. */

const SECRET = "sk-secret-of-the-endpoint";
const QUESTION = 'a line,\n"quoted" \\ 买单 😀, and <more>';

const chat = (extra: object): WireRequest => ({
  method: "POST",
  path: "/chat/completions",
  headers: {},
  body: Buffer.from(JSON.stringify({ model: "m", messages: [{ role: "user", content: QUESTION }], ...extra })),
});

async function both(transport: Transport, extra: object): Promise<Pick<ProtocolScene, "buffered" | "streamed">> {
  const streaming = { stream: true, stream_options: { include_usage: true } };
  const buffered = await record(transport, chat(extra)).done;
  const streamed = await record(transport, chat({ ...extra, ...streaming })).done;
  return { buffered: buffered.body, streamed: streamed.body };
}

/** An answer of the practice vendor, held against what that vendor itself counted. */
function scene(setting: PracticeSetting, extra: object, expected: Omit<ProtocolScene, "buffered" | "streamed">) {
  return async (): Promise<ProtocolScene> => {
    const transport = practiceTransport([{ id: "m", practice: setting }]);
    return { ...(await both(transport, extra)), ...expected };
  };
}

// 3 for the request, 3 for the message, and "a li|ne,\n|\"quo|ted\"| \\ |买|单| |😀|, an|d <m|ore>"
const INPUT = 18;
const bytes = Buffer.byteLength(QUESTION);
const tool = { type: "function", function: { name: "look_up", parameters: { type: "object" } } };
const toolTokens = 21; // 82 characters of JSON, four a token
const toolBytes = Buffer.byteLength(JSON.stringify({ text: QUESTION }));

const scenes: ProtocolSubject["scenes"] = {
  text: scene({}, {}, { usage: { input: INPUT, output: 12 }, finish: "stop", textBytes: bytes }),
  tools: scene(
    { callTool: true },
    { tools: [tool] },
    {
      usage: { input: INPUT + toolTokens, output: 16 },
      finish: "tool_calls",
      textBytes: toolBytes,
    },
  ),
  reasoning: scene(
    { reasoningTokens: 3 },
    {},
    {
      usage: { input: INPUT, output: 12, reasoning: 3 },
      finish: "stop",
      textBytes: bytes + 12,
    },
  ),
  choices: scene(
    {},
    { n: 3 },
    {
      usage: { input: INPUT, output: 36 },
      finish: "stop",
      textBytes: bytes * 3,
      choices: 3,
    },
  ),
  cached: scene(
    { cachedInputTokens: 10 },
    {},
    {
      usage: { input: INPUT - 10, cachedInput: 10, output: 12 },
      finish: "stop",
      textBytes: bytes,
    },
  ),
  length: scene({}, { max_tokens: 2 }, { usage: { input: INPUT, output: 2 }, finish: "length", textBytes: 8 }),
  estimated: async () => {
    const { transport } = await openRecorded("examples/recorded");
    const request = {
      model: "first-questions/example__hasty-1",
      messages: [{ role: "user", content: "一打鸡蛋有几个？" }],
    };
    return {
      ...(await both(transport, request)),
      usage: { input: 14, output: 4 },
      finish: "stop",
      textBytes: Buffer.byteLength("12 个 🥚"),
    };
  },
};

const message = '"messages":[{"role":"user","content":"hi"}]';
const error = (type: string, code: string | null, text: string): string =>
  JSON.stringify({ error: { message: text, type, param: null, code } });

describeProtocol({
  protocol: openai,
  target: { credentials: { apiKey: SECRET }, headers: {}, quirks: {} },
  secret: SECRET,
  scenes,
  readRequest: (operation, body) => readRequest(operation, body, DEFAULT_LIMITS),
  requests: {
    plain: { operation: "chat", body: Buffer.from(`{ "model" : "asked", ${message}, "unknown":[1.50,"é"] }`) },
    stream: { operation: "chat", body: Buffer.from(`{${message},"stream":true,"model":"asked"}`) },
    streamWithUsage: {
      operation: "chat",
      body: Buffer.from(`{"model":"asked","stream":true,"stream_options":{"include_usage":true},${message}}`),
    },
    limited: { operation: "chat", body: Buffer.from(`{"model":"asked",${message},"max_completion_tokens":100}`) },
  },
  readMaxOutput: (body) => {
    const { max_tokens, max_completion_tokens } = JSON.parse(body.toString());
    return max_completion_tokens ?? max_tokens;
  },
  readWantsUsage: (body) => JSON.parse(body.toString()).stream_options?.include_usage ?? false,
  readModel: (body) => JSON.parse(body.toString()).model,
  errors: {
    invalid_request: { status: 400, body: error("invalid_request_error", null, "bad") },
    context_length: { status: 400, body: error("invalid_request_error", "context_length_exceeded", "too long") },
    content_filter: { status: 400, body: error("invalid_request_error", "content_filter", "filtered") },
    auth: { status: 401, body: error("invalid_request_error", "invalid_api_key", "Incorrect API key") },
    permission: { status: 403, body: error("permission_error", null, "not allowed") },
    billing: { status: 402, body: error("billing", null, "Insufficient Balance") },
    not_found: { status: 404, body: error("invalid_request_error", "model_not_found", "no such model") },
    rate_limit: {
      status: 429,
      headers: { "retry-after": "1" },
      body: error("requests", "rate_limit_exceeded", "slow down"),
    },
    quota: { status: 429, body: error("quota_exceeded", "quota_exceeded", "the free quota of today is used up") },
    overloaded: { status: 503, body: error("server_error", "overloaded", "overloaded") },
    timeout: { status: 504, body: "<html>Gateway Timeout</html>" },
    server_error: { status: 500, body: error("server_error", null, "oops") },
  },
  garbage: ["", "{", "<html></html>", "null", "[]", "{}", '{"choices":[]}', '{"error":{"message":"no"}}'],
  readText: (form, answer) => {
    if (form === "buffered") return JSON.parse(answer.toString()).choices[0].message.content;
    const events = answer
      .toString()
      .split("\n\n")
      .filter((event) => event.startsWith("data: {"));
    return events.map((event) => JSON.parse(event.slice(6)).choices[0]?.delta?.content ?? "").join("");
  },
});
