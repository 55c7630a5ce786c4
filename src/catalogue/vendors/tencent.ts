import { alive, also, claim, LOBEHUB, MODELS_DEV, region } from "./rows.ts";
import {
  billions,
  CHAT,
  EMBEDS,
  type ModelFacts,
  model,
  priceList,
  SEES,
  THINKS,
  TOOLS,
  type VendorProtocol,
  vendor,
} from "./vendor.ts";

const tokenhub = priceList("CNY", "cloud.tencent.com/document/product/1823/130055, by Laisky/one-api", "2026-08-22");
const lobehub = priceList("CNY", LOBEHUB);

const OPEN: ModelFacts = {
  ...THINKS,
  ...billions(298.786155776, "huggingface.co/tencent/Hy3, by models.dev", "medium"),
  ...claim("size", "总参数 2950 亿，激活 210 亿", "295 billion parameters, 21 billion of them active", LOBEHUB, "low"),
};

const models = [
  model("hy4-preview", undefined, 65_536, undefined, {
    ...THINKS,
    ...claim(
      "limit",
      "上下文有两说：262,144 与 1,048,576",
      "Two sources give its context as 262,144 and as 1,048,576",
      `${MODELS_DEV}; cloud.tencent.com/document/product/1823`,
      "low",
    ),
    confidence: "low",
  }),
  model("hy3", 262_144, 128_000, tokenhub({ input: "1", cachedInput: "0.25", output: "4" }), OPEN),
  model(
    "hy3-preview",
    262_144,
    undefined,
    tokenhub({
      input: "1.2",
      cachedInput: "0.4",
      output: "4",
      tiers: [
        { above: 16_384, input: "1.6", cachedInput: "0.6", output: "6.4" },
        { above: 32_768, input: "2", cachedInput: "0.8", output: "8" },
      ],
    }),
    OPEN,
  ),
  model("hunyuan-a13b", 229_376, 32_768, tokenhub({ input: "0.5", output: "2" }), {
    ...CHAT,
    reasoning: true,
    ...billions(undefined, "Hunyuan-A13B", "high", 13),
  }),
  model("hunyuan-role-latest", 28_672, 4_096, tokenhub({ input: "2.4", output: "9.6" }), CHAT),
  model("hunyuan-vision-1.5-instruct", 24_576, 16_384, tokenhub({ input: "3", output: "9" }), SEES),
  model("hunyuan-embedding", 1_024, undefined, tokenhub({ input: "0.7", output: "0" }), EMBEDS),
];

/** What was seen on the older platform after its first models were taken off. */
const older = [
  model(
    "hunyuan-2.0-thinking-20251109",
    128_000,
    64_000,
    lobehub({ input: "3.975", output: "15.9", tiers: [{ above: 32_000, input: "5.3", output: "21.2" }] }),
    { ...THINKS, confidence: "low" },
  ),
  model(
    "hunyuan-2.0-instruct-20251111",
    128_000,
    32_000,
    lobehub({ input: "3.18", output: "7.95", tiers: [{ above: 32_000, input: "4.505", output: "11.13" }] }),
    { ...TOOLS, confidence: "low" },
  ),
  model("hunyuan-embedding", 1_024, undefined, undefined, EMBEDS),
];

const native: VendorProtocol = {
  protocol: "tencent",
  baseUrl: "https://hunyuan.tencentcloudapi.com",
  environment: { secretId: "TENCENTCLOUD_SECRET_ID", secretKey: "TENCENTCLOUD_SECRET_KEY" },
  required: ["secretId", "secretKey"],
  models: older,
  confidence: "high",
};

/** The same older platform by OpenAI's protocol, with keys of its own. */
const compatible: VendorProtocol = {
  protocol: "openai",
  baseUrl: "https://api.hunyuan.cloud.tencent.com/v1",
  region: "hunyuan",
  environment: { apiKey: "HUNYUAN_API_KEY" },
  required: ["apiKey"],
  models: older,
  confidence: "high",
};

/** TokenHub, the platform on which the Hunyuan models are sold since June 2026. */
export const tencent = vendor({
  id: "tencent",
  name: { zh: "腾讯云 TokenHub（混元）", en: "Tencent Cloud TokenHub (Hunyuan)" },
  company: { zh: "腾讯", en: "Tencent" },
  family: { zh: "混元 Hunyuan（Hy3、Hy4）", en: "Hunyuan (Hy3, Hy4)" },
  status: alive(
    "2026-08-22",
    "在营；旧 hunyuan-* 模型已于 2026-06-22 下线，改由 TokenHub 的 hy3 承接；原生接口仍在 SDK 中",
    "In service. The older hunyuan-* models were taken off on 2026-06-22 in favour of TokenHub's hy3; the native interface is still in the SDK",
  ),
  baseUrl: "https://tokenhub.tencentmaas.com/v1",
  variable: "TOKENHUB_API_KEY",
  documentation: "https://cloud.tencent.com/document/product/1823",
  confidence: "medium",
  currency: "CNY",
  quirks: {},
  also: [
    also("responses", "https://tokenhub.tencentmaas.com/v1", "medium"),
    also("anthropic", "https://tokenhub.tencentmaas.com", "medium"),
    native,
    compatible,
    region("intl", "https://tokenhub-intl.tencentmaas.com/v1", "medium", {}, models),
  ],
  models,
});
