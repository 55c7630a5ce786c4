import { translations } from "../language.ts";

/** Messages of Anthropic's protocol: what it cannot be asked, and what only it can. */
export const anthropicWords = translations(
  {
    serverTool: (type: string) =>
      `"${type}" is a tool that Anthropic itself runs or defines. Call a model of Anthropic's protocol, or give the tool a name and an input_schema of its own.`,
    serverBlock: (type: string) =>
      `the conversation holds a "${type}" block, which only Anthropic's own tools make. Call a model of Anthropic's protocol.`,
    remoteTools: () => "tools of remote servers (mcp_servers) are run by Anthropic only.",
    block: (type: string) => `it knows no "${type}" block.`,
    audio: () => "Anthropic's protocol takes no audio.",
    choices: (count: number) => `it gives one answer at a time, not ${count}. Ask several times.`,
    anyJson: () =>
      "Anthropic's protocol has no JSON mode without a schema. Give a schema (response_format json_schema), or ask for JSON in words.",
    file: () => "a document without bytes, address or id.",
  },
  {
    serverTool: (type) =>
      `“${type}”是由 Anthropic 自己运行或定义的工具。请调用 Anthropic 协议的模型，或为该工具提供自己的名称和 input_schema。`,
    serverBlock: (type) => `对话中含有“${type}”块，只有 Anthropic 自己的工具会产生它。请调用 Anthropic 协议的模型。`,
    remoteTools: () => "远程服务器的工具（mcp_servers）只有 Anthropic 能运行。",
    block: (type) => `它不支持“${type}”块。`,
    audio: () => "Anthropic 协议不接受音频。",
    choices: (count) => `它每次只给出一个答案，不能给出 ${count} 个。请分多次请求。`,
    anyJson: () =>
      "Anthropic 协议没有不带 schema 的 JSON 模式。请提供 schema（response_format json_schema），或在提示词中要求 JSON。",
    file: () => "文档缺少内容、地址或编号。",
  },
);
