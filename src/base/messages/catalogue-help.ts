import { translations } from "../language.ts";

/** The help of `maidan catalogue`. */
export const lookHelp = translations(
  {
    catalogue: () => "what is known of vendors and their models, whether they are set up or not",
    search: () => "search models; without words and filters, list the vendors",
    vendors: () => "list the vendors, and what became of them",
    show: () => "show a vendor: addresses, protocols, credentials, rules, models, claims",
    compare: () => "show models side by side",
    words: () => "words of a model's name, or of its vendor's, in Chinese or English",
    vendor: () => "only this vendor's",
    vendorId: () => "the vendor's id",
    models: () => "vendor/model, two or more",
    modality: () => "only those that take or make text, image, audio, video or vector",
    tools: () => "only those that call tools",
    noTools: () => "only those that are known not to",
    reasoning: () => "only those that think before they answer",
    noReasoning: () => "only those that are known not to",
    large: () =>
      "only those that are large: tenBillion (ten billion parameters and more) or hundredMillionAcrossDomains (a hundred million and more, used across domains)",
    currency: () => "only those with a price in this currency",
  },
  {
    catalogue: () => "各厂商及其模型的已知信息，无论是否已接入",
    search: () => "查找模型；不带关键词和条件时列出厂商",
    vendors: () => "列出厂商及其现状",
    show: () => "显示一个厂商：地址、协议、凭据、规则、模型和说法",
    compare: () => "并列比较模型",
    words: () => "模型或其厂商名称中的词，中英文均可",
    vendor: () => "仅限该厂商",
    vendorId: () => "厂商 id",
    models: () => "厂商/模型，两个或更多",
    modality: () => "仅限输入或输出为 text、image、audio、video 或 vector 的模型",
    tools: () => "仅限能调用工具的模型",
    noTools: () => "仅限已知不能调用工具的模型",
    reasoning: () => "仅限会先推理再回答的模型",
    noReasoning: () => "仅限已知不推理的模型",
    large: () => "仅限大模型：tenBillion（参数 100 亿及以上）或 hundredMillionAcrossDomains（1 亿及以上且跨领域使用）",
    currency: () => "仅限以该币种定价的模型",
  },
);
