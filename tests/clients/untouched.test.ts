import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { type ServedSimulators, serveSimulators } from "../../src/simulators/serve.ts";
import { type RunningMaidan, startMaidan } from "../harness/maidan.ts";
import { send } from "../harness/requests.ts";

/** Where client and vendor speak the same protocol, the bytes are those that the vendor sent. */

const KEY = "sk-test-untouched";
const SAME = [
  { surface: "/v1/chat/completions", protocol: "openai", path: "/chat/completions" },
  { surface: "/v1/chat/completions", protocol: "zhipu", path: "/chat/completions" },
  { surface: "/v1/messages", protocol: "anthropic", path: "/v1/messages" },
  { surface: "/v1/responses", protocol: "responses", path: "/responses" },
];

let simulators: ServedSimulators;
let maidan: RunningMaidan;

beforeAll(async () => {
  const protocols = SAME.map(({ protocol }) => protocol);
  simulators = await serveSimulators({ host: "127.0.0.1", port: 0, protocols });
  const payer = {
    id: "plain",
    budgets: [{ id: "plain-total", amount: "1000", currency: "USD", window: "total" }],
    keys: [{ id: "plain-key", secret: KEY }],
  };
  maidan = await startMaidan({ yaml: stringify({ ...parse(simulators.settings), payers: [payer] }) });
}, 60_000);

afterAll(async () => {
  await maidan?.stop();
  await simulators?.close();
});

const TOOL = { type: "object", properties: { city: { type: "string" } } };

/** The same words on each surface, with fields that Maidan does not know. */
function bodyOf(surface: string, words: string, stream: boolean): Record<string, unknown> {
  const common = { stream, metadata: { user_id: "someone" }, unheard_of: { kept: [1, 2.5] } };
  const messages = [{ role: "user", content: words }];
  if (surface.endsWith("messages")) {
    return { ...common, max_tokens: 500, messages, tools: [{ name: "weather", input_schema: TOOL }] };
  }
  if (surface.endsWith("responses")) {
    return {
      ...common,
      input: messages,
      store: false,
      tools: [{ type: "function", name: "weather", parameters: TOOL }],
    };
  }
  const usage = stream ? { stream_options: { include_usage: true } } : {};
  return {
    ...common,
    ...usage,
    messages,
    tools: [{ type: "function", function: { name: "weather", parameters: TOOL } }],
  };
}

describe.each(SAME)("$surface to $protocol", ({ surface, protocol, path }) => {
  const WORDS = ["你好 🌏 hello", "#tool", "#tools", "#reason yes", "#moderated-later", "#error rate_limit"];

  test.each(WORDS)("%s: the vendor's own bytes, buffered and streamed", async (words) => {
    const running = simulators.running.find(({ simulator }) => simulator.protocol === protocol)!;
    for (const stream of [false, true]) {
      const body = bodyOf(surface, words, stream);
      const direct = await send(`${running.baseUrl}${path}`, {
        body: { model: "practice-model", ...body },
        headers: credentialsOf(protocol, running.simulator.credentials),
      });
      const through = await maidan.ask(surface, KEY, { body: { model: `sim-${protocol}/practice-model`, ...body } });
      expect([through.status, through.headers["content-type"]]).toEqual([
        direct.status,
        direct.headers["content-type"],
      ]);
      expect(withoutCost(through.body.toString())).toBe(direct.body.toString());
    }
  });
});

function credentialsOf(protocol: string, { apiKey = "" }: Readonly<Record<string, string>>): Record<string, string> {
  if (protocol === "anthropic") return { "x-api-key": apiKey, "anthropic-version": "2023-06-01" };
  return { authorization: `Bearer ${apiKey}` };
}

/** What Maidan declares that it adds, where the client asked for usage. */
function withoutCost(text: string): string {
  return text.replaceAll(/,"cost":[\d.e-]+,"cost_currency":"USD"/g, "");
}
