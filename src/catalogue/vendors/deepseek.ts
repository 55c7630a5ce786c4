import type { PriceHours, PriceRates } from "../../config/settings.ts";
import { alive, also, OWN_PAGES, THIRD_PARTIES } from "./rows.ts";
import { billions, CHAT, model, priceList, SEES_THINKS, THINKS, vendor } from "./vendor.ts";

const page = priceList("CNY", "api-docs.deepseek.com", "2026-10-03");

/**
 * The holidays of 2026 on working days, as the State Council announced them on 2025-11-04. Those of a year are
 * announced in the November before; until they stand here, the peak price is computed on them: never too little.
 */
const HOLIDAYS = [
  ...["2026-01-01", "2026-01-02"],
  ...["2026-02-16", "2026-02-17", "2026-02-18", "2026-02-19", "2026-02-20", "2026-02-23"],
  ...["2026-04-06", "2026-05-01", "2026-05-04", "2026-05-05", "2026-06-19", "2026-09-25"],
  ...["2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06", "2026-10-07"],
];

function peakHours(rates: PriceRates): PriceHours[] {
  return [
    { from: "09:00", to: "12:00" },
    { from: "14:00", to: "18:00" },
  ].map((window) => ({
    ...window,
    timezone: "Asia/Shanghai",
    days: ["mon", "tue", "wed", "thu", "fri"],
    except: HOLIDAYS,
    ...rates,
  }));
}

export const deepseek = vendor({
  id: "deepseek",
  name: { zh: "深度求索 DeepSeek", en: "DeepSeek" },
  company: { zh: "深度求索", en: "DeepSeek" },
  family: { zh: "DeepSeek", en: "DeepSeek" },
  status: alive(
    "2026-10-03",
    "在营；deepseek-chat 与 deepseek-reasoner 已于 2026-07-24 下线",
    "In service; deepseek-chat and deepseek-reasoner were taken off on 2026-07-24",
  ),
  baseUrl: "https://api.deepseek.com",
  variable: "DEEPSEEK_API_KEY",
  documentation: "https://api-docs.deepseek.com",
  confidence: "high",
  currency: "CNY",
  quirks: {
    // Its models think unless told not to, and then take no other than these.
    clamps: { top_p: { min: 0.95, max: 1 }, tool_choice: ["auto", "none"] },
  },
  also: [
    also("anthropic", "https://api.deepseek.com/anthropic", "high"),
    also("responses", "https://api.deepseek.com", "high"),
  ],
  models: [
    model(
      "deepseek-flash",
      1_048_576,
      393_216,
      page({
        input: "1",
        cachedInput: "0.02",
        output: "4",
        hours: peakHours({ input: "2", cachedInput: "0.04", output: "8" }),
      }),
      SEES_THINKS,
    ),
    model(
      "deepseek-v4-pro",
      1_048_576,
      393_216,
      page({
        input: "4.5",
        cachedInput: "0.15",
        output: "13.5",
        hours: peakHours({ input: "9", cachedInput: "0.3", output: "27" }),
      }),
      { ...THINKS, ...billions(1600, THIRD_PARTIES, "medium", 49) },
    ),
  ],
  published: [
    { id: "DeepSeek-V3", ...CHAT, ...billions(671, OWN_PAGES, "high", 37) },
    { id: "DeepSeek-R1", ...CHAT, reasoning: true, ...billions(671, OWN_PAGES, "high", 37) },
    { id: "DeepSeek-V4-Flash", ...THINKS, ...billions(284, THIRD_PARTIES, "medium", 13) },
  ],
  claims: [
    {
      about: "status",
      text: {
        zh: "deepseek-v4-pro 的去留有两说：一则公告称 2026-09-14 后转由 flash 承接，2026-09-10 的更新日志称继续提供",
        en: "Two notices disagree on deepseek-v4-pro: one has it served by flash after 2026-09-14, the change log of 2026-09-10 says that it goes on",
      },
      source: "api-docs.deepseek.com",
      confidence: "medium",
    },
  ],
});
