import { alive, also, claim, LOBEHUB, THIRD_PARTIES, WATCHES_THINKS } from "./rows.ts";
import { billions, CHAT, type ModelFacts, model, priceList, THINKS, vendor } from "./vendor.ts";

const abroad = priceList("USD", "models.dev f3fc69229", "2026-07-02");

const PRO: ModelFacts = { ...THINKS, ...billions(1000, THIRD_PARTIES, "medium", 42) };
const OMNI: ModelFacts = { ...WATCHES_THINKS, input: ["text", "image", "audio", "video"] };

export const xiaomi = vendor({
  id: "xiaomi",
  name: { zh: "小米 MiMo", en: "Xiaomi MiMo" },
  company: { zh: "小米", en: "Xiaomi" },
  family: { zh: "MiMo（小爱团队）", en: "MiMo (of the XiaoAi team)" },
  status: alive(
    "2026-09-27",
    "在营；MiMo-V2 已于 2026-06-30 下线，现行为 V2.5，2026-09 起见到 v2.6-pro 与 v2.6-flash",
    "In service; MiMo-V2 was taken off on 2026-06-30, V2.5 is current, and v2.6-pro and v2.6-flash were seen in 2026-09",
  ),
  baseUrl: "https://api.xiaomimimo.com/v1",
  variable: "MIMO_API_KEY",
  documentation: "https://platform.xiaomimimo.com",
  confidence: "high",
  currency: "USD",
  quirks: {
    maxOutputField: "max_completion_tokens",
    keyHeader: "api-key",
    clamps: { temperature: { min: 0, max: 1.5 }, top_p: { min: 0.01, max: 1 } },
    errors: { "421": "content_filter" },
  },
  also: [also("anthropic", "https://api.xiaomimimo.com/anthropic", "high")],
  models: [
    model("mimo-v2.5-pro", 1_048_576, 131_072, abroad({ input: "0.435", cachedInput: "0.0036", output: "0.87" }), {
      ...PRO,
      ...claim(
        "price",
        "国内价：输入 3 元，命中 0.025 元，输出 6 元（每百万）",
        "In China per million: input 3 yuan, cached 0.025, output 6",
        LOBEHUB,
        "low",
      ),
    }),
    model("mimo-v2.5", 1_048_576, 131_072, abroad({ input: "0.14", cachedInput: "0.0028", output: "0.28" }), {
      ...OMNI,
      ...claim(
        "price",
        "国内价：输入 1 元，命中 0.02 元，输出 2 元（每百万）",
        "In China per million: input 1 yuan, cached 0.02, output 2",
        LOBEHUB,
        "low",
      ),
    }),
    model(
      "mimo-v2.5-pro-ultraspeed",
      1_048_576,
      131_072,
      abroad({ input: "1.305", cachedInput: "0.0108", output: "2.61" }),
      PRO,
    ),
  ],
  published: [
    { id: "MiMo-7B", ...CHAT, ...billions(7, "MiMo-7B", "high") },
    { id: "MiMo-V2-Flash", ...THINKS, ...billions(309, THIRD_PARTIES, "medium", 15) },
  ],
});
