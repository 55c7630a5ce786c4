import type { VendorErrorClass } from "../vendors/spec.ts";
import { type Refusal, simulateOpenAiWire } from "./openai-wire.ts";

const API_KEY = "sim-openai-key";

/** Status, `type` and `code` of each class, as OpenAI has them. */
const ERRORS: Readonly<Partial<Record<VendorErrorClass, readonly [number, string, string | null, string]>>> = {
  invalid_request: [400, "invalid_request_error", null, "The request is not valid."],
  context_length: [400, "invalid_request_error", "context_length_exceeded", "Too many tokens for this model."],
  content_filter: [400, "invalid_request_error", "content_policy_violation", "The request was rejected."],
  auth: [401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."],
  permission: [403, "invalid_request_error", "unsupported_country_region_territory", "Not allowed here."],
  billing: [429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota."],
  not_found: [404, "invalid_request_error", "model_not_found", "The model does not exist."],
  rate_limit: [429, "requests", "rate_limit_exceeded", "Rate limit reached. Please try again in 1.5s."],
  quota: [429, "requests", "organization_usage_limit_exceeded", "The usage limit is reached."],
  overloaded: [503, "service_unavailable_error", "server_is_overloaded", "The server is overloaded."],
  timeout: [504, "server_error", null, "The request timed out."],
  server_error: [500, "server_error", null, "The server had an error."],
};

export function openaiRefusal(errorClass: VendorErrorClass): Refusal {
  const [status, type, code, message] = ERRORS[errorClass] ?? ERRORS.server_error!;
  const headers = errorClass === "rate_limit" ? { "retry-after-ms": "1500" } : {};
  return { status, body: { error: { message, type, param: null, code } }, headers };
}

/** OpenAI's own server. Proven by OpenAI's client. */
export const openaiSimulator = simulateOpenAiWire({
  protocol: "openai",
  basePath: "/v1",
  credentials: { apiKey: API_KEY },
  authorizes: ({ headers }) => headers.authorization === `Bearer ${API_KEY}`,
  refusal: openaiRefusal,
});
