import { inputTokens, readCount, type Usage } from "../../base/usage.ts";
import { isRecord } from "../openai/input-size.ts";

/**
 * Reads a `usage` object into disjoint classes. In this protocol `input_tokens` is what was neither read from the cache nor
 * written to it, and `output_tokens` includes thinking, which newer answers tell apart (`thinking_tokens`).
 *
 * No request is empty: an input of zero is a server that has not counted yet, so unknown.
 */
export function readUsage(raw: unknown): Usage | undefined {
  if (!isRecord(raw)) return undefined;
  const usage: Usage = { ...readInput(raw), ...readOutput(raw), ...readTools(raw) };
  return Object.keys(usage).length > 0 ? usage : undefined;
}

/**
 * The usage of a stream: `message_start` tells the input (and an output of a token or two, which says nothing), `message_delta` the
 * whole output, and where it differs by then, the input again.
 */
export function joinUsage(start: unknown, end: unknown): Usage | undefined {
  const first = isRecord(start) ? readInput(start) : {};
  if (!isRecord(end)) return Object.keys(first).length > 0 ? first : undefined;
  const last = readInput(end, first);
  const usage: Usage = { ...(Object.keys(last).length > 0 ? last : first), ...readOutput(end), ...readTools(end) };
  return Object.keys(usage).length > 0 ? usage : undefined;
}

/** `before`: what an earlier report said, for parts that this one leaves out. */
function readInput(raw: Record<string, unknown>, before: Usage = {}): Usage {
  const written = readCount(raw.cache_creation_input_tokens);
  const usage = clean({
    input: readCount(raw.input_tokens) ?? before.input,
    cachedInput: readCount(raw.cache_read_input_tokens) ?? before.cachedInput,
    ...splitWritten(written, raw.cache_creation, before),
  });
  return inputTokens(usage) ? usage : {};
}

/** What was written to the cache, by lifetime. Of what nobody says the lifetime, the shorter, usual one is taken. */
function splitWritten(written: number | undefined, byLifetime: unknown, before: Usage): Usage {
  const split = isRecord(byLifetime) ? byLifetime : {};
  const hour = readCount(split.ephemeral_1h_input_tokens) ?? before.cacheWrite1h;
  const minutes = readCount(split.ephemeral_5m_input_tokens) ?? before.cacheWrite5m;
  if (written === undefined) return { cacheWrite5m: minutes, cacheWrite1h: hour };
  const ofHour = Math.min(hour ?? 0, written);
  return { cacheWrite5m: written - ofHour, cacheWrite1h: hour === undefined ? undefined : ofHour };
}

function readOutput(raw: Record<string, unknown>): Usage {
  const output = readCount(raw.output_tokens);
  if (output === undefined) return {};
  const details = isRecord(raw.output_tokens_details) ? raw.output_tokens_details : {};
  const thinking = readCount(details.thinking_tokens);
  if (thinking === undefined) return { output };
  const reasoning = Math.min(thinking, output);
  return { output: output - reasoning, reasoning };
}

/** Searches are billed one by one; fetches are not. */
function readTools(raw: Record<string, unknown>): Usage {
  const used = isRecord(raw.server_tool_use) ? readCount(raw.server_tool_use.web_search_requests) : undefined;
  return used ? { toolCalls: used } : {};
}

function clean(usage: Usage): Usage {
  return Object.fromEntries(Object.entries(usage).filter(([, count]) => count !== undefined));
}
