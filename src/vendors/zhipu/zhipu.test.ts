import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { readRequest } from "../openai/request.ts";
import type { Target } from "../spec.ts";
import { zhipu } from "./protocol.ts";
import { tokenOf } from "./sign.ts";

const NOW = 1_700_000_000_000;
const TARGET: Target = { credentials: { apiKey: "test-id.test-secret" }, headers: {}, quirks: {} };
const CHANGES = { model: "glm", includeUsage: false };

describe("the token", () => {
  test("is the one that two other programs computed", () => {
    expect(tokenOf("test-id.test-secret", NOW)).toBe(
      "eyJhbGciOiJIUzI1NiIsInNpZ25fdHlwZSI6IlNJR04ifQ.eyJhcGlfa2V5IjoidGVzdC1pZCIsImV4cCI6MTcwMDAwMzYwMDAwMCwidGltZXN0YW1wIjoxNzAwMDAwMDAwMDAwfQ.pgyAlOi9o1YeTMu-Rl0kq15I5ZxUinpjlcyeSFIBU3U",
    );
  });

  test("is what a request carries, and the secret is in no part of it", () => {
    const { headers, body } = zhipu.encode(chat({}), CHANGES, TARGET, NOW);
    const [header, claims, signature] = headers.authorization!.slice("Bearer ".length).split(".");
    const expected = createHmac("sha256", "test-secret").update(`${header}.${claims}`).digest("base64url");
    expect(signature).toBe(expected);
    expect(JSON.stringify(headers) + body.toString()).not.toContain("test-secret");
    expect(zhipu.probe(TARGET, NOW).headers.authorization).toBe(headers.authorization);
  });

  test("a key of another form is the token", () => {
    expect(tokenOf("plain-key", NOW)).toBe("plain-key");
  });
});

function chat(fields: object) {
  const body = { model: "glm", messages: [{ role: "user", content: "hi" }], ...fields };
  return readRequest("chat", Buffer.from(JSON.stringify(body)), { bodyBytes: 10_000 });
}

describe("what the platform takes", () => {
  const sent = (fields: object) => {
    const { body, adjusted } = zhipu.encode(chat(fields), CHANGES, TARGET, NOW);
    return { ...JSON.parse(body.toString()), adjusted };
  };

  test.each([
    [{ temperature: 1.5 }, { temperature: 1, adjusted: ["temperature=1"] }],
    [{ temperature: 0.123 }, { temperature: 0.12, adjusted: ["temperature=0.12"] }],
    [{ temperature: 0 }, { do_sample: false, adjusted: ["-temperature"] }],
    [{ top_p: 0 }, { top_p: 0.01, adjusted: ["top_p=0.01"] }],
    [{ tool_choice: "required" }, { tool_choice: "auto", adjusted: ['tool_choice="auto"'] }],
    [{ stop: ["a", "b", "c", "d", "e"] }, { stop: ["a", "b", "c", "d"] }],
  ])("%j becomes %j", (fields, expected) => {
    expect(sent(fields)).toMatchObject(expected);
    if ("do_sample" in expected) expect(sent(fields)).not.toHaveProperty("temperature");
  });

  test("a client that speaks its wire gets its own bytes through", () => {
    const request = chat({ temperature: 0.5, unheard_of: 1 });
    expect(zhipu.encode(request, CHANGES, TARGET, NOW).body).toBe(request.body);
    expect(zhipu.passage?.dialect).toBe("openai");
  });
});

test.each([
  ["1001", 401, "auth"],
  ["1113", 429, "billing"],
  ["1211", 400, "not_found"],
  ["1261", 400, "context_length"],
  ["1301", 400, "content_filter"],
  ["1302", 429, "rate_limit"],
  ["1305", 429, "overloaded"],
  ["1309", 429, "permission"],
  ["1316", 429, "quota"],
  ["1234", 400, "server_error"],
  ["9999", 400, "invalid_request"],
])("code %s with status %i is of class %s", (code, status, errorClass) => {
  const body = Buffer.from(JSON.stringify({ error: { code, message: "有误" } }));
  expect(zhipu.readError(status, {}, body)).toMatchObject({ errorClass, charged: "nothing", vendorCode: code });
});
