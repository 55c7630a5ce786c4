import type { VendorErrorClass } from "../vendors/spec.ts";
import type { Reply } from "./spec.ts";

/** Status, its name and the message of each class, as Google has them. */
const ERRORS: Readonly<Partial<Record<VendorErrorClass, readonly [number, string, string]>>> = {
  invalid_request: [400, "INVALID_ARGUMENT", "Request contains an invalid argument."],
  context_length: [
    400,
    "INVALID_ARGUMENT",
    "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).",
  ],
  auth: [400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."],
  permission: [403, "PERMISSION_DENIED", "The caller does not have permission"],
  billing: [429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."],
  not_found: [404, "NOT_FOUND", "Requested entity was not found."],
  rate_limit: [
    429,
    "RESOURCE_EXHAUSTED",
    "You exceeded your current quota, please check your plan and billing details.",
  ],
  quota: [429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details."],
  overloaded: [503, "UNAVAILABLE", "The model is overloaded. Please try again later."],
  timeout: [504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."],
  server_error: [500, "INTERNAL", "An internal error has occurred."],
};

const RPC = "type.googleapis.com/google.rpc";

function detailsOf(errorClass: VendorErrorClass): object[] {
  if (errorClass === "auth") {
    return [{ "@type": `${RPC}.ErrorInfo`, reason: "API_KEY_INVALID", domain: "googleapis.com" }];
  }
  if (errorClass !== "rate_limit" && errorClass !== "quota") return [];
  const span = errorClass === "quota" ? "PerDay" : "PerMinute";
  const violations = [{ quotaId: `GenerateRequests${span}PerProjectPerModel-FreeTier`, quotaValue: "10" }];
  return [
    { "@type": `${RPC}.QuotaFailure`, violations },
    { "@type": `${RPC}.RetryInfo`, retryDelay: "2.5s" },
  ];
}

export function errorOf(
  errorClass: VendorErrorClass,
  said?: string,
): { readonly status: number; readonly body: object } {
  const [status, name, message] = ERRORS[errorClass] ?? ERRORS.server_error!;
  const details = detailsOf(errorClass);
  const error = { code: status, message: said ?? message, status: name, ...(details.length > 0 && { details }) };
  return { status, body: { error } };
}

export function refuse(reply: Reply, errorClass: VendorErrorClass): void {
  const { status, body } = errorOf(errorClass);
  reply.send(status, body);
}

export function refuseAs(reply: Reply, errorClass: VendorErrorClass, message: string): void {
  const { status, body } = errorOf(errorClass, message);
  reply.send(status, body);
}
