import { describe, expect, test } from "vitest";
import { Fault } from "../../base/faults.ts";
import { requestWords } from "../../base/messages/vendors.ts";
import { errorBody } from "./errors.ts";
import { readError } from "./vendor-errors.ts";

const errorOf = (status: number, body: string | object, headers = {}) =>
  readError(status, headers, Buffer.from(typeof body === "string" ? body : JSON.stringify(body)));
const openai = (message: string, type: string | null, code: string | number | null = null) => ({
  error: { message, type, param: null, code },
});

describe("the class of a vendor's error", () => {
  test.each([
    [400, openai("Unknown field", "invalid_request_error"), "invalid_request"],
    [400, openai("This model's maximum context length is 8192 tokens", "invalid_request_error"), "context_length"],
    [400, openai("too long", "invalid_request_error", "context_length_exceeded"), "context_length"],
    [400, openai("the request exceeds the available context size", "exceed_context_size_error", 400), "context_length"],
    [400, openai("Invalid request: Input token length too long", "invalid_request_error"), "context_length"],
    [
      400,
      openai("Range of input length should be [1, 30720]", "invalid_parameter_error", "invalid_parameter_error"),
      "context_length",
    ],
    [400, openai("x", "invalid_request_error", "content_policy_violation"), "content_filter"],
    [
      400,
      openai("Output data may contain inappropriate content.", "data_inspection_failed", "data_inspection_failed"),
      "content_filter",
    ],
    [400, openai("The request was rejected because it was considered high risk", "content_filter"), "content_filter"],
    [400, { error: { code: "1301", message: "系统检测到输入或生成内容可能包含不安全或敏感内容" } }, "content_filter"],
    [
      400,
      openai("Access denied, please make sure your account is in good standing.", "Arrearage", "Arrearage"),
      "billing",
    ],
    [401, openai("Incorrect API key provided: sk-abcd1234efgh", "invalid_request_error", "invalid_api_key"), "auth"],
    [401, { error: { code: "1001", message: "Header 中未收到 Authentication 参数，无法进行身份验证" } }, "auth"],
    [400, openai("API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT", 400), "invalid_request"],
    [402, openai("Insufficient Balance", "unknown_error", "invalid_request_error"), "billing"],
    [403, openai("Country not supported", "request_forbidden", "unsupported_country_region_territory"), "permission"],
    [403, { error: { code: "AccountOverdueError", message: "overdue" } }, "billing"],
    [404, openai("The model `x` does not exist", "NotFoundError", 404), "not_found"],
    [400, openai("The model `x` does not exist", "BadRequestError", 400), "not_found"],
    [404, { error: "model 'x' not found" }, "not_found"],
    [
      429,
      openai("Rate limit reached for gpt-4o. Please try again in 1.2s.", "requests", "rate_limit_exceeded"),
      "rate_limit",
    ],
    [429, openai("You exceeded your current quota", "insufficient_quota", "insufficient_quota"), "billing"],
    [
      429,
      openai("Allocated quota exceeded, please increase your quota limit.", "insufficient_quota", "insufficient_quota"),
      "rate_limit",
    ],
    [429, openai("Requests rate limit exceeded", "limit_requests", "limit_requests"), "rate_limit"],
    [429, openai("busy", "engine_overloaded_error"), "overloaded"],
    [429, openai("x", "exceeded_current_quota_error"), "billing"],
    [429, { error: { code: "1113", message: "您的账户已欠费，请充值后重试。" } }, "billing"],
    [429, { error: { code: "1305", message: "当前API请求过多，请稍后重试。" } }, "overloaded"],
    [429, { error: { message: "余额不足" } }, "billing"],
    [429, [{ error: { code: 429, message: "Quota exceeded", status: "RESOURCE_EXHAUSTED" } }], "rate_limit"],
    [429, "", "rate_limit"],
    [422, { detail: [{ loc: ["body"], msg: "field required" }] }, "invalid_request"],
    [500, openai("a model does not exist in the overloaded context window", "server_error"), "server_error"],
    [503, { error: { code: 503, message: "Loading model", type: "unavailable_error" } }, "overloaded"],
    [503, "<html><title>503 Service Unavailable</title></html>", "overloaded"],
    [504, "<html><head><title>504 Gateway Time-out</title></head></html>", "timeout"],
    [529, openai("Overloaded", "overloaded_error"), "overloaded"],
    [502, "Bad Gateway", "server_error"],
    [418, "", "invalid_request"],
    [400, { object: "error", message: "bad", type: "BadRequestError", code: 400 }, "invalid_request"],
    [400, { code: "Throttling.RateQuota", message: "x", request_id: "1" }, "rate_limit"],
    [200, { base_resp: { status_code: 1008, status_msg: "insufficient balance" } }, "billing"],
  ])("%i %j is %s", (status, body, errorClass) => {
    const fault = errorOf(status, body);
    expect(fault).toMatchObject({ errorClass, charged: "nothing", vendorStatus: status, origin: "vendor" });
    for (const language of ["en", "zh"] as const) expect(fault.text(language).length).toBeGreaterThan(8);
  });

  test("what the vendor said is told, and its code", () => {
    const fault = errorOf(400, { error: { message: "no such field", type: "t", code: "c", param: "tools[0]" } });
    expect(fault.message).toContain("no such field");
    expect([fault.vendorCode, fault.param]).toEqual(["c", "tools[0]"]);
    expect(errorOf(502, "<html><title>nginx down</title></html>").message).toContain("nginx down");
    expect(errorOf(500, "").text("zh")).toContain("状态码 500");
  });
});

describe("what must not be told", () => {
  test.each([
    "sk-proj-abcdefghijkl1234",
    "Bearer abc.def-ghi",
    "bce-v3/ALTAK-abcdef/0123456789",
    "AIzaSyA1234567890abcdefghijkl",
    "eyJhbGciOiJIUzI1NiJ9.eyJhcGlfa2V5IjoiMTIzIn0.c2lnbmF0dXJl",
  ])("%s is redacted", (secret) => {
    const fault = errorOf(400, openai(`The key ${secret} has no access to this`, "invalid_request_error"));
    const tail = secret.slice(-8);
    expect(fault.message).not.toContain(tail);
    expect(fault.body?.toString()).not.toContain(tail);
    expect(fault.message).toContain("[redacted]");
    expect(JSON.parse(fault.body!.toString()).error.type).toBe("invalid_request_error");
  });

  test("a refusal of Maidan's own credential keeps nothing of the vendor's words", () => {
    const fault = errorOf(401, openai("Wrong key: my-unusual-key", "authentication_error"));
    expect(fault.body).toBeUndefined();
    expect(fault.message + fault.text("zh")).not.toContain("my-unusual-key");
  });

  test("bodies are kept as they came otherwise, up to a limit", () => {
    const body = JSON.stringify(openai("busy", "overloaded_error"), undefined, 2);
    expect(errorOf(503, body).body?.toString()).toBe(body);
    const long = errorOf(500, "x".repeat(100_000));
    expect(long.body).toBeUndefined();
    expect(long.message.length).toBeLessThan(2000);
  });
});

describe("when to come back", () => {
  const wait = (headers: object, message = "x") => errorOf(429, openai(message, "t"), headers).retryAfterMs;

  test.each([
    [{ "retry-after": "2" }, 2000],
    [{ "retry-after": "0.5" }, 500],
    [{ "retry-after-ms": "123.4", "retry-after": "60" }, 124],
    [{ "retry-after": ["7"] }, 7000],
    [{ "retry-after": "Sun, 01 Nov 2026 10:00:30 GMT", date: "Sun, 01 Nov 2026 10:00:00 GMT" }, 30_000],
    [{ "retry-after": "Sun, 01 Nov 2026 10:00:00 GMT", date: "Sun, 01 Nov 2026 10:00:30 GMT" }, 0],
    [{ "retry-after": "99999999" }, 86_400_000],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "-5" }, undefined],
    [{}, undefined],
  ])("%j is %j ms", (headers, ms) => expect(wait(headers)).toBe(ms));

  test.each([
    ["Please try again in 1.2s.", 1200],
    ["Please try again in 20ms.", 20],
    ["Please try again in 6m0s.", 360_000],
    ["Please try again in 1h2m3s", 3_723_000],
    ["Please try again in a while.", undefined],
  ])("%s", (message, ms) => expect(wait({}, message)).toBe(ms));
});

test("a fault in the protocol's shape, in either language, with its facts", () => {
  const fault = new Fault("budget_exhausted", requestWords.missing("model"), {
    param: "model",
    details: { budget: "b", held: 5n, code: "other", message: "other" },
  });
  expect(JSON.parse(errorBody(fault, "zh").toString())).toEqual({
    error: {
      message: "缺少“model”。",
      type: "insufficient_quota",
      param: "model",
      code: "budget_exhausted",
      budget: "b",
      held: "5",
    },
  });
  expect(JSON.parse(errorBody(fault, "en").toString()).error.message).toBe('"model" is missing.');
});
