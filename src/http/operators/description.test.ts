import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Office } from "./office.suite.ts";

describe("the operators' API: errors, description, health", () => {
  let office: Office;
  beforeAll(async () => {
    office = await Office.open();
  });
  afterAll(() => office.close());

  test.each<[string, object, number, object]>([
    ["payers", { json: { id: "x", nmae: "X" } }, 400, { code: "invalid_request", param: "nmae" }],
    ["payers", { json: { name: "X" } }, 400, { code: "invalid_request", param: "id" }],
    ["payers", { json: { id: 7 } }, 400, { param: "id" }],
    ["payers", { json: "{ not json" }, 400, { code: "invalid_request" }],
    ["payers", { json: [1] }, 400, { code: "invalid_request" }],
    ["payers", { json: "null" }, 400, { code: "invalid_request" }],
    ["payers", { method: "POST", yaml: "id: x" }, 400, { code: "invalid_request" }],
    [
      "budgets",
      { json: { id: "b", payer: "acme", limit: "5", currency: "usd", window: "day" } },
      400,
      { param: "currency" },
    ],
    [
      "budgets",
      { json: { id: "b", payer: "acme", limit: "5", currency: "USD", window: "dya" } },
      400,
      { param: "window" },
    ],
    [
      "budgets",
      { json: { id: "b", payer: "acme", limit: 5, currency: "USD", window: "day" } },
      400,
      { param: "limit" },
    ],
    ["budgets", { json: { id: "b", payer: "acem", limit: "5", currency: "USD", window: "day" } }, 400, {}],
    ["payers?limt=5", {}, 400, { param: "limt" }],
    ["payers?limit=0", {}, 400, { param: "limit" }],
    ["payers?limit=x", {}, 400, { param: "limit" }],
    ["payers?limit=1001", {}, 400, { param: "limit" }],
    ["calls?state=setled", {}, 400, { param: "state" }],
    ["calls?from=yesterday", {}, 400, { param: "from" }],
    ["payrs", {}, 404, { code: "not_found", nearest: ["/api/v1/payers"] }],
    ["payers", { method: "PUT", json: {} }, 405, { code: "method_not_allowed" }],
    ["payers", { json: { id: "x", name: "y".repeat(5_000_000) } }, 413, { code: "body_too_large" }],
  ])("%s %j is refused in words, with %i", async (path, init, status, expected) => {
    for (const language of ["en", "zh"]) {
      const response = await office.ask(path, { ...init, headers: { "accept-language": language } });
      expect(response.status).toBe(status);
      const { error } = (await response.json()) as { error: { message: string } };
      expect(error).toMatchObject({ ...expected, type: "invalid_request_error" });
      expect(/[\u4e00-\u9fff]/.test(error.message)).toBe(language === "zh");
      expect(response.headers.get("content-language")).toBe(language);
    }
    expect(office.errors).toEqual([]);
  });

  test("a misspelt field or parameter names the right one", async () => {
    const field = await office.get("payers", { json: { id: "x", nmae: "X" } }, 400);
    expect(field.error.message).toContain('"name"');
    expect(field.error.problems).toEqual([{ field: "nmae", nearest: ["name"] }]);
    const parameter = await office.get("payers?limt=5", {}, 400);
    expect(parameter.error.message).toContain('parameter "limt"');
    expect(parameter.error.message).toContain('"limit"');
    const state = await office.get("calls?state=setled", {}, 400);
    expect(state.error.message).toContain('"settled"');
  });

  test("405 says what there is, and what nobody expected is hidden", async () => {
    const response = await office.ask("payers/acme", { method: "PUT", json: {} });
    expect(response.headers.get("allow")).toBe("GET, PATCH, DELETE");
    const before = office.control.exportYaml;
    Object.assign(office.control, {
      exportYaml: () => {
        throw new Error("a secret path");
      },
    });
    const { error } = await office.get("export", {}, 500);
    Object.assign(office.control, { exportYaml: before });
    expect(error.code).toBe("internal_error");
    expect(JSON.stringify(error)).not.toContain("secret");
    expect(office.errors).toHaveLength(1);
    office.errors.length = 0;
  });

  test("describes every path in OpenAPI 3.1, each with an answer, a summary and its errors", async () => {
    const document = await office.get("/openapi.json", { key: "" });
    expect(document.openapi).toBe("3.1.0");
    const operations: string[] = [];
    for (const [path, item] of Object.entries<Record<string, never>>(document.paths)) {
      for (const [method, operation] of Object.entries<Record<string, object>>(item)) {
        operations.push(`${method} ${path.replace("/api/v1/", "")}`);
        expect(operation.summary, path).toEqual(expect.any(String));
        const statuses = Object.keys(operation.responses!);
        expect(statuses.some((status) => status.startsWith("2"))).toBe(true);
        if (path.startsWith("/api/")) {
          expect(operation.security).toEqual([{ adminKey: [] }]);
          expect(statuses).toContain("default");
        }
      }
    }
    expect(operations.sort()).toEqual(OPERATIONS.sort());
    const text = JSON.stringify(document);
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      expect(document.components.schemas).toHaveProperty(name!);
    }
    const { properties, required } = document.components.schemas.Budget;
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(["limit", "settled", "held", "left", "resetsAt"]));
    expect(required).toContain("left");
    expect(document.paths["/api/v1/payers"].post.requestBody.content["application/json"].schema).toMatchObject({
      type: "object",
      additionalProperties: false,
      required: ["id"],
    });
  });

  test("shows the description with Swagger UI from here, and nothing from elsewhere", async () => {
    const page = await office.ask("/docs", { key: "" });
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    const html = await page.text();
    expect(html).not.toMatch(/https?:\/\//);
    for (const [, path] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const file = await office.ask(path!, { key: "" });
      expect(file.status, path).toBe(200);
      expect((await file.arrayBuffer()).byteLength).toBeGreaterThan(100);
    }
  });

  test("is live always, ready when it can serve, and says why not", async () => {
    expect(await office.get("/livez", { key: "" })).toEqual({ status: "ok" });
    expect(await office.get("/readyz", { key: "" })).toEqual({ status: "ready" });
    for (let n = 0; n < 5; n++) office.health.failed("lab", "timeout");
    const verbose = await office.get("/readyz?verbose", { key: "" });
    expect(verbose.status).toBe("ready");
    expect(verbose.checks).toContainEqual(
      expect.objectContaining({ name: "endpoint", endpoint: "lab", state: "warning", breaker: "open" }),
    );
    expect(verbose.checks).toContainEqual({ name: "store", state: "ok" });
    office.stopping = true;
    const stopping = await office.get("/readyz?verbose=true", { key: "" }, 503);
    expect(stopping).toMatchObject({ status: "not-ready" });
    expect(stopping.checks).toContainEqual({ name: "process", state: "failed", detail: "stopping" });
    await office.get("/livez", { key: "" });
    office.stopping = false;
  });

  test("serves metrics of budgets, endpoints and calls", async () => {
    const response = await office.ask("/metrics", { key: "" });
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    expect(text).toContain(
      'maidan_budget_limit{budget="support-total",payer="support",currency="USD",window="total"} 5',
    );
    expect(text).toContain('maidan_endpoint_up{endpoint="lab"} 0');
    expect(text).toContain('maidan_endpoint_up{endpoint="practice"} 1');
    expect(text).toMatch(/^# TYPE gen_ai_client_token_usage histogram$/m);
  });
});

const OPERATIONS = [
  "get status",
  "post apply",
  "get export",
  ...["payers", "keys", "budgets"].flatMap((one) => [
    `get ${one}`,
    `post ${one}`,
    `get ${one}/{id}`,
    `patch ${one}/{id}`,
    `delete ${one}/{id}`,
  ]),
  ...["endpoints", "routes"].flatMap((one) => [
    `get ${one}`,
    `post ${one}`,
    `get ${one}/{id}`,
    `put ${one}/{id}`,
    `delete ${one}/{id}`,
  ]),
  "post endpoints/{id}/check",
  "get models",
  "get prices",
  "post prices",
  "post prices/compute",
  "get rates",
  "post rates",
  "get catalogue",
  "get catalogue/{vendor}",
  "get vendors",
  "get calls",
  "get calls/{id}",
  "get entries",
  "get unsettled",
  "post unsettled/{attempt}",
  "post adjustments",
  "get usage",
  "get statements",
  "get audit",
  "get doctor",
  "get /livez",
  "get /readyz",
  "get /metrics",
];
