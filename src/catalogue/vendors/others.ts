import { formatAmount, parseAmount } from "../../base/money.ts";
import type { PriceSetting } from "../../config/settings.ts";
import { alive, also, claim, unverified } from "./rows.ts";
import {
  billions,
  type CatalogueModel,
  EMBEDS,
  type ModelFacts,
  model,
  PAID,
  type PriceConditions,
  priceList,
  SEES_THINKS,
  type Vendor,
  vendor,
} from "./vendor.ts";

const list = priceList("USD", "models.dev f3fc69229", "2026-07-02");

/** Writing to the cache costs five quarters of fresh input for five minutes, and twice as much for an hour. */
function claude(input: string, cachedInput: string, cacheWrite5m: string, output: string): PriceSetting {
  return list({ input, cachedInput, cacheWrite5m, cacheWrite1h: formatAmount(parseAmount(input)! * 2n), output });
}

const reads: ModelFacts = { ...SEES_THINKS, confidence: "medium" };

export const anthropic: Vendor = {
  ...vendor({
    id: "anthropic",
    name: { zh: "Anthropic（Claude）", en: "Anthropic (Claude)" },
    company: { zh: "Anthropic", en: "Anthropic" },
    family: { zh: "Claude", en: "Claude" },
    status: alive("2026-08-22", "在营", "In service"),
    protocol: "anthropic",
    baseUrl: "https://api.anthropic.com",
    variable: "ANTHROPIC_API_KEY",
    documentation: "https://docs.anthropic.com",
    confidence: "high",
    currency: "USD",
    models: [
      model("claude-fable-5", 1_000_000, 128_000, claude("10", "1", "12.5", "50"), reads),
      model("claude-opus-4-8", 1_000_000, 128_000, claude("5", "0.5", "6.25", "25"), reads),
      model("claude-sonnet-5", 1_000_000, 128_000, claude("2", "0.2", "2.5", "10"), reads),
      model("claude-sonnet-4-6", 1_000_000, 64_000, claude("3", "0.3", "3.75", "15"), reads),
      model("claude-haiku-4-5", 200_000, 64_000, claude("1", "0.1", "1.25", "5"), reads),
    ],
  }),
};

const long = (input: string, cachedInput: string, output: string): PriceConditions["tiers"] => [
  { above: 200_000, input, cachedInput, output },
];
/** Texts; pictures, sound and films cost more there, and are not taken here. */
const embeddings = priceList("USD", "models.dev 7d4620b7f");
const CONTEXT = 1_048_576;
const ANSWER = 65_536;

/** They hear and watch too. */
const OMNI: ModelFacts = { ...reads, input: ["text", "image", "audio", "video"] };

function gemini(id: string, price: PriceSetting): CatalogueModel {
  return model(id, CONTEXT, ANSWER, price, OMNI);
}

export const google: Vendor = vendor({
  id: "gemini",
  name: { zh: "谷歌（Gemini）", en: "Google (Gemini)" },
  company: { zh: "谷歌", en: "Google" },
  family: { zh: "Gemini", en: "Gemini" },
  status: alive("2026-08-22", "在营", "In service"),
  protocol: "gemini",
  baseUrl: "https://generativelanguage.googleapis.com/v1beta",
  variable: "GEMINI_API_KEY",
  documentation: "https://ai.google.dev",
  confidence: "high",
  currency: "USD",
  also: [also("openai", "https://generativelanguage.googleapis.com/v1beta/openai", "high")],
  models: [
    gemini("gemini-3.5-flash", list({ input: "1.5", cachedInput: "0.15", output: "9" })),
    gemini(
      "gemini-3.1-pro-preview",
      list({ input: "2", cachedInput: "0.2", output: "12", tiers: long("4", "0.4", "18") }),
    ),
    gemini("gemini-3.1-flash-lite", list({ input: "0.25", cachedInput: "0.025", inputAudio: "0.5", output: "1.5" })),
    gemini(
      "gemini-2.5-pro",
      list({ input: "1.25", cachedInput: "0.125", output: "10", tiers: long("2.5", "0.25", "15") }),
    ),
    gemini("gemini-2.5-flash", list({ input: "0.3", cachedInput: "0.03", inputAudio: "1", output: "2.5" })),
    gemini("gemini-2.5-flash-lite", list({ input: "0.1", cachedInput: "0.01", inputAudio: "0.3", output: "0.4" })),
    model("gemini-embedding-2", 8_192, undefined, embeddings({ input: "0.2", output: "0" }), {
      ...EMBEDS,
      confidence: "medium",
    }),
  ],
});

/** Kunlun's own models are best served from their open weights, on one's own machines. */
export const skywork: Vendor = {
  id: "skywork",
  name: { zh: "昆仑万维（天工）", en: "Kunlun (Skywork)" },
  company: { zh: "昆仑万维、奇点智源", en: "Kunlun Tech and Singularity AI" },
  family: { zh: "天工 Skywork", en: "Tiangong, Skywork" },
  status: unverified(
    "2024-12-31",
    "公司在营；2023—2024 年的接口是否仍可用，未能核实，也没有公开的价格。建议自行部署其开放权重",
    "The company is in business; whether its API of 2023 and 2024 still answers is not verified, and it has no public price. Its open weights can be served by oneself",
  ),
  protocol: "skywork",
  baseUrl: "https://sky-api.singularity-ai.com",
  environment: { appKey: "SKYWORK_APP_KEY", appSecret: "SKYWORK_APP_SECRET" },
  required: ["appKey", "appSecret"],
  quirks: {},
  documentation: "https://model-platform.tiangong.cn/api-reference",
  billing: PAID,
  confidence: "medium",
  models: [
    model("SkyChat-MegaVerse", undefined, 2_048, undefined, {
      input: ["text"],
      output: ["text"],
      use: "general",
      tools: false,
      confidence: "low",
    }),
  ],
  published: [
    { id: "Skywork-13B", year: 2023, ...billions(13, "the name of its open weights", "high"), use: "general" },
    { id: "Skywork-MoE", year: 2024, ...billions(146, "the report with its open weights", "high"), use: "general" },
    { id: "Skywork-R1V3-38B", year: 2025, ...billions(38, "the name of its open weights", "high"), use: "general" },
  ],
};

export const cloudwalk: Vendor = {
  id: "cloudwalk",
  name: { zh: "云从科技（从容）", en: "CloudWalk (CongRong)" },
  company: { zh: "云从科技", en: "CloudWalk" },
  family: { zh: "从容大模型", en: "CongRong" },
  status: {
    state: "private",
    note: {
      zh: "公司在营；没有公开的接口、文档与价格。接入点的地址由客户自己提供（baseUrl）",
      en: "The company is in business; it has no public API, documentation or prices. Customers give the address of their own endpoint (baseUrl)",
    },
    day: "2025-12-31",
  },
  protocol: "openai",
  environment: {},
  required: [],
  quirks: {},
  billing: PAID,
  confidence: "low",
  models: [],
  ...claim(
    "score",
    "从容 CongRong-v2.0 在 OpenCompass 多模态榜单得 80.7 分（2025 年）",
    "CongRong-v2.0 scored 80.7 on OpenCompass's multimodal board (2025)",
    "the company's own news",
    "low",
  ),
};
