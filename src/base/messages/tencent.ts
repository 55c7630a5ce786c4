import { translations } from "../language.ts";

/** What Tencent's own protocol cannot say. */
export const tencentWords = translations(
  {
    noMedia: () => "Tencent's own protocol takes text and pictures only.",
    oneChoice: () => "Tencent's own protocol gives one answer (n = 1).",
    noFormat: () => "Tencent's own protocol has no structured output.",
    messages: (most: number) => `Tencent's own protocol takes at most ${most} messages.`,
    forcedTool: () => "Tencent's own protocol can only force one named tool: name it in tool_choice.",
    tokens: () => "Tencent's own protocol embeds texts, not lists of tokens.",
    inputs: (most: number) => `Tencent's own protocol embeds at most ${most} texts at once.`,
  },
  {
    noMedia: () => "腾讯的原生协议只接受文本和图像。",
    oneChoice: () => "腾讯的原生协议只返回一个答案（n = 1）。",
    noFormat: () => "腾讯的原生协议没有结构化输出。",
    messages: (most) => `腾讯的原生协议最多接受 ${most} 条消息。`,
    forcedTool: () => "腾讯的原生协议只能强制调用一个指定的工具：请在 tool_choice 中写明。",
    tokens: () => "腾讯的原生协议只能对文本做向量化，不接受 token 列表。",
    inputs: (most) => `腾讯的原生协议一次最多向量化 ${most} 条文本。`,
  },
);
