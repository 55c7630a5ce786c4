import { translations } from "../language.ts";

/** What Baidu's own protocol cannot say, and what goes wrong with its tokens. */
export const baiduWords = translations(
  {
    noMedia: () => "Baidu's own protocol takes text only.",
    oneChoice: () => "Baidu's own protocol gives one answer (n = 1).",
    oneCall: () => "Baidu's own protocol has one call of a function in a turn, and one result.",
    forcedTool: () => "Baidu's own protocol can only force one named function: name it in tool_choice.",
    userFirst: () => "a conversation in Baidu's own protocol begins with a user's message.",
    userLast: () => "a conversation in Baidu's own protocol ends with a user's message or a function's result.",
    noSchema: () => "Baidu's own protocol has no JSON Schema for answers: ask for json_object.",
    noAddresses: () => "Baidu's own protocol gives pictures as bytes: ask for response_format b64_json.",
    tokens: () => "Baidu's own protocol embeds texts, not lists of tokens.",
    strangeToken: (address: string) =>
      `${address} answered the request for an access token with something else. Check baseUrl.`,
  },
  {
    noMedia: () => "百度的原生协议只接受文本。",
    oneChoice: () => "百度的原生协议只返回一个答案（n = 1）。",
    oneCall: () => "百度的原生协议每轮只能有一次函数调用和一个结果。",
    forcedTool: () => "百度的原生协议只能强制调用一个指定的函数：请在 tool_choice 中写明。",
    userFirst: () => "百度的原生协议要求对话以用户消息开始。",
    userLast: () => "百度的原生协议要求对话以用户消息或函数结果结束。",
    noSchema: () => "百度的原生协议不支持用 JSON Schema 约束答案：请使用 json_object。",
    noAddresses: () => "百度的原生协议以字节返回图像：请使用 response_format b64_json。",
    tokens: () => "百度的原生协议只能对文本做向量化，不接受 token 列表。",
    strangeToken: (address) => `${address} 对访问令牌请求的响应无法识别。请检查 baseUrl。`,
  },
);
