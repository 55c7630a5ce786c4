import type { VendorErrorClass } from "../spec.ts";

/** What a vendor says of an error, in whatever envelope it came. */
export interface ErrorEnvelope {
  readonly message: string;
  readonly type: string;
  readonly code: string;
  readonly param: string | undefined;
}

type Rule = readonly [VendorErrorClass, RegExp];

/**
 * Codes and types, most telling first: the business code before the HTTP status, because 429 also means "no money" and
 * 400 also means "too long" or "not this content". Names of OpenAI, Azure, Alibaba, Baidu, Kimi, Zhipu, Ark, MiniMax,
 * Anthropic, Gemini, vLLM and llama.cpp that mean the same wherever they are used.
 */
const NAMES: readonly Rule[] = [
  [
    "billing",
    /insufficient_(quota|balance|funds|credits?)|credit_balance|spend_limit|exceeded_current_quota|arrear|overdue|billing|payment_required|notpurchased|invalidsubscription|^1113$/i,
  ],
  ["context_length", /context_length|context_size|tokens_too_long|characters_too_long|max_tokens_exceeded|^1261$/i],
  [
    "content_filter",
    /content_?(policy|filter|moderation)|moderation_blocked|data_?inspection|forbidden\.label|sensitivecontent|riskdetection|unsafe|infringement|faqruleblocked|^130[01]$/i,
  ],
  ["overloaded", /overload|unavailable|\.resourceexhausted|modelloading|capacity|server_busy|^1305$/i],
  ["quota", /allocationquota|quota_?exceeded|usage_limit|freetier|^1304$|^1308$|^1310$/i],
  [
    "rate_limit",
    /rate_?limit|rate_?quota|slow_down|resource_exhausted|throttl|too_?many_?requests|limit_requests|burst|concurrency|^130[23]$/i,
  ],
  [
    "auth",
    /invalid_?api_?key|incorrect_api_key|authentication|unauthori[sz]ed|unauthenticated|invalid_(iam_)?token|authorized_error|^100[0-4]$/i,
  ],
  ["permission", /permission|access_?denied|forbidden|not_?authori[sz]ed|operationdenied|unsupported_country|^1220$/i],
  ["not_found", /not_?found|model_not|modelnotopen|no_such_model|^1211$/i],
  ["timeout", /time_?out|deadline/i],
];

/** Messages, for envelopes whose code says nothing more than that something was wrong. */
const MESSAGES: readonly Rule[] = [
  [
    "context_length",
    /context (length|window|size)|maximum context|(prompt|input|request)[^.]{0,40}too (long|many tokens|large)|token length|exceeds?[^.]{0,40}(token limit|model limit|context)|range of input length|上下文长度|超出[^。]{0,12}长度|输入过长/i,
  ],
  [
    "content_filter",
    /inappropriate content|considered high risk|content (policy|filter|management)|sensitive (content|words?)|敏感|不安全|违规|不合规/i,
  ],
  [
    "billing",
    /insufficient (balance|funds|credits?|quota)|balance is (too low|insufficient)|account[^.]{0,40}(good standing|arrears|overdue)|check your plan and billing|欠费|余额不足|充值/i,
  ],
  ["overloaded", /overloaded|server (is )?busy|loading model|at capacity|繁忙|过载|请稍后/i],
  ["rate_limit", /rate limit|too many requests|requests per (minute|second|day)|频率|限流|并发数?(超|过)/i],
  ["auth", /(invalid|incorrect|missing|no) (api|access)[ _-]?(key|token)|身份验证|鉴权|认证失败|无效的令牌/i],
  [
    "not_found",
    /model[^.]{0,80}(does not exist|not found|not supported|not exist)|no such model|模型[^。]{0,40}(不存在|未找到)/i,
  ],
];

/** An account's limit a minute, called by the same name as an account without money. */
const LIMIT_A_MINUTE = /per[- ]minute|\b[TR]PM\b|allocated quota exceeded|rate limit/i;

const STATUSES: Readonly<Record<number, VendorErrorClass>> = {
  401: "auth",
  402: "billing",
  403: "permission",
  404: "not_found",
  408: "timeout",
  429: "rate_limit",
  503: "overloaded",
  504: "timeout",
  522: "timeout",
  524: "timeout",
  529: "overloaded",
};

/** The class of an error: by its code, its type, its message, and last by the HTTP status. */
export function classify(status: number, envelope: ErrorEnvelope | undefined): VendorErrorClass {
  if (envelope) {
    const { message } = envelope;
    const named = match(NAMES, envelope.code) ?? match(NAMES, envelope.type);
    if ((named === "billing" || named === "quota") && LIMIT_A_MINUTE.test(message)) return "rate_limit";
    if (named) return named;
    // A server's failure may quote anything in its message.
    if (status < 500 || status === 503) {
      const said = match(MESSAGES, message);
      if (said) return said;
    }
  }
  return STATUSES[status] ?? (status >= 400 && status < 500 ? "invalid_request" : "server_error");
}

function match(rules: readonly Rule[], text: string): VendorErrorClass | undefined {
  if (text === "") return undefined;
  for (const [errorClass, pattern] of rules) if (pattern.test(text)) return errorClass;
  return undefined;
}
