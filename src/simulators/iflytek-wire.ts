import type { VendorErrorClass } from "../vendors/spec.ts";
import type { SceneUsage } from "./scene.ts";

/** What both forms of the simulated Spark share. */

export const KEY = { appId: "simulated", apiKey: "sim-iflytek-key", apiSecret: "sim-iflytek-secret" } as const;
/** The password of the HTTP interface alone. */
export const PASSWORD = "sim-iflytek-password";
export const MODEL = "practice-model";
export const SID = "cht000simulated@dx1879";

// biome-ignore lint/suspicious/noExplicitAny: a request is read as far as its scene needs it
export type Loose = any;

const ERRORS: Readonly<Partial<Record<VendorErrorClass, readonly [number, string]>>> = {
  invalid_request: [10005, "ClientMsgError: invalid parameter"],
  context_length: [10907, "token count is over the limit of the model"],
  content_filter: [10013, "The input is against the rules"],
  auth: [10016, "app_id is not authorized"],
  permission: [10015, "app_id is on a list"],
  billing: [11200, "AppIdNoAuthError:(licc failed) no tokens"],
  not_found: [10404, "PathDomainError: no category route found"],
  rate_limit: [11202, "AppIdQpsOverFlow"],
  quota: [11201, "daily limit exceeded"],
  overloaded: [10008, "service is at capacity"],
  timeout: [10222, "EngineTimeout: network error"],
  server_error: [10012, "internal error"],
};

/** The code and the message of each class. `later`: of an answer that had begun. */
export function errorOf(errorClass: VendorErrorClass, later = false): readonly [number, string] {
  if (later && errorClass === "content_filter") return [10014, "The output is against the rules"];
  return ERRORS[errorClass] ?? ERRORS.server_error!;
}

/** The platform counts neither a cache nor reasoning apart. */
export function countedBySpark({ input, cachedInput, output, reasoning }: SceneUsage): SceneUsage {
  return { input: input + cachedInput, cachedInput: 0, output: output + reasoning, reasoning: 0 };
}

export function usageOf(usage: SceneUsage): object {
  const { input, output } = countedBySpark(usage);
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}
