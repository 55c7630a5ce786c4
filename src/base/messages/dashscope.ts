import { translations } from "../language.ts";

/** What DashScope's own protocol cannot say, and what its tasks come to. */
export const dashscopeWords = translations(
  {
    noFiles: () => "DashScope's own protocol takes files by their address only.",
    forcedTool: () => "this vendor cannot force a call of any tool: tool_choice must be auto, none, or one named tool.",
    choices: (most: number) =>
      `this vendor gives at most ${most === 1 ? "one answer" : `${most} answers`} (n) to a request like this.`,
    inputs: (most: number) => `this vendor embeds at most ${most} texts at once with this model.`,
    tokens: () => "this vendor embeds texts, not lists of tokens.",
    inline: () => "this vendor's pictures are addresses: ask for response_format url.",
    taskFailed: (said: string) => `The vendor's task failed: ${said}`,
    taskLost: (status: number) =>
      `The vendor took the task, and answers questions about it with status ${status}. It may be charged.`,
    taskLate: (seconds: number) => `The vendor's task was not done within ${seconds} seconds.`,
  },
  {
    noFiles: () => "DashScope 的原生协议只接受文件的地址。",
    forcedTool: () => "该厂商无法强制调用任意工具：tool_choice 只能为 auto、none 或某个指定的工具。",
    choices: (most) => `该厂商对这样的请求最多返回 ${most} 个答案（n）。`,
    inputs: (most) => `该厂商的这一模型一次最多向量化 ${most} 条文本。`,
    tokens: () => "该厂商只能对文本做向量化，不接受 token 列表。",
    inline: () => "该厂商的图像以地址返回：请使用 response_format url。",
    taskFailed: (said) => `厂商的任务失败：${said}`,
    taskLost: (status) => `厂商接受了任务，但查询任务时返回状态码 ${status}。该任务可能会计费。`,
    taskLate: (seconds) => `厂商的任务未能在 ${seconds} 秒内完成。`,
  },
);
