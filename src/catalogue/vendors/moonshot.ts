import type { Quirks } from "../../vendors/spec.ts";
import { alive, also, claim, LOBEHUB, WATCHES_THINKS } from "./rows.ts";
import { billions, type ModelFacts, model, priceList, vendor } from "./vendor.ts";

const page = priceList("CNY", "platform.kimi.com/docs", "2026-10-03");
const abroad = priceList("USD", "models.dev f3fc69229", "2026-07-02");

const SAMPLING = ["temperature", "top_p", "n", "presence_penalty", "frequency_penalty"];

/** Its newest models refuse every value of what they have fixed themselves. Pictures must be data, or files of the account. */
const quirks: Quirks = {
  maxOutputField: "max_completion_tokens",
  clamps: {
    stop: { max: 5, bytes: 32 },
    byModel: [
      { models: ["kimi-k3*", "kimi-k2.7*"], omit: SAMPLING },
      { models: ["kimi-k2*"], tool_choice: ["auto", "none", "function"] },
    ],
  },
  errors: {
    rate_limit_reached_error: "rate_limit",
    exceeded_current_quota_error: "billing",
    engine_overloaded_error: "overloaded",
    invalid_authentication_error: "auth",
    incorrect_api_key_error: "auth",
    permission_denied_error: "permission",
    resource_not_found_error: "not_found",
    unexpected_output: "server_error",
  },
};

/** What they can do is from third-party lists. */
const KIMI: ModelFacts = { ...WATCHES_THINKS, confidence: "medium" };

const k3 = model(
  "kimi-k3",
  1_048_576,
  undefined,
  page({ input: "20", cachedInput: "2", cacheWrite5m: "20", cacheWrite1h: "40", output: "100" }),
  {
    ...KIMI,
    ...billions(2800, "platform.kimi.com/docs", "high"),
    ...claim("size", "激活 1040 亿", "104 billion parameters active", `${LOBEHUB}; Laisky/one-api`, "medium"),
  },
);

export const moonshot = vendor({
  id: "moonshot",
  name: { zh: "月之暗面 Kimi", en: "Moonshot AI (Kimi)" },
  company: { zh: "月之暗面", en: "Moonshot AI" },
  family: { zh: "Kimi", en: "Kimi" },
  status: alive(
    "2026-10-03",
    "在营；moonshot-v1-* 与 kimi-k2.5 已于 2026-08-31 下线",
    "In service; moonshot-v1-* and kimi-k2.5 were taken off on 2026-08-31",
  ),
  baseUrl: "https://api.moonshot.cn/v1",
  variable: "MOONSHOT_API_KEY",
  documentation: "https://platform.kimi.com/docs",
  confidence: "high",
  currency: "CNY",
  regions: { intl: "moonshot-intl" },
  quirks,
  also: [
    also("anthropic", "https://api.moonshot.cn/anthropic", "high"),
    { ...also("responses", "https://api.moonshot.cn/v1", "high"), models: [k3] },
  ],
  models: [
    k3,
    model("kimi-k2.7-code", 262_144, undefined, page({ input: "6.5", cachedInput: "1.3", output: "27" }), KIMI),
    model(
      "kimi-k2.7-code-highspeed",
      262_144,
      undefined,
      page({ input: "13", cachedInput: "2.6", output: "54" }),
      KIMI,
    ),
    model("kimi-k2.6", 262_144, undefined, page({ input: "6.5", cachedInput: "1.1", output: "27" }), KIMI),
  ],
});

export const moonshotInternational = vendor({
  id: "moonshot-intl",
  name: { zh: "月之暗面 Kimi 国际版", en: "Moonshot AI (Kimi), international" },
  company: { zh: "月之暗面", en: "Moonshot AI" },
  family: { zh: "Kimi", en: "Kimi" },
  status: alive(
    "2026-10-03",
    "在营；账号与密钥同国内站不通用",
    "In service; its accounts and keys are not those of the site in China",
  ),
  baseUrl: "https://api.moonshot.ai/v1",
  documentation: "https://platform.kimi.com/docs",
  confidence: "high",
  currency: "USD",
  regions: { cn: "moonshot" },
  quirks,
  models: [
    model("kimi-k2.7-code", undefined, undefined, abroad({ input: "0.95", cachedInput: "0.19", output: "4" }), KIMI),
    model("kimi-k2.6", 262_144, undefined, abroad({ input: "0.95", cachedInput: "0.16", output: "4" }), KIMI),
  ],
});
