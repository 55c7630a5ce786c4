import { alive, also, claim, known, MODELS_DEV, WATCHES_THINKS } from "./rows.ts";
import { type ModelFacts, model, priceList, SEES_THINKS, TOOLS, vendor } from "./vendor.ts";

const volcengine = priceList("CNY", "volcengine.com Ark price list, by Laisky/one-api", "2026-08-22");

const pro = volcengine({ input: "6", cachedInput: "1.2", output: "30" });
const turbo = volcengine({ input: "3", cachedInput: "0.6", output: "15" });
/** Names as the vendor's own API has them, as a third party lists them. */
const DATED: ModelFacts = { ...WATCHES_THINKS, confidence: "low" };

export const ark = vendor({
  id: "ark",
  name: { zh: "火山方舟（豆包）", en: "Volcengine Ark (Doubao)" },
  company: { zh: "字节跳动（火山引擎）", en: "ByteDance (Volcano Engine)" },
  family: { zh: "豆包 Doubao Seed", en: "Doubao Seed" },
  status: alive(
    "2026-08-22",
    "在营；模型可用模型名或接入点（ep-…）指定",
    "In service; a model is called by its name or by an endpoint of the account (ep-…)",
  ),
  baseUrl: "https://ark.cn-beijing.volces.com/api/v3",
  variable: "ARK_API_KEY",
  documentation: "https://www.volcengine.com/docs/82379",
  confidence: "high",
  currency: "CNY",
  quirks: {
    maxOutputField: "max_completion_tokens",
    errors: {
      "InvalidEndpoint.ClosedEndpoint": "overloaded",
      InvalidSubscription: "billing",
      InputTextRiskDetection: "content_filter",
      InputImageRiskDetection: "content_filter",
      OutputTextRiskDetection: "content_filter",
      AuthenticationError: "auth",
      AccountOverdueError: "billing",
      AccessDenied: "permission",
      "InvalidEndpointOrModel.NotFound": "not_found",
      ModelNotOpen: "not_found",
      "RateLimitExceeded.EndpointRPMExceeded": "rate_limit",
      "RateLimitExceeded.EndpointTPMExceeded": "rate_limit",
      ModelAccountRpmRateLimitExceeded: "rate_limit",
      ModelAccountTpmRateLimitExceeded: "rate_limit",
      ModelAccountIpmRateLimitExceeded: "rate_limit",
      RequestBurstTooFast: "rate_limit",
      QuotaExceeded: "quota",
      ServerOverloaded: "overloaded",
      ModelLoadingError: "overloaded",
      InternalServiceError: "server_error",
    },
  },
  also: [also("responses", "https://ark.cn-beijing.volces.com/api/v3", "medium")],
  models: known("medium", [
    model("doubao-seed-2.1-pro", 256_000, undefined, pro, WATCHES_THINKS),
    model("doubao-seed-2-1-pro-260628", 256_000, undefined, pro, DATED),
    model("doubao-seed-2.1-turbo", 256_000, undefined, turbo, WATCHES_THINKS),
    model("doubao-seed-2-1-turbo-260628", 256_000, undefined, turbo, DATED),
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
      SEES_THINKS,
    ),
    model(
      "doubao-seed-1.6-flash",
      256_000,
      undefined,
      volcengine({ input: "0.15", cachedInput: "0.03", output: "1.5" }),
      SEES_THINKS,
    ),
    model("doubao-seed-1.6-lite", 256_000, undefined, volcengine({ input: "0.3", cachedInput: "0.06", output: "2.4" })),
    model("doubao-1.5-pro-32k", undefined, undefined, volcengine({ input: "0.8", output: "2" }), TOOLS),
  ]),
  ...claim(
    "limit",
    "官方接口的模型名带日期（如 doubao-seed-2-1-pro-260628）；不带日期的名字是价目表上的产品名",
    "The API's own names bear a day (doubao-seed-2-1-pro-260628); names without one are those of the price list",
    MODELS_DEV,
    "medium",
  ),
});
