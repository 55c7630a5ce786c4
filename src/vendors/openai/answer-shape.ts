import { inputTokens, outputTokens, type Usage } from "../../base/usage.ts";
import type { AnswerPiece, FinishReason } from "../answer-pieces.ts";
import type { Naming, ShownCost } from "../spec.ts";

/** What an answer is called: by its vendor, else by the call. */
export function headOf(
  start: (AnswerPiece & { readonly type: "start" }) | undefined,
  naming: Naming,
): { readonly id: string; readonly created: number; readonly model: string } {
  return {
    id: start?.id ?? `chatcmpl-${naming.call}`,
    created: start?.created ?? Math.floor(naming.at / 1000),
    model: start?.model ?? naming.model,
  };
}

/** A tool call with its arguments so far. */
export function callOf(start: AnswerPiece & { readonly type: "tool-call-start" }, given: string): object {
  const { id, name, signature } = start;
  return {
    id,
    type: "function",
    function: { name, arguments: given },
    ...(signature !== undefined && { extra_content: { google: { thought_signature: signature } } }),
  };
}

/** Where the vendor gave up in the middle, clients see `length`, never `stop`, and the vendor's own word beside it. */
export function finishFields(reason: FinishReason, raw: string | undefined): object {
  const known = reason === "error" ? "length" : reason;
  return { finish_reason: known, ...(raw !== undefined && raw !== known && { x_finish_reason: raw }) };
}

/** A `usage` object; `cost` in the stream's usage chunk only. Undefined where nothing is known. */
export function usageOf(usage: Usage | undefined, cost: ShownCost | undefined): object | undefined {
  const input = usage && inputTokens(usage);
  const output = usage && outputTokens(usage);
  const shown = cost && { cost: Number(cost.amount), cost_currency: cost.currency };
  if (!usage || (input === undefined && output === undefined)) return shown;
  const written = sum(usage.cacheWrite5m, usage.cacheWrite1h);
  const ofInput = known({
    cached_tokens: usage.cachedInput,
    cache_write_tokens: written,
    audio_tokens: usage.inputAudio,
    image_tokens: usage.inputImage,
  });
  const ofOutput = known({ reasoning_tokens: usage.reasoning, audio_tokens: usage.outputAudio });
  return {
    prompt_tokens: input ?? 0,
    completion_tokens: output ?? 0,
    total_tokens: (input ?? 0) + (output ?? 0),
    ...(ofInput && { prompt_tokens_details: ofInput }),
    ...(ofOutput && { completion_tokens_details: ofOutput }),
    ...shown,
  };
}

function sum(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined && other === undefined ? undefined : (one ?? 0) + (other ?? 0);
}

function known(fields: Record<string, number | undefined>): object | undefined {
  const there = Object.entries(fields).filter(([, value]) => value !== undefined);
  return there.length > 0 ? Object.fromEntries(there) : undefined;
}
