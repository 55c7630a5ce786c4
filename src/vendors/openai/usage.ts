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
  const vendorCost = readDecimal(raw.cost);
  const totals = readTotals(raw, operation);
  if (!totals) return { usage: undefined, vendorCost };
  const usage = { ...splitInput(raw, totals.input), ...splitOutput(raw, totals) };
  return raw.estimated === true ? { usage, usageEstimated: true, vendorCost } : { usage, vendorCost };
}

interface Totals {
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly reasoning: number | undefined;
}

function readTotals(raw: Record<string, unknown>, operation: Operation): Totals | undefined {
  let input = readTokens(raw.prompt_tokens) ?? readTokens(raw.input_tokens);
  let output = readTokens(raw.completion_tokens) ?? readTokens(raw.output_tokens);
  const total = readTokens(raw.total_tokens);
  if (operation === "embeddings") {
    input ??= total;
    return input === undefined ? undefined : { input, output: undefined, reasoning: undefined };
  }
  let reasoning = readTokens(outputDetails(raw).reasoning_tokens) ?? readTokens(raw.reasoning_tokens);
  if (total !== undefined) {
    if (input === undefined && output !== undefined && total >= output) input = total - output;
    else if (output === undefined && input !== undefined && total > input) output = total - input;
    else if (input !== undefined && output !== undefined && total > input + output) {
      const extra = total - input - output;
      const cached = readCached(raw) ?? 0;
      const written = sum(readWritten(raw));
      if (extra !== reasoning && (extra === cached + written || extra === cached || extra === written)) input += extra;
      else {
        output += extra;
        if (extra !== reasoning) reasoning = (reasoning ?? 0) + extra;
      }
    }
  }
  return input === undefined && output === undefined ? undefined : { input, output, reasoning };
}

function splitInput(raw: Record<string, unknown>, total: number | undefined): Usage {
  if (total === undefined) return {};
  const details = inputDetails(raw);
  const written = readWritten(raw);
  const rest = new Rest(total);
  const cachedInput = rest.take(readCached(raw));
  const cacheWrite1h = rest.take(written.oneHour);
  const cacheWrite5m = rest.take(written.fiveMinutes);
  const inputAudio = rest.take(readTokens(details.audio_tokens));
  const inputImage = rest.take(readTokens(details.image_tokens));
  return { input: rest.left, cachedInput, cacheWrite5m, cacheWrite1h, inputAudio, inputImage };
}

function splitOutput(raw: Record<string, unknown>, totals: Totals): Usage {
  if (totals.output === undefined) return {};
  const rest = new Rest(totals.output);
  const reasoning = rest.take(totals.reasoning);
  const outputAudio = rest.take(readTokens(outputDetails(raw).audio_tokens));
  return { output: rest.left, reasoning, outputAudio };
}

/** What is left of a total, as its parts are taken out one after the other. */
class Rest {
  left: number;

  constructor(total: number) {
    this.left = total;
  }

  take(part: number | undefined): number | undefined {
    if (part === undefined) return undefined;
    const taken = Math.min(part, this.left);
    this.left -= taken;
    return taken;
  }
}

/** The same cached tokens may be told under several names: the largest count is the one that means them all. */
function readCached(raw: Record<string, unknown>): number | undefined {
  return largest([
    inputDetails(raw).cached_tokens,
    raw.cached_tokens,
    raw.prompt_cache_hit_tokens,
    raw.cache_read_input_tokens,
  ]);
}

interface Written {
  readonly fiveMinutes: number | undefined;
  readonly oneHour: number | undefined;
}

/** Tokens written to a cache; those of which no lifetime is told are taken as the shorter, usual one. */
function readWritten(raw: Record<string, unknown>): Written {
  const details = inputDetails(raw);
  const byLifetime = isRecord(details.cache_creation) ? details.cache_creation : record(raw.cache_creation);
  const oneHour = readTokens(byLifetime.ephemeral_1h_input_tokens);
  const fiveMinutes = readTokens(byLifetime.ephemeral_5m_input_tokens);
  const all = largest([
    details.cache_write_tokens,
    details.cache_creation_input_tokens,
    raw.cache_write_tokens,
    raw.cache_creation_input_tokens,
  ]);
  if (all === undefined) return { fiveMinutes, oneHour };
  return { fiveMinutes: Math.max(fiveMinutes ?? 0, all - (oneHour ?? 0)), oneHour };
}

function sum({ fiveMinutes, oneHour }: Written): number {
  return (fiveMinutes ?? 0) + (oneHour ?? 0);
}

function largest(values: readonly unknown[]): number | undefined {
  let most: number | undefined;
  for (const value of values) {
    const tokens = readTokens(value);
    if (tokens !== undefined && (most === undefined || tokens > most)) most = tokens;
  }
  return most;
}

function inputDetails(raw: Record<string, unknown>): Record<string, unknown> {
  return record(raw.prompt_tokens_details ?? raw.input_tokens_details);
}

function outputDetails(raw: Record<string, unknown>): Record<string, unknown> {
  return record(raw.completion_tokens_details ?? raw.output_tokens_details);
}

const NOTHING: Record<string, unknown> = {};

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : NOTHING;
}

/** A count of tokens; some vendors write numbers as strings. What is none (negative, not finite) is unknown. */
function readTokens(value: unknown): number | undefined {
  const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number !== "number" || !(number >= 0) || number > Number.MAX_SAFE_INTEGER) return undefined;
  return Math.ceil(number);
}

const MONEY = /^\d{1,18}(\.\d{1,18})?$/;

function readDecimal(value: unknown): string | undefined {
  if (typeof value === "string") return MONEY.test(value) ? value : undefined;
  if (typeof value !== "number" || !(value >= 0)) return undefined;
  const spelling = String(value);
  if (MONEY.test(spelling)) return spelling;
  const plain = value.toFixed(18).replace(/\.?0+$/, "");
  return MONEY.test(plain) ? plain : undefined;
}
