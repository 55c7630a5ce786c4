import type { Fault } from "../../base/faults.ts";
import type { Language } from "../../base/language.ts";
import { vendorWords } from "../../base/messages/vendors.ts";
import { readError as readAnyError } from "../openai/vendor-errors.ts";
import type { AnswerHeaders } from "../spec.ts";
import { VendorFault } from "../vendor-fault.ts";

/**
 * What a vendor meant by an answer that is not 2xx. The envelope and its names are among those that are read everywhere; a limit
 * of spending that the account's owner set comes as an ordinary bad request, and is told by its words.
 */
export function readError(status: number, headers: AnswerHeaders, body: Buffer): VendorFault {
  const fault = readAnyError(status, headers, body);
  const { errorClass } = fault;
  if (errorClass !== "invalid_request" && errorClass !== "rate_limit") return fault;
  const said = USAGE_LIMIT.exec(body.toString("utf8", 0, ERROR_BYTES))?.[0];
  if (said === undefined) return fault;
  return new VendorFault(vendorWords.quota(`${said}.`), {
    errorClass: "quota",
    charged: "nothing",
    vendorStatus: status,
    vendorCode: fault.vendorCode,
    body: fault.body,
    ...(fault.retryAfterMs !== undefined && { retryAfterMs: fault.retryAfterMs }),
  });
}

const ERROR_BYTES = 64 * 1024;
const USAGE_LIMIT = /[^".]{0,80}usage limits?\b[^".]{0,80}/i;

/** A fault in Anthropic's own shape. `code` and all details stand in `details`, where official clients look for them. */
export function errorBody(fault: Fault, language: Language, requestId?: string): Buffer {
  return Buffer.from(JSON.stringify(errorOf(fault, fault.text(language), requestId), spellBigints));
}

/** The same as an event of a stream. */
export function errorEvent(fault: Fault, message: string): Buffer {
  return Buffer.from(`event: error\ndata: ${JSON.stringify(errorOf(fault, message, undefined), spellBigints)}\n\n`);
}

function errorOf(fault: Fault, message: string, requestId: string | undefined): object {
  const { code, param, details } = fault;
  return {
    type: "error",
    error: {
      type: TYPES[fault.status] ?? (fault.status >= 500 ? "api_error" : "invalid_request_error"),
      message,
      details: { ...details, error_code: code, ...(param !== undefined && { param }) },
    },
    ...(requestId !== undefined && { request_id: requestId }),
  };
}

const TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
};

function spellBigints(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
