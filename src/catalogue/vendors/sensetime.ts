import { alive, also, DRAWS, LOBEHUB, unverified } from "./rows.ts";
import { CHAT, type ModelFacts, model, priceList, THINKS, type VendorProtocol, vendor } from "./vendor.ts";

const beta = priceList("CNY", "token.sensenova.cn, public beta", "2026-09-22");
const lobehub = priceList("CNY", LOBEHUB);

const company = { zh: "商汤科技", en: "SenseTime" };
const family = { zh: "日日新 SenseNova、商量 SenseChat", en: "SenseNova, SenseChat" };

export const sensetime = vendor({
  id: "sensetime",
  name: { zh: "商汤日日新（Token 平台）", en: "SenseTime SenseNova (Token platform)" },
  company,
  family,
  status: alive(
    "2026-09-22",
    "在营；产品改为 Token 平台，售自有 sensenova-6.x 与第三方模型，公测期不收费",
    "In service; now a token platform with its own sensenova-6.x and models of others, free while its public beta lasts",
  ),
  baseUrl: "https://token.sensenova.cn/v1",
  variable: "SENSENOVA_API_KEY",
  documentation: "https://platform.sensenova.cn",
  confidence: "medium",
  currency: "CNY",
  quirks: {
    noStreamOptions: true,
    clamps: {
      max_tokens: { min: 1 },
      byModel: [
        { models: ["sensenova-6*"], max_tokens: { min: 1, max: 65_536 } },
        { models: ["kimi-k3"], temperature: { min: 1, max: 1 }, top_p: { min: 0.95, max: 0.95 } },
      ],
    },
  },
  also: [also("anthropic", "https://token.sensenova.cn", "medium", { keyHeader: "authorization" })],
  models: [
    model("sensenova-6.8-flash-lite", 262_144, 65_536, beta({ input: "0", output: "0" }), { ...CHAT, reasoning: true }),
    model("deepseek-v4-pro", undefined, undefined, undefined, THINKS),
    model("deepseek-v4-flash", undefined, undefined, undefined, THINKS),
    model("glm-5.2", undefined, undefined, undefined, THINKS),
    model("kimi-k3", undefined, undefined, undefined, THINKS),
    model("sensenova-u1.5-lite", undefined, undefined, undefined, DRAWS),
    model("sensenova-u1.5-fast", undefined, undefined, undefined, DRAWS),
  ],
});

const LISTED: ModelFacts = { ...CHAT, confidence: "low" };

const native: VendorProtocol = {
  protocol: "sensenova",
  baseUrl: "https://api.sensenova.cn",
  environment: { accessKeyId: "SENSENOVA_ACCESS_KEY_ID", accessKeySecret: "SENSENOVA_ACCESS_KEY_SECRET" },
  required: ["accessKeyId", "accessKeySecret"],
  confidence: "high",
};

/** The older platform, which still sells the SenseChat models. */
export const sensetimeLegacy = vendor({
  id: "sensetime-legacy",
  name: { zh: "商汤日日新（旧平台）", en: "SenseTime SenseNova (older platform)" },
  company,
  family,
  status: unverified(
    "2026-09-22",
    "旧平台；何时停用未见公告，2026 年是否仍可用未核实",
    "The older platform; no day of its end is known, and that it still answers in 2026 was not verified",
  ),
  baseUrl: "https://api.sensenova.cn/compatible-mode/v1",
  documentation: "https://platform.sensenova.cn",
  confidence: "medium",
  currency: "CNY",
  quirks: {
    noStreamOptions: true,
    clamps: {
      temperature: { min: 0, exclusiveMin: true, max: 2 },
      top_p: { min: 0, exclusiveMin: true, max: 1, exclusiveMax: true },
      n: { min: 1, max: 4, step: 1 },
    },
    errors: {
      "1": "timeout",
      "2": "server_error",
      "3": "invalid_request",
      "4": "timeout",
      "5": "not_found",
      "7": "permission",
      "8": "rate_limit",
      "9": "invalid_request",
      "11": "invalid_request",
      "13": "server_error",
      "14": "overloaded",
      "16": "auth",
      "17": "context_length",
      "18": "content_filter",
    },
  },
  also: [native],
  models: [
    model("SenseNova-V6-5-Pro", 131_072, undefined, lobehub({ input: "3", output: "9" }), LISTED),
    model("SenseNova-V6-5-Turbo", 131_072, undefined, lobehub({ input: "1.5", output: "4.5" }), LISTED),
    model("SenseNova-V6-Reasoner", undefined, undefined, lobehub({ input: "4", output: "16" }), {
      ...LISTED,
      reasoning: true,
    }),
    model("SenseChat-5", 131_072, undefined, lobehub({ input: "8", output: "20" }), LISTED),
    model("SenseChat-Turbo", undefined, undefined, lobehub({ input: "0.3", output: "0.6" }), LISTED),
    model("SenseChat-128K", 131_072, undefined, lobehub({ input: "60", output: "60" }), LISTED),
  ],
});
