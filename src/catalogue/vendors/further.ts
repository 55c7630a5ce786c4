import { compatibleVendor, model, priceList } from "./vendor.ts";

/** Further vendors of China on the `openai` protocol. A model without a price here needs one set by its operator. */

const baichuanPage = priceList("CNY", "platform.baichuan-ai.com price list, by Laisky/one-api", "2026-08-22");
const yiPage = priceList("CNY", "platform.lingyiwanwu.com price list, by Laisky/one-api", "2026-08-22");
const lobehub = priceList("CNY", "lobehub model-bank, 2026");
const sensenovaBeta = priceList("CNY", "token.sensenova.cn, public beta", "2026-09-22");
const internFree = priceList("CNY", "internlm.intern-ai.org.cn: a free API, 2026");

/** Its prices are packages, and public sources contradict each other: none is shipped. */
export const iflytek = compatibleVendor({
  id: "iflytek",
  name: { zh: "科大讯飞星火", en: "iFlytek Spark" },
  baseUrl: "https://spark-api-open.xf-yun.com/v1",
  variable: "SPARK_API_PASSWORD",
  documentation: "https://www.xfyun.cn/doc/spark",
  confidence: "high",
  quirks: { noStreamOptions: true },
  models: [
    model("lite", 8_192, 4_096),
    model("generalv3", 8_192, undefined),
    model("pro-128k", 131_072, undefined),
    model("4.0Ultra", 32_768, 32_768),
  ],
});

export const sensetime = compatibleVendor({
  id: "sensetime",
  name: { zh: "商汤日日新（Token 平台）", en: "SenseTime SenseNova (Token platform)" },
  baseUrl: "https://token.sensenova.cn/v1",
  variable: "SENSENOVA_API_KEY",
  documentation: "https://platform.sensenova.cn",
  confidence: "medium",
  quirks: { noStreamOptions: true },
  models: [model("sensenova-6.8-flash-lite", 262_144, 65_536, sensenovaBeta({ input: "0", output: "0" }))],
});

/** The older platform, which still sells the SenseChat models. */
export const sensetimeLegacy = compatibleVendor({
  id: "sensetime-legacy",
  name: { zh: "商汤日日新（旧平台）", en: "SenseTime SenseNova (older platform)" },
  baseUrl: "https://api.sensenova.cn/compatible-mode/v1",
  documentation: "https://platform.sensenova.cn",
  confidence: "medium",
  quirks: { noStreamOptions: true },
  models: [
    model("SenseNova-V6-5-Pro", 131_072, undefined, lobehub({ input: "3", output: "9" })),
    model("SenseNova-V6-5-Turbo", 131_072, undefined, lobehub({ input: "1.5", output: "4.5" })),
    model("SenseChat-5", 131_072, undefined, lobehub({ input: "8", output: "20" })),
    model("SenseChat-Turbo", undefined, undefined, lobehub({ input: "0.3", output: "0.6" })),
    model("SenseChat-128K", 131_072, undefined, lobehub({ input: "60", output: "60" })),
  ],
});

export const baichuan = compatibleVendor({
  id: "baichuan",
  name: { zh: "百川智能", en: "Baichuan AI" },
  baseUrl: "https://api.baichuan-ai.com/v1",
  variable: "BAICHUAN_API_KEY",
  documentation: "https://platform.baichuan-ai.com/docs/api",
  confidence: "medium",
  quirks: { noStreamOptions: true },
  models: [
    model("Baichuan-M3", 32_768, undefined, baichuanPage({ input: "10", output: "30" })),
    // A search in medical sources costs 0.03 beside the tokens: M3-Plus calls it by itself.
    model("Baichuan-M3-Plus", 32_768, undefined, baichuanPage({ input: "5", output: "9", perToolCall: "0.03" })),
    model("Baichuan-M2", 32_768, undefined, baichuanPage({ input: "2", output: "20" })),
    model("Baichuan-M2-Plus", 32_768, undefined, baichuanPage({ input: "10", output: "30" })),
    model("Baichuan4", 32_768, undefined, baichuanPage({ input: "100", output: "100" })),
    model("Baichuan4-Turbo", 32_768, undefined, baichuanPage({ input: "15", output: "15" })),
    model("Baichuan4-Air", 32_768, undefined, baichuanPage({ input: "0.98", output: "0.98" })),
    model("Baichuan3-Turbo", 32_768, undefined, baichuanPage({ input: "12", output: "12" })),
    model("Baichuan3-Turbo-128k", 128_000, undefined, baichuanPage({ input: "24", output: "24" })),
    model("Baichuan2-Turbo", 32_768, undefined, baichuanPage({ input: "8", output: "8" })),
    model("Baichuan-Text-Embedding", 512, undefined, baichuanPage({ input: "0.5", output: "0" })),
  ],
});

export const lingyiwanwu = compatibleVendor({
  id: "lingyiwanwu",
  name: { zh: "零一万物", en: "01.AI (Yi)" },
  baseUrl: "https://api.lingyiwanwu.com/v1",
  variable: "LINGYIWANWU_API_KEY",
  documentation: "https://platform.lingyiwanwu.com/docs",
  confidence: "medium",
  quirks: { noStreamOptions: true },
  models: [
    model("yi-lightning", 16_384, undefined, yiPage({ input: "0.99", output: "0.99" })),
    model("yi-vision-v2", 16_384, undefined, yiPage({ input: "6", output: "6" })),
  ],
});

export const ai360 = compatibleVendor({
  id: "ai360",
  name: { zh: "360 智脑", en: "360 AI" },
  baseUrl: "https://api.360.cn/v1",
  variable: "AI360_API_KEY",
  documentation: "https://ai.360.com/platform/docs",
  confidence: "medium",
  models: [
    model("360gpt2-pro", undefined, undefined, lobehub({ input: "2", output: "5" })),
    model("360gpt-pro", undefined, undefined, lobehub({ input: "2", output: "5" })),
    model("360gpt-turbo", undefined, undefined, lobehub({ input: "1", output: "2" })),
    model("360zhinao2-o1", undefined, undefined, lobehub({ input: "4", output: "10" })),
    model("360gpt2-o1", undefined, undefined, lobehub({ input: "4", output: "10" })),
  ],
});

/** Last seen answering in 2025. */
export const taichu = compatibleVendor({
  id: "taichu",
  name: { zh: "紫东太初", en: "CASIA Taichu" },
  baseUrl: "https://ai-maas.wair.ac.cn/maas/v1",
  variable: "TAICHU_API_KEY",
  documentation: "https://ai-maas.wair.ac.cn",
  confidence: "medium",
  models: [
    model("taichu_llm", 32_768, undefined, lobehub({ input: "2", output: "2" })),
    model("taichu_vl", 4_096, undefined, lobehub({ input: "5", output: "5" })),
  ],
});

export const internlm = compatibleVendor({
  id: "internlm",
  name: { zh: "书生（上海人工智能实验室）", en: "InternLM (Shanghai AI Laboratory)" },
  baseUrl: "https://chat.intern-ai.org.cn/api/v1",
  variable: "INTERNLM_API_KEY",
  documentation: "https://internlm.intern-ai.org.cn/api/document",
  confidence: "medium",
  price: internFree({ input: "0", output: "0" }),
  models: [
    model("intern-latest", undefined, undefined),
    model("intern-s2-preview", 262_144, undefined),
    model("intern-s1-pro", 262_144, undefined),
    model("intern-s1", 32_768, undefined),
    model("intern-s1-mini", undefined, undefined),
    model("internvl3.5-241b-a28b", undefined, undefined),
    model("internlm3-latest", undefined, undefined),
  ],
});
