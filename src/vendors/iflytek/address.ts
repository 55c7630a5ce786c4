import type { Target } from "../spec.ts";

/** Where the platform's WebSockets are. */
export const DEFAULT_ADDRESS = "wss://spark-api.xf-yun.com";

/** The path of each model's WebSocket, https://www.xfyun.cn/doc/spark/Web.html. The model's name is its `domain`. */
const SOCKET_PATHS: Readonly<Record<string, string>> = {
  lite: "/v1.1/chat",
  general: "/v1.1/chat",
  generalv2: "/v2.1/chat",
  generalv3: "/v3.1/chat",
  "generalv3.5": "/v3.5/chat",
  "pro-128k": "/chat/pro-128k",
  "max-32k": "/chat/max-32k",
  "4.0Ultra": "/v4.0/chat",
  x1: "/v1/x1",
  "spark-x": "/v1/x1",
  kjwx: "/v1.1/chat_kjwx",
};
/** For models that are not in the list: those of an operator's own gateway. */
const OTHER_SOCKET_PATH = "/v4.0/chat";
const WHOLE_SOCKET_PATHS: readonly string[] = [...new Set(Object.values(SOCKET_PATHS))];

/** The versions of the HTTP interface, by model; all others are of the first. */
const HTTP_VERSIONS: Readonly<Record<string, string>> = { x1: "/v2", "spark-x": "/x2", "X2-Flash": "/x2" };
const CHAT = "/chat/completions";

/** Whether an address is spoken to over a WebSocket: the scheme says. */
export function isSocket(baseUrl: string): boolean {
  return /^wss?:/i.test(baseUrl);
}

/**
 * What is appended to the address for one model. The platform's documentation gives whole addresses, each with its path: such
 * a one is taken as it is.
 */
export function pathOf({ baseUrl = DEFAULT_ADDRESS, quirks }: Target, model: string): string {
  if (quirks.paths?.chat !== undefined) return quirks.paths.chat;
  const base = basePath(baseUrl);
  if (isSocket(baseUrl)) {
    if (WHOLE_SOCKET_PATHS.some((path) => base.endsWith(path))) return "";
    return SOCKET_PATHS[model] ?? OTHER_SOCKET_PATH;
  }
  if (base.endsWith(CHAT)) return "";
  return base === "" ? `${HTTP_VERSIONS[model] ?? "/v1"}${CHAT}` : CHAT;
}

/** The path of an address, without a slash at its end. */
export function basePath(baseUrl: string): string {
  return new URL(baseUrl).pathname.replace(/\/+$/, "");
}
