import { createHmac } from "node:crypto";
import type { VendorErrorClass } from "../vendors/spec.ts";
import { type Refusal, simulateOpenAiWire } from "./openai-wire.ts";
import type { SimulatedRequest } from "./spec.ts";

const ID = "simulated";
const SECRET = "zhipu-secret";

/** Status and code of each class, as the platform has them. */
const ERRORS: Readonly<Partial<Record<VendorErrorClass, readonly [number, string, string]>>> = {
  invalid_request: [400, "1210", "API 调用参数有误"],
  context_length: [400, "1261", "Prompt 超长"],
  content_filter: [400, "1301", "系统检测到输入或生成内容可能包含不安全或敏感内容"],
  auth: [401, "1001", "Header 中未收到 Authentication 参数，无法进行身份验证"],
  permission: [403, "1220", "您无权访问该接口"],
  billing: [429, "1113", "您的账户已欠费，请充值后重试"],
  not_found: [400, "1211", "模型不存在，请检查模型代码"],
  rate_limit: [429, "1302", "您的账户已达到速率限制"],
  quota: [429, "1308", "已达到使用上限"],
  overloaded: [429, "1305", "该模型当前访问量过大，请您稍后再试"],
  timeout: [504, "1200", "请求超时"],
  server_error: [500, "500", "内部错误"],
};

function refusal(errorClass: VendorErrorClass): Refusal {
  const [status, code, message] = ERRORS[errorClass] ?? ERRORS.server_error!;
  return { status, body: { error: { code, message } } };
}

/**
 * A token of the account, or the key itself: both are taken, with or without `Bearer`. How old a token may be is not
 * looked at: the vendor's own client counts its `timestamp` in microseconds and is served.
 */
function authorizes({ headers }: SimulatedRequest): boolean {
  const token = (headers.authorization ?? "").replace(/^Bearer /, "");
  if (token === `${ID}.${SECRET}`) return true;
  const [header = "", claims = "", signature] = token.split(".");
  const expected = createHmac("sha256", SECRET).update(`${header}.${claims}`).digest("base64url");
  if (signature !== expected) return false;
  const { alg, sign_type } = read(header);
  const { api_key, exp } = read(claims);
  return alg === "HS256" && sign_type === "SIGN" && api_key === ID && Number(exp) > Date.now();
}

function read(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, "base64url").toString());
}

/** Zhipu's platform. Proven by its own client and by LangChain's. */
export const zhipuSimulator = simulateOpenAiWire({
  protocol: "zhipu",
  basePath: "/api/paas/v4",
  credentials: { apiKey: `${ID}.${SECRET}` },
  authorizes,
  refusal,
  finishes: { content_filter: "sensitive" },
  usageAtFinish: true,
  failureFinish: "network_error",
});
