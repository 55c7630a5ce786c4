import type { Usage } from "../../base/usage.ts";
import type { Operation } from "../spec.ts";
import { isRecord } from "./input-size.ts";

/** What a vendor reports of one answer. */
export interface UsageReport {
  readonly usage: Usage | undefined;
  /** The vendor itself says that it only guessed. */
  readonly usageEstimated?: boolean;
  /** What it says it charged, as a decimal string. */
  readonly vendorCost: string | undefined;
}

export const NO_REPORT: UsageReport = { usage: undefined, vendorCost: undefined };

/**
 * Reads a `usage` object into disjoint classes of tokens. On this protocol `prompt_tokens` includes cached, cache-written,
 * audio and image tokens, and `completion_tokens` includes reasoning and audio; the classes here are what is left after
 * each part is taken out. A part larger than its whole is cut to it, so that the classes always add up to what the
 * vendor counted, no more and no less. What a vendor does not say stays undefined.
 *
 * `total_tokens` decides where vendors count in another way: it is above prompt + completion by the reasoning tokens
 * (xAI), by the cached tokens (reports that exclude them from the prompt, as Anthropic does), or by thoughts that are
 * named nowhere else (Gemini's compatible interface), which are billed as output.
 *
 * Names read: OpenAI; `prompt_cache_hit_tokens` (DeepSeek); `cached_tokens` beside the totals (Kimi); `cache_write_tokens`,
 * `cache_creation_input_tokens`, `cache_creation.ephemeral_5m/1h_input_tokens` (OpenAI, Kimi, Alibaba, Anthropic behind
 * others); `cost` (OpenRouter), in the vendor's currency.
 */
export function readUsage(raw: unknown, operation: Operation): UsageReport {
  if (!isRecord(raw)) return NO_REPORT;
  const parts = readParts(raw);
  const totals = readTotals(raw, operation, parts);
  const usage = totals && splitTotals(totals, parts);
  const vendorCost = readDecimal(raw.cost);
  return raw.estimated === true ? { usage, usageEstimated: true, vendorCost } : { usage, vendorCost };
}

/** The parts that a vendor names, each inside one of the totals. */
interface Parts {
  readonly cached: number | undefined;
  readonly written5m: number | undefined;
  readonly written1h: number | undefined;
  readonly inputAudio: number | undefined;
  readonly inputImage: number | undefined;
  readonly reasoning: number | undefined;
  readonly outputAudio: number | undefined;
}

interface Totals {
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly reasoning: number | undefined;
}

function readParts(raw: Record<string, unknown>): Parts {
  const input = record(raw.prompt_tokens_details ?? raw.input_tokens_details);
  const output = record(raw.completion_tokens_details ?? raw.output_tokens_details);
  // The same tokens may be told under several names: the largest count is the one that means them all.
  let cached = larger(readTokens(input.cached_tokens), raw.prompt_cache_hit_tokens);
  cached = larger(larger(cached, raw.cached_tokens), raw.cache_read_input_tokens);
  let written = larger(readTokens(input.cache_write_tokens), input.cache_creation_input_tokens);
  written = larger(larger(written, raw.cache_write_tokens), raw.cache_creation_input_tokens);
  const byLifetime = record(input.cache_creation ?? raw.cache_creation);
  const written1h = readTokens(byLifetime.ephemeral_1h_input_tokens);
  let written5m = readTokens(byLifetime.ephemeral_5m_input_tokens);
  // Of those whose lifetime is not told, the shorter, usual one is taken.
  if (written !== undefined) written5m = Math.max(written5m ?? 0, written - (written1h ?? 0));
  return {
    cached,
    written5m,
    written1h,
    inputAudio: readTokens(input.audio_tokens),
    inputImage: readTokens(input.image_tokens),
    reasoning: readTokens(output.reasoning_tokens ?? raw.reasoning_tokens),
    outputAudio: readTokens(output.audio_tokens),
  };
}

function readTotals(raw: Record<string, unknown>, operation: Operation, parts: Parts): Totals | undefined {
  let input = readTokens(raw.prompt_tokens ?? raw.input_tokens);
  let output = readTokens(raw.completion_tokens ?? raw.output_tokens);
  const total = readTokens(raw.total_tokens);
  if (operation === "embeddings") {
    input ??= total;
    return input === undefined ? undefined : { input, output: undefined, reasoning: undefined };
  }
  if (total !== undefined) {
    if (input !== undefined && output !== undefined) {
      if (total > input + output) return withExtra(input, output, total - input - output, parts);
    } else if (output !== undefined) {
      if (total >= output) input = total - output;
    } else if (input !== undefined && total > input) output = total - input;
  }
  return input === undefined && output === undefined ? undefined : { input, output, reasoning: parts.reasoning };
}

/** Where the total is above its two parts, by `extra` tokens: finds whose they are. */
function withExtra(input: number, output: number, extra: number, parts: Parts): Totals {
  const { reasoning, cached = 0, written5m = 0, written1h = 0 } = parts;
  if (extra === reasoning) return { input, output: output + extra, reasoning };
  const written = written5m + written1h;
  if (extra === cached + written || extra === cached || extra === written) {
    return { input: input + extra, output, reasoning };
  }
  return { input, output: output + extra, reasoning: (reasoning ?? 0) + extra };
}

function splitTotals({ input, output, reasoning }: Totals, parts: Parts): Usage {
  const inputRest = new Rest(input);
  const cachedInput = inputRest.take(parts.cached);
  const cacheWrite1h = inputRest.take(parts.written1h);
  const cacheWrite5m = inputRest.take(parts.written5m);
  const inputAudio = inputRest.take(parts.inputAudio);
  const inputImage = inputRest.take(parts.inputImage);
  const outputRest = new Rest(output);
  const reasoned = outputRest.take(reasoning);
  const outputAudio = outputRest.take(parts.outputAudio);
  return {
    input: inputRest.left,
    cachedInput,
    cacheWrite5m,
    cacheWrite1h,
    inputAudio,
    inputImage,
    output: outputRest.left,
    reasoning: reasoned,
    outputAudio,
  };
}

/** What is left of a total, as its parts are taken out one after the other. Parts of an unknown total are unknown. */
class Rest {
  left: number | undefined;

  constructor(total: number | undefined) {
    this.left = total;
  }

  take(part: number | undefined): number | undefined {
    if (part === undefined || this.left === undefined) return undefined;
    const taken = Math.min(part, this.left);
    this.left -= taken;
    return taken;
  }
}

function larger(known: number | undefined, value: unknown): number | undefined {
  const tokens = readTokens(value);
  return tokens !== undefined && (known === undefined || tokens > known) ? tokens : known;
}

const NOTHING: Record<string, unknown> = {};

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : NOTHING;
}

/** A count of tokens; some vendors write numbers as strings. What is none (negative, not finite) is unknown. */
function readTokens(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number !== "number" || !(number >= 0) || number > Number.MAX_SAFE_INTEGER) return undefined;
  return Math.ceil(number);
}

const MONEY = /^\d{1,18}(\.\d{1,18})?$/;

function readDecimal(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string") return MONEY.test(value) ? value : undefined;
  if (typeof value !== "number" || !(value >= 0)) return undefined;
  const spelling = String(value);
  if (MONEY.test(spelling)) return spelling;
  const plain = value.toFixed(18).replace(/\.?0+$/, "");
  return MONEY.test(plain) ? plain : undefined;
}
