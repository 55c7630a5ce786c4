import type { FaultCode } from "../faults.ts";
import { translations } from "../language.ts";

/** What a code means and what to do: for the documentation. The errors themselves say more, with names and figures. */
interface Meaning {
  readonly when: string;
  readonly remedy: string;
}

const EN: Readonly<Record<FaultCode, Meaning>> = {
  invalid_request: {
    when: "The request, a setting or a parameter is not right; `param` names it.",
    remedy: "Correct what the message names; it often says the nearest right name.",
  },
  context_length_exceeded: {
    when: "The input is longer than the model takes.",
    remedy: "Shorten it, or call a model with a longer context.",
  },
  content_filter: {
    when: "The vendor refused the content.",
    remedy: "Change the content; another try is refused as well.",
  },
  invalid_api_key: {
    when: "No key, or one that is unknown, revoked or expired.",
    remedy: "Send `Authorization: Bearer <key>`. `maidan key create` makes a new one.",
  },
  budget_exhausted: {
    when: "A budget has no room. `budget`, `payer`, `limit`, `settled`, `held` and `resetsAt` say which, and when it has room again.",
    remedy:
      "Wait for `resetsAt`, make the call smaller, or raise the limit (`maidan budget set`). Clients must not retry.",
  },
  model_not_allowed: { when: "The key may not call this model.", remedy: "Ask whoever gave you the key." },
  model_not_found: {
    when: "No route or model has this name, here or at the vendor.",
    remedy: "`GET /v1/models` lists all; `nearest` has the names most like it.",
  },
  not_found: {
    when: "Nothing is at this path, or has this id.",
    remedy: "`/docs` lists the paths; `nearest` has the ids most like it.",
  },
  method_not_allowed: { when: "The path does not take this method.", remedy: "Use a method of the `allow` header." },
  idempotency_conflict: {
    when: "This `Idempotency-Key` was used for another request, or its call (`call`) is under way, in doubt, or had an answer too long to keep. Nothing was sent.",
    remedy: "A new request needs a new key. A call in doubt: `GET /api/v1/calls/{id}`.",
  },
  conflict: {
    when: "Something stands in the way: the id exists, or is in use.",
    remedy: "The message names it. Change that first, or choose another id.",
  },
  body_too_large: { when: "The body is longer than its limit.", remedy: "Send less, or raise the limit in `limits`." },
  unpriced_model: {
    when: "The model has no price, so its cost can be neither held nor settled.",
    remedy: "`maidan price add`, or `allowUnpriced` on its endpoint.",
  },
  rate_limit_exceeded: {
    when: "Too many requests, tokens or calls at once: by a limit here, or by the vendor's (`x-maidan-origin`).",
    remedy: "Wait for `retry-after`.",
  },
  internal_error: { when: "A defect of Maidan.", remedy: "The log says more under the call's id. Please report it." },
  vendor_error: {
    when: "The vendor failed, broke off, or refused Maidan's own credential.",
    remedy: "Try again. If it stays so: `maidan doctor`.",
  },
  overloaded: { when: "Maidan or the vendor is busy.", remedy: "Wait for `retry-after`, then try again." },
  timeout: { when: "The vendor did not answer in time.", remedy: "Try again, or raise `timeouts` of its endpoint." },
};

/** The words of the page of errors. */
export const faultWords = translations(
  {
    when: (code: FaultCode) => EN[code].when,
    remedy: (code: FaultCode) => EN[code].remedy,
  },
  {
    when: (code) => ZH[code].when,
    remedy: (code) => ZH[code].remedy,
  },
);

const ZH: Readonly<Record<FaultCode, Meaning>> = {
  invalid_request: {
    when: "请求、设置或参数有误；`param` 指明是哪一个。",
    remedy: "按消息更正；消息常给出最接近的正确名称。",
  },
  context_length_exceeded: { when: "输入超过模型的上下文长度。", remedy: "请缩短输入，或调用上下文更长的模型。" },
  content_filter: { when: "厂商拒绝了内容。", remedy: "请修改内容；重试同样会被拒绝。" },
  invalid_api_key: {
    when: "没有密钥，或密钥未知、已吊销、已过期。",
    remedy: "请发送 `Authorization: Bearer <密钥>`。`maidan key create` 可新建。",
  },
  budget_exhausted: {
    when: "预算不足。`budget`、`payer`、`limit`、`settled`、`held`、`resetsAt` 指明是哪个预算及何时恢复。",
    remedy: "请等到 `resetsAt`、缩小调用，或提高额度（`maidan budget set`）。客户端不应重试。",
  },
  model_not_allowed: { when: "此密钥无权调用该模型。", remedy: "请联系发放密钥的人。" },
  model_not_found: {
    when: "没有此名称的路由或模型，或厂商没有该模型。",
    remedy: "`GET /v1/models` 列出全部；`nearest` 给出最接近的名称。",
  },
  not_found: { when: "此路径或此 id 不存在。", remedy: "`/docs` 列出路径；`nearest` 给出最接近的 id。" },
  method_not_allowed: { when: "此路径不支持该方法。", remedy: "请使用 `allow` 响应头中的方法。" },
  idempotency_conflict: {
    when: "此 `Idempotency-Key` 已用于另一请求，或其调用（`call`）仍在进行、存疑，或答案过长未保留。没有发送任何内容。",
    remedy: "新请求请用新的键。存疑的调用见 `GET /api/v1/calls/{id}`。",
  },
  conflict: { when: "存在冲突：id 已存在，或正在使用。", remedy: "消息指明冲突所在。请先处理，或换一个 id。" },
  body_too_large: { when: "请求体超过上限。", remedy: "请缩小，或在 `limits` 中提高上限。" },
  unpriced_model: {
    when: "模型没有价格，无法预占或结算费用。",
    remedy: "`maidan price add`，或在接入点上设置 `allowUnpriced`。",
  },
  rate_limit_exceeded: {
    when: "请求、token 或并发过多：受此处或厂商的限制（见 `x-maidan-origin`）。",
    remedy: "请按 `retry-after` 等待。",
  },
  internal_error: { when: "Maidan 的缺陷。", remedy: "日志中有该调用 id 的更多信息。请反馈。" },
  vendor_error: { when: "厂商失败、中断，或拒绝了 Maidan 自身的凭据。", remedy: "请重试。若仍如此：`maidan doctor`。" },
  overloaded: { when: "Maidan 或厂商繁忙。", remedy: "请按 `retry-after` 等待后重试。" },
  timeout: { when: "厂商未及时应答。", remedy: "请重试，或提高接入点的 `timeouts`。" },
};
