import { isObject, type JsonObject, listOf, parseJson, stringOf, wordOf } from "../json-values.ts";
import { nativeFault } from "../native-fault.ts";
import { classify } from "../openai/error-classes.ts";
import type { AnswerHeaders, VendorErrorClass } from "../spec.ts";
import type { VendorFault } from "../vendor-fault.ts";

/** What a vendor meant by an answer that is not 2xx. */
export function readError(status: number, headers: AnswerHeaders, body: Buffer): VendorFault {
  const text = body.toString("utf8", 0, ERROR_BYTES);
  const error = errorIn(parseJson(text));
  if (error) return faultOf(error, status, headers, false);
  const title = /<title[^>]*>([^<]{1,200})/i.exec(text)?.[1] ?? "";
  return nativeFault({ errorClass: classify(status, undefined), status, message: title, headers });
}

const ERROR_BYTES = 64 * 1024;

/** The error of a document, or of a list of one: the wire's own form of a stream. */
export function errorIn(document: unknown): JsonObject | undefined {
  const first: unknown = Array.isArray(document) ? document[0] : document;
  const error = isObject(first) ? first.error : undefined;
  return isObject(error) ? error : undefined;
}

/** @param wrote whether the model had written something: then nobody knows what is charged */
export function faultOf(error: JsonObject, status: number, headers: AnswerHeaders, wrote: boolean): VendorFault {
  const code = stringOf(error.status) ?? stringOf(error.code) ?? "";
  const message = stringOf(error.message) ?? "";
  const meant = status === 200 && typeof error.code === "number" ? error.code : status;
  return nativeFault({
    errorClass: classOf(error, meant, code, message),
    status: meant,
    code,
    message,
    headers,
    charged: wrote ? "unknown" : "nothing",
    retryAfterMs: retryDelayOf(error),
  });
}

/** Reasons (`google.rpc.ErrorInfo`) tell more than the status: a wrong key is an INVALID_ARGUMENT with status 400. */
const REASONS: readonly (readonly [VendorErrorClass, RegExp])[] = [
  ["auth", /^(API_KEY_INVALID|API_KEY_EXPIRED|ACCESS_TOKEN_|CREDENTIALS_MISSING)/],
  ["billing", /^BILLING_DISABLED/],
  ["permission", /^(API_KEY_|SERVICE_DISABLED|CONSUMER_|LOCATION_)/],
  ["rate_limit", /^(MODEL_CAPACITY_EXHAUSTED|RATE_LIMIT_EXCEEDED)/],
];

const STATUSES: Readonly<Record<string, VendorErrorClass>> = {
  UNAUTHENTICATED: "auth",
  PERMISSION_DENIED: "permission",
  NOT_FOUND: "not_found",
  DEADLINE_EXCEEDED: "timeout",
  UNAVAILABLE: "overloaded",
  INTERNAL: "server_error",
  UNKNOWN: "server_error",
  CANCELLED: "server_error",
};

/** Messages of INVALID_ARGUMENT and FAILED_PRECONDITION, which mean many things. */
const REFUSALS: readonly (readonly [VendorErrorClass, RegExp])[] = [
  ["auth", /api key (not valid|expired|not found)|renew the api key/i],
  ["context_length", /token count[^.]{0,60}exceeds|exceeds the maximum number of tokens|input is too long/i],
  ["content_filter", /responsible ai|usage guidelines|safety|prohibited (use|content)/i],
  ["permission", /location is not supported|free tier is not available/i],
  ["billing", /enable billing|billing account/i],
];

function classOf(error: JsonObject, status: number, code: string, message: string): VendorErrorClass {
  const reason = detailOf(error, "ErrorInfo").reason;
  const byReason = match(REASONS, typeof reason === "string" ? reason : "");
  if (byReason) return byReason;
  if (code === "RESOURCE_EXHAUSTED") return exhausted(error, message);
  if (code === "INVALID_ARGUMENT" || code === "FAILED_PRECONDITION" || code === "OUT_OF_RANGE") {
    return match(REFUSALS, message) ?? "invalid_request";
  }
  return STATUSES[code] ?? classify(status, { message, type: "", code, param: undefined });
}

/** Without money, used up for the day, or only too fast: which quota was violated says it. */
function exhausted(error: JsonObject, message: string): VendorErrorClass {
  if (/prepa(y|id)[^.]{0,40}(credits?|balance)|credits? (are|is) depleted|enable billing/i.test(message))
    return "billing";
  if (/spend(ing)?[ -](cap|limit)/i.test(message)) return "quota";
  const violations = listOf(detailOf(error, "QuotaFailure").violations);
  const ids = violations.map((one) => (isObject(one) ? wordOf(one.quotaId) : ""));
  return ids.some((id) => /PerDay|PerMonth/i.test(id)) ? "quota" : "rate_limit";
}

/** `google.rpc.RetryInfo`: `"34.07s"`. */
function retryDelayOf(error: JsonObject): number | undefined {
  const delay = detailOf(error, "RetryInfo").retryDelay;
  const seconds = typeof delay === "string" ? /^(\d+(?:\.\d+)?)s$/.exec(delay)?.[1] : undefined;
  return seconds === undefined ? undefined : Math.min(LONGEST_WAIT_MS, Math.ceil(Number(seconds) * 1000));
}

const LONGEST_WAIT_MS = 24 * 3_600_000;

function detailOf(error: JsonObject, type: string): JsonObject {
  const found = listOf(error.details).find((one) => isObject(one) && wordOf(one["@type"]).endsWith(`.${type}`));
  return isObject(found) ? found : {};
}

function match(rules: typeof REASONS, text: string): VendorErrorClass | undefined {
  return rules.find(([, pattern]) => pattern.test(text))?.[0];
}
