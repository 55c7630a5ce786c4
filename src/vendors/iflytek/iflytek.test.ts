import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { iflytekSimulator } from "../../simulators/iflytek.ts";
import { PASSWORD } from "../../simulators/iflytek-wire.ts";
import { REASONING, TOOL_ARGUMENTS } from "../../simulators/scene.ts";
import { type RunningSimulator, startSimulator } from "../../simulators/server.ts";
import type { AnswerPiece } from "../answer-pieces.ts";
import { asked, NOW, readAtEveryCut, readChunks, sender, UNSUPPORTED } from "../reading.suite.ts";
import type { Target } from "../spec.ts";
import { record } from "../transport.suite.ts";
import type { VendorFault } from "../vendor-fault.ts";
import { isLastFrame } from "./frames.ts";
import { openIflytek } from "./open.ts";
import { iflytek } from "./protocol.ts";
import { signAddress } from "./sign.ts";

const KEY = { appId: "test-app", apiKey: "test-api-key", apiSecret: "test-api-secret" };
const SOCKET: Target = { credentials: KEY, headers: {}, quirks: {} };
const HTTP: Target = { ...SOCKET, baseUrl: "https://spark-api-open.xf-yun.com/v1" };
const send = sender(iflytek, SOCKET, "4.0Ultra");
const sendHttp = sender(iflytek, HTTP, "4.0Ultra");
const TOOL = { type: "function", function: { name: "f", description: "d", parameters: { type: "object" } } };
const CALL = { id: "c", type: "function", function: { name: "f", arguments: '{"a":1}' } };

describe("the signature", () => {
  test("is the published one", () => {
    const key = { apiKey: "addd2272b6d8b7c8abdd79531420ca3b", apiSecret: "MjlmNzkzNmZkMDQ2OTc0ZDdmNGE2ZTZi" };
    const address = { method: "GET", host: "spark-api.xf-yun.com", path: "/v1.1/chat" };
    const { signature, authorization, query } = signAddress(address, key, "Fri, 05 May 2023 10:43:39 GMT");
    expect(signature).toBe("z5gHdu3pxVV4ADMyk467wOWDQ9q6BQzR3nfMTjc/DaQ=");
    expect(authorization).toBe(
      "YXBpX2tleT0iYWRkZDIyNzJiNmQ4YjdjOGFiZGQ3OTUzMTQyMGNhM2IiLCBhbGdvcml0aG09ImhtYWMtc2hhMjU2IiwgaGVhZGVycz0iaG9zdCBkYXRlIHJlcXVlc3QtbGluZSIsIHNpZ25hdHVyZT0iejVnSGR1M3B4VlY0QURNeWs0Njd3T1dEUTlxNkJRelIzbmZNVGpjL0RhUT0i",
    );
    expect(query).toBe(
      `authorization=${authorization}&date=Fri%2C+05+May+2023+10%3A43%3A39+GMT&host=spark-api.xf-yun.com`,
    );
  });

  test("is what a request carries in its address", () => {
    const { path, method, headers } = send({}).wire;
    const [before, query] = path.split("?");
    const said = Buffer.from(new URLSearchParams(query).get("authorization")!, "base64").toString();
    expect([method, before, headers]).toEqual(["GET", "/v4.0/chat", {}]);
    expect(said).toContain('signature="RTexVI/Q1dapi7AmigvVUPbsTGEVV9TNNNBtCXShJHk="');
    expect(new URLSearchParams(query).get("date")).toBe(new Date(NOW).toUTCString());
  });

  test("is that of the embeddings' address, too", () => {
    const address = { method: "POST", host: "emb-cn-huabei-1.xf-yun.com", path: "/" };
    const { signature } = signAddress(address, KEY, "Tue, 14 Nov 2023 22:13:20 GMT");
    expect(signature).toBe("TFLXcBa5NacEo5x0kIqWMjjABdnHDfGBcsEx85ohytM=");
  });
});

describe("the address", () => {
  const pathOf = (baseUrl: string | undefined, model: string, quirks = {}): string =>
    iflytek.encode(asked({}), { model, includeUsage: true }, { ...SOCKET, baseUrl, quirks }, NOW).path.split("?")[0]!;

  test.each([
    [undefined, "lite", "/v1.1/chat"],
    [undefined, "generalv3", "/v3.1/chat"],
    [undefined, "generalv3.5", "/v3.5/chat"],
    [undefined, "pro-128k", "/chat/pro-128k"],
    [undefined, "max-32k", "/chat/max-32k"],
    [undefined, "x1", "/v1/x1"],
    ["wss://gate.example/spark", "lite", "/v1.1/chat"],
    ["wss://spark-api.xf-yun.com/v4.0/chat", "own-model", ""],
    ["https://spark-api-open.xf-yun.com/v1/", "lite", "/chat/completions"],
    ["https://spark-api-open.xf-yun.com", "lite", "/v1/chat/completions"],
    ["https://spark-api-open.xf-yun.com", "x1", "/v2/chat/completions"],
    ["https://spark-api-open.xf-yun.com", "spark-x", "/x2/chat/completions"],
    ["https://spark-api-open.xf-yun.com/x2/chat/completions", "spark-x", ""],
  ])("of %s for %s ends in %s", (baseUrl, model, path) => {
    expect(pathOf(baseUrl, model)).toBe(path);
  });

  test("is signed with the path that a gateway has before it, and its port", () => {
    const { path } = iflytek.encode(
      asked({}),
      { model: "lite", includeUsage: true },
      { ...SOCKET, baseUrl: "ws://gate.example:81/spark/" },
      NOW,
    );
    const expected = signAddress(
      { method: "GET", host: "gate.example:81", path: "/spark/v1.1/chat" },
      KEY,
      new Date(NOW).toUTCString(),
    );
    expect(path).toBe(`/v1.1/chat?${expected.query}`);
    expect(pathOf(undefined, "lite", { paths: { chat: "/own" } })).toBe("/own");
  });
});

describe("a request over a WebSocket", () => {
  test("has the shape of its vendor, one system message first", () => {
    const { body, wire } = send({
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "a" },
            { type: "text", text: "b" },
          ],
        },
        { role: "system", content: "Be brief." },
        { role: "assistant", content: null, tool_calls: [CALL], reasoning_content: "hm" },
        { role: "tool", tool_call_id: "c", content: "42" },
      ],
      tools: [TOOL],
      max_tokens: 100_000,
      temperature: 0,
      top_p: 0.5,
      stop: ["x"],
      user: "u",
      chat_id: "k",
      other: 1,
    });
    expect(body).toEqual({
      header: { app_id: "test-app", uid: "u" },
      parameter: { chat: { domain: "4.0Ultra", temperature: 0.01, max_tokens: 32_768, chat_id: "k" } },
      payload: {
        message: {
          text: [
            { role: "system", content: "Be brief." },
            { role: "user", content: "ab" },
            { role: "assistant", content: "", function_call: { name: "f", arguments: '{"a":1}' } },
            { role: "user", content: "42" },
          ],
        },
        functions: { text: [{ name: "f", description: "d", parameters: { type: "object" } }] },
      },
    });
    expect(wire.adjusted).toEqual(["max_tokens=32768", "temperature=0.01", "-top_p", "-stop"]);
  });

  test("is no longer than what the budget pays for", () => {
    expect(send({ max_tokens: 50 }, { maxOutputTokens: 20 }).body.parameter.chat.max_tokens).toBe(20);
    expect(send({}, { maxOutputTokens: 20 }).body.parameter.chat.max_tokens).toBe(20);
  });

  test("names no end user that is too long, and no tools where none may be called", () => {
    const { body, wire } = send({ user: "u".repeat(33), tools: [TOOL], tool_choice: "none" });
    expect([body.header, body.payload.functions]).toEqual([{ app_id: "test-app" }, undefined]);
    expect(wire.adjusted).toEqual(["-user"]);
  });

  test("cannot force a call", () => {
    for (const tool_choice of ["required", { type: "function", function: { name: "f" } }]) {
      expect(send({ tools: [TOOL], tool_choice }).wire.adjusted).toEqual(["tool_choice=auto"]);
    }
  });

  const picture = [{ role: "user", content: [{ type: "image_url", image_url: { url: "https://x/y" } }] }];
  test.each([
    [{ n: 2 }, "n", true],
    [{ messages: picture }, "messages", true],
    [{ response_format: { type: "json_object" } }, "response_format", false],
    [{ response_format: { type: "json_schema", json_schema: { name: "s", schema: {} } } }, "response_format", true],
  ])("%# is more than it can say", (fields, param, httpToo) => {
    const expected = expect.objectContaining({ ...UNSUPPORTED, param });
    expect(() => send(fields)).toThrow(expected);
    if (httpToo) expect(() => sendHttp(fields)).toThrow(expected);
  });
});

describe("a request over HTTP", () => {
  test("is nearly OpenAI's", () => {
    const { body, wire } = sendHttp({
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "a", name: "n" },
        { role: "assistant", content: null, tool_calls: [CALL] },
        { role: "tool", tool_call_id: "c", content: "42" },
      ],
      tools: [TOOL],
      tool_choice: "required",
      temperature: 2,
      top_k: 50,
      max_tokens: 10,
      response_format: { type: "json_object" },
      user: "u",
      reasoning_effort: "high",
      stream: true,
    });
    expect(body).toEqual({
      model: "4.0Ultra",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "a" },
        { role: "assistant", content: null, tool_calls: [CALL] },
        { role: "tool", tool_call_id: "c", content: "42" },
      ],
      temperature: 1,
      top_k: 6,
      max_tokens: 10,
      stream: true,
      tools: [TOOL],
      tool_choice: "required",
      tool_calls_switch: true,
      response_format: { type: "json_object" },
    });
    expect(wire.adjusted).toEqual(["-reasoning_effort", "-user", "temperature=1", "top_k=6"]);
    expect(wire.headers).toEqual({
      "content-type": "application/json",
      authorization: "Bearer test-api-key:test-api-secret",
    });
  });

  test("carries the interface's own password, where there is one", () => {
    const keyed = (credentials: Record<string, string>) =>
      iflytek.probe({ ...HTTP, credentials }, NOW).headers.authorization;
    expect(keyed({ ...KEY, apiPassword: "p" })).toBe("Bearer p");
    expect(keyed({ apiKey: "p" })).toBe("Bearer p");
  });

  test("tells models that think whether to", () => {
    const thinking = sender(iflytek, HTTP, "spark-x");
    expect(thinking({ reasoning_effort: "none" }).body.thinking).toEqual({ type: "disabled" });
    expect(thinking({ reasoning_effort: "low" }).body.thinking).toEqual({ type: "enabled" });
  });
});

const frame = (text: object, status: number, more: object = {}): string =>
  JSON.stringify({
    header: { code: 0, message: "Success", sid: "cht1", status },
    payload: { choices: { status, seq: 0, text: [{ content: "", role: "assistant", index: 0, ...text }] }, ...more },
  });
const USAGE = { usage: { text: { question_tokens: 4, prompt_tokens: 5, completion_tokens: 9, total_tokens: 14 } } };
const event = (delta: object, more: object = {}): string =>
  `data:${JSON.stringify({ code: 0, message: "Success", sid: "cha1", id: "cha1", created: 7, choices: [{ delta, index: 0 }], ...more })}\n\n`;
const failed = (code: number, message = "x"): string =>
  JSON.stringify({ header: { code, message, sid: "s", status: 2 } });
const lines = (...frames: string[]): Buffer => Buffer.from(`${frames.join("\n")}\n`);

describe("an answer", () => {
  test("over a WebSocket is read alike wherever it is cut", () => {
    const stream = lines(
      frame({ reasoning_content: "想 🤔" }, 0),
      frame({ content: "你好" }, 1),
      JSON.stringify({
        header: { code: 0, status: 1 },
        payload: { plugins: { text: [{ role: "tool", content: "[]" }] } },
      }),
      frame({ content: " 🌏" }, 2, USAGE),
    );
    const pieces = [
      { type: "start", id: "cht1" },
      { type: "reasoning-delta", choice: 0, text: "想 🤔" },
      { type: "reasoning-end", choice: 0 },
      { type: "text-delta", choice: 0, text: "你好" },
      { type: "text-delta", choice: 0, text: " 🌏" },
      { type: "usage", usage: expect.objectContaining({ input: 5, output: 9 }) },
      { type: "finish", choice: 0, reason: "stop" },
      { type: "end" },
    ];
    for (const reading of readAtEveryCut(iflytek, stream)) expect(reading).toEqual(pieces);
    expect(iflytek.readPieces("chat", stream)).toEqual(pieces);
  });

  test("over HTTP is read alike wherever it is cut", () => {
    const stream = Buffer.from(
      event({ role: "assistant", content: "你好" }) +
        event({ role: "tool", content: "found" }) +
        event({ content: " 🌏" }, { usage: { prompt_tokens: 6, completion_tokens: 68, total_tokens: 74 } }) +
        "data:[DONE]\n\n",
    );
    for (const reading of readAtEveryCut(iflytek, stream)) {
      expect(reading).toEqual([
        { type: "start", id: "cha1", created: 7 },
        { type: "text-delta", choice: 0, text: "你好" },
        { type: "text-delta", choice: 0, text: " 🌏" },
        { type: "usage", usage: expect.objectContaining({ input: 6, output: 68 }) },
        { type: "finish", choice: 0, reason: "stop" },
        { type: "end" },
      ]);
    }
  });

  test("calls in one frame, and gets an id that it has not", () => {
    const stream = lines(frame({ function_call: { name: "天气", arguments: '{"a":1}' } }, 2, USAGE));
    const start = { type: "tool-call-start", choice: 0, index: 0, id: "call_cht1_0_0", name: "天气" };
    const delta = { type: "tool-call-delta", choice: 0, index: 0, text: '{"a":1}' };
    const finish = { type: "finish", choice: 0, reason: "tool_calls" };
    expect(readChunks(iflytek, [stream])).toEqual(expect.arrayContaining([start, delta, finish]));
  });

  test.each([
    ["a list", [{ id: "i", type: "function", function: { name: "f", arguments: "{}" } }], "i"],
    ["an object", { type: "function", function: { name: "f", arguments: {} } }, "call_s_0_0"],
  ])("calls over HTTP in %s", (_, calls, id) => {
    const message = { role: "assistant", content: "", tool_calls: calls };
    const body = Buffer.from(JSON.stringify({ code: 0, sid: "s", choices: [{ message, index: 0 }] }));
    expect(iflytek.readPieces("chat", body)).toEqual([
      { type: "start", id: "s" },
      { type: "tool-call-start", choice: 0, index: 0, id, name: "f" },
      { type: "tool-call-delta", choice: 0, index: 0, text: "{}" },
      { type: "finish", choice: 0, reason: "tool_calls" },
      { type: "end" },
    ]);
  });

  test("that is moderated in the middle keeps what came, and ends there", () => {
    const stream = lines(frame({ content: "Some" }, 0), failed(10014));
    const finish = { type: "finish", choice: 0, reason: "content_filter", raw: "10014" };
    for (const pieces of [readChunks(iflytek, [stream]), iflytek.readPieces("chat", stream)]) {
      expect(pieces.slice(-3)).toEqual([{ type: "text-delta", choice: 0, text: "Some" }, finish, { type: "end" }]);
    }
    expect(readChunks(iflytek, [lines(failed(10014))])).toMatchObject([
      { type: "fault", fault: { errorClass: "content_filter", charged: "unknown" } },
    ]);
  });

  test("that breaks off is no whole one", () => {
    const half = lines(frame({ content: "Some" }, 0));
    expect(readChunks(iflytek, [half]).some(({ type }) => type === "finish" || type === "end")).toBe(false);
    for (const body of [half, Buffer.from(""), Buffer.from("<html>"), Buffer.from("{}"), Buffer.from('{"code":0}')]) {
      expect(() => iflytek.readPieces("chat", body)).toThrow(
        expect.objectContaining({ errorClass: "server_error", charged: "unknown" }),
      );
    }
  });
});

describe("an error", () => {
  test.each([
    [10003, "x", "invalid_request"],
    [10003, "ClientMsgError:(23:02:32.721) invalid model domain", "not_found"],
    [10404, "PathDomainError:(08:46:23.642) no category route found", "not_found"],
    [10006, "x", "rate_limit"],
    [10008, "x", "overloaded"],
    [10012, "x", "server_error"],
    [10013, "x", "content_filter"],
    [10015, "x", "permission"],
    [10016, "x", "auth"],
    [10163, "x", "invalid_request"],
    [10907, "x", "context_length"],
    [11200, "AppIdNoAuthError:(licc failed)", "auth"],
    [11200, "业务量超过限制", "quota"],
    [11201, "x", "quota"],
    [11202, "x", "rate_limit"],
    [11203, "x", "rate_limit"],
    [99999, "server is busy", "overloaded"],
  ])("of code %i (%s) is of class %s", (code, message, errorClass) => {
    const expected = { errorClass, vendorCode: String(code), charged: "nothing", vendorStatus: 200 };
    const inFrame = lines(failed(code, message));
    const overHttp = Buffer.from(JSON.stringify({ code, message, sid: "s" }));
    for (const body of [inFrame, overHttp]) {
      expect(() => iflytek.readPieces("chat", body)).toThrow(expect.objectContaining(expected));
      expect(readChunks(iflytek, [body])).toMatchObject([{ type: "fault", fault: expected }]);
    }
    const later = lines(frame({ content: "Some" }, 0), failed(code, message));
    if (errorClass !== "content_filter") {
      expect(readChunks(iflytek, [later]).at(-1)).toMatchObject({ fault: { errorClass, charged: "unknown" } });
    }
    expect(isLastFrame(Buffer.from(failed(code)))).toBe(true);
  });

  test.each([
    [401, '{"message":"Unauthorized"}', "auth"],
    [403, '{"message":"HMAC signature does not match"}', "auth"],
    [403, '{"message":"HMAC signature cannot be verified, a valid date or x-date header is required"}', "auth"],
    [401, '{"error":{"message":"invalid user","type":"api_error","param":null,"code":null}}', "auth"],
    [400, '{"error":{"message":"no category route found","code":10404}}', "not_found"],
    [403, '{"error":{"message":"AppIdNoAuthError","code":"11200"}}', "auth"],
    [404, "404 page not found", "not_found"],
    [502, "<html>", "server_error"],
  ])("of status %i, %s, is of class %s", (status, body, errorClass) => {
    const fault = iflytek.readError(status, {}, Buffer.from(body));
    expect(fault).toMatchObject({ errorClass, charged: "nothing", vendorStatus: status });
  });

  test("of a probe counts only where it is not that the messages are missing", () => {
    const probe = (code: number): VendorFault | undefined => iflytek.readProbe!({}, lines(failed(code)));
    expect([probe(10003), probe(10005), probe(10016)?.errorClass]).toEqual([undefined, undefined, "auth"]);
  });
});

test("only a real key says which frame is the last", () => {
  expect(isLastFrame(Buffer.from(frame({ content: '"status":2' }, 1)))).toBe(false);
  expect(isLastFrame(Buffer.from(frame({ function_call: { name: "f", arguments: { status: 2 } } }, 1)))).toBe(false);
  expect(isLastFrame(Buffer.from(frame({ content: "" }, 2)))).toBe(true);
  expect(isLastFrame(Buffer.from("no JSON"))).toBe(false);
});

describe("the adapter and the simulator", () => {
  let simulator: RunningSimulator;
  beforeAll(async () => {
    simulator = await startSimulator(iflytekSimulator, { chunkBytes: 7 });
  });
  afterAll(() => simulator.close());
  const bounds = { connectMs: 20_000, firstByteMs: 20_000, betweenBytesMs: 20_000 };

  /** Asks and reads, as the spine does. */
  async function ask(target: Target, fields: object, model = "practice-model"): Promise<readonly AnswerPiece[]> {
    const request = asked(fields);
    const transport = openIflytek({ baseUrl: target.baseUrl! });
    const wire = iflytek.encode(request, { model, includeUsage: true }, target, Date.now());
    const { status, headers, body, fault } = await record(transport, wire, bounds).done;
    await transport.close();
    if (fault) throw fault;
    if (status !== 200) throw iflytek.readError(status!, headers, body);
    // An error in the place of a stream is no stream.
    return request.stream && iflytek.isStream!(headers)
      ? readChunks(iflytek, [body])
      : iflytek.readPieces("chat", body);
  }

  const say = (content: string) => ({ messages: [{ role: "user", content }] });
  const textOf = (pieces: readonly AnswerPiece[], type = "text-delta"): string =>
    pieces.map((piece) => (piece.type === type && "text" in piece ? piece.text : "")).join("");
  const finishOf = (pieces: readonly AnswerPiece[]) => pieces.find((piece) => piece.type === "finish")?.reason;

  describe.each(["ws", "http"])("by %s", (scheme) => {
    const targetOf = (credentials: Record<string, string> = iflytekSimulator.credentials): Target => {
      const baseUrl = scheme === "ws" ? simulator.baseUrl : `${simulator.origin}/v1`;
      return { baseUrl, credentials, headers: {}, quirks: {} };
    };

    describe.each([false, true])("streamed: %s", (stream) => {
      test("text and its usage", async () => {
        const pieces = await ask(targetOf(), { ...say("你好 🌏"), stream });
        expect([textOf(pieces), finishOf(pieces)]).toEqual(["你好 🌏", "stop"]);
        expect(pieces).toContainEqual({ type: "usage", usage: expect.objectContaining({ input: 4, output: 1 }) });
      });

      test("a call, and its result", async () => {
        const called = await ask(targetOf(), { ...say("#tool"), tools: [TOOL], stream });
        expect([textOf(called, "tool-call-delta"), finishOf(called)]).toEqual([TOOL_ARGUMENTS, "tool_calls"]);
        const messages = [
          { role: "user", content: "#tool" },
          { role: "assistant", content: null, tool_calls: [CALL] },
          { role: "tool", tool_call_id: "c", content: "晴" },
        ];
        expect(textOf(await ask(targetOf(), { messages, tools: [TOOL], stream }))).toBe("Tool says: 晴");
      });

      test("reasoning", async () => {
        const pieces = await ask(targetOf(), { ...say("#reason 四十二"), stream });
        expect([textOf(pieces, "reasoning-delta"), textOf(pieces)]).toEqual([REASONING, "四十二"]);
      });

      test("what is refused", async () => {
        const first = async (text: string, model?: string): Promise<VendorFault> => {
          const pieces = await ask(targetOf(), { ...say(text), stream }, model);
          const piece = pieces[0]!;
          throw piece.type === "fault" ? piece.fault : new Error("no fault");
        };
        await expect(first("#moderated")).rejects.toMatchObject({ errorClass: "content_filter", charged: "nothing" });
        await expect(first("#error rate_limit")).rejects.toMatchObject({ errorClass: "rate_limit" });
        await expect(first("hi", "other-model")).rejects.toMatchObject({ errorClass: "not_found" });
      });
    });

    test("a wrong secret is refused, and quoted nowhere", async () => {
      const credentials = { ...iflytekSimulator.credentials, apiSecret: "not-the-secret" };
      const fault: VendorFault = await ask(targetOf(credentials), say("hi")).then(
        () => Promise.reject(new Error("answered")),
        (error) => error,
      );
      expect(fault).toMatchObject({ errorClass: "auth", charged: "nothing" });
      expect(fault.text("en") + fault.text("zh")).not.toContain("not-the-secret");
    });

    test("a probe tells a right key from a wrong one, and is not billed", async () => {
      const before = simulator.served.length;
      const probe = async (credentials: Record<string, string>) => {
        const transport = openIflytek({ baseUrl: targetOf().baseUrl! });
        const wire = iflytek.probe(targetOf(credentials), Date.now());
        const { status, headers, body } = await record(transport, wire, bounds).done;
        await transport.close();
        return status === 200 ? iflytek.readProbe!(headers, body) : iflytek.readError(status!, headers, body);
      };
      expect(await probe(iflytekSimulator.credentials)).toBeUndefined();
      expect(await probe({ ...iflytekSimulator.credentials, apiKey: "other" })).toMatchObject({ errorClass: "auth" });
      expect(simulator.served.length).toBe(before);
    });

    test("moderation in the middle keeps what came", async () => {
      const pieces = await ask(targetOf(), { ...say("#moderated-later"), stream: true });
      expect([textOf(pieces), finishOf(pieces)]).toEqual(["Some of it ", "content_filter"]);
    });

    test("an error in the middle may be charged", async () => {
      const pieces = await ask(targetOf(), { ...say("#error-later overloaded"), stream: true });
      expect(pieces.at(-1)).toMatchObject({ fault: { errorClass: "overloaded", charged: "unknown" } });
    });

    test("a connection that breaks is never taken for an end", async () => {
      await expect(ask(targetOf(), { ...say("#cut"), stream: true })).rejects.toMatchObject({ charged: "unknown" });
    });
  });

  test("a signature of yesterday is refused", async () => {
    const target = { ...SOCKET, baseUrl: simulator.baseUrl, credentials: iflytekSimulator.credentials };
    const wire = iflytek.encode(asked({}), { model: "practice-model", includeUsage: true }, target, NOW);
    const transport = openIflytek({ baseUrl: simulator.baseUrl });
    const { status, headers, body } = await record(transport, wire, bounds).done;
    expect([status, iflytek.readError(status!, headers, body).errorClass]).toEqual([403, "auth"]);
  });

  test("the HTTP interface takes its own password", async () => {
    const target = { ...SOCKET, baseUrl: simulator.origin, credentials: { apiPassword: PASSWORD } };
    expect(textOf(await ask(target, say("hi")))).toBe("hi");
  });
});

test("a code that no number can be made of is an error all the same", () => {
  const frame = Buffer.from('{"header":{"code":{"toString":null,"valueOf":null},"message":"odd","status":2}}\n');
  expect(readChunks(iflytek, [frame])).toMatchObject([{ type: "fault", fault: { errorClass: "server_error" } }]);
});
