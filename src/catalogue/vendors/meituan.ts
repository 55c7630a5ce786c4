import { alive, also, claim, OWN_PAGES, THIRD_PARTIES } from "./rows.ts";
import { billions, CHAT, type ModelFacts, model, THINKS, TOOLS, vendor } from "./vendor.ts";

const FLASH = billions(560, OWN_PAGES, "high", 27);
const THINKING: ModelFacts = { ...THINKS, ...FLASH, confidence: "medium" };

/** No list price is published for LongCat: whoever uses it sets the price of the contract. */
export const meituan = vendor({
  id: "meituan",
  name: { zh: "美团 LongCat", en: "Meituan LongCat" },
  company: { zh: "美团", en: "Meituan" },
  family: { zh: "LongCat", en: "LongCat" },
  status: alive("2026-09-27", "在营；2023 年收购光年之外", "In service; it took over Lightyear (光年之外) in 2023"),
  baseUrl: "https://api.longcat.chat/openai/v1",
  variable: "LONGCAT_API_KEY",
  documentation: "https://longcat.chat/platform/docs",
  confidence: "high",
  quirks: {
    clamps: { temperature: { min: 0, max: 1 }, omit: ["frequency_penalty", "presence_penalty"] },
    errors: {
      invalid_parameter: "invalid_request",
      invalid_json: "invalid_request",
      insufficient_quota: "quota",
    },
  },
  also: [also("anthropic", "https://api.longcat.chat/anthropic", "high", { keyHeader: "authorization" })],
  models: [
    model("LongCat-2.0", 1_048_576, 131_072, undefined, {
      ...THINKS,
      ...billions(1600, THIRD_PARTIES, "medium"),
      ...claim(
        "limit",
        "上下文：官方文档 1,048,576，第三方列表另有 262,144 与 128K",
        "Context: 1,048,576 by its documentation; third-party lists say 262,144 and 128K",
        "longcat.chat/platform/docs; third-party lists",
        "medium",
      ),
    }),
    model("LongCat-Flash-Chat", 262_144, undefined, undefined, {
      ...TOOLS,
      ...FLASH,
      ...claim(
        "size",
        "每个词元激活 186 亿至 313 亿，平均 270 亿",
        "From 18.6 to 31.3 billion parameters at work for one token, 27 on average",
        OWN_PAGES,
        "high",
      ),
      confidence: "medium",
    }),
    model("LongCat-Flash-Thinking", 262_144, undefined, undefined, THINKING),
    model("LongCat-Flash-Thinking-2601", 262_144, undefined, undefined, THINKING),
    model("LongCat-Flash-Lite", 327_680, undefined, undefined, {
      ...TOOLS,
      ...billions(68.5, THIRD_PARTIES, "medium", 3),
      confidence: "medium",
    }),
    model("LongCat-Flash-Omni-2603", undefined, undefined, undefined, { ...CHAT, confidence: "low" }),
  ],
});
