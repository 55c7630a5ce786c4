import { isObject, type JsonObject, numberOf, parseJson, stringOf, wordOf } from "../json-values.ts";
import { nativeFault } from "../native-fault.ts";
import { classify } from "../openai/error-classes.ts";
import type { AnswerHeaders, VendorErrorClass } from "../spec.ts";
import type { VendorFault } from "../vendor-fault.ts";

/** The token is not, or no longer, good: with another one the same request may be served. */
export const TOKEN_CODES: ReadonlySet<unknown> = new Set([110, 111]);

/** By the platform's documentation. */
const CODES: Readonly<Record<number, VendorErrorClass>> = {
  1: "server_error",
  2: "overloaded",
  3: "not_found",
  4: "rate_limit",
  6: "permission",
  13: "auth",
  14: "auth",
  15: "auth",
  17: "quota",
  18: "rate_limit",
  19: "quota",
  100: "auth",
  110: "auth",
  111: "auth",
  336000: "server_error",
  336001: "invalid_request",
  336002: "invalid_request",
  336003: "invalid_request",
  336004: "permission",
  336005: "not_found",
  336006: "context_length",
  336007: "context_length",
  336100: "overloaded",
  336101: "invalid_request",
  336103: "context_length",
  336104: "invalid_request",
  336105: "invalid_request",
  336501: "rate_limit",
  336502: "rate_limit",
};

/** Codes that stand for more than one thing: what is meant is in the words. */
const BY_WORDS: Readonly<Record<number, readonly (readonly [VendorErrorClass, RegExp])[]>> = {
  // A service that was never opened, or not paid for, has a daily limit of nothing.
  17: [["billing", /\bpaid\b|unpaid|overdue|arrear|not open|付费|欠费|未开通/i]],
  336006: [
    ["content_filter", /illegal|sensitive|unsafe|敏感|违规|不合规/i],
    ["invalid_request", /\b(role|odd|index)\b/i],
  ],
  336007: [["content_filter", /illegal|sensitive|unsafe|敏感|违规|不合规/i]],
};

/** Codes of Baidu's cloud itself, where it refuses a signature: https://cloud.baidu.com/doc/Reference/s/Bjz3uz3qj */
const REFUSED_SIGNATURES = /^(InvalidAccessKeyId|InvalidHTTPAuthHeader|SignatureDoesNotMatch|RequestExpired)$/;

/** `{"error_code","error_msg"}`: with status 200 like an answer, and in the place of a stream. */
export function faultOf(
  document: JsonObject,
  status: number,
  headers: AnswerHeaders,
  wrote: boolean,
): VendorFault | undefined {
  const code = numberOf(document.error_code);
  if (document.error_code === undefined || document.error_code === null || code === 0) return undefined;
  const message = stringOf(document.error_msg) ?? "";
  const charged = wrote ? "unknown" : "nothing";
  const errorClass = classOf(code, message, status);
  return nativeFault({ errorClass, status, code: wordOf(document.error_code), message, headers, charged });
}

function classOf(code: number, message: string, status: number): VendorErrorClass {
  const meant = BY_WORDS[code]?.find(([, words]) => words.test(message))?.[0] ?? CODES[code];
  // Of a code that is not known, the words say more than a status of 200.
  return meant ?? classify(status === 200 ? 500 : status, { message, type: "", code: "", param: undefined });
}

export function readError(status: number, headers: AnswerHeaders, body: Buffer): VendorFault {
  const document = parseJson(body.toString("utf8"));
  const fault = isObject(document) ? faultOf(document, status, headers, false) : undefined;
  if (fault) return fault;
  const { code, message } = saidOf(document, headers);
  const known = { message, type: "", code, param: undefined };
  const errorClass = REFUSED_SIGNATURES.test(code) ? "auth" : classify(status, known);
  const said = message || body.toString("utf8", 0, 200);
  return nativeFault({ errorClass, status, code, message: said, headers });
}

/** Of the token's server `error` and `error_description`; of the cloud `code` and `message`, which a header repeats. */
function saidOf(document: unknown, headers: AnswerHeaders): { readonly code: string; readonly message: string } {
  const { error, error_description: description, code, message } = isObject(document) ? document : {};
  const header = headers["x-bce-error-message"];
  return {
    code: stringOf(error) ?? stringOf(code) ?? "",
    message: stringOf(description) ?? stringOf(message) ?? stringOf(header) ?? "",
  };
}

/** A chat without a message is refused for having none: then address and credentials are right. */
export function readProbe(headers: AnswerHeaders, body: Buffer): VendorFault | undefined {
  const document = parseJson(body.toString("utf8"));
  const fault = isObject(document) ? faultOf(document, 200, headers, false) : undefined;
  return fault?.errorClass === "invalid_request" ? undefined : fault;
}
