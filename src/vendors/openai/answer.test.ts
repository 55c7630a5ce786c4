import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Operation } from "../spec.ts";
import { VendorFault } from "../vendor-fault.ts";
import { readAnswer } from "./answer.ts";
import { holdingBack, identity } from "./stream-cases.suite.ts";
import { transformAnswer } from "./texts.ts";

const USAGE = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 };
const answer = (more: object = {}, message: object = { role: "assistant", content: '买单 "usage":{}' }): string =>
  JSON.stringify({ id: "x", choices: [{ index: 0, message, finish_reason: "stop" }], usage: USAGE, ...more });

const read = (body: string, operation: Operation = "chat") => readAnswer(operation, Buffer.from(body));

function faultOf(body: string, operation: Operation = "chat"): VendorFault {
  try {
    read(body, operation);
  } catch (fault) {
    if (fault instanceof VendorFault) return fault;
  }
  throw new Error("no fault");
}

describe("a buffered answer", () => {
  const pretty = JSON.stringify(JSON.parse(answer()), undefined, 4);
  const usageFirst = answer()
    .replace('"id":"x",', `"usage":${JSON.stringify(USAGE)},"id":"x",`)
    .replace(/,"usage":\{[^}]*\}\}$/, "}");

  test.each([
    ["as it comes", answer()],
    ["laid out widely", pretty],
    ["usage first", usageFirst],
    ["more after usage", answer({ system_fingerprint: "fp_{", service_tier: null })],
    ["usage elsewhere too", answer({ timings: { usage: { prompt_tokens: 1, completion_tokens: 1 } } })],
    ["blank lines before it, to keep the connection open", `\n\n${answer()}\n`],
    ["an error that is none", answer({ error: null })],
    [
      "usage of the choice",
      answer({ usage: undefined }).replace('"index":0', `"index":0,"usage":${JSON.stringify(USAGE)}`),
    ],
  ])("%s", (_case, body) => {
    const facts = read(body);
    expect(facts.usage).toMatchObject({ input: 9, output: 4 });
    expect(facts.finish).toBe("stop");
    expect(facts.textBytes).toBe(Buffer.byteLength('买单 "usage":{}'));
  });

  test("without usage, its text is counted", () => {
    const calls = [{ id: "1", function: { name: "f", arguments: '{"a":1}' } }];
    const message = { reasoning_content: "ab", content: null, tool_calls: calls };
    expect(read(answer({ usage: null }, message))).toEqual({
      usage: undefined,
      vendorCost: undefined,
      textBytes: 9,
      finish: "stop",
    });
  });

  test("the quick way and the careful way read the same", () => {
    const more = fc.record(
      {
        system_fingerprint: fc.string(),
        nested: fc.constantFrom({ usage: { prompt_tokens: 1 } }, [{ usage: 5 }], '"usage":{"prompt_tokens":1}'),
      },
      { requiredKeys: [] },
    );
    const content = fc.oneof(fc.string(), fc.constantFrom('"usage":{"prompt_tokens":1}}', '"error"', '\\"usage":{'));
    fc.assert(
      fc.property(more, content, fc.constantFrom(0, 1, "\t"), (fields, text, indent) => {
        const document = {
          choices: [{ message: { content: text }, finish_reason: "length" }],
          usage: USAGE,
          ...fields,
        };
        expect(read(JSON.stringify(document, undefined, indent))).toMatchObject({
          usage: { input: 9, output: 4 },
          finish: "length",
        });
      }),
      { numRuns: 500 },
    );
  });

  test("embeddings", () => {
    const data = Array.from({ length: 50 }, (_, index) => ({ index, embedding: [0.25, -1e-7] }));
    const body = JSON.stringify({ object: "list", data, model: "e", usage: { prompt_tokens: 8, total_tokens: 8 } });
    expect(read(body, "embeddings")).toMatchObject({ usage: { input: 8 }, textBytes: 0 });
    expect(read(JSON.stringify({ data }), "embeddings").usage).toBeUndefined();
  });
});

describe("what is no answer", () => {
  test.each([
    ['{"error":{"message":"insufficient balance","type":"insufficient_quota"}}', "billing"],
    ['{"error_code":18,"error_msg":"Open api qps request limit reached: too many requests"}', "rate_limit"],
    ['{"choices":null,"base_resp":{"status_code":1004,"status_msg":"login fail"}}', "auth"],
    ['{"code":"InvalidApiKey","message":"no","request_id":"1"}', "auth"],
    ['{"choices":[],"error":{"message":"x","code":502}}', "server_error"],
    ['{"object":"error","message":"model not found","type":"NotFoundError","code":404}', "not_found"],
  ])("%s charges nothing", (body, errorClass) => {
    expect(faultOf(body)).toMatchObject({ errorClass, charged: "nothing", vendorStatus: 200, origin: "vendor" });
  });

  test.each([
    ["", "chat"],
    ["<html><body>proxy</body></html>", "chat"],
    ["{}", "chat"],
    ["[]", "chat"],
    ['"ok"', "chat"],
    ['{"choices":[]}', "chat"],
    ['{"data":[]}', "embeddings"],
    [answer(), "embeddings"],
    [`${answer()}garbage`, "chat"],
  ] as const)("%s may be charged", (body, operation) => {
    expect(faultOf(body, operation)).toMatchObject({ errorClass: "server_error", charged: "unknown" });
  });

  test("cut anywhere it is broken, and may be charged", () => {
    const whole = answer({ system_fingerprint: "fp" });
    for (let length = 0; length < Buffer.byteLength(whole); length++) {
      const body = Buffer.from(whole).subarray(0, length);
      expect(() => readAnswer("chat", body)).toThrow(expect.objectContaining({ charged: "unknown" }));
    }
  });
});

describe("transforms of a buffered answer", () => {
  const body =
    '{"id": 1.0,"choices":[{"message":{"reasoning_content":"a\\u0062","content":"x y","n":1e2},"index":0},{"index":1,"message":{"content":null,"tool_calls":[{"function":{"arguments":"x"}}]}}]}';

  test("change the texts and nothing else", () => {
    for (const held of [0, 2, 100]) {
      expect(transformAnswer(Buffer.from(body), holdingBack(held)).toString()).toBe(
        body.replace('"a\\u0062"', '"AB"').replace('"x y"', '"X Y"'),
      );
    }
  });

  test("leave what they do not change as it is, byte for byte", () => {
    const bytes = Buffer.from(body);
    expect(transformAnswer(bytes, identity)).toBe(bytes);
    const embeddings = Buffer.from('{"data":[{"embedding":[1]}]}');
    expect(transformAnswer(embeddings, holdingBack(0))).toBe(embeddings);
  });
});
