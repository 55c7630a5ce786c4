import { encode as encodeOpenAi, probe as probeOpenAi } from "../openai/encode.ts";
import { openai } from "../openai/protocol.ts";
import type { ModelRequest, Protocol, Quirks, Target } from "../spec.ts";
import { reclassify } from "../vendor-fault.ts";
import { CLAMPS, CODES } from "./platform.ts";
import { tokenOf } from "./sign.ts";

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
