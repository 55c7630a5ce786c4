import { afterAll, beforeAll } from "vitest";
import { DEFAULT_LIMITS } from "../../base/limits.ts";
import { responsesSimulator } from "../../simulators/responses.ts";
import { REASONING, TOOL_ARGUMENTS } from "../../simulators/scene.ts";
import { type RunningSimulator, startSimulator } from "../../simulators/server.ts";
import { describeProtocol, type ProtocolScene, type ProtocolSubject } from "../protocol.suite.ts";
import { responses } from "./protocol.ts";
import { readRequest } from "./request.ts";

/** Protocol `responses`, against the bytes of the simulator, which OpenAI's own client has accepted. */

const SECRET = "sk-secret-of-the-endpoint";
let simulator: RunningSimulator;

beforeAll(async () => {
  simulator = await startSimulator(responsesSimulator);
});
afterAll(() => simulator?.close());

async function fetchAnswer(input: string, more: object): Promise<Buffer> {
  const answer = await fetch(`${simulator.baseUrl}/responses`, {
    method: "POST",
    headers: { authorization: `Bearer ${responsesSimulator.credentials.apiKey}` },
    body: JSON.stringify({ model: "practice-model", input, ...more }),
  });
  return Buffer.from(await answer.arrayBuffer());
}

function scene(input: string, more: object, expected: Omit<ProtocolScene, "buffered" | "streamed">) {
  return async (): Promise<ProtocolScene> => ({
    buffered: await fetchAnswer(input, more),
    streamed: await fetchAnswer(input, { ...more, stream: true }),
    ...expected,
  });
}

const QUESTION = 'a line,\n"quoted" \\ 买单 😀, <b>';
const points = (text: string): number => [...text].length;
const bytes = (text: string): number => Buffer.byteLength(text);
const tokens = (text: string): number => Math.ceil(points(text) / 4);
const usage = (input: number, output: number, more: object = {}) => ({
  input,
  cachedInput: 0,
  output,
  reasoning: 0,
  ...more,
});
const tools = [{ type: "function", name: "look_up", parameters: { type: "object" } }];

const scenes: ProtocolSubject["scenes"] = {
  text: scene(
    QUESTION,
    {},
    { usage: usage(points(QUESTION), tokens(QUESTION)), finish: "stop", textBytes: bytes(QUESTION) },
  ),
  tools: scene(
    "#tools",
    { tools },
    {
      usage: usage(6, 2 * tokens(TOOL_ARGUMENTS)),
      finish: "tool_calls",
      // The model writes their names, too.
      textBytes: 2 * bytes(`look_up${TOOL_ARGUMENTS}`),
    },
  ),
  reasoning: scene(
    "#reason 四十二",
    {},
    {
      usage: usage(11, 1, { reasoning: tokens(REASONING) }),
      finish: "stop",
      textBytes: bytes(REASONING) + bytes("四十二"),
    },
  ),
  cached: scene(
    "#cached twelve chars",
    {},
    { usage: usage(10, 3, { cachedInput: 10 }), finish: "stop", textBytes: 12 },
  ),
  length: scene("#long", { max_output_tokens: 16 }, { usage: usage(5, 16), finish: "length", textBytes: 64 }),
};

const error = (code: string | null, message: string, type = "invalid_request_error"): string =>
  JSON.stringify({ error: { message, type, param: null, code } });

describeProtocol(
  {
    protocol: responses,
    target: { credentials: { apiKey: SECRET }, headers: {}, quirks: {} },
    secret: SECRET,
    scenes,
    readRequest: (_operation, body) => readRequest(body, DEFAULT_LIMITS),
    requests: {
      plain: { operation: "chat", body: Buffer.from('{ "model" : "asked", "input": "hi", "unknown":[1.50,"é"] }') },
      stream: {
        operation: "chat",
        body: Buffer.from('{"input":[{"role":"user","content":"hi"}],"stream":true,"model":"asked"}'),
      },
      streamWithUsage: {
        operation: "chat",
        body: Buffer.from('{"model":"asked","stream":true,"instructions":"s","input":"hi","max_output_tokens":null}'),
      },
      limited: { operation: "chat", body: Buffer.from('{"model":"asked","input":"hi","max_output_tokens":100}') },
    },
    readMaxOutput: (body) => JSON.parse(body.toString()).max_output_tokens,
    readWantsUsage: (body) => JSON.parse(body.toString()).stream ?? false,
    readModel: (body) => JSON.parse(body.toString()).model,
    errors: {
      invalid_request: { status: 400, body: error("unknown_parameter", "Unknown parameter: 'inptu'.") },
      context_length: { status: 400, body: error("context_length_exceeded", "Your input exceeds the context window.") },
      content_filter: { status: 400, body: error("content_policy_violation", "rejected") },
      auth: { status: 401, body: error("invalid_api_key", "Incorrect API key provided.") },
      permission: { status: 403, body: error("unsupported_country_region_territory", "not here") },
      billing: { status: 429, body: error("insufficient_quota", "check your plan and billing", "insufficient_quota") },
      not_found: { status: 404, body: error("model_not_found", "does not exist") },
      rate_limit: { status: 429, headers: { "retry-after-ms": "1500" }, body: error("rate_limit_exceeded", "slow") },
      quota: { status: 429, body: error("organization_usage_limit_exceeded", "enough") },
      overloaded: { status: 503, body: error("server_is_overloaded", "busy", "service_unavailable_error") },
      timeout: { status: 504, body: error(null, "timed out", "server_error") },
      server_error: { status: 500, body: error(null, "an error", "server_error") },
    },
    garbage: [
      "",
      "{",
      "<html></html>",
      "null",
      "[]",
      "{}",
      '{"output":1}',
      error("server_error", "no"),
      '{"object":"response","status":"failed","error":{"code":"server_error","message":"no"},"output":[]}',
      '{"object":"response","status":"failed","error":null,"output":[]}',
    ],
    readText: (form, answer) => {
      if (form === "buffered") return JSON.parse(answer.toString()).output[0].content[0].text;
      const events = answer.toString().split("\n\n").filter(Boolean);
      const documents = events.map((event) => JSON.parse(event.slice(event.indexOf("{"))));
      const text = documents.map(({ type, delta }) => (type === "response.output_text.delta" ? delta : "")).join("");
      // However it is told, it is the same text.
      const last = documents.at(-1).response.output[0].content[0].text;
      const wholes = documents.flatMap(({ type, part, text: whole, item }) => {
        if (type === "response.output_text.done") return [whole];
        if (type === "response.content_part.done") return [part.text];
        return type === "response.output_item.done" ? [item.content[0].text] : [];
      });
      if (wholes.length < 3 || wholes.some((whole) => whole !== last)) throw new Error(`${last}: ${wholes}`);
      if (documents.some(({ sequence_number }, index) => sequence_number !== index))
        throw new Error("numbered wrongly");
      return text === last ? text : `${text} ≠ ${last}`;
    },
  },
  {
    choices: "one answer at a time",
    estimated: "the vendor never guesses",
    dropUsage: "usage stands in the event that ends every stream",
  },
);
