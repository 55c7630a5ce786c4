import { compatibleVendor, model, priceList } from "./vendor.ts";

/** Vendors with a cloud of their own: Baidu, Tencent, Volcengine (ByteDance). */

const qianfan = priceList("CNY", "cloud.baidu.com Qianfan price list, by Laisky/one-api", "2026-06-13");
const tokenhub = priceList("CNY", "cloud.tencent.com/document/product/1823/130055, by Laisky/one-api", "2026-08-22");
const volcengine = priceList("CNY", "volcengine.com Ark price list, by Laisky/one-api", "2026-08-22");

export const baidu = compatibleVendor({
  id: "baidu",
  name: { zh: "百度千帆（文心）", en: "Baidu Qianfan (ERNIE)" },
  baseUrl: "https://qianfan.baidubce.com/v2",
  variable: "QIANFAN_API_KEY",
  documentation: "https://cloud.baidu.com/doc/qianfan-api",
  confidence: "high",
  quirks: { maxOutputField: "max_completion_tokens" },
  models: [
    model(
      "ernie-5.1",
      131_072,
      65_536,
      qianfan({ input: "4", output: "18", tiers: [{ above: 32_000, input: "6", output: "22" }] }),
    ),
    model(
      "ernie-5.0",
      131_072,
      undefined,
      qianfan({ input: "6", output: "24", tiers: [{ above: 32_000, input: "10", output: "40" }] }),
    ),
    model("ernie-x1.1", 65_536, 65_536, qianfan({ input: "1", output: "4" })),
    model("ernie-x1-turbo", undefined, undefined, qianfan({ input: "1", output: "4" })),
    model("ernie-4.5-turbo-128k", 131_072, undefined, qianfan({ input: "0.8", cachedInput: "0.2", output: "3.2" })),
    model("ernie-4.5-turbo-32k", 32_768, undefined, qianfan({ input: "0.8", cachedInput: "0.2", output: "3.2" })),
    model("ernie-4.5-turbo-vl", 131_072, 16_384, qianfan({ input: "3", cachedInput: "0.75", output: "9" })),
  ],
});

/** TokenHub, the platform on which the Hunyuan models are sold since June 2026. */
export const tencent = compatibleVendor({
  id: "tencent",
  name: { zh: "腾讯云 TokenHub（混元）", en: "Tencent Cloud TokenHub (Hunyuan)" },
  baseUrl: "https://tokenhub.tencentmaas.com/v1",
  variable: "TOKENHUB_API_KEY",
  documentation: "https://cloud.tencent.com/document/product/1823",
  confidence: "medium",
  models: [
    model("hy3", 262_144, undefined, tokenhub({ input: "1", cachedInput: "0.25", output: "4" })),
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
    ),
    model("hunyuan-a13b", 229_376, 32_768, tokenhub({ input: "0.5", output: "2" })),
    model("hunyuan-role-latest", 28_672, 4_096, tokenhub({ input: "2.4", output: "9.6" })),
    model("hunyuan-vision-1.5-instruct", 24_576, 16_384, tokenhub({ input: "3", output: "9" })),
    model("hunyuan-embedding", 1_024, undefined, tokenhub({ input: "0.7", output: "0" })),
  ],
});

export const ark = compatibleVendor({
  id: "ark",
  name: { zh: "火山方舟（豆包）", en: "Volcengine Ark (Doubao)" },
  baseUrl: "https://ark.cn-beijing.volces.com/api/v3",
  variable: "ARK_API_KEY",
  documentation: "https://www.volcengine.com/docs/82379",
  confidence: "high",
  quirks: { maxOutputField: "max_completion_tokens" },
  models: [
    model("doubao-seed-2.1-pro", 256_000, undefined, volcengine({ input: "6", cachedInput: "1.2", output: "30" })),
    model("doubao-seed-2.1-turbo", 256_000, undefined, volcengine({ input: "3", cachedInput: "0.6", output: "15" })),
    model(
      "doubao-seed-1.6",
      256_000,
      undefined,
      volcengine({
        input: "0.8",
        cachedInput: "0.16",
        output: "8",
        tiers: [
          { above: 32_000, input: "1.2", output: "16" },
          { above: 128_000, input: "2.4", output: "24" },
        ],
      }),
    ),
    model(
      "doubao-seed-1.6-flash",
      256_000,
      undefined,
      volcengine({ input: "0.15", cachedInput: "0.03", output: "1.5" }),
    ),
    model("doubao-seed-1.6-lite", 256_000, undefined, volcengine({ input: "0.3", cachedInput: "0.06", output: "2.4" })),
  ],
});
