import { translations } from "../language.ts";

/** What Gemini's protocol cannot say, and what it says at the end. */
export const geminiWords = translations(
  {
    tokens: () => "Gemini embeds texts, not lists of tokens. Send the texts.",
    oneImage: (count: number) => `Gemini's image models draw one picture at a time, not ${count}. Ask several times.`,
    blocked: (reason: string) => `it blocked the prompt (${reason}).`,
    noImage: (reason: string) => `it drew no picture (${reason}).`,
    file: () => "a document without bytes, address or id.",
  },
  {
    tokens: () => "Gemini 只为文本生成向量，不接受 token 列表。请发送文本。",
    oneImage: (count) => `Gemini 的图像模型每次只画一张图，不能画 ${count} 张。请分多次请求。`,
    blocked: (reason) => `它拦截了提示词（${reason}）。`,
    noImage: (reason) => `它没有生成图像（${reason}）。`,
    file: () => "文档缺少内容、地址或编号。",
  },
);
