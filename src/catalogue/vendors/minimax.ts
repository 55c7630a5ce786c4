import type { Quirks } from "../../vendors/spec.ts";
import { alive, also, claim, LOBEHUB, WATCHES_THINKS } from "./rows.ts";
import { billions, CHAT, type ModelFacts, model, priceList, THINKS, vendor } from "./vendor.ts";

const page = priceList("CNY", "platform.minimaxi.com/docs", "2026-10-03");
const abroad = priceList("USD", "models.dev f3fc69229", "2026-07-02");

/** Without `reasoning_split` it writes its thoughts into the text, between marks. */
const quirks: Quirks = {
  clamps: { temperature: { min: 0, max: 2 }, n: { min: 1, max: 1, step: 1 } },
  defaults: { reasoning_split: true },
  errors: {
    "1000": "server_error",
    "1001": "timeout",
    "1002": "rate_limit",
    "1004": "auth",
    "1008": "billing",
    "1013": "server_error",
    "1024": "server_error",
    "1026": "content_filter",
    "1027": "content_filter",
    "1033": "server_error",
    "1039": "context_length",
    "1041": "rate_limit",
    "1042": "invalid_request",
    "2013": "invalid_request",
    "2045": "rate_limit",
    "2049": "auth",
    "2056": "quota",
    authorized_error: "auth",
    bad_request_error: "invalid_request",
    insufficient_balance_error: "billing",
    unprocessable_entity_error: "content_filter",
    overloaded_error: "overloaded",
  },
};

/** What they can do is from third-party lists. */
const M2: ModelFacts = { ...THINKS, confidence: "medium" };
const M3: ModelFacts = { ...WATCHES_THINKS, confidence: "medium" };

const company = { zh: "稀宇科技", en: "MiniMax" };

export const minimax = vendor({
  id: "minimax",
  name: { zh: "稀宇科技 MiniMax", en: "MiniMax" },
  company,
  family: { zh: "MiniMax M 系列（原 abab）", en: "MiniMax M (formerly abab)" },
  status: alive(
    "2026-10-03",
    "在营；文档所列主机为 api.minimaxi.com 与 api.minimax.cn，旧主机 api.minimax.chat",
    "In service; its documentation names the hosts api.minimaxi.com and api.minimax.cn, the older one is api.minimax.chat",
  ),
  baseUrl: "https://api.minimaxi.com/v1",
  variable: "MINIMAX_API_KEY",
  documentation: "https://platform.minimaxi.com/docs",
  confidence: "high",
  currency: "CNY",
  regions: { intl: "minimax-intl" },
  quirks,
  also: [
    also("anthropic", "https://api.minimaxi.com/anthropic", "high"),
    also("responses", "https://api.minimaxi.com/v1", "high"),
  ],
  models: [
    model(
      "MiniMax-M3",
      1_000_000,
      524_288,
      page({
        input: "2.1",
        cachedInput: "0.42",
        output: "8.4",
        tiers: [{ above: 512_000, input: "4.2", cachedInput: "0.84", output: "16.8" }],
      }),
      M3,
    ),
    model(
      "MiniMax-M2.7",
      204_800,
      204_800,
      page({ input: "2.1", cachedInput: "0.42", cacheWrite5m: "2.625", output: "8.4" }),
      M2,
    ),
    model(
      "MiniMax-M2.7-highspeed",
      204_800,
      204_800,
      page({ input: "4.2", cachedInput: "0.42", cacheWrite5m: "2.625", output: "16.8" }),
      M2,
    ),
    model(
      "MiniMax-M2.5",
      204_800,
      204_800,
      page({ input: "2.1", cachedInput: "0.21", cacheWrite5m: "2.625", output: "8.4" }),
      M2,
    ),
  ],
  published: [{ id: "MiniMax-Text-01", year: 2025, ...CHAT, ...billions(456, LOBEHUB, "low", 45.9) }],
  ...claim(
    "price",
    "service_tier 为 priority 时按 1.5 倍计价；此处为普通价",
    "With service_tier priority everything costs one and a half times as much; what is here is the usual price",
    "platform.minimaxi.com/docs",
    "high",
  ),
});

export const minimaxInternational = vendor({
  id: "minimax-intl",
  name: { zh: "MiniMax 国际版", en: "MiniMax, international" },
  company,
  family: { zh: "MiniMax M 系列", en: "MiniMax M" },
  status: alive("2026-10-03", "在营", "In service"),
  baseUrl: "https://api.minimax.io/v1",
  documentation: "https://platform.minimax.io/docs",
  confidence: "high",
  currency: "USD",
  regions: { cn: "minimax" },
  quirks,
  also: [
    also("anthropic", "https://api.minimax.io/anthropic", "medium"),
    also("responses", "https://api.minimax.io/v1", "medium"),
  ],
  models: [
    model(
      "MiniMax-M3",
      1_000_000,
      128_000,
      abroad({
        input: "0.3",
        cachedInput: "0.06",
        output: "1.2",
        tiers: [{ above: 512_000, input: "0.6", cachedInput: "0.12", output: "2.4" }],
      }),
      M3,
    ),
  ],
});
