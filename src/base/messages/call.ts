import { translations } from "../language.ts";

const listed = (names: readonly string[], or: string): string => names.map((name) => `"${name}"`).join(or);

/** Messages of choosing a model. */
export const routingWords = translations(
  {
    modelNotFound: (name: string, nearest: readonly string[]) =>
      `There is no model or route named "${name}".${nearest.length > 0 ? ` Did you mean ${listed(nearest, " or ")}?` : ""} GET /v1/models lists all.`,
    routeTargetMissing: (route: string, ref: string) =>
      `Route "${route}" leads to "${ref}", but no endpoint has that model. Add it to the endpoint's models, or correct the route.`,
    modelNotAllowed: (key: string, name: string, allowed: readonly string[]) =>
      `Key "${key}" may not call "${name}". It may call: ${allowed.join(", ")}. Ask whoever gave you the key to allow it.`,
  },
  {
    modelNotFound: (name, nearest) =>
      `没有名为“${name}”的模型或路由。${nearest.length > 0 ? `您是否想用 ${listed(nearest, " 或 ")}？` : ""}GET /v1/models 列出全部可用名称。`,
    routeTargetMissing: (route, ref) =>
      `路由“${route}”指向“${ref}”，但没有接入点提供该模型。请在接入点的 models 中加入它，或修改路由。`,
    modelNotAllowed: (key, name, allowed) =>
      `密钥“${key}”无权调用“${name}”。它可以调用：${allowed.join("、")}。请联系发放密钥的人开通。`,
  },
);

/** Messages of admission: rates and concurrency. */
export const admissionWords = translations(
  {
    rateLimit: (limit: "rpm" | "tpm" | "concurrency", node: string, allowed: number, seconds: number) =>
      `${
        limit === "rpm"
          ? `Limit of ${allowed} requests a minute`
          : limit === "tpm"
            ? `Limit of ${allowed} tokens a minute`
            : `Limit of ${allowed} calls at once`
      } reached for ${node}. Try again in ${seconds} s.`,
    tooLargeForRate: (node: string, allowed: number, tokens: number) =>
      `This call needs about ${tokens} tokens, more than the ${allowed} tokens a minute that ${node} may ever use. Make it smaller or raise the limit.`,
    nodeBusy: (calls: number) => `Maidan is busy with ${calls} calls, its limit. Try again shortly.`,
  },
  {
    rateLimit: (limit, node, allowed, seconds) =>
      `${node} 已达到${
        limit === "rpm"
          ? `每分钟 ${allowed} 次请求`
          : limit === "tpm"
            ? `每分钟 ${allowed} 个 token`
            : `同时 ${allowed} 个调用`
      }的上限。请在 ${seconds} 秒后重试。`,
    tooLargeForRate: (node, allowed, tokens) =>
      `此调用约需 ${tokens} 个 token，超过 ${node} 每分钟 ${allowed} 个 token 的上限。请缩小请求或提高上限。`,
    nodeBusy: (calls) => `Maidan 正在处理 ${calls} 个调用，已达上限。请稍后重试。`,
  },
);

/** Messages of the way of a call. */
export const callWords = translations(
  {
    noKey: () => 'No API key. Send it as "Authorization: Bearer <key>".',
    unpriced: (model: string) =>
      `"${model}" has no price, so its cost cannot be held or settled. Give it one (price: in the declarative file), or set allowUnpriced on its endpoint.`,
    callTimeout: (seconds: number) => `The call took longer than ${seconds} s, its limit.`,
    broken: (model: string) => `"${model}" broke off before its answer was complete.`,
    notAStream: (model: string) => `"${model}" was asked for a stream and answered with something else.`,
    answerTooLarge: (model: string, bytes: number) =>
      `The answer of "${model}" is longer than ${bytes} bytes, its limit.`,
    clientGone: () => "The client went away.",
    noOperation: (operation: string) => `it has no ${operation}. Choose a model of another vendor or protocol.`,
    idempotencyOtherBody: (call: string) =>
      `This Idempotency-Key was used for another request (${call}). Use a new key for a new request.`,
    idempotencyInFlight: (call: string) =>
      `The call of this Idempotency-Key (${call}) is still under way. Wait for it; it is not sent again.`,
    idempotencyDoubt: (call: string) =>
      `The call of this Idempotency-Key (${call}) is in doubt: the vendor may have served it. It is not sent again; look at /api/v1/calls/${call}.`,
    idempotencyTooLarge: (call: string) =>
      `The answer of this Idempotency-Key (${call}) was too long to keep. The call was served and billed; it is not sent again.`,
    idempotencyKeyTooLong: (characters: number) => `An Idempotency-Key has at most ${characters} characters.`,
    internal: (call: string) => `Something went wrong inside Maidan. The log says more about ${call}.`,
  },
  {
    noKey: () => "缺少 API 密钥。请以 “Authorization: Bearer <密钥>” 发送。",
    unpriced: (model) =>
      `“${model}”没有价格，无法预占或结算其费用。请为它设置价格（配置文件中的 price:），或在接入点上设置 allowUnpriced。`,
    callTimeout: (seconds) => `调用超过了 ${seconds} 秒的上限。`,
    broken: (model) => `“${model}”在答案完成前中断。`,
    notAStream: (model) => `向“${model}”请求了流式输出，但它返回了别的内容。`,
    answerTooLarge: (model, bytes) => `“${model}”的答案超过了 ${bytes} 字节的上限。`,
    clientGone: () => "客户端已离开。",
    noOperation: (operation) => `它没有 ${operation} 功能。请选用其他厂商或协议的模型。`,
    idempotencyOtherBody: (call) => `此 Idempotency-Key 已用于另一个请求（${call}）。新请求请使用新的键。`,
    idempotencyInFlight: (call) => `此 Idempotency-Key 的调用（${call}）仍在进行。请等待其完成；不会再次发送。`,
    idempotencyDoubt: (call) =>
      `此 Idempotency-Key 的调用（${call}）存疑：厂商可能已提供服务。不会再次发送；请查看 /api/v1/calls/${call}。`,
    idempotencyTooLarge: (call) =>
      `此 Idempotency-Key 的答案（${call}）过长，未保留。该调用已完成并计费；不会再次发送。`,
    idempotencyKeyTooLong: (characters) => `Idempotency-Key 最多 ${characters} 个字符。`,
    internal: (call) => `Maidan 内部出错。日志中有关于 ${call} 的更多信息。`,
  },
);
