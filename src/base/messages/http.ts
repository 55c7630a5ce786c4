import { translations } from "../language.ts";

/** Messages of the HTTP server. */
export const httpWords = translations(
  {
    bodyTooLarge: (limit: number) =>
      `The request body is larger than ${limit} bytes, the limit. Send less, or raise limits.bodyBytes.`,
    bodyBrokenOff: () => "The request broke off before its body was complete.",
    encodedBody: (encoding: string) => `A body encoded as "${encoding}" is not read. Send it plain.`,
    unknownPath: (method: string, path: string) => `There is no ${method} ${path}. /docs lists what there is.`,
    wrongMethod: (method: string, path: string, allowed: string) =>
      `${path} does not take ${method}. It takes ${allowed}.`,
    headersTooLarge: (limit: number) =>
      `The headers of the request are larger than ${limit} bytes, the limit. Send fewer, or raise limits.headerBytes.`,
    notHttp: () => "This is no HTTP request that can be read.",
    stopping: () => "Maidan is stopping. Try again shortly.",
    recovered: (crashed: number, unsettled: number) =>
      `${crashed} calls were in flight when Maidan last ended. ${unsettled} are in doubt and go on counting: maidan unsettled list.`,
  },
  {
    bodyTooLarge: (limit) => `请求体超过 ${limit} 字节的上限。请缩小请求，或提高 limits.bodyBytes。`,
    bodyBrokenOff: () => "请求体未完整到达，连接已中断。",
    encodedBody: (encoding) => `不支持以“${encoding}”编码的请求体。请发送未压缩的内容。`,
    unknownPath: (method, path) => `没有 ${method} ${path}。/docs 列出全部接口。`,
    wrongMethod: (method, path, allowed) => `${path} 不支持 ${method}，支持 ${allowed}。`,
    headersTooLarge: (limit) => `请求头超过 ${limit} 字节的上限。请减少请求头，或提高 limits.headerBytes。`,
    notHttp: () => "无法识别的 HTTP 请求。",
    stopping: () => "Maidan 正在停止。请稍后重试。",
    recovered: (crashed, unsettled) =>
      `Maidan 上次结束时有 ${crashed} 个调用在途。现有 ${unsettled} 个调用存疑，继续计入预算：maidan unsettled list。`,
  },
);
