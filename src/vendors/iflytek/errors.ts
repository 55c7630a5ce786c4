import { isObject, type JsonObject, objectAt, parseJson, stringOf } from "../json-values.ts";
import { nativeFault } from "../native-fault.ts";
import { classify } from "../openai/error-classes.ts";
import type { AnswerHeaders, VendorErrorClass } from "../spec.ts";
import type { VendorFault } from "../vendor-fault.ts";

/** Codes of the platform, https://www.xfyun.cn/doc/spark/接口说明.html. */
const CODES: Readonly<Record<number, VendorErrorClass>> = {
  10000: "server_error",
  10001: "server_error",
  10002: "server_error",
  10003: "invalid_request",
  10004: "invalid_request",
  10005: "invalid_request",
  10006: "rate_limit",
  10007: "rate_limit",
  10008: "overloaded",
  10009: "server_error",
  10010: "server_error",
  10011: "server_error",
  10012: "server_error",
  10013: "content_filter",
  10014: "content_filter",
  10015: "permission",
  10016: "auth",
  10017: "auth",
  10019: "content_filter",
  10021: "content_filter",
  10110: "overloaded",
  10163: "invalid_request",
  10222: "server_error",
  10404: "not_found",
  10907: "context_length",
  11200: "auth",
  11201: "quota",
  11202: "rate_limit",
  11203: "rate_limit",
  11500: "server_error",
  11501: "server_error",
};

/** One code stands for a missing licence and for a used-up one. */
const NO_LICENCE_OR_NO_REST = 11200;
const USED_UP = /exceed|limit|insufficient|not enough|超|上限|不足|用量/i;
/** A wrong domain is a message that cannot be read, for the platform. */
const WRONG_MODEL = /(invalid|unknown|unsupported) (model|domain)|no category route/i;

/** An error as the platform tells it, wherever it stands: in a frame's header, beside `choices`, or in an `error`. */
export interface SparkError {
  readonly code: string;
  readonly message: string;
  readonly errorClass: VendorErrorClass;
}

/** The error of a frame or an answer; undefined where there is none. */
export function errorOf(document: JsonObject, status = 200): SparkError | undefined {
  const { error } = document;
  const told = isObject(error) ? error : isObject(document.header) ? document.header : document;
  const code = Number(spell(told.code) || Number.NaN);
  if (told !== error && (told.code === undefined || told.code === "" || code === 0)) return undefined;
  const message = stringOf(told.message) ?? "";
  return { code: spell(told.code), message, errorClass: classOf(code, message, status) };
}

function spell(code: unknown): string {
  return typeof code === "number" || typeof code === "string" ? String(code) : "";
}

function classOf(code: number, message: string, status: number): VendorErrorClass {
  if (code === NO_LICENCE_OR_NO_REST && USED_UP.test(message)) return "quota";
  const known = CODES[code];
  if (known === "invalid_request" && WRONG_MODEL.test(message)) return "not_found";
  return known ?? classify(status, { message, type: "", code: "", param: undefined });
}

/** @param wrote the model had written something: it may be billed */
export function faultOf(
  { code, message, errorClass }: SparkError,
  status: number,
  headers: AnswerHeaders,
  wrote: boolean,
): VendorFault {
  return nativeFault({ errorClass, status, code, message, headers, charged: wrote ? "unknown" : "nothing" });
}

/**
 * What an answer means that is not 2xx: of the HTTP interface, or of a handshake that was refused, `{"message":"HMAC signature
 * does not match"}`. A 403 there means a wrong signature or a clock that is off.
 */
export function readError(status: number, headers: AnswerHeaders, body: Buffer): VendorFault {
  const document = parseJson(body.toString("utf8"));
  const error = isObject(document) ? errorOf(document, status) : undefined;
  if (error) return faultOf(error, status, headers, false);
  const message = (isObject(document) ? stringOf(document.message) : undefined) ?? body.toString("utf8", 0, 200);
  const errorClass = /hmac|signature|clock skew|unauthorized/i.test(message) ? "auth" : classify(status, undefined);
  return nativeFault({ errorClass, status, message, headers });
}

/** The probe sends no messages: whoever is let in is told that they are missing. */
export function readProbe(headers: AnswerHeaders, body: Buffer): VendorFault | undefined {
  for (const line of body.toString("utf8").split("\n")) {
    const document = parseJson(line);
    const error = isObject(document) ? errorOf(document) : undefined;
    if (error && error.errorClass !== "invalid_request" && error.errorClass !== "not_found")
      return faultOf(error, 200, headers, false);
  }
  return undefined;
}

/** The id of a call at the platform. */
export function sidOf(document: JsonObject): string | undefined {
  return stringOf(objectAt(document, "header").sid) ?? stringOf(document.sid);
}
