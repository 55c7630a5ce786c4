import { translations } from "../language.ts";

/** Messages of reading a client's request in OpenAI's protocol. */
export const requestWords = translations(
  {
    bodyTooLarge: (bytes: number, limit: number) =>
      `The request is ${bytes} bytes long; ${limit} is the limit (limits.bodyBytes).`,
    notUtf8: () => "The request is not valid UTF-8. JSON is sent in UTF-8.",
    empty: () => "The request has no body. Send a JSON object.",
    malformed: (line: number, column: number) =>
      `The request is not valid JSON: it breaks at line ${line}, column ${column}.`,
    cutShort: (line: number, column: number) =>
      `The request is not valid JSON: it ends too early, at line ${line}, column ${column}.`,
    notObject: () => "The request must be a JSON object.",
    tooDeep: (levels: number) => `The request holds more than ${levels} levels of objects and lists within each other.`,
    missing: (field: string) => `"${field}" is missing.`,
    mustBe: (field: string, expected: RequestShape) => `"${field}" must be ${SHAPES_EN[expected]}.`,
    repeated: (field: string) => `"${field}" stands twice in the request. Send it once.`,
    otherSpelling: (field: string, right: string) =>
      `"${field}" is not a field. Write "${right}", exactly so: some vendors would take one for the other.`,
  },
  {
    bodyTooLarge: (bytes, limit) => `请求长 ${bytes} 字节，超过 ${limit} 字节的上限（limits.bodyBytes）。`,
    notUtf8: () => "请求不是有效的 UTF-8。JSON 须以 UTF-8 发送。",
    empty: () => "请求没有内容。请发送一个 JSON 对象。",
    malformed: (line, column) => `请求不是有效的 JSON：第 ${line} 行第 ${column} 列有误。`,
    cutShort: (line, column) => `请求不是有效的 JSON：在第 ${line} 行第 ${column} 列过早结束。`,
    notObject: () => "请求必须是 JSON 对象。",
    tooDeep: (levels) => `请求中对象和列表的嵌套超过 ${levels} 层。`,
    missing: (field) => `缺少“${field}”。`,
    mustBe: (field, expected) => `“${field}”必须是${SHAPES_ZH[expected]}。`,
    repeated: (field) => `“${field}”在请求中出现了两次。请只发送一次。`,
    otherSpelling: (field, right) => `“${field}”不是有效字段。请准确写成“${right}”：有些厂商会混淆两者。`,
  },
);

/** What a field of a request must be. */
export type RequestShape = keyof typeof SHAPES_EN;

const SHAPES_EN = {
  name: "a string that is not empty, of at most 512 characters",
  messages: "a list of messages that is not empty",
  message: "an object with role and content",
  input: "a string, or a list of strings or tokens that is not empty",
  boolean: "true or false",
  object: "an object",
  objects: "a list of objects",
  blocks: "a string, or a list of content blocks",
  length: "a whole number of tokens, at least 1",
  lengthOrZero: "a whole number of tokens, not negative",
  count: "a whole number, at least 1",
  text: "a text that is not empty",
  whole: "false: pictures come whole, not in pieces",
};

const SHAPES_ZH: { readonly [K in keyof typeof SHAPES_EN]: string } = {
  name: "非空字符串，最多 512 个字符",
  messages: "非空的消息列表",
  message: "含有 role 和 content 的对象",
  input: "字符串，或非空的字符串或 token 列表",
  boolean: "true 或 false",
  object: "对象",
  objects: "对象列表",
  blocks: "字符串，或内容块列表",
  length: "不小于 1 的整数（token 数）",
  lengthOrZero: "不小于 0 的整数（token 数）",
  count: "不小于 1 的整数",
  text: "非空文本",
  whole: "false：图像整张返回，不分片",
};

/** Messages of reading what vendors answer in OpenAI's protocol. `said` is the vendor's own message, redacted. */
export const vendorWords = translations(
  {
    eventTooLong: (bytes: number) => `The vendor sent an event longer than ${bytes} bytes, its limit.`,
    notAnAnswer: () => "The vendor's answer is no JSON, or breaks off in the middle.",
    strangeAnswer: () => "The vendor answered with JSON that is neither an answer nor an error.",
    invalid_request: (said: string) => `The vendor refused the request: ${said}`,
    unsupported: (said: string) => `This model's vendor cannot be asked for that: ${said}`,
    context_length: (said: string) => `The request is too long for this model: ${said}`,
    content_filter: (said: string) => `The vendor refused the content: ${said}`,
    auth: () =>
      "The vendor refused Maidan's credential for it. Check the endpoint's apiKey (and that it belongs to this address); `maidan doctor` tests it.",
    permission: (said: string) => `The vendor does not allow Maidan's account this: ${said}`,
    billing: (said: string) => `Maidan's account with the vendor cannot pay: ${said} Top it up with the vendor.`,
    not_found: (said: string) =>
      `The vendor knows no such model or address: ${said} Check the model's upstream name and the endpoint's baseUrl.`,
    rate_limit: (said: string) => `The vendor's rate limit is reached: ${said}`,
    quota: (said: string) => `Maidan's quota with the vendor is used up: ${said}`,
    overloaded: (said: string) => `The vendor is overloaded: ${said}`,
    timeout: (said: string) => `The vendor did not finish in time: ${said}`,
    server_error: (said: string) => `The vendor failed: ${said}`,
    nothingSaid: (status: number) => `status ${status}, without a word of why.`,
  },
  {
    eventTooLong: (bytes) => `厂商发来的单个事件超过 ${bytes} 字节的上限。`,
    notAnAnswer: () => "厂商的答案不是 JSON，或中途断开。",
    strangeAnswer: () => "厂商返回的 JSON 既不是答案也不是错误。",
    invalid_request: (said) => `厂商拒绝了请求：${said}`,
    unsupported: (said) => `此模型的厂商无法满足这一要求：${said}`,
    context_length: (said) => `请求超出此模型的长度：${said}`,
    content_filter: (said) => `厂商拒绝了内容：${said}`,
    auth: () => "厂商拒绝了 Maidan 的凭据。请检查接入点的 apiKey（以及它是否属于该地址）；`maidan doctor` 可以检测。",
    permission: (said) => `厂商不允许 Maidan 的账户这样做：${said}`,
    billing: (said) => `Maidan 在厂商处的账户无法付款：${said} 请向厂商充值。`,
    not_found: (said) => `厂商没有该模型或地址：${said} 请检查模型的 upstream 名称和接入点的 baseUrl。`,
    rate_limit: (said) => `已达到厂商的速率限制：${said}`,
    quota: (said) => `Maidan 在厂商处的额度已用完：${said}`,
    overloaded: (said) => `厂商过载：${said}`,
    timeout: (said) => `厂商未能按时完成：${said}`,
    server_error: (said) => `厂商出错：${said}`,
    nothingSaid: (status) => `状态码 ${status}，没有说明原因。`,
  },
);
