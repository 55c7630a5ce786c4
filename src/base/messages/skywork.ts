import { translations } from "../language.ts";

/** What Skywork's protocol cannot say. */
export const skyworkWords = translations(
  {
    noTools: () => "Skywork's protocol has no tools.",
    noMedia: () => "Skywork's protocol takes text only.",
    oneChoice: () => "Skywork's protocol gives one answer (n = 1).",
    noFormat: () => "Skywork's protocol has no structured output.",
  },
  {
    noTools: () => "天工的协议没有工具调用。",
    noMedia: () => "天工的协议只接受文本。",
    oneChoice: () => "天工的协议只返回一个答案（n = 1）。",
    noFormat: () => "天工的协议没有结构化输出。",
  },
);
