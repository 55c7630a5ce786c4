import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NOW, readAtEveryCut, readChunks, sender, UNSUPPORTED } from "../reading.suite.ts";
import { tencent } from "./protocol.ts";
import { authorize } from "./sign.ts";
import { StopTrimmer } from "./stop-trimmer.ts";

const KEY = { secretId: "test-secret-id", secretKey: "test-secret-key" };
const TARGET = { baseUrl: "https://hunyuan.tencentcloudapi.com", credentials: KEY, headers: {}, quirks: {} };
const send = sender(tencent, TARGET, "hunyuan-lite");

describe("the signature", () => {
  const example = {
    method: "POST",
    path: "/",
    host: "cvm.tencentcloudapi.com",
    contentType: "application/json; charset=utf-8",
    body: String.raw`{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`,
  };
  const published = { secretId: "AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******", secretKey: "Gu5t9xGARNpq86cd98joQYCN3*******" };
  const current = { secretId: `AKID${"*".repeat(32)}`, secretKey: "*".repeat(32) };
  const sdk = {
    ...example,
    contentType: "application/json",
    body: '{"Action":"DescribeInstances","Version":"2017-03-12"}',
  };

  test.each([
    [example, published, 1551113065, "2230eefd229f582d8b1b891af7107b91597240707d778ab3738f756258d7652c"],
    [
      { ...example, action: "DescribeInstances" },
      published,
      1551113065,
      "be4f67d323c78ab9acb7395e43c0dbcf822a9cfac32fea2449a7bc7726b770a3",
    ],
    [
      { ...example, action: "DescribeInstances" },
      current,
      1551113065,
      "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f",
    ],
    [sdk, KEY, 1640995200, "96473b50fe407833672a5d6d067238d88bb44c8abcc39ef83baa3132afbfadd3"],
    [
      { ...sdk, method: "GET", contentType: "application/x-www-form-urlencoded" },
      KEY,
      1640995200,
      "39ce411ac32014b7d814118b33f82d3445be566f67e1f4b369ccdc3791ce9a13",
    ],
  ])("is the published one (%#)", (request, key, seconds, signature) => {
    expect(authorize(request, key, "cvm", seconds)).toMatch(new RegExp(`Signature=${signature}$`));
  });

  test("is what a request carries, over the very bytes that are sent", () => {
    const body = '{"Model":"hunyuan-lite","Messages":[{"Role":"user","Content":"你好"}],"Stream":false}';
    const { wire } = send({ messages: [{ role: "user", content: "你好" }] });
    expect(wire.body.toString()).toBe(body);
    expect(wire.headers).toMatchObject({
      authorization:
        "TC3-HMAC-SHA256 Credential=test-secret-id/2023-11-14/hunyuan/tc3_request, SignedHeaders=content-type;host;x-tc-action, Signature=ac712825ca2a5ec06a62ce4585fc4feed29da2c0d76c995552793174642d42da",
      "x-tc-action": "ChatCompletions",
      "x-tc-timestamp": String(NOW / 1000),
    });
  });
});

describe("a request", () => {
  test("has the names of its vendor, one system message first", () => {
    const call = { id: "c", type: "function", function: { name: "f", arguments: '{"a":1}' } };
    const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
    const { body, wire } = send({
      messages: [
        { role: "user", content: [{ type: "text", text: "看" }, image] },
        { role: "system", content: "Be brief." },
        { role: "assistant", content: null, tool_calls: [call], reasoning_content: "hm" },
        { role: "tool", tool_call_id: "c", content: "42" },
      ],
      tools: [{ type: "function", function: { name: "f", parameters: { type: "object" } } }],
      tool_choice: { type: "function", function: { name: "f" } },
      temperature: 3,
      max_tokens: 9,
      EnableEnhancement: true,
      other: 1,
    });
    const tool = { Type: "function", Function: { Name: "f", Parameters: '{"type":"object"}' } };
    expect(body).toEqual({
      Model: "hunyuan-lite",
      Messages: [
        { Role: "system", Content: "Be brief." },
        {
          Role: "user",
          Contents: [
            { Type: "text", Text: "看" },
            { Type: "image_url", ImageUrl: { Url: "data:image/png;base64,AAAA" } },
          ],
        },
        {
          Role: "assistant",
          Content: "",
          ToolCalls: [{ Id: "c", Type: "function", Function: { Name: "f", Arguments: '{"a":1}' }, Index: 0 }],
        },
        { Role: "tool", ToolCallId: "c", Content: "42" },
      ],
      Stream: false,
      Temperature: 2,
      Tools: [tool],
      ToolChoice: "custom",
      CustomTool: tool,
      EnableEnhancement: true,
    });
    expect(wire.adjusted).toEqual(["-max_tokens", "temperature=2"]);
    expect(tencent.limitsOutput).toBe(false);
  });

  test("is fitted to what the endpoint's own rules take", () => {
    const strict = sender(
      tencent,
      { ...TARGET, quirks: { clamps: { temperature: { max: 1 }, stop: { max: 1 } } } },
      "m",
    );
    const { body, wire } = strict({ temperature: 1.5, top_p: 2, stop: ["a", "b"] });
    expect(body).toMatchObject({ Temperature: 1, TopP: 1, Stop: ["a"] });
    expect(wire.adjusted).toEqual(["temperature=1", "top_p=1", 'stop=["a"]']);
  });

  const tools = ["f", "g"].map((name) => ({ type: "function", function: { name } }));
  test.each([
    [{ n: 2 }, "n"],
    [{ response_format: { type: "json_object" } }, "response_format"],
    [{ tools, tool_choice: "required" }, "tool_choice"],
    [{ messages: Array.from({ length: 41 }, () => ({ role: "user", content: "a" })) }, "messages"],
  ])("%# is more than it can say", (fields, param) => {
    expect(() => send(fields)).toThrow(expect.objectContaining({ ...UNSUPPORTED, param }));
  });

  test("embeds texts", () => {
    const { body, wire } = send({ input: ["a", "b"], dimensions: 8 }, {}, "embeddings");
    expect([body, wire.adjusted]).toEqual([{ InputList: ["a", "b"] }, ["-dimensions"]]);
    expect(() => send({ input: Array(51).fill("a") }, {}, "embeddings")).toThrow(expect.objectContaining(UNSUPPORTED));
  });
});

const event = (Delta: object, FinishReason = ""): string =>
  `data: ${JSON.stringify({
    Id: "x",
    Created: 1,
    Choices: [{ Index: 0, Delta, FinishReason }],
    Usage: { PromptTokens: 9, CompletionTokens: 2, TotalTokens: 11, PromptTokensDetails: { CachedTokens: "4" } },
  })}\n\n`;
const USAGE = { type: "usage", usage: expect.objectContaining({ input: 5, cachedInput: 4, output: 2 }) };

describe("an answer", () => {
  test("is read alike wherever it is cut", () => {
    const call = { Id: "c", Type: "function", Function: { Name: "f", Arguments: "" }, Index: 0 };
    const stream =
      event({ ReasoningContent: "hm" }) +
      event({ Content: "你好 🌏" }) +
      event({ ToolCalls: [call] }) +
      event({ ToolCalls: [{ Index: 0, Function: { Name: "", Arguments: "{}" } }] }) +
      event({}, "sensitive");
    for (const reading of readAtEveryCut(tencent, Buffer.from(stream))) {
      expect(reading.filter(({ type }) => type !== "usage")).toEqual([
        { type: "start", id: "x", created: 1 },
        { type: "reasoning-delta", choice: 0, text: "hm" },
        { type: "reasoning-end", choice: 0 },
        { type: "text-delta", choice: 0, text: "你好 🌏" },
        { type: "tool-call-start", choice: 0, index: 0, id: "c", name: "f" },
        { type: "tool-call-delta", choice: 0, index: 0, text: "{}" },
        { type: "finish", choice: 0, reason: "content_filter", raw: "sensitive" },
      ]);
      expect(reading.at(-1)).toEqual(USAGE);
    }
  });

  test("that stopped at a sequence is shown without it, however it came", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 6 }), (places) => {
        const text = "one en E END";
        const trimmer = new StopTrimmer(["END", "NEVER"]);
        let shown = "";
        let from = 0;
        for (const place of [...places.map((at) => at % text.length).sort((a, b) => a - b), text.length]) {
          shown += trimmer.push(text.slice(from, place));
          from = place;
        }
        expect(shown + trimmer.end()).toBe("one en E ");
      }),
    );
    const body = { Response: { Choices: [{ FinishReason: "stop", Message: { Content: "a END" } }] } };
    const pieces = tencent.readPieces("chat", Buffer.from(JSON.stringify(body)), ["END"]);
    expect(pieces).toContainEqual({ type: "text-delta", choice: 0, text: "a " });
  });

  test.each([
    ["AuthFailure.SignatureFailure", "auth"],
    ["AuthFailure.UnauthorizedOperation", "permission"],
    ["FailedOperation.ServiceStopArrears", "billing"],
    ["RequestLimitExceeded.UinLimitExceeded", "rate_limit"],
    ["FailedOperation.EngineServerLimitExceeded", "rate_limit"],
    ["FailedOperation.EngineRequestTimeout", "timeout"],
    ["InvalidParameterValue.Model", "not_found"],
    ["InvalidParameterValue", "invalid_request"],
    ["InternalError.Cam", "server_error"],
  ])("%s in a 200 is of class %s", (Code, errorClass) => {
    const body = Buffer.from(JSON.stringify({ Response: { Error: { Code, Message: "x" }, RequestId: "y" } }));
    const expected = { errorClass, charged: "nothing", vendorCode: Code };
    expect(() => tencent.readPieces("chat", body)).toThrow(expect.objectContaining(expected));
    expect(tencent.readProbe!({}, body)).toMatchObject(expected);
    expect(readChunks(tencent, [body])).toMatchObject([{ type: "fault", fault: expected }]);
  });

  test("an error in the middle of a stream may have been charged", () => {
    const error = Buffer.from(`data: ${JSON.stringify({ ErrorMsg: { Msg: "late", Code: 4001 } })}\n\n`);
    const pieces = readChunks(tencent, [Buffer.from(event({ Content: "a" })), error]);
    expect(pieces.at(-1)).toMatchObject({ type: "fault", fault: { errorClass: "timeout", charged: "unknown" } });
  });

  test.each(["", "[]", "{}", '{"Response":{}}'])("%s is none", (text) => {
    for (const operation of tencent.operations)
      expect(() => tencent.readPieces(operation, Buffer.from(text))).toThrow();
  });
});
