import { translations } from "../language.ts";

/** What SenseNova's own protocol cannot say. */
export const sensenovaWords = translations(
  {
    noMedia: () => "SenseNova's own protocol takes text and pictures only.",
    choices: (most: number) => `SenseNova's own protocol gives at most ${most} answers (n).`,
    noFormat: () => "SenseNova's own protocol has no structured output.",
    tokens: () => "SenseNova's own protocol embeds texts, not lists of tokens.",
  },
  {
    noMedia: () => "商汤日日新的原生协议只接受文本和图像。",
    choices: (most) => `商汤日日新的原生协议最多返回 ${most} 个答案（n）。`,
    noFormat: () => "商汤日日新的原生协议没有结构化输出。",
    tokens: () => "商汤日日新的原生协议只能对文本做向量化，不接受 token 列表。",
  },
);
