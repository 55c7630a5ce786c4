import { afterAll, beforeAll } from "vitest";
import { DEFAULT_LIMITS } from "../../base/limits.ts";
import { anthropicSimulator } from "../../simulators/anthropic.ts";
import { REASONING, TOOL_ARGUMENTS } from "../../simulators/scene.ts";
import { type RunningSimulator, startSimulator } from "../../simulators/server.ts";
import { describeProtocol, type ProtocolScene, type ProtocolSubject } from "../protocol.suite.ts";
import { anthropic } from "./protocol.ts";
import { readRequest } from "./request.ts";

/** Protocol `anthropic`, against the bytes of the simulator, which the official client has accepted. */

const SECRET = "sk-ant-secret-of-the-endpoint";
let simulator: RunningSimulator;

beforeAll(async () => {
  simulator = await startSimulator(anthropicSimulator);
});
afterAll(() => simulator?.close());

async function fetchAnswer(content: string, more: object): Promise<Buffer> {
  const answer = await fetch(`${simulator.baseUrl}/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": anthropicSimulator.credentials.apiKey!, "anthropic-version": "2023-06-01" },
    body: JSON.stringify({
      model: "practice-model",
      max_tokens: 4_000,
      messages: [{ role: "user", content }],
      ...more,
    }),
  });
  return Buffer.from(await answer.arrayBuffer());
}

function scene(content: string, more: object, expected: Omit<ProtocolScene, "buffered" | "streamed">) {
  return async (): Promise<ProtocolScene> => ({
    buffered: await fetchAnswer(content, more),
    streamed: await fetchAnswer(content, { ...more, stream: true }),
    ...expected,
  });
}

const QUESTION = 'a line,\n"quoted" \\ 买单 😀, <b>';
const points = (text: string): number => [...text].length;
const bytes = (text: string): number => Buffer.byteLength(text);
const tokens = (text: string): number => Math.ceil(points(text) / 4);
const tools = [{ name: "look_up", input_schema: { type: "object" } }];

const scenes: ProtocolSubject["scenes"] = {
  text: scene(
    QUESTION,
    {},
    {
      usage: {
        input: points(QUESTION),
        cachedInput: 0,
        cacheWrite5m: 0,
        output: tokens(QUESTION),
        reasoning: 0,
      },
      finish: "end_turn",
      textBytes: bytes(QUESTION),
    },
  ),
  tools: scene(
    "#tools",
    { tools },
    {
      usage: { input: 6, cachedInput: 0, cacheWrite5m: 0, output: 2 * tokens(TOOL_ARGUMENTS), reasoning: 0 },
      finish: "tool_use",
      textBytes: 2 * bytes(TOOL_ARGUMENTS),
    },
  ),
  reasoning: scene(
    "#reason 四十二",
    {},
    {
      usage: { input: 11, cachedInput: 0, cacheWrite5m: 0, output: 1, reasoning: tokens(REASONING) },
      finish: "end_turn",
      textBytes: bytes(REASONING) + bytes("四十二"),
    },
  ),
  cached: scene(
    "#cached twelve chars",
    {},
    {
      usage: { input: 10, cachedInput: 10, cacheWrite5m: 0, output: 3, reasoning: 0 },
      finish: "end_turn",
      textBytes: 12,
    },
  ),
  length: scene(
    "#long",
    { max_tokens: 2 },
    {
      usage: { input: 5, cachedInput: 0, cacheWrite5m: 0, output: 2, reasoning: 0 },
      finish: "max_tokens",
      textBytes: 8,
    },
  ),
};

const message = '"messages":[{"role":"user","content":"hi"}],"max_tokens":100';
const error = (type: string, text: string): string =>
  JSON.stringify({ type: "error", error: { type, message: text }, request_id: "req_1" });

describeProtocol(
  {
    protocol: anthropic,
    target: { credentials: { apiKey: SECRET }, headers: {}, quirks: {} },
    secret: SECRET,
    scenes,
    readRequest: (_operation, body) => readRequest(body, DEFAULT_LIMITS),
    requests: {
      plain: { operation: "chat", body: Buffer.from(`{ "model" : "asked", ${message}, "unknown":[1.50,"é"] }`) },
      stream: { operation: "chat", body: Buffer.from(`{${message},"stream":true,"model":"asked"}`) },
      streamWithUsage: {
        operation: "chat",
        body: Buffer.from(`{"model":"asked","stream":true,"system":[{"type":"text","text":"s"}],${message}}`),
      },
      limited: { operation: "chat", body: Buffer.from(`{"model":"asked",${message},"top_k":1.0}`) },
    },
    readMaxOutput: (body) => JSON.parse(body.toString()).max_tokens,
    readWantsUsage: (body) => JSON.parse(body.toString()).stream ?? false,
    readModel: (body) => JSON.parse(body.toString()).model,
    errors: {
      invalid_request: { status: 400, body: error("invalid_request_error", "max_tokens: Field required") },
      context_length: {
        status: 400,
        body: error("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
      },
      content_filter: {
        status: 400,
        body: error("invalid_request_error", "Output blocked by content filtering policy"),
      },
      auth: { status: 401, body: error("authentication_error", "invalid x-api-key") },
      permission: { status: 403, body: error("permission_error", "not allowed") },
      billing: {
        status: 400,
        body: error("invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
      },
      not_found: { status: 404, body: error("not_found_error", "model: claude-0") },
      rate_limit: { status: 429, headers: { "retry-after": "7" }, body: error("rate_limit_error", "slow down") },
      quota: {
        status: 400,
        body: error("invalid_request_error", "You have reached your specified API usage limits."),
      },
      overloaded: { status: 529, body: error("overloaded_error", "Overloaded") },
      timeout: { status: 504, body: error("timeout_error", "Request timed out") },
      server_error: { status: 500, body: error("api_error", "Internal server error") },
    },
    garbage: ["", "{", "<html></html>", "null", "[]", "{}", '{"content":1}', error("api_error", "no")],
    readText: (form, answer) => {
      if (form === "buffered") return JSON.parse(answer.toString()).content[0].text;
      const events = answer.toString().split("\n\n").filter(Boolean);
      return events.map((event) => JSON.parse(event.slice(event.indexOf("{"))).delta?.text ?? "").join("");
    },
  },
  {
    choices: "one answer at a time",
    estimated: "the vendor never guesses",
    dropUsage: "usage stands beside the reason to stop, in every stream",
  },
);
