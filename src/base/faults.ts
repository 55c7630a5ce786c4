import type { Text } from "./language.ts";

/** Every error a client or operator can meet. One table: code → HTTP status, OpenAI error type, may a client retry. */
export const FAULTS = {
  invalid_request: { status: 400, type: "invalid_request_error", retryable: false },
  context_length_exceeded: { status: 400, type: "invalid_request_error", retryable: false },
  content_filter: { status: 400, type: "invalid_request_error", retryable: false },
  invalid_api_key: { status: 401, type: "authentication_error", retryable: false },
  budget_exhausted: { status: 402, type: "insufficient_quota", retryable: false },
  model_not_allowed: { status: 403, type: "permission_error", retryable: false },
  model_not_found: { status: 404, type: "invalid_request_error", retryable: false },
  not_found: { status: 404, type: "invalid_request_error", retryable: false },
  method_not_allowed: { status: 405, type: "invalid_request_error", retryable: false },
  idempotency_conflict: { status: 409, type: "invalid_request_error", retryable: false },
  conflict: { status: 409, type: "invalid_request_error", retryable: false },
  body_too_large: { status: 413, type: "invalid_request_error", retryable: false },
  unpriced_model: { status: 422, type: "invalid_request_error", retryable: false },
  rate_limit_exceeded: { status: 429, type: "rate_limit_error", retryable: true },
  internal_error: { status: 500, type: "server_error", retryable: true },
  vendor_error: { status: 502, type: "server_error", retryable: true },
  overloaded: { status: 503, type: "server_error", retryable: true },
  timeout: { status: 504, type: "server_error", retryable: true },
} as const satisfies Record<string, { status: number; type: string; retryable: boolean }>;

export type FaultCode = keyof typeof FAULTS;

/** Who is to blame: Maidan (or its caller), or the vendor behind it. Shown as `x-maidan-origin`. */
export type Origin = "gateway" | "vendor";

export interface FaultOptions {
  readonly origin?: Origin;
  /** The request's field that is wrong, in the client's own words (`messages[0].content`). */
  readonly param?: string;
  /** How long a client should wait before it tries again. */
  readonly retryAfterMs?: number;
  /** Facts for machines, shown beside the message: never secrets, never bodies. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An error that is meant to be shown: a code of the table and a text in both languages. */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly text: Text;
  readonly origin: Origin;
  readonly param: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: FaultCode, text: Text, options: FaultOptions = {}) {
    super(text("en"), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Fault";
    this.code = code;
    this.text = text;
    this.origin = options.origin ?? "gateway";
    this.param = options.param;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details;
  }

  get status(): number {
    return FAULTS[this.code].status;
  }
}
