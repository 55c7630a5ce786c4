import type { Quirks } from "../../vendors/spec.ts";
import { CLAMPS, CODES } from "../../vendors/zhipu/platform.ts";
import { alive, also, claim, THIRD_PARTIES } from "./rows.ts";
import { billions, CHAT, EMBEDS, type ModelFacts, model, priceList, THINKS, vendor } from "./vendor.ts";

const bigmodel = priceList("CNY", "open.bigmodel.cn/pricing, by Laisky/one-api", "2026-08-22");
const bigmodelJune = priceList("CNY", "open.bigmodel.cn/pricing, by Laisky/one-api", "2026-06-13");
const abroad = priceList("USD", "models.dev f3fc69229", "2026-07-02");

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

const quirks: Quirks = { noStreamOptions: true, clamps: CLAMPS, errors: CODES };

/** What they can do is from third-party lists. */
const GLM: ModelFacts = { ...THINKS, confidence: "medium" };
const FIVE_TWO: ModelFacts = {
  ...GLM,
  ...billions(753.32994048, "huggingface.co/zai-org/GLM-5.2, by models.dev", "medium"),
};
const FIVE: ModelFacts = { ...GLM, ...billions(754, THIRD_PARTIES, "medium") };
const FOUR_SEVEN: ModelFacts = { ...GLM, ...billions(358, THIRD_PARTIES, "medium") };
const FOUR_FIVE: ModelFacts = { ...GLM, ...billions(355, "docs.bigmodel.cn", "high", 32) };
const AIR: ModelFacts = { ...GLM, ...billions(106, "docs.bigmodel.cn", "high", 12) };

export const zhipu = vendor({
  id: "zhipu",
  name: { zh: "智谱 AI（GLM）", en: "Zhipu AI (GLM)" },
  company: { zh: "智谱", en: "Zhipu AI (Z.ai)" },
  family: { zh: "GLM（智谱清言、ChatGLM）", en: "GLM (ChatGLM)" },
  status: alive("2026-10-03", "在营", "In service"),
  baseUrl: "https://open.bigmodel.cn/api/paas/v4",
  variable: "ZHIPUAI_API_KEY",
  documentation: "https://docs.bigmodel.cn",
  confidence: "high",
  currency: "CNY",
  regions: { intl: "zhipu-intl" },
  quirks,
  also: [
    also("zhipu", "https://open.bigmodel.cn/api/paas/v4", "high", { noStreamOptions: true }),
    also("anthropic", "https://open.bigmodel.cn/api/anthropic", "high"),
    also("responses", "https://open.bigmodel.cn/api/v1", "high"),
  ],
  models: [
    model("glm-5.3", 1_000_000, 131_072, bigmodel({ input: "8", cachedInput: "2", output: "28" }), {
      ...GLM,
      ...claim(
        "limit",
        "不能关闭思考：thinking.type 为 disabled 会被拒绝",
        "Its thinking cannot be turned off: thinking.type disabled is refused",
        "docs.bigmodel.cn",
        "high",
      ),
    }),
    model("glm-5.2", 1_000_000, 131_072, bigmodel({ input: "8", cachedInput: "2", output: "28" }), FIVE_TWO),
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
      GLM,
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
      FIVE,
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
      GLM,
    ),
    model("glm-4.7", 200_000, 131_072, bigmodel(byAnswerLength), FOUR_SEVEN),
    model("glm-4.6", 200_000, 131_072, bigmodelJune(byAnswerLength), FOUR_FIVE),
    model("glm-4.5", 131_072, 98_304, bigmodelJune(byAnswerLength), FOUR_FIVE),
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
      AIR,
    ),
    model("glm-4.7-flash", 200_000, 131_072, bigmodel({ input: "0", cachedInput: "0", output: "0" }), CHAT),
    model("embedding-3", 8_192, undefined, bigmodel({ input: "0.5", output: "0" }), EMBEDS),
  ],
  published: [
    { id: "GLM-130B", ...CHAT, ...billions(130, "GLM-130B", "high") },
    { id: "ChatGLM-6B", year: 2023, ...CHAT, ...billions(6, "ChatGLM-6B", "high") },
  ],
});

export const zhipuInternational = vendor({
  id: "zhipu-intl",
  name: { zh: "智谱 Z.ai 国际版", en: "Z.ai (GLM), international" },
  company: { zh: "智谱", en: "Zhipu AI (Z.ai)" },
  family: { zh: "GLM", en: "GLM" },
  status: alive("2026-07-02", "在营", "In service"),
  baseUrl: "https://api.z.ai/api/paas/v4",
  variable: "ZAI_API_KEY",
  documentation: "https://docs.z.ai",
  confidence: "high",
  currency: "USD",
  regions: { cn: "zhipu" },
  quirks,
  also: [also("zhipu", "https://api.z.ai/api/paas/v4", "high", { noStreamOptions: true })],
  models: [
    model("glm-5.2", undefined, undefined, abroad({ input: "1.4", cachedInput: "0.26", output: "4.4" }), FIVE_TWO),
    model("glm-5.1", undefined, undefined, abroad({ input: "1.4", cachedInput: "0.26", output: "4.4" }), GLM),
    model("glm-5", undefined, undefined, abroad({ input: "1", cachedInput: "0.2", output: "3.2" }), FIVE),
    model("glm-4.7", undefined, undefined, abroad({ input: "0.6", cachedInput: "0.11", output: "2.2" }), FOUR_SEVEN),
    model("glm-4.5-air", undefined, undefined, abroad({ input: "0.2", cachedInput: "0.03", output: "1.1" }), AIR),
  ],
});
