import { describe, expect, test } from "vitest";
import type { AnswerPiece } from "../answer-pieces.ts";
import type { ImageOrder } from "../conversation.ts";
import { NOW, readAtEveryCut, readChunks, sender, UNSUPPORTED } from "../reading.suite.ts";
import type { ModelRequest, Target } from "../spec.ts";
import { VendorFault } from "../vendor-fault.ts";
import { baiduV1 } from "./protocol.ts";

const TARGET: Target = { credentials: { apiKey: "k", secretKey: "s" }, headers: {}, quirks: {} };
const send = sender(baiduV1, TARGET, "ERNIE-4.0-8K");
const user = (content: unknown) => ({ role: "user", content });
const said = (content: string) => ({ role: "assistant", content });
const call = (name: string, id = name) => ({ id, type: "function", function: { name, arguments: '{"a":1}' } });
const calls = (...names: string[]) => ({
  role: "assistant",
  content: null,
  tool_calls: names.map((name) => call(name)),
});
const result = (id: string, content: string) => ({ role: "tool", tool_call_id: id, content });
const tool = { type: "function", function: { name: "f", parameters: { type: "object" } } };

describe("a request", () => {
  test.each([
    ["ERNIE-4.0-8K", "/chat/completions_pro"],
    ["ERNIE-Bot", "/chat/completions"],
    ["ERNIE-Bot-turbo", "/chat/eb-instant"],
    ["ERNIE-Speed-128K", "/chat/ernie-speed-128k"],
    ["BLOOMZ-7B", "/chat/bloomz_7b1"],
    ["my/own model", "/chat/my%2Fown%20model"],
  ])("for %s goes to %s", (model, path) => {
    expect(sender(baiduV1, TARGET, model)({}).wire).toMatchObject({ method: "POST", path });
  });

  test("has the names of its vendor, and stays within its bounds", () => {
    const { wire, body } = send(
      {
        messages: [{ role: "system", content: "Be brief." }, user("hi")],
        max_tokens: 9,
        temperature: 0,
        top_p: 2,
        penalty_score: 3,
        stop: "x",
        seed: 1,
        presence_penalty: 1,
        user: "u",
        response_format: { type: "json_object" },
        disable_search: true,
        other: 1,
        stream: true,
      },
      { maxOutputTokens: 7 },
    );
    expect(body).toEqual({
      messages: [user("hi")],
      system: "Be brief.",
      temperature: 0.01,
      top_p: 1,
      penalty_score: 2,
      stream: true,
      stop: ["x"],
      max_output_tokens: 7,
      response_format: "json_object",
      user_id: "u",
      disable_search: true,
    });
    expect(wire.adjusted).toEqual(["-presence_penalty", "-seed", "temperature=0.01", "top_p=1", "penalty_score=2"]);
    expect(wire.headers).toEqual({ "content-type": "application/json" });
  });

  test("takes turns: what one side says twice becomes one", () => {
    const messages = [user("a"), user("b"), said("c"), said(""), said("d"), user("e")];
    const { wire, body } = send({ messages });
    expect(body.messages).toEqual([user("a\nb"), said("c\nd"), user("e")]);
    expect(wire.adjusted).toEqual(["messages=merged"]);
    expect(send({ messages: [user("a"), said(""), user("b")] }).body.messages).toEqual([user("a\nb")]);
    expect(send({ messages: [{ role: "system", content: "a" }] }).body).toEqual({ messages: [user("a")] });
  });

  test("shows functions, a call, and its result in a user's place", () => {
    const messages = [user("q"), calls("f"), result("f", "晴"), user("and?")];
    const { body } = send({ messages, tools: [tool], tool_choice: { type: "function", function: { name: "f" } } });
    expect(body).toEqual({
      messages: [
        user("q"),
        { role: "assistant", content: "", function_call: { name: "f", arguments: '{"a":1}' } },
        { role: "function", name: "f", content: "晴\nand?" },
      ],
      functions: [{ name: "f", description: "f", parameters: { type: "object" } }],
      tool_choice: { type: "function", function: { name: "f" } },
    });
  });

  test("that must call some function names the only one", () => {
    expect(send({ tools: [tool], tool_choice: "required" }).body.tool_choice).toMatchObject({
      function: { name: "f" },
    });
    const several = { tools: [tool, { ...tool, function: { name: "g" } }], tool_choice: "required" };
    expect(() => send(several)).toThrow(expect.objectContaining({ ...UNSUPPORTED, param: "tool_choice" }));
    const declared = { ...TARGET, quirks: { clamps: { tool_choice: ["auto"] } } } as const;
    expect(sender(baiduV1, declared, "m")(several).wire.adjusted).toEqual(["tool_choice=auto"]);
    expect(send({ tools: [tool], tool_choice: "none" }).body.functions).toBeUndefined();
  });

  const image = { type: "image_url", image_url: { url: "https://x/y" } };
  test.each([
    [{ n: 2 }, "n"],
    [{ messages: [user([image])] }, "messages"],
    [{ messages: [user("q"), calls("f", "g"), result("f", "1"), result("g", "2")] }, "messages"],
    [{ messages: [said("a"), user("q")] }, "messages"],
    [{ messages: [user("q"), said("a")] }, "messages"],
    [{ response_format: { type: "json_schema", json_schema: { name: "x", schema: {} } } }, "response_format"],
  ])("%# is more than it can say", (fields, param) => {
    expect(() => send(fields)).toThrow(expect.objectContaining({ ...UNSUPPORTED, param }));
  });

  test("embeds texts", () => {
    const embed = sender(baiduV1, TARGET, "Embedding-V1");
    const { wire, body } = embed({ input: ["a", "b"], dimensions: 3 }, {}, "embeddings");
    expect([wire.path, body, wire.adjusted]).toEqual([
      "/embeddings/embedding-v1",
      { input: ["a", "b"] },
      ["-dimensions"],
    ]);
    expect(() => embed({ input: [1, 2] }, {}, "embeddings")).toThrow(expect.objectContaining(UNSUPPORTED));
  });

  test("draws pictures", () => {
    const order: ImageOrder = {
      operation: "images",
      prompt: "山",
      count: 2,
      size: "768x768",
      quality: "hd",
      style: undefined,
      format: undefined,
      user: undefined,
      extra: { steps: 20, other: 1 },
    };
    const request = { operation: "images", stream: false, content: () => order } as unknown as ModelRequest;
    const wire = baiduV1.encode(request, { model: "Stable-Diffusion-XL", includeUsage: false }, TARGET, NOW);
    expect(wire).toMatchObject({ path: "/text2image/sd_xl", adjusted: ["-quality"] });
    expect(JSON.parse(wire.body.toString())).toEqual({ prompt: "山", size: "768x768", n: 2, steps: 20 });
    const address = { ...request, content: () => ({ ...order, format: "url" }) } as unknown as ModelRequest;
    expect(() => baiduV1.encode(address, { model: "m", includeUsage: false }, TARGET, NOW)).toThrow(
      expect.objectContaining({ ...UNSUPPORTED, param: "response_format" }),
    );
  });

  test("is signed where an access key is given", () => {
    const credentials = { accessKey: "test-ak", secretKey: "test-sk" };
    const { headers } = sender(baiduV1, { ...TARGET, credentials }, "ERNIE-Bot")({}).wire;
    // Computed by two other programs.
    expect(headers).toMatchObject({
      "x-bce-date": "2023-11-14T22:13:20Z",
      authorization:
        "bce-auth-v1/test-ak/2023-11-14T22:13:20Z/1800/host;x-bce-date/e08cd73f2438b5038b58fa3ba041aaa6155b5ed36190f1bb4a8d0be5d8e4d8b2",
    });
    const behind = { ...TARGET, credentials, baseUrl: "http://gateway.example:8080/baidu/rpc/2.0/x/" };
    expect(sender(baiduV1, behind, "ERNIE-Bot")({}).wire.headers.authorization).not.toBe(headers.authorization);
    const own = { ...TARGET, credentials, headers: { "X-Bce-Date": "mine" } };
    expect(sender(baiduV1, own, "ERNIE-Bot")({}).wire.headers["x-bce-date"]).toBe("mine");
  });
});

describe("the probe", () => {
  const read = (body: object) => baiduV1.readProbe!({}, Buffer.from(JSON.stringify(body)));

  test("asks nothing, and is refused for that alone", () => {
    expect(JSON.parse(baiduV1.probe(TARGET, NOW).body.toString())).toEqual({ messages: [] });
    expect(read({ error_code: 336003, error_msg: "messages must not be empty" })).toBeUndefined();
    expect(read({ error_code: 14, error_msg: "IAM Certification failed" })).toMatchObject({ errorClass: "auth" });
  });
});

const frame = (more: object): string =>
  `data: ${JSON.stringify({
    id: "as-1",
    object: "chat.completion",
    created: 7,
    is_end: false,
    is_truncated: false,
    result: "",
    need_clear_history: false,
    usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 },
    ...more,
  })}\n\n`;
const START: AnswerPiece = { type: "start", id: "as-1", created: 7 };
const USAGE = { type: "usage", usage: expect.objectContaining({ input: 9, output: 2 }) };
const withoutUsage = (pieces: readonly AnswerPiece[]) => pieces.filter(({ type }) => type !== "usage");
const finishOf = (pieces: readonly AnswerPiece[]) => pieces.find(({ type }) => type === "finish");

describe("an answer", () => {
  test("is read alike wherever it is cut", () => {
    const stream = frame({ result: "你好 🌏" }) + frame({ result: "，世界" }) + frame({ is_end: true });
    for (const reading of readAtEveryCut(baiduV1, Buffer.from(stream))) {
      expect(reading).toEqual([
        START,
        { type: "text-delta", choice: 0, text: "你好 🌏" },
        USAGE,
        { type: "text-delta", choice: 0, text: "，世界" },
        USAGE,
        USAGE,
        { type: "finish", choice: 0, reason: "stop" },
        { type: "end" },
      ]);
    }
  });

  test("calls a function, whole or with more of it in the next frame", () => {
    const function_call = { name: "f", thoughts: "hm", arguments: '{"a":' };
    const stream =
      frame({ function_call }) + frame({ function_call: { ...function_call, arguments: '{"a":1}' }, is_end: true });
    expect(withoutUsage(readChunks(baiduV1, [Buffer.from(stream)]))).toEqual([
      START,
      { type: "reasoning-delta", choice: 0, text: "hm" },
      { type: "reasoning-end", choice: 0 },
      { type: "tool-call-start", choice: 0, index: 0, id: "call_as1_0_0", name: "f" },
      { type: "tool-call-delta", choice: 0, index: 0, text: '{"a":' },
      { type: "tool-call-delta", choice: 0, index: 0, text: "1}" },
      { type: "finish", choice: 0, reason: "tool_calls" },
      { type: "end" },
    ]);
  });

  test.each([
    [{ finish_reason: "normal" }, { reason: "stop", raw: "normal" }],
    [{ finish_reason: "stop" }, { reason: "stop" }],
    [{ is_truncated: true }, { reason: "length" }],
    [{ finish_reason: "length" }, { reason: "length" }],
    [
      { need_clear_history: true, ban_round: -1 },
      { reason: "content_filter", raw: "need_clear_history" },
    ],
    [{ need_clear_history: true, finish_reason: "content_filter" }, { reason: "content_filter" }],
    [{ finish_reason: "function_call", function_call: { name: "f", arguments: "{}" } }, { reason: "tool_calls" }],
    [{ finish_reason: "given_up" }, { reason: "error", raw: "given_up" }],
  ])("%j means %j", (more, finish) => {
    const body = Buffer.from(JSON.stringify({ id: "as-1", result: "a", ...more }));
    expect(finishOf(baiduV1.readPieces("chat", body))).toMatchObject(finish);
    expect(finishOf(readChunks(baiduV1, [Buffer.from(frame({ ...more, is_end: true }))]))).toMatchObject(finish);
  });

  test("that the rules have struck is over, even without its end; one that breaks off is not", () => {
    const struck = readChunks(baiduV1, [Buffer.from(frame({ result: "a" }) + frame({ need_clear_history: true }))]);
    expect(struck.at(-1)).toMatchObject({ type: "finish", reason: "content_filter" });
    expect(finishOf(readChunks(baiduV1, [Buffer.from(frame({ result: "a" }))]))).toBeUndefined();
  });

  test("of vectors and of pictures", () => {
    const usage = { prompt_tokens: 3, total_tokens: 3 };
    const vectors = { id: "as-1", created: 7, data: [{ embedding: [1, 2], index: 0 }], usage };
    expect(baiduV1.readPieces("embeddings", Buffer.from(JSON.stringify(vectors)))).toEqual([
      START,
      { type: "embedding", index: 0, vector: [1, 2] },
      { type: "usage", usage: expect.objectContaining({ input: 3 }) },
    ]);
    const pictures = { id: "as-1", created: 7, data: [{ b64_image: "AAAA", index: 0 }], usage };
    expect(baiduV1.readPieces("images", Buffer.from(JSON.stringify(pictures)))).toEqual([
      START,
      { type: "image", index: 0, base64: "AAAA" },
      { type: "usage", usage: { images: 1 } },
    ]);
  });

  test.each(["", "[]", "{}", '{"result":1}', '{"data":[]}', '{"data":[1]}'])("%s is none", (text) => {
    for (const operation of baiduV1.operations) {
      expect(() => baiduV1.readPieces(operation, Buffer.from(text))).toThrow(
        expect.objectContaining({ charged: "unknown", errorClass: "server_error" }),
      );
    }
  });
});

describe("an error", () => {
  test.each([
    [1, "Unknown error", "server_error"],
    [2, "Service temporarily unavailable", "overloaded"],
    [3, "Unsupported openapi method", "not_found"],
    [4, "Open api request limit reached", "rate_limit"],
    [6, "No permission to access data", "permission"],
    [13, "Get service token failed", "auth"],
    [14, "IAM Certification failed", "auth"],
    [15, "app not exsits or create failed", "auth"],
    [17, "Open api daily request limit reached", "quota"],
    [17, "Open api daily request limit reached: service not open", "billing"],
    [18, "Open api qps request limit reached", "rate_limit"],
    [19, "Open api total request limit reached", "quota"],
    [100, "Invalid parameter", "auth"],
    [110, "Access token invalid or no longer valid", "auth"],
    [111, "Access token expired", "auth"],
    [336000, "Internal error", "server_error"],
    [336002, "Invalid JSON", "invalid_request"],
    [336003, "the parameter is invalid", "invalid_request"],
    [336004, "no permission", "permission"],
    [336005, "no such model", "not_found"],
    [336006, "the prompt is too long", "context_length"],
    [336006, "the prompt contains sensitive content", "content_filter"],
    [336006, "the role of message 2 must be user", "invalid_request"],
    [336007, "输入内容包含敏感信息", "content_filter"],
    [336103, "the prompt is too long", "context_length"],
    [336100, "the server is too busy", "overloaded"],
    [336501, "Rate limit reached for RPM", "rate_limit"],
    [336502, "Rate limit reached for TPM", "rate_limit"],
    [999999, "nobody knows", "server_error"],
  ])(
    "%i (%s) is of class %s, in a 200, in the place of a stream and in the middle of one",
    (code, text, errorClass) => {
      const body = JSON.stringify({ error_code: code, error_msg: text, id: "as-1" });
      const wanted = { errorClass, charged: "nothing", vendorCode: String(code) };
      for (const operation of baiduV1.operations) {
        expect(() => baiduV1.readPieces(operation, Buffer.from(body))).toThrow(expect.objectContaining(wanted));
      }
      for (const reading of [
        readChunks(baiduV1, [Buffer.from(body)]),
        readChunks(baiduV1, [Buffer.from(`${body}\n\n`)]),
      ]) {
        expect(reading).toEqual([{ type: "fault", fault: expect.objectContaining(wanted) }]);
      }
      const late = `${frame({ result: "a" })}data: ${body}\n\n`;
      expect(readChunks(baiduV1, [Buffer.from(late)]).at(-1)).toMatchObject({
        fault: { errorClass, charged: "unknown" },
      });
    },
  );

  test.each([
    [401, {}, { error: "invalid_client", error_description: "unknown client id" }, "auth"],
    [400, {}, { code: "SignatureDoesNotMatch", message: "no", requestId: "r" }, "auth"],
    [403, {}, { code: "InvalidAccessKeyId", message: "no", requestId: "r" }, "auth"],
    [403, { "x-bce-error-message": "no access" }, {}, "permission"],
    [504, {}, "<html></html>", "timeout"],
    [503, {}, "", "overloaded"],
  ] as const)("status %i is of a class, too (%#)", (status, headers, said, errorClass) => {
    const body = Buffer.from(typeof said === "string" ? said : JSON.stringify(said));
    const fault = baiduV1.readError(status, headers, body);
    expect(fault).toBeInstanceOf(VendorFault);
    expect(fault).toMatchObject({ errorClass, charged: "nothing", vendorStatus: status });
  });
});
