import type { PriceHours, PriceRates } from "../../config/settings.ts";
import { compatibleVendor, model, priceList } from "./vendor.ts";

/** Vendors that sell their own models first: DeepSeek, Moonshot, Zhipu, MiniMax, Xiaomi, Meituan. */

const deepseekPage = priceList("CNY", "api-docs.deepseek.com", "2026-10-03");
const kimiPage = priceList("CNY", "platform.kimi.com/docs", "2026-10-03");
const bigmodel = priceList("CNY", "open.bigmodel.cn/pricing, by Laisky/one-api", "2026-08-22");
const bigmodelJune = priceList("CNY", "open.bigmodel.cn/pricing, by Laisky/one-api", "2026-06-13");
const minimaxPage = priceList("CNY", "platform.minimaxi.com/docs", "2026-10-03");
const abroad = priceList("USD", "models.dev f3fc69229", "2026-07-02");

/**
 * The holidays of 2026 on working days, as the State Council announced them on 2025-11-04. Those of a year are
 * announced in the November before; until they stand here, the peak price is computed on them: never too little.
 */
const HOLIDAYS = [
  ...["2026-01-01", "2026-01-02"],
  ...["2026-02-16", "2026-02-17", "2026-02-18", "2026-02-19", "2026-02-20", "2026-02-23"],
  ...["2026-04-06", "2026-05-01", "2026-05-04", "2026-05-05", "2026-06-19", "2026-09-25"],
  ...["2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06", "2026-10-07"],
];

function peakHours(rates: PriceRates): PriceHours[] {
  return [
    { from: "09:00", to: "12:00" },
    { from: "14:00", to: "18:00" },
  ].map((window) => ({
    ...window,
    timezone: "Asia/Shanghai",
    days: ["mon", "tue", "wed", "thu", "fri"],
    except: HOLIDAYS,
    ...rates,
  }));
}

export const deepseek = compatibleVendor({
  id: "deepseek",
  name: { zh: "深度求索 DeepSeek", en: "DeepSeek" },
  baseUrl: "https://api.deepseek.com",
  variable: "DEEPSEEK_API_KEY",
  documentation: "https://api-docs.deepseek.com",
  confidence: "high",
  models: [
    model(
      "deepseek-flash",
      1_048_576,
      393_216,
      deepseekPage({
        input: "1",
        cachedInput: "0.02",
        output: "4",
        hours: peakHours({ input: "2", cachedInput: "0.04", output: "8" }),
      }),
    ),
    model(
      "deepseek-v4-pro",
      1_048_576,
      393_216,
      deepseekPage({
        input: "4.5",
        cachedInput: "0.15",
        output: "13.5",
        hours: peakHours({ input: "9", cachedInput: "0.3", output: "27" }),
      }),
    ),
  ],
});

export const moonshot = compatibleVendor({
  id: "moonshot",
  name: { zh: "月之暗面 Kimi", en: "Moonshot AI (Kimi)" },
  baseUrl: "https://api.moonshot.cn/v1",
  variable: "MOONSHOT_API_KEY",
  documentation: "https://platform.kimi.com/docs",
  confidence: "high",
  quirks: { maxOutputField: "max_completion_tokens" },
  models: [
    model(
      "kimi-k3",
      1_048_576,
      undefined,
      kimiPage({ input: "20", cachedInput: "2", cacheWrite5m: "20", cacheWrite1h: "40", output: "100" }),
    ),
    model("kimi-k2.7-code", 262_144, undefined, kimiPage({ input: "6.5", cachedInput: "1.3", output: "27" })),
    model("kimi-k2.7-code-highspeed", 262_144, undefined, kimiPage({ input: "13", cachedInput: "2.6", output: "54" })),
    model("kimi-k2.6", 262_144, undefined, kimiPage({ input: "6.5", cachedInput: "1.1", output: "27" })),
  ],
});

export const moonshotInternational = compatibleVendor({
  id: "moonshot-intl",
  name: { zh: "月之暗面 Kimi 国际版", en: "Moonshot AI (Kimi), international" },
  baseUrl: "https://api.moonshot.ai/v1",
  documentation: "https://platform.kimi.com/docs",
  confidence: "high",
  quirks: { maxOutputField: "max_completion_tokens" },
  models: [
    model("kimi-k2.7-code", undefined, undefined, abroad({ input: "0.95", cachedInput: "0.19", output: "4" })),
    model("kimi-k2.6", 262_144, undefined, abroad({ input: "0.95", cachedInput: "0.16", output: "4" })),
  ],
});

/** 4.7, 4.6 and 4.5 cost more for answers of more than 200 tokens, and more again for long inputs, whatever the answer. */
const byAnswerLength = {
  input: "2",
  cachedInput: "0.4",
  output: "8",
  tiers: [
    { above: 200, of: "output" as const, input: "3", cachedInput: "0.6", output: "14" },
    { above: 32_000, input: "4", cachedInput: "0.8", output: "16" },
  ],
};

export const zhipu = compatibleVendor({
  id: "zhipu",
  name: { zh: "智谱 AI（GLM）", en: "Zhipu AI (GLM)" },
  baseUrl: "https://open.bigmodel.cn/api/paas/v4",
  variable: "ZHIPUAI_API_KEY",
  documentation: "https://docs.bigmodel.cn",
  confidence: "high",
  quirks: { noStreamOptions: true },
  models: [
    model("glm-5.3", 1_000_000, undefined, bigmodel({ input: "8", cachedInput: "2", output: "28" })),
    model("glm-5.2", 1_000_000, 131_072, bigmodel({ input: "8", cachedInput: "2", output: "28" })),
    model(
      "glm-5.1",
      200_000,
      128_000,
      bigmodelJune({
        input: "6",
        cachedInput: "1.3",
        output: "24",
        tiers: [{ above: 32_000, input: "8", cachedInput: "2", output: "28" }],
      }),
    ),
    model(
      "glm-5",
      200_000,
      131_072,
      bigmodel({
        input: "4",
        cachedInput: "1",
        output: "18",
        tiers: [{ above: 32_000, input: "6", cachedInput: "1.5", output: "22" }],
      }),
    ),
    model(
      "glm-5-turbo",
      200_000,
      131_072,
      bigmodelJune({
        input: "5",
        cachedInput: "1.2",
        output: "22",
        tiers: [{ above: 32_000, input: "7", cachedInput: "1.8", output: "26" }],
      }),
    ),
    model("glm-4.7", 200_000, 131_072, bigmodel(byAnswerLength)),
    model("glm-4.6", 200_000, 131_072, bigmodelJune(byAnswerLength)),
    model("glm-4.5", 131_072, 98_304, bigmodelJune(byAnswerLength)),
    model(
      "glm-4.5-air",
      131_072,
      98_304,
      bigmodelJune({
        input: "0.8",
        cachedInput: "0.16",
        output: "2",
        tiers: [
          { above: 200, of: "output", output: "6" },
          { above: 32_000, input: "1.2", cachedInput: "0.24", output: "8" },
        ],
      }),
    ),
    model("glm-4.7-flash", 200_000, 131_072, bigmodel({ input: "0", cachedInput: "0", output: "0" })),
    model("embedding-3", 8_192, undefined, bigmodel({ input: "0.5", output: "0" })),
  ],
});

export const zhipuInternational = compatibleVendor({
  id: "zhipu-intl",
  name: { zh: "智谱 Z.ai 国际版", en: "Z.ai (GLM), international" },
  baseUrl: "https://api.z.ai/api/paas/v4",
  variable: "ZAI_API_KEY",
  documentation: "https://docs.z.ai",
  confidence: "high",
  quirks: { noStreamOptions: true },
  models: [
    model("glm-5.2", undefined, undefined, abroad({ input: "1.4", cachedInput: "0.26", output: "4.4" })),
    model("glm-5.1", undefined, undefined, abroad({ input: "1.4", cachedInput: "0.26", output: "4.4" })),
    model("glm-5", undefined, undefined, abroad({ input: "1", cachedInput: "0.2", output: "3.2" })),
    model("glm-4.7", undefined, undefined, abroad({ input: "0.6", cachedInput: "0.11", output: "2.2" })),
    model("glm-4.5-air", undefined, undefined, abroad({ input: "0.2", cachedInput: "0.03", output: "1.1" })),
  ],
});

export const minimax = compatibleVendor({
  id: "minimax",
  name: { zh: "稀宇科技 MiniMax", en: "MiniMax" },
  baseUrl: "https://api.minimaxi.com/v1",
  variable: "MINIMAX_API_KEY",
  documentation: "https://platform.minimaxi.com/docs",
  confidence: "high",
  models: [
    model(
      "MiniMax-M3",
      1_000_000,
      524_288,
      minimaxPage({
        input: "2.1",
        cachedInput: "0.42",
        output: "8.4",
        tiers: [{ above: 512_000, input: "4.2", cachedInput: "0.84", output: "16.8" }],
      }),
    ),
    model(
      "MiniMax-M2.7",
      204_800,
      204_800,
      minimaxPage({ input: "2.1", cachedInput: "0.42", cacheWrite5m: "2.625", output: "8.4" }),
    ),
    model(
      "MiniMax-M2.7-highspeed",
      204_800,
      204_800,
      minimaxPage({ input: "4.2", cachedInput: "0.42", cacheWrite5m: "2.625", output: "16.8" }),
    ),
    model(
      "MiniMax-M2.5",
      204_800,
      204_800,
      minimaxPage({ input: "2.1", cachedInput: "0.21", cacheWrite5m: "2.625", output: "8.4" }),
    ),
  ],
});

export const minimaxInternational = compatibleVendor({
  id: "minimax-intl",
  name: { zh: "MiniMax 国际版", en: "MiniMax, international" },
  baseUrl: "https://api.minimax.io/v1",
  documentation: "https://platform.minimax.io/docs",
  confidence: "high",
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
    ),
  ],
});

export const xiaomi = compatibleVendor({
  id: "xiaomi",
  name: { zh: "小米 MiMo", en: "Xiaomi MiMo" },
  baseUrl: "https://api.xiaomimimo.com/v1",
  variable: "MIMO_API_KEY",
  documentation: "https://platform.xiaomimimo.com",
  confidence: "high",
  quirks: { maxOutputField: "max_completion_tokens", keyHeader: "api-key" },
  models: [
    model("mimo-v2.5-pro", 1_048_576, 131_072, abroad({ input: "0.435", cachedInput: "0.0036", output: "0.87" })),
    model("mimo-v2.5", 1_048_576, 131_072, abroad({ input: "0.14", cachedInput: "0.0028", output: "0.28" })),
    model(
      "mimo-v2.5-pro-ultraspeed",
      1_048_576,
      131_072,
      abroad({ input: "1.305", cachedInput: "0.0108", output: "2.61" }),
    ),
  ],
});

/** No list price is published for LongCat: whoever uses it sets the price of the contract. */
export const meituan = compatibleVendor({
  id: "meituan",
  name: { zh: "美团 LongCat", en: "Meituan LongCat" },
  baseUrl: "https://api.longcat.chat/openai/v1",
  variable: "LONGCAT_API_KEY",
  documentation: "https://longcat.chat/platform/docs",
  confidence: "high",
  models: [model("LongCat-2.0", 1_048_576, 131_072), model("LongCat-Flash-Chat", undefined, undefined)],
});
