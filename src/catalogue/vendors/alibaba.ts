import { formatAmount, parseAmount } from "../../base/money.ts";
import type { PriceRates, PriceSetting } from "../../config/settings.ts";
import type { Quirks } from "../../vendors/spec.ts";
import { alive, also, claim, known, region, WATCHES_THINKS } from "./rows.ts";
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

const beijing = withCaches(
  priceList("CNY", "help.aliyun.com Model Studio, Beijing, of 2026-05 and 2026-06, by Laisky/one-api"),
);
/** Steps by the length of the input: of all its tokens, a K being a thousand. */
const beijingSteps = withCaches(
  priceList("CNY", "help.aliyun.com/zh/model-studio/model-pricing, Beijing, by public copies of 2026-02 to 2026-08"),
);
const pricingPage = "help.aliyun.com/zh/model-studio/model-pricing, Beijing, by anomalyco/models.dev";
const beijingJuly = withCaches(priceList("CNY", pricingPage, "2026-07-27"));
const beijingAugust = priceList("CNY", pricingPage, "2026-08-04");
const beijingFlash = priceList(
  "CNY",
  "help.aliyun.com/zh/model-studio/qwen3-8-flash, by anomalyco/models.dev",
  "2026-08-28",
);
const singapore = withCaches(priceList("USD", "models.dev f3fc69229", "2026-07-02"));
const singaporeSteps = withCaches(
  priceList("USD", "alibabacloud.com/help/en/model-studio/models, Singapore, by a public copy of 2026"),
);

/**
 * Alibaba's rules for caches. What a request asks to be written costs a quarter more than input. A step that has a price
 * of its own for input has one for what is read, in the same ratio.
 */
function withCaches(list: (rates: PriceConditions) => PriceSetting): (rates: PriceConditions) => PriceSetting {
  return (base) => {
    const caches = ({ input }: PriceRates): PriceRates =>
      input === undefined
        ? {}
        : {
            cacheWrite5m: formatAmount((parseAmount(input)! * 5n) / 4n),
            ...(base.input !== undefined &&
              base.cachedInput !== undefined && {
                cachedInput: formatAmount(
                  (parseAmount(base.cachedInput)! * parseAmount(input)!) / parseAmount(base.input)!,
                ),
              }),
          };
    return list({ ...caches(base), ...base, tiers: base.tiers?.map((tier) => ({ ...caches(tier), ...tier })) });
  };
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

/** A price has one rate for what is thought and one for what is answered: that the second hangs on the first it cannot say. */
const THINKS_DEARER: ModelFacts = {
  ...THINKS,
  ...claim(
    "price",
    "思考模式下，思维链与回答都按思考价计费；此处只有思维链按思考价，回答按非思考价",
    "When it thinks, thoughts and answer cost the price of thinking; here only the thoughts do, the answer costs its usual price",
    "help.aliyun.com/zh/model-studio/model-pricing",
    "high",
  ),
};

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
  model(
    "qwen3.7-plus",
    1_000_000,
    undefined,
    beijingSteps({
      input: "2",
      cachedInput: "0.4",
      output: "8",
      tiers: [{ above: 256_000, input: "6", output: "24" }],
    }),
    WATCHES_THINKS,
  ),
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
  model(
    "qwen3.6-flash",
    1_000_000,
    undefined,
    beijingSteps({
      input: "1.2",
      cachedInput: "0.24",
      output: "7.2",
      tiers: [{ above: 256_000, input: "4.8", output: "28.8" }],
    }),
    WATCHES_THINKS,
  ),
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
  model(
    "qwen3.5-flash",
    1_000_000,
    65_536,
    beijingSteps({
      input: "0.2",
      cachedInput: "0.04",
      output: "2",
      tiers: [
        { above: 128_000, input: "0.8", output: "8" },
        { above: 256_000, input: "1.2", output: "12" },
      ],
    }),
    WATCHES_THINKS,
  ),
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
  model(
    "qwen-plus",
    1_000_000,
    32_768,
    beijingSteps({
      input: "0.8",
      cachedInput: "0.16",
      output: "2",
      reasoning: "8",
      tiers: [
        { above: 128_000, input: "2.4", output: "20", reasoning: "24" },
        { above: 256_000, input: "4.8", output: "48", reasoning: "64" },
      ],
    }),
    THINKS_DEARER,
  ),
  model(
    "qwen-flash",
    1_000_000,
    32_768,
    beijingSteps({
      input: "0.15",
      cachedInput: "0.03",
      output: "1.5",
      tiers: [
        { above: 128_000, input: "0.6", output: "6" },
        { above: 256_000, input: "1.2", output: "12" },
      ],
    }),
    THINKS,
  ),
  model("qwen-max", 32_768, 8_192, beijing({ input: "2.4", cachedInput: "0.48", output: "9.6" }), TOOLS),
  model("qwen-long", 10_000_000, undefined, beijing({ input: "0.5", cachedInput: "0.1", output: "2" })),
  model(
    "qwen3-coder-plus",
    1_000_000,
    65_536,
    beijingSteps({
      input: "4",
      cachedInput: "0.8",
      output: "16",
      tiers: [
        { above: 32_000, input: "6", output: "24" },
        { above: 128_000, input: "10", output: "40" },
        { above: 256_000, input: "20", output: "200" },
      ],
    }),
    TOOLS,
  ),
  model(
    "qwen3-vl-plus",
    262_144,
    32_768,
    beijingSteps({
      input: "1",
      cachedInput: "0.2",
      output: "10",
      tiers: [
        { above: 32_000, input: "1.5", output: "15" },
        { above: 128_000, input: "3", output: "30" },
      ],
    }),
    { ...SEES, input: ["text", "image", "video"], tools: true, reasoning: true },
  ),
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
    model(
      "qwen3-max",
      262_144,
      65_536,
      singaporeSteps({
        input: "1.2",
        output: "6",
        tiers: [
          { above: 32_000, input: "2.4", output: "12" },
          { above: 128_000, input: "3", output: "15" },
        ],
      }),
      TOOLS,
    ),
    model(
      "qwen-plus",
      1_000_000,
      32_768,
      singaporeSteps({
        input: "0.4",
        output: "1.2",
        reasoning: "4",
        tiers: [{ above: 256_000, input: "1.2", output: "3.6", reasoning: "12" }],
      }),
      THINKS_DEARER,
    ),
    model(
      "qwen-flash",
      1_000_000,
      32_768,
      singaporeSteps({ input: "0.05", output: "0.4", tiers: [{ above: 256_000, input: "0.25", output: "2" }] }),
      THINKS,
    ),
    model("qwen-max", 32_768, 8_192, singapore({ input: "1.6", output: "6.4" }), TOOLS),
    model("qwen-turbo", 1_000_000, 16_384, singapore({ input: "0.05", output: "0.2" }), CHAT),
  ]),
});
