import { translations } from "../language.ts";

/** Messages of putting settings in force. */
export const controlWords = translations(
  {
    unknownProtocol: (endpoint: string, protocol: string) =>
      `Endpoint "${endpoint}" speaks "${protocol}", which this version does not know. It knows: openai, practice, recorded.`,
    noSuites: (endpoint: string) =>
      `Endpoint "${endpoint}" serves recorded answers but names no folder of them. Set suites: to one.`,
  },
  {
    unknownProtocol: (endpoint, protocol) =>
      `接入点“${endpoint}”使用的协议“${protocol}”本版本不支持。支持的有：openai、practice、recorded。`,
    noSuites: (endpoint) => `接入点“${endpoint}”提供录制的答案，但没有指定其文件夹。请设置 suites:。`,
  },
);
