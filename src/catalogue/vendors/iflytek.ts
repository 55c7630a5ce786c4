import { each } from "../../vendors/error-codes.ts";
import type { Quirks, VendorErrorClass } from "../../vendors/spec.ts";
import { alive, claim } from "./rows.ts";
import { CHAT, type ModelFacts, model, THINKS, TOOLS, type VendorProtocol, vendor } from "./vendor.ts";

const CODES: Readonly<Record<string, VendorErrorClass>> = {
  ...each("server_error", 10000, 10001, 10002, 10009, 10010, 10011, 10012, 10222, 11500, 11501),
  ...each("invalid_request", 10003, 10004, 10005, 10163),
  ...each("rate_limit", 10006, 10007, 11202, 11203),
  ...each("overloaded", 10008, 10110),
  ...each("content_filter", 10013, 10014, 10019, 10021),
  ...each("permission", 10015),
  ...each("auth", 10016, 10017),
  ...each("context_length", 10907),
  ...each("quota", 11201),
};

const longest = (max: number) => ({ max_tokens: { min: 1, max } });

const quirks: Quirks = {
  noStreamOptions: true,
  clamps: {
    temperature: { min: 0, exclusiveMin: true, max: 1 },
    top_k: { min: 1, max: 6, step: 1 },
    omit: ["user"],
    byModel: [
      { models: ["lite"], ...longest(4_096) },
      { models: ["generalv3"], ...longest(8_192) },
      { models: ["4.0Ultra"], ...longest(32_768) },
    ],
  },
  errors: CODES,
};

/** Prices of third parties, who contradict each other and themselves. */
const disputed = (zh: string, en: string): ModelFacts => claim("price", zh, en, "Laisky/one-api 2026-08-22", "low");

const lite = model("lite", 8_192, 4_096, undefined, {
  ...CHAT,
  ...disputed("有两说：免费，或每百万 0.3 元", "Two statements of one source: free, and 0.3 yuan per million"),
});
const pro = model("generalv3", 8_192, undefined, undefined, {
  ...CHAT,
  ...disputed("有两说：每百万 1.26 元，或 2 元", "Two statements of one source: 1.26 and 2 yuan per million"),
});
const pro128 = model("pro-128k", 131_072, undefined, undefined, CHAT);
const ultra = model("4.0Ultra", 32_768, 32_768, undefined, {
  ...TOOLS,
  ...disputed("每百万 0.8 元", "0.8 yuan per million"),
});
const x = model("spark-x", undefined, 131_072, undefined, {
  ...THINKS,
  ...disputed("每百万 2 元", "2 yuan per million"),
  confidence: "medium",
});

/** The platform's own way: a WebSocket for each request, at an address that is signed. */
const socket: VendorProtocol = {
  protocol: "iflytek",
  baseUrl: "wss://spark-api.xf-yun.com",
  environment: { appId: "SPARKAI_APP_ID", apiKey: "SPARKAI_API_KEY", apiSecret: "SPARKAI_API_SECRET" },
  required: ["appId", "apiKey", "apiSecret"],
  models: [lite, pro, pro128, ultra, x],
  confidence: "high",
};

/** X models have an address of their own. */
const x2: VendorProtocol = {
  protocol: "openai",
  baseUrl: "https://spark-api-open.xf-yun.com/x2",
  region: "x2",
  quirks,
  models: [x],
  confidence: "medium",
};

/** Its prices are packages, and public sources contradict each other: none is shipped. */
export const iflytek = vendor({
  id: "iflytek",
  name: { zh: "科大讯飞星火", en: "iFlytek Spark" },
  company: { zh: "科大讯飞", en: "iFlytek" },
  family: { zh: "讯飞星火", en: "Spark" },
  status: alive(
    "2026-08-22",
    "在营；Max 与 Max-32K 套餐已于 2026-03-10 并入 4.0 Ultra，旗舰为 X2（spark-x）",
    "In service. The packages Max and Max-32K went into 4.0 Ultra on 2026-03-10; X2 (spark-x) leads",
  ),
  baseUrl: "https://spark-api-open.xf-yun.com/v1",
  variable: "SPARK_API_PASSWORD",
  documentation: "https://www.xfyun.cn/doc/spark",
  confidence: "high",
  currency: "CNY",
  quirks,
  also: [socket, x2],
  models: [lite, pro, pro128, ultra],
});
