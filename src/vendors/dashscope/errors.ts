import { isObject, type JsonObject, parseJson, stringOf } from "../json-values.ts";
import { nativeFault } from "../native-fault.ts";
import { classify } from "../openai/error-classes.ts";
import type { AnswerHeaders, VendorErrorClass } from "../spec.ts";
import type { VendorFault } from "../vendor-fault.ts";

type Rule = readonly [VendorErrorClass, RegExp];

/** Codes of the platform, the more telling first: https://help.aliyun.com/zh/model-studio/error-code */
const CODES: readonly Rule[] = [
  [
    "content_filter",
    /^(DataInspectionFailed|data_inspection_failed|InvalidParameter\.DataInspection|IPInfringementSuspect|FaqRuleBlocked|Contain\.)/,
  ],
  ["billing", /^(Arrearage|CommodityNotPurchased|PrepaidBillOverdue|PostpaidBillOverdue)/],
  ["quota", /^AllocationQuota\.FreeTierOnly/],
  ["overloaded", /^(Throttling\.(ServiceOverloaded|ResourceExhausted)|ModelUnavailable|ServiceUnavailable)/],
  ["rate_limit", /^(Throttling|LimitRequests|limit_)/],
  ["permission", /AccessDenied|^access_denied|NotAuthorised/],
  ["auth", /^(InvalidApiKey|invalid_api_key)/],
  ["not_found", /^(ModelNotFound|model_not_found|model_not_supported|WorkSpaceNotFound|NotFound)/],
  ["timeout", /^(RequestTimeOut|ResponseTimeout|InternalError\.Timeout|GatewayTimeout)/],
  ["server_error", /^(InternalError|SystemError|ModelServiceFailed|InvokePluginFailed)/],
  ["invalid_request", /^(BadRequest\.TooLarge|InvalidURL|InvalidSchema|UnsupportedOperation|Conflict)/],
];
/** One code stands for too much: what it means is in its words. */
const TOO_LONG = /range of input length|token length|maximum context|input length/i;
const LIMIT_A_MINUTE = /allocated quota exceeded|tpm|rpm/i;
const INAPPROPRIATE = /inappropriate content/i;

/** `{"code","message","request_id"}`, with any status; in an answer `code` is there too, and empty. */
export function faultOf(
  document: JsonObject,
  status: number,
  headers: AnswerHeaders,
  wrote: boolean,
): VendorFault | undefined {
  const code = stringOf(document.code) ?? "";
  if (code === "") return undefined;
  const message = stringOf(document.message) ?? "";
  const charged = wrote ? "unknown" : "nothing";
  return nativeFault({ errorClass: classOf(code, message, status), status, code, message, headers, charged });
}

function classOf(code: string, message: string, status: number): VendorErrorClass {
  if (INAPPROPRIATE.test(message)) return "content_filter";
  if (/^InvalidParameter/.test(code) && TOO_LONG.test(message)) return "context_length";
  if (/^(Throttling\.AllocationQuota|insufficient_quota)/.test(code)) {
    return LIMIT_A_MINUTE.test(message) ? "rate_limit" : "quota";
  }
  const known = CODES.find(([, pattern]) => pattern.test(code))?.[0];
  const meant = status === 200 ? 400 : status;
  return known ?? classify(meant, { message, type: "", code: "", param: undefined });
}

export function readError(status: number, headers: AnswerHeaders, body: Buffer): VendorFault {
  const text = body.toString("utf8");
  // A refused stream is told as an event.
  const document = parseJson(/^data:(.*)$/m.exec(text)?.[1] ?? text);
  const fault = isObject(document) ? faultOf(document, status, headers, false) : undefined;
  if (fault) return fault;
  return nativeFault({ errorClass: classify(status, undefined), status, message: text.slice(0, 200), headers });
}

/** A task that does not exist is what the probe asks for: then address and key are right. */
export function readProbe(headers: AnswerHeaders, body: Buffer): VendorFault | undefined {
  const document = parseJson(body.toString("utf8"));
  return isObject(document) ? faultOf(document, 200, headers, false) : undefined;
}
