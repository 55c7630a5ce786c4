import { isObject, type JsonObject, numberOf, objectAt, parseJson, stringOf, wordOf } from "../json-values.ts";
import { nativeFault } from "../native-fault.ts";
import { classify } from "../openai/error-classes.ts";
import type { AnswerHeaders, VendorErrorClass } from "../spec.ts";
import type { VendorFault } from "../vendor-fault.ts";

type Rule = readonly [VendorErrorClass, RegExp];

/** Codes of the platform, the more telling first; documented with each action. */
const CODES: readonly Rule[] = [
  ["permission", /^(AuthFailure\.)?UnauthorizedOperation/],
  ["auth", /^AuthFailure/],
  ["billing", /^FailedOperation\.(FreeResourcePackExhausted|ResourcePackExhausted|Service|UserUnAuth)/],
  ["rate_limit", /^(RequestLimitExceeded|LimitExceeded|FailedOperation\.EngineServerLimitExceeded)/],
  ["timeout", /^FailedOperation\.EngineRequestTimeout/],
  ["overloaded", /^(ResourceInsufficient|ResourceUnavailable)/],
  ["server_error", /^(FailedOperation\.EngineServerError|InternalError)/],
  ["not_found", /^(InvalidParameterValue\.Model|InvalidAction|NoSuchVersion|ResourceNotFound)/],
];

/** Codes of an error inside a stream. */
const STREAM_CODES: Readonly<Record<number, VendorErrorClass>> = { 4000: "server_error", 4001: "timeout" };

/** `{"Response":{"Error":{"Code","Message"}}}`: with any status, 200 above all. */
export function answerFault(
  document: JsonObject,
  status: number,
  headers: AnswerHeaders,
  wrote: boolean,
): VendorFault | undefined {
  const error = objectAt(objectAt(document, "Response"), "Error");
  const code = stringOf(error.Code);
  if (code === undefined) return undefined;
  const message = stringOf(error.Message) ?? "";
  const known = CODES.find(([, pattern]) => pattern.test(code))?.[0];
  const meant = status === 200 ? 400 : status;
  const errorClass = known ?? classify(meant, { message, type: "", code: "", param: undefined });
  return nativeFault({ errorClass, status, code, message, headers, charged: wrote ? "unknown" : "nothing" });
}

/** `{"ErrorMsg":{"Msg","Code"}}` among the events of a stream. */
export function streamFault(document: JsonObject, wrote: boolean): VendorFault | undefined {
  if (!isObject(document.ErrorMsg)) return undefined;
  const { Code: code, Msg: said } = document.ErrorMsg;
  const errorClass = STREAM_CODES[numberOf(code)] ?? "server_error";
  const charged = wrote ? "unknown" : "nothing";
  return nativeFault({ errorClass, status: 200, code: wordOf(code), message: stringOf(said) ?? "", charged });
}

export function readError(status: number, headers: AnswerHeaders, body: Buffer): VendorFault {
  const document = parseJson(body.toString("utf8"));
  const fault = isObject(document) ? answerFault(document, status, headers, false) : undefined;
  if (fault) return fault;
  return nativeFault({
    errorClass: classify(status, undefined),
    status,
    message: body.toString("utf8", 0, 200),
    headers,
  });
}

/** The error of a probe hides in a 200 like every other. */
export function readProbe(headers: AnswerHeaders, body: Buffer): VendorFault | undefined {
  const document = parseJson(body.toString("utf8"));
  return isObject(document) ? answerFault(document, 200, headers, false) : undefined;
}
