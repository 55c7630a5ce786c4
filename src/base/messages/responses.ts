import { translations } from "../language.ts";

/** What of OpenAI's Responses cannot be said to vendors of other protocols, and what the protocol itself cannot say. */
export const responsesWords = translations(
  {
    noState: (field: string) =>
      `"${field}" refers to what OpenAI keeps; Maidan keeps no conversations. Send the whole input.`,
    noItem: (type: string) => `input items of type "${type}" are known to OpenAI only.`,
    noTool: (type: string) => `tools of type "${type}" are run by OpenAI only. Use function or custom tools.`,
    noBackground: () =>
      "Maidan answers no requests in the background: their answers would be fetched later, past the budgets. Leave out `background` and stream the answer.",
    oneChoice: () => "the Responses protocol gives one answer (n = 1).",
    noStop: () => "the Responses protocol has no stop sequences.",
    noAudio: () => "the Responses protocol takes no audio.",
    gaveUp: (raw: string) => `the vendor gave up in the middle of the answer (${raw}).`,
    notKept: () => "Maidan keeps no responses: what was answered cannot be fetched again. Use the answer as it came.",
  },
  {
    noState: (field) => `“${field}”指向 OpenAI 保存的内容；Maidan 不保存对话。请发送完整的 input。`,
    noItem: (type) => `类型为“${type}”的 input 项仅 OpenAI 支持。`,
    noTool: (type) => `类型为“${type}”的工具仅由 OpenAI 运行。请使用 function 或 custom 工具。`,
    noBackground: () =>
      "Maidan 不支持后台生成：答案需要稍后另行获取，预算将无法约束。请去掉 `background`，改用流式返回。",
    oneChoice: () => "Responses 协议只返回一个答案（n = 1）。",
    noStop: () => "Responses 协议没有停止序列。",
    noAudio: () => "Responses 协议不接受音频。",
    gaveUp: (raw) => `厂商在生成过程中中断了答案（${raw}）。`,
    notKept: () => "Maidan 不保存 response：答案无法再次获取。请使用当时返回的内容。",
  },
);
