import { alive, known } from "./rows.ts";
import type { VendorProtocol } from "./vendor.ts";
import {
  billions,
  CHAT,
  EMBEDS,
  type ModelFacts,
  model,
  priceList,
  SEES,
  SEES_THINKS,
  THINKS,
  TOOLS,
  vendor,
} from "./vendor.ts";

const qianfan = priceList("CNY", "cloud.baidu.com Qianfan price list, by Laisky/one-api", "2026-06-13");

const OMNI: ModelFacts = { ...SEES_THINKS, input: ["text", "image", "audio", "video"] };

/**
 * The platform's first interface, kept for old applications. Its chat models were taken off in June 2026, most of them: whoever has
 * one still names it.
 */
const first: VendorProtocol = {
  protocol: "baidu-v1",
  baseUrl: "https://aip.baidubce.com/rpc/2.0/ai_custom/v1/wenxinworkshop",
  environment: { apiKey: "QIANFAN_AK", secretKey: "QIANFAN_SK" },
  required: ["apiKey", "secretKey"],
  models: [
    model("embedding-v1", undefined, undefined, undefined, EMBEDS),
    model("bge_large_zh", undefined, undefined, undefined, EMBEDS),
    model("bge_large_en", undefined, undefined, undefined, EMBEDS),
    model("tao_8k", undefined, undefined, undefined, EMBEDS),
  ],
  confidence: "high",
};

export const baidu = vendor({
  id: "baidu",
  name: { zh: "百度千帆（文心）", en: "Baidu Qianfan (ERNIE)" },
  company: { zh: "百度", en: "Baidu" },
  family: { zh: "文心一言、文心大模型 ERNIE", en: "ERNIE (Wenxin, ERNIE Bot)" },
  status: alive(
    "2026-08-22",
    "在营；第二代接口为主，第一代（wenxinworkshop）为旧应用保留；3.5、4.0、Speed、Lite、Tiny 等旧模型已于 2026-06-09 至 06-30 下线",
    "In service by its second interface; the first (wenxinworkshop) is kept for old applications. Most models of 3.5, 4.0, Speed, Lite and Tiny were taken off from 2026-06-09 to 2026-06-30",
  ),
  baseUrl: "https://qianfan.baidubce.com/v2",
  variable: "QIANFAN_API_KEY",
  documentation: "https://cloud.baidu.com/doc/qianfan-api",
  confidence: "high",
  currency: "CNY",
  quirks: {
    maxOutputField: "max_completion_tokens",
    clamps: {
      temperature: { min: 0, exclusiveMin: true, max: 1 },
      top_p: { min: 0, max: 1 },
    },
    errors: {
      characters_too_long: "context_length",
      tokens_too_long: "context_length",
      unsafe_request: "content_filter",
      image_url_unsafe: "content_filter",
      system_unsafe: "content_filter",
      user_setting_unsafe: "content_filter",
      functions_unsafe: "content_filter",
      invalid_iam_token: "auth",
      invalid_appid: "auth",
      no_parameter_permission: "permission",
      method_not_supported: "invalid_request",
      Offline_batch_reasoning_refused: "overloaded",
      internal_error: "server_error",
      dispatch_internal_error: "server_error",
    },
  },
  also: [first],
  models: known("medium", [
    model(
      "ernie-5.1",
      131_072,
      65_536,
      qianfan({ input: "4", output: "18", tiers: [{ above: 32_000, input: "6", output: "22" }] }),
      SEES_THINKS,
    ),
    model(
      "ernie-5.0",
      131_072,
      65_536,
      qianfan({ input: "6", output: "24", tiers: [{ above: 32_000, input: "10", output: "40" }] }),
      OMNI,
    ),
    model("ernie-x1.1", 65_536, 65_536, qianfan({ input: "1", output: "4" }), THINKS),
    model("ernie-x1-turbo", undefined, undefined, qianfan({ input: "1", output: "4" }), { ...CHAT, reasoning: true }),
    model("ernie-4.5-turbo-128k", 131_072, 12_288, qianfan({ input: "0.8", cachedInput: "0.2", output: "3.2" }), TOOLS),
    model("ernie-4.5-turbo-32k", 32_768, 12_288, qianfan({ input: "0.8", cachedInput: "0.2", output: "3.2" }), TOOLS),
    model("ernie-4.5-turbo-vl", 131_072, 16_384, qianfan({ input: "3", cachedInput: "0.75", output: "9" }), SEES),
    model("deepseek-v3.2", undefined, undefined, qianfan({ input: "2", cachedInput: "0.4", output: "3" }), THINKS),
    model("deepseek-v4-pro", undefined, undefined, qianfan({ input: "12", output: "24" }), THINKS),
    model("deepseek-v4-flash", undefined, undefined, qianfan({ input: "1", output: "2" }), THINKS),
  ]),
  published: [
    { id: "ERNIE 3.0", year: 2021, ...CHAT, ...billions(10, "arXiv 2107.02137", "medium") },
    { id: "ERNIE 3.0 Titan", year: 2021, ...CHAT, ...billions(260, "arXiv 2112.12731", "medium") },
    { id: "ERNIE-4.5-300B-A47B", ...CHAT, ...billions(300, "ERNIE-4.5-300B-A47B", "high", 47) },
    { id: "ERNIE-4.5-21B-A3B", ...CHAT, ...billions(21, "ERNIE-4.5-21B-A3B", "high", 3) },
  ],
});
