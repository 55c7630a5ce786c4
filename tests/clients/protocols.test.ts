import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { SIMULATORS } from "../../src/simulators/registry.ts";
import { REASONING, TOOL_ARGUMENTS } from "../../src/simulators/scene.ts";
import { type ServedSimulators, serveSimulators } from "../../src/simulators/serve.ts";
import type { VendorErrorClass } from "../../src/vendors/spec.ts";
import { type Capability, LACKS } from "../../tools/proofs.ts";
import { type RunningMaidan, startMaidan } from "../harness/maidan.ts";
import { eventsOf } from "../harness/requests.ts";
import { type Answered, type Asked, askRaw, type Surface, surfacesOf } from "./surfaces.ts";

/**
 * The contract of protocols, through the whole gateway: every surface, by clients that nobody here wrote, to every
 * protocol's simulator. Text, calls, finish and cost are the same whichever way a conversation goes.
 */

const KEY = "sk-test-matrix";
const SURFACES = ["chat", "responses", "messages"] as const;
const PROTOCOLS = SIMULATORS.map(({ protocol }) => protocol);

/** Words of vendors whose bytes pass untouched to clients of the same wire. */
const OWN_WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "chat zhipu": { content_filter: "sensitive" },
};
/** Vendors that give nothing of a buffered answer whose end their rules have struck. */
const STRIKES_WHOLE: ReadonlySet<string> = new Set(["dashscope"]);
/** Vendors that say when to try again. */
const HINTS: ReadonlySet<string> = new Set(["openai", "responses", "anthropic", "gemini"]);
const FAILS_BY_FINISH: Readonly<Record<string, string>> = { zhipu: "network_error" };

let simulators: ServedSimulators;
let maidan: RunningMaidan;
let surfaces: ReadonlyMap<string, Surface>;

beforeAll(async () => {
  // Streams come in packets of a few bytes, so that every character and every event is cut somewhere.
  simulators = await serveSimulators({ host: "127.0.0.1", port: 0, protocols: undefined, chunkBytes: 5 });
  maidan = await startMaidan({
    yaml: stringify({
      currency: "USD",
      ...parse(simulators.settings),
      payers: [
        {
          id: "matrix",
          budgets: [{ id: "matrix-total", amount: "1000", currency: "USD", window: "total" }],
          keys: [{ id: "matrix-key", secret: KEY }],
        },
      ],
    }),
  });
  surfaces = new Map(surfacesOf(maidan.address, KEY).map((surface) => [surface.name, surface]));
}, 60_000);

afterAll(async () => {
  await maidan?.stop();
  await simulators?.close();
});

const modelOf = (protocol: string): string => `sim-${protocol}/practice-model`;
const user = (text: string): Asked["turns"] => [{ role: "user", text }];

async function ask(surface: string, protocol: string, asked: Omit<Asked, "model">, stream: boolean): Promise<Answered> {
  return surfaces.get(surface)!.ask({ model: modelOf(protocol), ...asked }, stream);
}

/** What the ledger says of a call. */
async function settled(answered: Answered): Promise<{ state: string; cost: string; usage: Record<string, number> }> {
  const call = await maidan.admin.get(`calls/${answered.call}`);
  return { state: call.state, cost: call.cost, usage: call.attempts[0].usage };
}

/** A test for each protocol, surface and form; those that a wire cannot say are listed as skipped, with the reason. */
function each(
  title: string,
  needs: readonly Capability[],
  run: (protocol: string, surface: string, stream: boolean) => Promise<void>,
): void {
  describe(title, () => {
    for (const protocol of PROTOCOLS) {
      const lack = needs.map((need) => LACKS[protocol]?.[need]).find((reason) => reason !== undefined);
      if (lack !== undefined) {
        test.skip(`${protocol} (skipped: ${lack})`, () => {});
        continue;
      }
      for (const surface of SURFACES) {
        for (const stream of [false, true]) {
          test(`${surface} to ${protocol}, ${stream ? "streamed" : "buffered"}`, () => run(protocol, surface, stream));
        }
      }
    }
  });
}

each("text, in Chinese and with emoji", [], async (protocol, surface, stream) => {
  const said = "你好，世界 🌏 hello";
  const answered = await ask(surface, protocol, { system: "Be brief.", turns: user(said) }, stream);
  expect(answered).toMatchObject({ text: said, calls: [], finish: "stop" });
  const { state, usage } = await settled(answered);
  const points = [...said, ..."Be brief."].length;
  expect([state, usage.input, usage.output]).toEqual(["settled", points, Math.ceil([...said].length / 4)]);
});

each("a call, and its result", ["tool"], async (protocol, surface, stream) => {
  const tools = ["weather", "news"];
  const first = await ask(surface, protocol, { turns: user("#tool 天气"), tools }, stream);
  expect(first.finish).toBe("tool_calls");
  expect(first.calls.map(({ name }) => name)).toEqual(["weather"]);
  expect(JSON.parse(first.calls[0]!.arguments)).toEqual(JSON.parse(TOOL_ARGUMENTS));
  const turns: Asked["turns"] = [
    ...user("#tool 天气"),
    { role: "assistant", calls: first.calls },
    { role: "tool", callId: first.calls[0]!.id, text: "晴 ☀️" },
  ];
  const second = await ask(surface, protocol, { turns, tools }, stream);
  expect(second).toMatchObject({ text: "Tool says: 晴 ☀️", calls: [], finish: "stop" });
  expect((await settled(first)).cost).toBe(await costOf("#tool 天气", "call"));
  expect((await settled(second)).state).toBe("settled");
});

each("several calls at once", ["tools"], async (protocol, surface, stream) => {
  const answered = await ask(surface, protocol, { turns: user("#tools"), tools: ["weather", "news"] }, stream);
  expect(answered.calls.map(({ name }) => name)).toEqual(["weather", "news"]);
  expect(new Set(answered.calls.map(({ id }) => id)).size).toBe(2);
  for (const call of answered.calls) expect(JSON.parse(call.arguments)).toEqual(JSON.parse(TOOL_ARGUMENTS));
});

each("a call without arguments", ["empty"], async (protocol, surface, stream) => {
  const answered = await ask(surface, protocol, { turns: user("#tool-empty"), tools: ["weather"] }, stream);
  expect(answered.calls.map(({ name, arguments: given }) => [name, JSON.parse(given || "{}")])).toEqual([
    ["weather", {}],
  ]);
});

each("reasoning", ["reasoning"], async (protocol, surface, stream) => {
  const answered = await ask(surface, protocol, { turns: user("#reason 四十二") }, stream);
  expect([answered.reasoning, answered.text]).toEqual([REASONING, "四十二"]);
});

each("the longest answer", ["length"], async (protocol, surface, stream) => {
  const answered = await ask(surface, protocol, { turns: user("#long"), maxTokens: 20 }, stream);
  expect([answered.finish, answered.text.length]).toEqual(["length", 80]);
});

each("a stop sequence", ["stop"], async (protocol, surface, stream) => {
  // OpenAI's Responses have none.
  if (surface === "responses") return;
  const answered = await ask(surface, protocol, { turns: user("one two three"), stop: ["two"] }, stream);
  expect([answered.text, answered.finish]).toEqual(["one ", "stop"]);
});

each("a picture", ["images"], async (protocol, surface, stream) => {
  const turns: Asked["turns"] = [{ role: "user", text: "看图", image: PIXEL }];
  const answered = await ask(surface, protocol, { turns }, stream);
  expect(answered.text).toBe("看图");
});

each("moderation in the middle", ["moderated"], async (protocol, surface, stream) => {
  if (!stream && STRIKES_WHOLE.has(protocol)) {
    const refused = ask(surface, protocol, { turns: user("#moderated-later") }, stream);
    await expect(refused).rejects.toMatchObject({ status: 400 });
    return;
  }
  const answered = await ask(surface, protocol, { turns: user("#moderated-later") }, stream);
  const { content_filter: word = "content_filter" } = OWN_WORDS[`${surface} ${protocol}`] ?? {};
  expect([answered.text, answered.finish]).toEqual(["Some of it ", word]);
});

each("moderation before anything", ["moderated"], async (protocol, surface, stream) => {
  await expect(ask(surface, protocol, { turns: user("#moderated") }, stream)).rejects.toMatchObject({ status: 400 });
});

each("a cached part of the input", ["cached"], async (protocol, surface, stream) => {
  const answered = await ask(surface, protocol, { turns: user("#cached twelve chars") }, stream);
  const { usage } = await settled(answered);
  expect([usage.input, usage.cachedInput]).toEqual([10, 10]);
});

describe.each(PROTOCOLS)("%s", (protocol) => {
  const model = modelOf(protocol);
  const messages = (content: string) => [{ role: "user", content }];

  const classes: readonly (readonly [VendorErrorClass, number])[] = [
    ["rate_limit", 429],
    ["auth", 502],
    ["not_found", 404],
    ["overloaded", 503],
    ["server_error", 502],
    ["invalid_request", 400],
    ["context_length", 400],
    ["content_filter", 400],
    ["permission", 502],
    ["billing", 502],
    ["quota", 429],
    ["timeout", 504],
  ];
  for (const [errorClass, status] of classes) {
    const lack = LACKS[protocol]?.[errorClass as Capability];
    const title = `an error of class ${errorClass} is told as such, and charges nothing`;
    if (lack !== undefined) test.skip(`${title} (skipped: ${lack})`, () => {});
    else test(title, () => expectError(errorClass, status));
  }

  async function expectError(errorClass: VendorErrorClass, status: number): Promise<void> {
    const answer = await askRaw(maidan.address, KEY, { model, messages: messages(`#error ${errorClass}`) });
    expect([answer.status, answer.headers["x-maidan-origin"]]).toEqual([status, "vendor"]);
    if (errorClass === "rate_limit" && HINTS.has(protocol))
      expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    const call = await maidan.admin.get(`calls/${answer.headers["x-maidan-call"]}`);
    // Google counts the tokens of a prompt that it blocks, and does not say whether it bills them.
    const inDoubt = protocol === "gemini" && errorClass === "content_filter";
    expect(call.state).toBe(inDoubt ? "unsettled" : "released");
  }

  test("an error in the middle ends the stream with an error, and is left in doubt", async () => {
    const body = { model, messages: messages("#error-later overloaded"), stream: true };
    const answer = await askRaw(maidan.address, KEY, body);
    const events = eventsOf(answer.body);
    expect(events.some((event) => event.includes('"Some'))).toBe(true);
    const byFinish = FAILS_BY_FINISH[protocol];
    if (byFinish !== undefined) {
      expect(answer.body.toString()).toContain(`"finish_reason":"${byFinish}"`);
      return;
    }
    expect(JSON.parse(events.at(-1)!)).toHaveProperty("error");
    const call = await maidan.admin.get(`calls/${answer.headers["x-maidan-call"]}`);
    expect(call.state).toBe("unsettled");
  });

  test("a connection that breaks is never taken for an end", async () => {
    const answer = await askRaw(maidan.address, KEY, { model, messages: messages("#cut"), stream: true });
    expect(eventsOf(answer.body).at(-1)).toContain('"error"');
    const call = await maidan.admin.get(`calls/${answer.headers["x-maidan-call"]}`);
    expect(call.state).toBe("unsettled");
  });

  test("a client that goes away is billed for the whole answer", async () => {
    const { send } = await import("../harness/requests.ts");
    const before = await maidan.admin.get("calls?limit=1");
    await send(`${maidan.address}/v1/chat/completions`, {
      body: { model, messages: messages("#slow"), stream: true },
      headers: { authorization: `Bearer ${KEY}` },
      leaveAfterEvents: 2,
    });
    await expect
      .poll(async () => (await maidan.admin.get("calls?limit=1")).items[0], { timeout: 10_000 })
      .toMatchObject({ state: "settled", id: expect.not.stringMatching(before.items[0]?.id ?? "none") });
    const [call] = (await maidan.admin.get("calls?limit=1")).items;
    expect(call.attempts[0].usage.output).toBe(12);
  });

  test("what the vendor counts is what the ledger has settled", async () => {
    const { running } = simulators;
    const { served } = running.find(({ simulator }) => simulator.protocol === protocol)!;
    const inputs = served.filter(({ whole }) => whole).reduce((sum, { usage }) => sum + (usage.input ?? 0), 0);
    const calls = await maidan.admin.all(`calls?model=${encodeURIComponent(model)}`);
    const settledInput = calls
      .filter(({ state }) => state === "settled")
      .reduce((sum, { attempts }) => sum + attempts[0].usage.input, 0);
    expect(settledInput).toBe(inputs);
  });
});

describe("embeddings", () => {
  const sellers = SIMULATORS.filter(({ models }) => models.includes("practice-embedding"));

  test.each(sellers.map(({ protocol }) => protocol))("of %s", async (protocol) => {
    const client = maidan.client(KEY);
    const body = { model: `sim-${protocol}/practice-embedding`, input: ["ab", "你好 🌏"] };
    const { data, response } = await client.embeddings.create(body).withResponse();
    const { data: plain } = await client.embeddings.create({ ...body, encoding_format: "float" });
    expect(data.data.map(({ index }) => index)).toEqual([0, 1]);
    expect(data.data.map(({ embedding }) => embedding)).toEqual(plain.map(({ embedding }) => embedding));
    const call = await maidan.admin.get(`calls/${response.headers.get("x-maidan-call")}`);
    if (protocol === "gemini") {
      // Google reports no usage of embeddings.
      expect(call.attempts[0].basis).toBe("estimated");
      return;
    }
    expect(data.usage.prompt_tokens).toBe(6);
    expect([call.attempts[0].basis, response.headers.get("x-maidan-cost")]).toEqual(["reported", "0.000006 USD"]);
  });
});

/** What a scene costs by the simulators' price: 1 USD a million input tokens, 2 a million of output. */
async function costOf(text: string, scene: "call"): Promise<string> {
  const input = [...text].length;
  const output = scene === "call" ? Math.ceil([...TOOL_ARGUMENTS].length / 4) : 0;
  return decimal(input * 1_000 + output * 2_000);
}

/** Nano-units as the API spells them. */
function decimal(nano: number): string {
  return (nano / 1e9).toFixed(9).replace(/0+$/, "").replace(/\.$/, "");
}

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
