import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { SIMULATORS } from "../../src/simulators/registry.ts";
import { TOOL_ARGUMENTS } from "../../src/simulators/scene.ts";
import { type ServedSimulators, serveSimulators } from "../../src/simulators/serve.ts";
import { expectCleanAudit } from "../harness/books.ts";
import { type RunningMaidan, startMaidan } from "../harness/maidan.ts";
import { TOOL_SCHEMA } from "./surfaces.ts";

/**
 * What Codex asks, through the whole gateway, of every vendor: streams, nothing kept, functions beside free texts, namespaces and tools that
 * OpenAI runs. It reads items where they are done, and takes nothing for an end but `response.completed` and `response.failed`.
 */

const KEY = "sk-test-codex";
const POOR = "sk-test-codex-poor";
const NATIVE = "sim-responses/practice-model";

let simulators: ServedSimulators;
let maidan: RunningMaidan;
let client: OpenAI;

beforeAll(async () => {
  simulators = await serveSimulators({ host: "127.0.0.1", port: 0, protocols: undefined });
  const payer = (id: string, secret: string, amount: string) => ({
    id,
    budgets: [{ id: `${id}-total`, amount, currency: "USD", window: "total" }],
    keys: [{ id: `${id}-key`, secret }],
  });
  const payers = [payer("codex", KEY, "1000"), payer("poor", POOR, "0.5")];
  maidan = await startMaidan({ yaml: stringify({ currency: "USD", ...parse(simulators.settings), payers }) });
  client = new OpenAI({ apiKey: KEY, baseURL: `${maidan.address}/v1`, maxRetries: 0 });
}, 60_000);

afterAll(async () => {
  await maidan?.stop();
  await simulators?.close();
});

// biome-ignore lint/suspicious/noExplicitAny: events and items are looked at as a client sees them
type Loose = any;

const SHELL = {
  type: "function",
  name: "exec_command",
  description: "Runs it.",
  strict: false,
  parameters: TOOL_SCHEMA,
};
const PATCH = {
  type: "custom",
  name: "apply_patch",
  description: "Edits files.",
  format: { type: "grammar", syntax: "lark", definition: "start: begin_patch hunk+ end_patch" },
};
const SERVER = {
  type: "namespace",
  name: "mcp__files",
  description: "Tools in the mcp__files namespace.",
  tools: [{ ...SHELL, name: "read" }],
};
const WEB = { type: "web_search", external_web_access: false };

interface Turn {
  readonly headers: Readonly<Record<string, Loose>>;
  readonly items: Loose[];
  readonly text: string;
  readonly end: Loose;
  readonly events: Loose[];
}

async function ask(
  model: string,
  input: Loose[],
  tools: object[] = [SHELL, PATCH, SERVER, WEB],
  key = KEY,
): Promise<Turn> {
  const body = {
    model,
    instructions: "You are a coding agent.",
    input,
    tools,
    tool_choice: "auto",
    parallel_tool_calls: false,
    reasoning: { effort: "medium", summary: "auto" },
    store: false,
    stream: true,
    include: ["reasoning.encrypted_content"],
    prompt_cache_key: "0199-session",
  };
  const answer = await maidan.ask("/v1/responses", key, { body });
  const events = answer.body
    .toString()
    .split("\n\n")
    .filter((event) => event.startsWith("event: "))
    .map((event) => JSON.parse(event.slice(event.indexOf("{"))));
  if (events.length === 0) throw Object.assign(new Error(answer.body.toString()), { status: answer.status });
  const items = events.flatMap(({ type, item }) => (type === "response.output_item.done" ? [item] : []));
  const text = events.map(({ type, delta }) => (type === "response.output_text.delta" ? delta : "")).join("");
  return { headers: answer.headers, items, text, end: events.at(-1), events };
}

const user = (text: string): Loose => ({ type: "message", role: "user", content: [{ type: "input_text", text }] });
/** Whose wires cannot say tools. */
const WITHOUT_TOOLS = new Set(["skywork"]);
const ALL = SIMULATORS.map(({ protocol }) => protocol);
const CALLING = ALL.filter((protocol) => !WITHOUT_TOOLS.has(protocol));

describe.each(CALLING)("an agent on %s", (protocol) => {
  const model = `sim-${protocol}/practice-model`;

  test.each([
    ["a function", [SHELL, PATCH, SERVER, WEB], { type: "function_call", name: "exec_command" }],
    ["a custom tool", [PATCH, SHELL, WEB], { type: "custom_tool_call", name: "apply_patch" }],
  ])("%s is called, and its result answered", async (_name, tools, called) => {
    const first = await ask(model, [user("#tool")], tools);
    expect(first.items).toMatchObject([called]);
    const [call] = first.items;
    expect(JSON.parse(call.arguments ?? call.input)).toEqual(JSON.parse(TOOL_ARGUMENTS));
    expect(first.end).toMatchObject({ type: "response.completed", response: { id: expect.any(String) } });
    const result = { type: `${called.type}_output`, call_id: call.call_id, output: "晴 ☀️" };
    const second = await ask(model, [user("#tool"), call, result], tools);
    expect([second.text, second.end.type]).toEqual(["Tool says: 晴 ☀️", "response.completed"]);
    for (const { headers } of [first, second]) {
      const { state } = await maidan.admin.get(`calls/${headers["x-maidan-call"]}`);
      expect(state).toBe("settled");
    }
    const told = (first.headers["x-maidan-adjusted"] ?? "").split(", ").includes("-tools.web_search");
    expect(told).toBe(protocol !== "responses");
  });

  test("a tool of a namespace is called by its own name", async () => {
    // OpenAI's own server knows namespaces; its simulator does not.
    if (protocol === "responses") return;
    const first = await ask(model, [user("#tool")], [SERVER, PATCH]);
    expect(first.items).toMatchObject([{ type: "function_call", name: "read", namespace: "mcp__files" }]);
    const [call] = first.items;
    const result = { type: "function_call_output", call_id: call.call_id, output: "read" };
    expect((await ask(model, [user("#tool"), call, result], [SERVER, PATCH])).text).toBe("Tool says: read");
  });

  test("what was thought is taken back in the next turn", async () => {
    const first = await ask(model, [user("#reason 四十二")]);
    expect(first.text).toBe("四十二");
    const second = await ask(model, [user("#reason 四十二"), ...first.items, user("next")]);
    expect([second.text, second.end.type]).toEqual(["next", "response.completed"]);
  });
});

describe.each(ALL)("a failure on %s", (protocol) => {
  const model = `sim-${protocol}/practice-model`;

  test("in the middle ends the response with `response.failed`, and OpenAI's client throws", async () => {
    const { end, text } = await ask(model, [user("#error-later overloaded")], []);
    expect(text).toContain("Some");
    expect(end).toMatchObject({
      type: "response.failed",
      response: { status: "failed", error: { code: expect.any(String) } },
    });
    const asked = { model, input: "#cut", stream: true as const };
    const stream = await client.responses.create(asked);
    const read = async (): Promise<void> => {
      for await (const _event of stream);
    };
    await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError);
  });
});

describe("what only OpenAI can do", () => {
  const OTHER = "sim-openai/practice-model";

  test.each([
    [{ previous_response_id: "resp_1" }, "previous_response_id"],
    [{ conversation: "conv_1" }, "conversation"],
    [{ tools: [WEB] }, "tools"],
    [{ background: true }, "background"],
  ])("%j is refused on another vendor, clearly and for nothing", async (more, param) => {
    const answer = await maidan.ask("/v1/responses", KEY, { body: { model: OTHER, input: "hi", ...more } });
    const { error } = JSON.parse(answer.body.toString());
    expect([answer.status, error.param]).toEqual([400, param]);
    expect(error.message.length).toBeGreaterThan(40);
    const call = answer.headers["x-maidan-call"];
    if (call !== undefined) expect((await maidan.admin.get(`calls/${call}`)).state).not.toBe("settled");
  });

  test("an earlier response passes to its own vendor, and all that it may hold is paid for first", async () => {
    const body = { model: NATIVE, input: "hi", previous_response_id: "resp_1" };
    const passed = await maidan.ask("/v1/responses", KEY, { body });
    expect([passed.status, passed.headers["x-maidan-origin"]]).toEqual([404, "vendor"]);
    // Two million tokens at a dollar a million are more than half a dollar.
    const poor = await maidan.ask("/v1/responses", POOR, { body });
    expect(poor.status).toBe(402);
    const short = await maidan.ask("/v1/responses", POOR, {
      body: { model: NATIVE, input: "hi", max_output_tokens: 100 },
    });
    expect(short.status).toBe(200);
  });

  test("an answer cannot be fetched again: none is kept", async () => {
    for (const method of ["GET", "DELETE"] as const) {
      const answer = await fetch(`${maidan.address}/v1/responses/resp_1`, {
        method,
        headers: { authorization: `Bearer ${KEY}` },
      });
      const { error } = (await answer.json()) as Loose;
      expect([answer.status, error.code]).toEqual([404, "not_found"]);
      expect(error.message).toContain("keeps no responses");
    }
  });
});

test("practice answers responses, whole and streamed", async () => {
  const asked = { model: "practice/echo", input: "你好 🌏" };
  const whole = await client.responses.create(asked);
  const streamed = await client.responses.stream(asked).finalResponse();
  expect([whole.output_text, streamed.output_text]).toEqual([whole.output_text, whole.output_text]);
  expect(whole.output_text).toContain("你好 🌏");
  expect(whole.usage!.total_tokens).toBe(streamed.usage!.total_tokens);
});

test("the books are in order", () => expectCleanAudit(maidan.admin));
