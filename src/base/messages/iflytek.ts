import { translations } from "../language.ts";

/** What iFlytek's own protocol cannot say, and what can be wrong with its WebSocket. */
export const iflytekWords = translations(
  {
    noMedia: () => "iFlytek's Spark protocol takes text only.",
    oneChoice: () => "iFlytek's Spark protocol gives one answer (n = 1).",
    noFormat: () =>
      "iFlytek's Spark protocol has no structured output over WebSocket. Its HTTP address takes json_object.",
    noSchema: () => "iFlytek's Spark protocol takes json_object, but no JSON Schema.",
    badAddress: (address: string) =>
      `"${address}" is no address of a WebSocket. Write ws:// or wss://, the host, and the path where the API begins, without a query or a password.`,
    noWebSocket: (address: string, status: number) =>
      `${address} answered with status ${status} instead of opening a WebSocket. Check baseUrl; an http(s) address is spoken to without one.`,
  },
  {
    noMedia: () => "讯飞星火的协议只接受文本。",
    oneChoice: () => "讯飞星火的协议只返回一个答案（n = 1）。",
    noFormat: () => "讯飞星火的 WebSocket 协议没有结构化输出；其 HTTP 地址支持 json_object。",
    noSchema: () => "讯飞星火的协议支持 json_object，但不支持 JSON Schema。",
    badAddress: (address) =>
      `“${address}”不是 WebSocket 地址。请写 ws:// 或 wss://、主机名以及 API 起始路径，不要带查询参数或密码。`,
    noWebSocket: (address, status) =>
      `${address} 返回了状态码 ${status}，没有建立 WebSocket。请检查 baseUrl；http(s) 地址不使用 WebSocket。`,
  },
);
