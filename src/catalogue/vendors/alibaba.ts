import { formatAmount, parseAmount } from "../../base/money.ts";
import type { PriceRates, PriceSetting } from "../../config/settings.ts";
import type { Quirks } from "../../vendors/spec.ts";
import { alive, also, claim, known, MODELS_DEV, region, WATCHES_THINKS } from "./rows.ts";
import {
  billions,
  CHAT,
  EMBEDS,
  type ModelFacts,
  model,
  type PriceConditions,
  type PublishedModel,
  priceList,
  SEES,
  THINKS,
  TOOLS,
  vendor,
} from "./vendor.ts";

const beijing = withCacheWrites(
  priceList("CNY", "help.aliyun.com Model Studio, Beijing, of 2026-05 and 2026-06, by Laisky/one-api"),
);
const pricingPage = "help.aliyun.com/zh/model-studio/model-pricing, Beijing, by anomalyco/models.dev";
const beijingJuly = withCacheWrites(priceList("CNY", pricingPage, "2026-07-27"));
const beijingAugust = priceList("CNY", pricingPage, "2026-08-04");
const beijingFlash = priceList(
  "CNY",
  "help.aliyun.com/zh/model-studio/qwen3-8-flash, by anomalyco/models.dev",
  "2026-08-28",
);
const singapore = withCacheWrites(priceList("USD", "models.dev f3fc69229", "2026-07-02"));

/** Alibaba's rule for caches that a request asks for: what is written costs a quarter more than input. */
function withCacheWrites(list: (rates: PriceConditions) => PriceSetting): (rates: PriceConditions) => PriceSetting {
  const write = ({ input }: PriceRates): PriceRates =>
    input === undefined ? {} : { cacheWrite5m: formatAmount((parseAmount(input)! * 5n) / 4n) };
  return (rates) =>
    list({ ...write(rates), ...rates, tiers: rates.tiers?.map((tier) => ({ ...write(tier), ...tier })) });
}

/** Of the rules that hang on whether a model thinks, none is here: what a client asks for is refused by the vendor itself. */
const quirks: Quirks = {
  maxOutputField: "max_completion_tokens",
  clamps: {
    temperature: { min: 0, max: 2, exclusiveMax: true },
    top_p: { min: 0, exclusiveMin: true, max: 1 },
    n: { min: 1, max: 4, step: 1 },
    byModel: [{ models: ["qwen*", "qwq*", "qvq*"], tool_choice: ["auto", "none", "function"] }],
  },
  errors: {
    Arrearage: "billing",
    CommodityNotPurchased: "billing",
    PrepaidBillOverdue: "billing",
    PostpaidBillOverdue: "billing",
    "BailianGateway.Workspace.NotAuthorised": "permission",
    "AllocationQuota.FreeTierOnly": "quota",
  },
};
const COMPATIBLE = "/compatible-mode/v1";

/** Its steps above 128K and 256K, and what thinking costs, are known from a listing in another currency only. */
const DEARER = claim(
  "price",
  "另有第三方价目称：输入超过 128K、256K 时更贵，思考时的输出也另有价格；此处只有最低一档",
  "A third-party list has dearer steps above 128K and 256K of input, and another price for thinking; only the lowest is here",
  `${MODELS_DEV}, alibaba-cn, in USD`,
  "medium",
);
const hybrid: ModelFacts = { ...THINKS, ...DEARER };

const models = known("medium", [
  model(
    "qwen3.8-max",
    1_000_000,
    131_072,
    beijingAugust({ input: "12", cachedInput: "1.5", cacheWrite5m: "15", output: "36" }),
    { ...WATCHES_THINKS },
  ),
  model(
    "qwen3.8-flash",
    1_000_000,
    131_072,
    beijingFlash({ input: "0.8", cachedInput: "0.1", cacheWrite5m: "1.25", output: "2.7" }),
    { ...WATCHES_THINKS },
  ),
  model("qwen3.8-2.4t-a95b", undefined, undefined, undefined, billions(2400, "Qwen3.8-2.4T-A95B", "medium", 95)),
  model("qwen3.7-max", 1_000_000, undefined, beijing({ input: "12", cachedInput: "1.2", output: "36" }), THINKS),
  model("qwen3.7-plus", 1_000_000, undefined, beijing({ input: "2", cachedInput: "0.4", output: "8" }), {
    ...WATCHES_THINKS,
    ...DEARER,
  }),
  model(
    "qwen3.7-flash",
    1_000_000,
    65_536,
    beijingJuly({
      input: "0.2",
      output: "0.8",
      tiers: [
        { above: 32_000, input: "0.6", output: "2.4" },
        { above: 256_000, input: "1.2", output: "4.8" },
      ],
    }),
    { ...WATCHES_THINKS },
  ),
  model(
    "qwen3.6-max-preview",
    262_144,
    65_536,
    beijing({ input: "9", cachedInput: "1.8", output: "54", tiers: [{ above: 128_000, input: "15", output: "90" }] }),
    THINKS,
  ),
  model(
    "qwen3.6-plus",
    1_000_000,
    65_536,
    beijing({ input: "2", cachedInput: "0.4", output: "12", tiers: [{ above: 256_000, input: "8", output: "48" }] }),
    WATCHES_THINKS,
  ),
  model("qwen3.6-flash", 1_000_000, undefined, beijing({ input: "1.2", cachedInput: "0.24", output: "7.2" }), {
    ...WATCHES_THINKS,
    ...DEARER,
  }),
  model(
    "qwen3.5-plus",
    1_000_000,
    65_536,
    beijing({
      input: "0.8",
      cachedInput: "0.16",
      output: "4.8",
      tiers: [
        { above: 128_000, input: "2", output: "12" },
        { above: 256_000, input: "4", output: "24" },
      ],
    }),
    WATCHES_THINKS,
  ),
  model("qwen3.5-flash", 1_000_000, 65_536, beijing({ input: "0.2", cachedInput: "0.04", output: "2" }), {
    ...WATCHES_THINKS,
    ...DEARER,
  }),
  model(
    "qwen3-max",
    262_144,
    65_536,
    beijing({
      input: "2.5",
      cachedInput: "0.5",
      output: "10",
      tiers: [
        { above: 32_000, input: "4", output: "16" },
        { above: 128_000, input: "7", output: "28" },
      ],
    }),
    TOOLS,
  ),
  model("qwen-plus", 1_000_000, 32_768, beijing({ input: "0.8", cachedInput: "0.16", output: "2" }), hybrid),
  model("qwen-flash", 1_000_000, 32_768, beijing({ input: "0.15", cachedInput: "0.03", output: "1.5" }), hybrid),
  model("qwen-max", 32_768, 8_192, beijing({ input: "2.4", cachedInput: "0.48", output: "9.6" }), TOOLS),
  model("qwen-long", 10_000_000, undefined, beijing({ input: "0.5", cachedInput: "0.1", output: "2" })),
  model("qwen3-coder-plus", 1_000_000, 65_536, beijing({ input: "4", cachedInput: "0.8", output: "16" }), {
    ...TOOLS,
    ...DEARER,
  }),
  model("qwen3-vl-plus", 262_144, 32_768, beijing({ input: "1", cachedInput: "0.2", output: "10" }), {
    ...SEES,
    input: ["text", "image", "video"],
    tools: true,
    reasoning: true,
    ...DEARER,
  }),
  model("text-embedding-v4", undefined, undefined, undefined, EMBEDS),
]);

export const alibaba = vendor({
  id: "alibaba",
  name: { zh: "阿里云百炼（通义千问）", en: "Alibaba Cloud Model Studio (Qwen)" },
  company: { zh: "阿里巴巴（阿里云）", en: "Alibaba (Alibaba Cloud)" },
  family: { zh: "通义千问 Qwen", en: "Qwen (Tongyi Qianwen)" },
  status: alive("2026-10-03", "在营；平台为百炼（Model Studio）", "In service; its platform is Model Studio (Bailian)"),
  baseUrl: `https://dashscope.aliyuncs.com${COMPATIBLE}`,
  variable: "DASHSCOPE_API_KEY",
  documentation: "https://help.aliyun.com/zh/model-studio",
  confidence: "high",
  currency: "CNY",
  regions: { intl: "alibaba-intl" },
  quirks,
  also: [
    also("dashscope", "https://dashscope.aliyuncs.com/api/v1", "high"),
    also("responses", `https://dashscope.aliyuncs.com${COMPATIBLE}`, "high"),
    also("anthropic", "https://dashscope.aliyuncs.com/apps/anthropic", "high"),
    region("finance", `https://dashscope-finance.aliyuncs.com${COMPATIBLE}`, "high", quirks, models),
    region("hongkong", `https://cn-hongkong.dashscope.aliyuncs.com${COMPATIBLE}`, "high", quirks, models),
    region("us", `https://dashscope-us.aliyuncs.com${COMPATIBLE}`, "high", quirks, models),
  ],
  models,
  published: [
    named("Qwen-7B", 2023, 7),
    named("Qwen-14B", 2023, 14),
    named("Qwen-72B", 2023, 72),
    named("Qwen1.5-110B", undefined, 110),
    named("Qwen2-57B-A14B", undefined, 57, 14),
    named("Qwen3-235B-A22B", undefined, 235, 22),
    named("Qwen3-Coder-480B-A35B", undefined, 480, 35),
    named("Qwen3.5-397B-A17B", undefined, 397, 17),
  ],
});

/** A model that has its size in its name. */
function named(id: string, year: number | undefined, total: number, active?: number): PublishedModel {
  return { id, ...(year !== undefined && { year }), ...CHAT, ...billions(total, id, "high", active) };
}

/** Accounts and keys of its own: a key of the one does not work at the other. */
export const alibabaInternational = vendor({
  id: "alibaba-intl",
  name: { zh: "阿里云百炼国际版（新加坡）", en: "Alibaba Cloud Model Studio, international (Singapore)" },
  company: { zh: "阿里巴巴（阿里云）", en: "Alibaba (Alibaba Cloud)" },
  family: { zh: "通义千问 Qwen", en: "Qwen" },
  status: alive(
    "2026-10-03",
    "在营；账号与密钥同国内站不通用",
    "In service; its accounts and keys are not those of the site in China",
  ),
  baseUrl: `https://dashscope-intl.aliyuncs.com${COMPATIBLE}`,
  documentation: "https://www.alibabacloud.com/help/en/model-studio",
  confidence: "high",
  currency: "USD",
  regions: { cn: "alibaba" },
  quirks,
  also: [
    also("dashscope", "https://dashscope-intl.aliyuncs.com/api/v1", "high"),
    also("responses", `https://dashscope-intl.aliyuncs.com${COMPATIBLE}`, "high"),
    also("anthropic", "https://dashscope-intl.aliyuncs.com/apps/anthropic", "high"),
  ],
  models: known("medium", [
    model("qwen3.7-max", 1_000_000, 65_536, singapore({ input: "2.5", cachedInput: "0.5", output: "7.5" }), THINKS),
    model(
      "qwen3.7-plus",
      1_000_000,
      65_536,
      singapore({
        input: "0.5",
        cachedInput: "0.05",
        output: "3",
        tiers: [{ above: 256_000, input: "2", cachedInput: "0.2", output: "6" }],
      }),
      WATCHES_THINKS,
    ),
    model("qwen3-max", 262_144, 65_536, singapore({ input: "1.2", output: "6" }), TOOLS),
    model("qwen-plus", 1_000_000, 32_768, singapore({ input: "0.4", output: "1.2", reasoning: "4" }), THINKS),
    model("qwen-flash", 1_000_000, 32_768, singapore({ input: "0.05", output: "0.4" }), THINKS),
    model("qwen-max", 32_768, 8_192, singapore({ input: "1.6", output: "6.4" }), TOOLS),
    model("qwen-turbo", 1_000_000, 16_384, singapore({ input: "0.05", output: "0.2" }), CHAT),
  ]),
});
