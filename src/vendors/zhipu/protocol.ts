import type { RequestClamps } from "../clamps.ts";
import { encode as encodeOpenAi, probe as probeOpenAi } from "../openai/encode.ts";
import { openai } from "../openai/protocol.ts";
import type { ModelRequest, Protocol, Quirks, Target, VendorErrorClass } from "../spec.ts";
import { reclassify } from "../vendor-fault.ts";
import { tokenOf } from "./sign.ts";

/** What the platform takes, by its documentation; an endpoint's own `clamps` go before these. */
const CLAMPS: RequestClamps = {
  temperature: { min: 0, max: 1, step: 0.01 },
  top_p: { min: 0.01, max: 1, step: 0.01 },
  stop: { max: 4 },
  tool_choice: ["auto"],
};

/** Codes of the platform; docs.bigmodel.cn, "错误码". What is not here is known by its message or its status. */
const CODES: Readonly<Record<string, VendorErrorClass>> = {
  ...each("auth", 1000, 1001, 1002, 1003, 1004, 1005),
  ...each("permission", 1110, 1111, 1112, 1120, 1121, 1220, 1309, 1311, 1313, 1314, 1315),
  ...each("billing", 1113),
  ...each("server_error", 500, 1200, 1230, 1234),
  ...each("invalid_request", 1210, 1212, 1213, 1214, 1215, 1221, 1222),
  ...each("not_found", 1211),
  ...each("context_length", 1261),
  ...each("content_filter", 1300, 1301),
  ...each("rate_limit", 1302, 1303),
  ...each("quota", 1304, 1308, 1310, 1316, 1317, 1318, 1319, 1320, 1321),
  ...each("overloaded", 1305),
};

/**
 * Zhipu's platform: OpenAI's wire, with a signed token, codes and bounds of its own. Without sampling there is
 * `do_sample: false`; a temperature of nought means that.
 */
export const zhipu: Protocol = {
  ...openai,
  id: "zhipu",
  encode: (request, changes, target, sentAt) => encodeOpenAi(request, changes, signed(target, sentAt, request)),
  probe: (target, sentAt) => probeOpenAi(signed(target, sentAt)),
  readError: (status, headers, body) => reclassify(openai.readError(status, headers, body), CODES),
};

function signed(target: Target, sentAt: number, request?: ModelRequest): Target {
  const { apiKey } = target.credentials;
  const credentials = apiKey === undefined ? {} : { ...target.credentials, apiKey: tokenOf(apiKey, sentAt) };
  return { ...target, credentials, quirks: quirksFor(target.quirks, request) };
}

function quirksFor(quirks: Quirks, request: ModelRequest | undefined): Quirks {
  const clamps = quirks.clamps ?? CLAMPS;
  if (!request || !isGreedy(request)) return { ...quirks, clamps };
  const omit = [...(clamps.omit ?? []), "temperature"];
  return { ...quirks, clamps: { ...clamps, omit }, defaults: { ...quirks.defaults, do_sample: false } };
}

function isGreedy(request: ModelRequest): boolean {
  if (request.operation !== "chat") return false;
  const span = request.dialect.id === "openai" ? request.fields.get("temperature") : undefined;
  if (span) return Number(request.body.toString("latin1", span.start, span.end)) === 0;
  if (request.dialect.id === "openai") return false;
  const content = request.content();
  return content.operation === "chat" && content.temperature === 0;
}

function each(errorClass: VendorErrorClass, ...codes: readonly number[]): Record<string, VendorErrorClass> {
  return Object.fromEntries(codes.map((code) => [String(code), errorClass]));
}
