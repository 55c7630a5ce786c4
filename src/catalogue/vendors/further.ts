import { alive, claim, LOBEHUB, OWN_PAGES, THIRD_PARTIES, unverified } from "./rows.ts";
import {
  billions,
  CHAT,
  EMBEDS,
  type ModelFacts,
  model,
  type PublishedModel,
  priceList,
  SEES,
  SEES_THINKS,
  TOOLS,
  vendor,
} from "./vendor.ts";

/** Further vendors of China on the `openai` protocol. A model without a price here needs one set by its operator. */

const baichuanPage = priceList("CNY", "platform.baichuan-ai.com price list, by Laisky/one-api", "2026-08-22");
const yiPage = priceList("CNY", "platform.lingyiwanwu.com price list, by Laisky/one-api", "2026-08-22");
const lobehub = priceList("CNY", LOBEHUB);
const internFree = priceList("CNY", "internlm.intern-ai.org.cn: a free API, 2026");

/** What they can do is from one third-party list. */
const LISTED: ModelFacts = { ...CHAT, confidence: "low" };
const LISTED_TOOLS: ModelFacts = { ...TOOLS, confidence: "low" };
const REASONS: ModelFacts = { ...CHAT, reasoning: true };

/** Weights that have their size in their name. */
function weights(id: string, total: number, year?: number): PublishedModel {
  return { id, ...(year !== undefined && { year }), ...CHAT, ...billions(total, id, "high") };
}

export const baichuan = vendor({
  id: "baichuan",
  name: { zh: "百川智能", en: "Baichuan AI" },
  company: { zh: "百川智能", en: "Baichuan AI" },
  family: { zh: "百川 Baichuan、医疗模型 M2 与 M3", en: "Baichuan, and the medical M2 and M3" },
  status: alive(
    "2026-08-22",
    "在营；转向医疗，M3-Plus 含另收费的医学检索",
    "In service; turned to medicine. M3-Plus searches medical sources, which costs extra",
  ),
  baseUrl: "https://api.baichuan-ai.com/v1",
  variable: "BAICHUAN_API_KEY",
  documentation: "https://platform.baichuan-ai.com/docs/api",
  confidence: "medium",
  currency: "CNY",
  quirks: { noStreamOptions: true },
  models: [
    model("Baichuan-M3", 32_768, undefined, baichuanPage({ input: "10", output: "30" }), REASONS),
    // A search in medical sources costs 0.03 beside the tokens: M3-Plus calls it by itself.
    model(
      "Baichuan-M3-Plus",
      32_768,
      undefined,
      baichuanPage({ input: "5", output: "9", perToolCall: "0.03" }),
      REASONS,
    ),
    model("Baichuan-M2", 32_768, undefined, baichuanPage({ input: "2", output: "20" }), REASONS),
    model("Baichuan-M2-Plus", 32_768, undefined, baichuanPage({ input: "10", output: "30" }), REASONS),
    model("Baichuan4", 32_768, undefined, baichuanPage({ input: "100", output: "100" }), TOOLS),
    model("Baichuan4-Turbo", 32_768, undefined, baichuanPage({ input: "15", output: "15" }), TOOLS),
    model("Baichuan4-Air", 32_768, undefined, baichuanPage({ input: "0.98", output: "0.98" }), TOOLS),
    model("Baichuan3-Turbo", 32_768, undefined, baichuanPage({ input: "12", output: "12" }), TOOLS),
    model("Baichuan3-Turbo-128k", 128_000, undefined, baichuanPage({ input: "24", output: "24" }), CHAT),
    model("Baichuan2-Turbo", 32_768, undefined, baichuanPage({ input: "8", output: "8" }), CHAT),
    model("Baichuan-Text-Embedding", 512, undefined, baichuanPage({ input: "0.5", output: "0" }), EMBEDS),
  ],
  published: [
    weights("Baichuan-7B", 7),
    weights("Baichuan-13B", 13),
    weights("Baichuan2-7B", 7),
    weights("Baichuan2-13B", 13),
    { id: "Baichuan2-53B", ...CHAT, ...billions(53, "Baichuan2-53B", "medium") },
  ],
});

export const lingyiwanwu = vendor({
  id: "lingyiwanwu",
  name: { zh: "零一万物", en: "01.AI (Yi)" },
  company: { zh: "零一万物（李开复）", en: "01.AI (Kai-Fu Lee)" },
  family: { zh: "Yi", en: "Yi" },
  status: alive(
    "2026-08-22",
    "在营，接口很小（yi-lightning、yi-vision-v2）；转向企业服务，不再预训练超大模型",
    "In service with a small API (yi-lightning, yi-vision-v2); it turned to companies and no longer trains giant models from the start",
  ),
  baseUrl: "https://api.lingyiwanwu.com/v1",
  variable: "LINGYIWANWU_API_KEY",
  documentation: "https://platform.lingyiwanwu.com/docs",
  confidence: "medium",
  currency: "CNY",
  quirks: { noStreamOptions: true },
  models: [
    model("yi-lightning", 16_384, undefined, yiPage({ input: "0.99", output: "0.99" }), {
      ...CHAT,
      ...claim(
        "status",
        "现转由 DeepSeek-V3 或 Qwen3-30B-A3B 回答",
        "Answered by DeepSeek-V3 or Qwen3-30B-A3B these days",
        "Laisky/one-api 2026-08-22",
        "medium",
      ),
    }),
    model("yi-vision-v2", 16_384, undefined, yiPage({ input: "6", output: "6" }), SEES),
  ],
  published: [
    weights("Yi-6B", 6),
    weights("Yi-9B", 9),
    weights("Yi-34B", 34),
    {
      id: "Yi-Large",
      ...CHAT,
      ...claim("size", "千亿参数", "A hundred billion parameters or so", LOBEHUB, "low"),
    },
  ],
});

const HUNDRED = claim("size", "千亿级", "Of the hundred-billion class", LOBEHUB, "low");

export const ai360 = vendor({
  id: "ai360",
  name: { zh: "360 智脑", en: "360 AI" },
  company: { zh: "三六零", en: "360 Security (Qihoo 360)" },
  family: { zh: "360 智脑", en: "360 Zhinao (360GPT)" },
  status: alive(
    "2026-07-02",
    "在营；同一接口也转售第三方模型（第三方所见）；价目须登录",
    "In service; the same API also resells models of others, as third parties saw. Its prices are shown to accounts only",
  ),
  baseUrl: "https://api.360.cn/v1",
  variable: "AI360_API_KEY",
  documentation: "https://ai.360.com/platform/docs",
  confidence: "medium",
  currency: "CNY",
  quirks: { errors: { "1001": "invalid_request", "1005": "rate_limit" } },
  models: [
    model("360gpt2-pro", 8_000, undefined, lobehub({ input: "2", output: "5" }), { ...LISTED_TOOLS, ...HUNDRED }),
    model("360gpt-pro", 8_000, undefined, lobehub({ input: "2", output: "5" }), { ...LISTED_TOOLS, ...HUNDRED }),
    model("360gpt-turbo", 7_000, undefined, lobehub({ input: "1", output: "2" }), {
      ...LISTED,
      ...claim("size", "百亿级", "Of the ten-billion class", LOBEHUB, "low"),
    }),
    model("360gpt-turbo-responsibility-8k", undefined, undefined, lobehub({ input: "1", output: "2" }), LISTED),
    model("360zhinao2-o1", 8_000, undefined, lobehub({ input: "4", output: "10" }), { ...LISTED, reasoning: true }),
    model("360gpt2-o1", 8_000, undefined, lobehub({ input: "4", output: "10" }), { ...LISTED, reasoning: true }),
    model("embedding-bert-512-v1", 512, undefined, undefined, EMBEDS),
    model("embedding_s1_v1", 512, undefined, undefined, EMBEDS),
  ],
});

/** Last seen answering in 2025. */
export const taichu = vendor({
  id: "taichu",
  name: { zh: "紫东太初", en: "CASIA Taichu" },
  company: {
    zh: "中国科学院自动化研究所、武汉人工智能研究院",
    en: "Institute of Automation, Chinese Academy of Sciences, and Wuhan AI Research (WAIR)",
  },
  family: { zh: "紫东太初", en: "Taichu" },
  status: unverified(
    "2025-12-31",
    "未核实：所见客户端均出自 2024 至 2025 年",
    "Not verified: the clients that were found are of 2024 and 2025",
  ),
  baseUrl: "https://ai-maas.wair.ac.cn/maas/v1",
  variable: "TAICHU_API_KEY",
  documentation: "https://ai-maas.wair.ac.cn",
  confidence: "medium",
  currency: "CNY",
  // Its scale is half as long as OpenAI's.
  quirks: { clamps: { temperature: { scale: 0.5, min: 0.01, max: 1 }, top_p: { min: 0.1, max: 0.9 } } },
  models: [
    model("taichu_llm", 32_768, undefined, lobehub({ input: "2", output: "2" }), TOOLS),
    model("taichu_vl", 4_096, undefined, lobehub({ input: "5", output: "5" }), { ...SEES, confidence: "low" }),
    model("taichu_o1", 32_768, undefined, undefined, { ...LISTED, reasoning: true }),
  ],
});

export const internlm = vendor({
  id: "internlm",
  name: { zh: "书生（上海人工智能实验室）", en: "InternLM (Shanghai AI Laboratory)" },
  company: { zh: "上海人工智能实验室", en: "Shanghai AI Laboratory" },
  family: { zh: "书生 InternLM、Intern-S、InternVL", en: "InternLM, Intern-S, InternVL" },
  status: alive(
    "2026-05-22",
    "在营，接口免费；每分钟与每日有额度，数目未知",
    "In service, and free; it has limits by minute and day, of which the numbers are not known",
  ),
  baseUrl: "https://chat.intern-ai.org.cn/api/v1",
  variable: "INTERNLM_API_KEY",
  documentation: "https://internlm.intern-ai.org.cn/api/document",
  confidence: "medium",
  currency: "CNY",
  price: internFree({ input: "0", output: "0" }),
  quirks: {},
  models: [
    model("intern-latest", undefined, undefined, undefined, SEES_THINKS),
    model("intern-s2-preview", 262_144, undefined, undefined, {
      ...SEES_THINKS,
      ...billions(35, THIRD_PARTIES, "medium", 3),
    }),
    model("intern-s1-pro", 262_144, undefined, undefined, SEES_THINKS),
    model("intern-s1", 32_768, undefined, undefined, { ...SEES_THINKS, ...billions(235, THIRD_PARTIES, "medium", 22) }),
    model("intern-s1-mini", 32_768, undefined, undefined, SEES_THINKS),
    model("internvl3.5-241b-a28b", 32_768, undefined, undefined, {
      ...SEES,
      ...billions(241, "internvl3.5-241b-a28b", "medium", 28),
    }),
    model("internlm3-latest", undefined, undefined, undefined, CHAT),
  ],
  published: [
    { id: "InternLM-104B", year: 2023, ...CHAT, ...billions(104, `${OWN_PAGES}: technical report, June 2023`, "high") },
    weights("InternLM-7B", 7, 2023),
    weights("InternLM-20B", 20, 2023),
    weights("InternLM2-20B", 20),
    weights("InternLM3-8B", 8),
  ],
});
