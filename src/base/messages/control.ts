import { translations } from "../language.ts";

/** Messages of putting settings in force. */
export const controlWords = translations(
  {
    credentialMissing: (endpoint: string, names: readonly string[]) =>
      `Endpoint "${endpoint}" has no ${names.join(", ")}: its environment variable is not set, or what was sealed cannot be opened.`,
  },
  {
    credentialMissing: (endpoint, names) =>
      `接入点“${endpoint}”缺少 ${names.join("、")}：环境变量未设置，或加密的凭据无法解开。`,
  },
);
