import { translations } from "../language.ts";

/** What Ollama's own protocol cannot say. */
export const ollamaWords = translations(
  {
    imageAddress: () => "Ollama takes the bytes of pictures (base64), not their addresses.",
    noMedia: () => "Ollama takes text and pictures only.",
    oneChoice: () => "Ollama gives one answer (n = 1).",
    noForcedTool: () => "Ollama cannot be told which tool to call: tool_choice must be auto or none.",
    tokens: () => "Ollama embeds texts, not lists of tokens.",
  },
  {
    imageAddress: () => "Ollama 只接受图像的字节（base64），不接受图像地址。",
    noMedia: () => "Ollama 只接受文本和图像。",
    oneChoice: () => "Ollama 只返回一个答案（n = 1）。",
    noForcedTool: () => "Ollama 无法指定调用哪个工具：tool_choice 只能为 auto 或 none。",
    tokens: () => "Ollama 只能对文本做向量化，不接受 token 列表。",
  },
);
