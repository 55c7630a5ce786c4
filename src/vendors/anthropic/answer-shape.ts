import { outputTokens, type Usage } from "../../base/usage.ts";
import type { AnswerPiece } from "../answer-pieces.ts";
import type { Naming, ShownCost } from "../spec.ts";

type Start = AnswerPiece & { readonly type: "start" };
type Finish = AnswerPiece & { readonly type: "finish" };

/** A message without its content: what streams begin with and buffered answers have around it. */
export function messageOf(start: Start | undefined, naming: Naming, usage: object): Record<string, unknown> {
  return {
    id: start?.id ?? `msg_${naming.call}`,
    type: "message",
    role: "assistant",
    model: start?.model ?? naming.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  };
}

/** Where the vendor gave up in the middle, or said no reason, clients see that something is missing, never a whole answer. */
export function reasonFields(finish: Finish | undefined): { stop_reason: string; stop_sequence: string | null } {
  const sequence = finish?.stopSequence ?? null;
  switch (finish?.reason) {
    case "stop":
      if (finish.raw === "pause_turn") return { stop_reason: "pause_turn", stop_sequence: null };
      return { stop_reason: sequence === null ? "end_turn" : "stop_sequence", stop_sequence: sequence };
    case "tool_calls":
      return { stop_reason: "tool_use", stop_sequence: null };
    case "content_filter":
      return { stop_reason: "refusal", stop_sequence: null };
    case "length":
      if (finish.raw === "model_context_window_exceeded") return { stop_reason: finish.raw, stop_sequence: null };
      return { stop_reason: "max_tokens", stop_sequence: null };
    default:
      return { stop_reason: "max_tokens", stop_sequence: null };
  }
}

/** What stands in for counts that the vendor did not report: this protocol has no way to leave them out. */
export interface Guess {
  readonly input: number;
  readonly output: number;
}

/** A `usage` object, whole: `output_tokens` includes thinking, `input_tokens` excludes what went to and came from the cache. */
export function usageFields(usage: Usage | undefined, guess: Guess, cost?: ShownCost): Record<string, unknown> {
  const { input, cachedInput, cacheWrite5m, cacheWrite1h, inputAudio, inputImage, reasoning } = usage ?? {};
  const written = sum(cacheWrite5m, cacheWrite1h);
  const fresh = sum(input, inputAudio, inputImage);
  const counted = fresh !== undefined || cachedInput !== undefined || written !== undefined;
  return {
    input_tokens: counted ? (fresh ?? 0) : guess.input,
    cache_creation_input_tokens: written ?? 0,
    cache_read_input_tokens: cachedInput ?? 0,
    cache_creation:
      written === undefined
        ? null
        : { ephemeral_5m_input_tokens: cacheWrite5m ?? 0, ephemeral_1h_input_tokens: cacheWrite1h ?? 0 },
    output_tokens: (usage && outputTokens(usage)) ?? guess.output,
    output_tokens_details: reasoning === undefined ? null : { thinking_tokens: reasoning },
    server_tool_use: null,
    service_tier: null,
    ...(cost && { cost: Number(cost.amount), cost_currency: cost.currency }),
  };
}

function sum(...counts: readonly (number | undefined)[]): number | undefined {
  const known = counts.filter((count) => count !== undefined);
  return known.length === 0 ? undefined : known.reduce((total, count) => total + count, 0);
}

/** About as many bytes of text are a token. */
const BYTES_A_TOKEN = 3;

export function guessOutput(pieces: number, bytes: number): number {
  return Math.max(pieces, Math.ceil(bytes / BYTES_A_TOKEN));
}
