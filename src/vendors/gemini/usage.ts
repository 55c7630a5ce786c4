import { readCount, type Usage } from "../../base/usage.ts";
import { isObject, type JsonObject, listOf } from "../json-values.ts";

/**
 * Reads a `usageMetadata` object into disjoint classes. `promptTokenCount` includes what was cached, and every medium;
 * `candidatesTokenCount` leaves thoughts out; results of the vendor's own tools are further input (`toolUsePromptTokenCount`).
 *
 * This wire leaves out counts of nought. What `totalTokenCount` has beyond its named parts is output: thoughts that are not
 * named, where an answer is.
 */
export function readUsage(raw: unknown): Usage | undefined {
  if (!isObject(raw)) return undefined;
  const prompt = readCount(raw.promptTokenCount);
  const usage: Usage = { ...readInput(raw, prompt), ...readOutput(raw, prompt) };
  const known = Object.entries(usage).filter(([, count]) => count !== undefined);
  return known.length > 0 ? Object.fromEntries(known) : undefined;
}

function readInput(raw: JsonObject, prompt: number | undefined): Usage {
  if (prompt === undefined) return {};
  const cached = readCount(raw.cachedContentTokenCount);
  let left = prompt - Math.min(cached ?? 0, prompt);
  const part = (medium: string): number | undefined => {
    const all = countOf(raw.promptTokensDetails, medium);
    if (all === undefined) return undefined;
    const fresh = Math.min(left, Math.max(0, all - (countOf(raw.cacheTokensDetails, medium) ?? 0)));
    left -= fresh;
    return fresh;
  };
  const inputAudio = part("AUDIO");
  const inputImage = part("IMAGE");
  const input = left + (readCount(raw.toolUsePromptTokenCount) ?? 0);
  return { input, cachedInput: cached === undefined ? undefined : Math.min(cached, prompt), inputAudio, inputImage };
}

function readOutput(raw: JsonObject, prompt: number | undefined): Usage {
  const total = readCount(raw.totalTokenCount);
  const written = readCount(raw.candidatesTokenCount);
  let thoughts = readCount(raw.thoughtsTokenCount);
  let output = written;
  if (total !== undefined && prompt !== undefined) {
    const used = prompt + (readCount(raw.toolUsePromptTokenCount) ?? 0) + (thoughts ?? 0) + (written ?? 0);
    const beyond = Math.max(0, total - used);
    if (written === undefined) output = beyond;
    else if (beyond > 0) thoughts = (thoughts ?? 0) + beyond;
  }
  const outputAudio = countOf(raw.candidatesTokensDetails, "AUDIO");
  if (output === undefined || outputAudio === undefined) return { output, reasoning: thoughts };
  const spoken = Math.min(outputAudio, output);
  return { output: output - spoken, outputAudio: spoken, reasoning: thoughts };
}

function countOf(details: unknown, medium: string): number | undefined {
  const found = listOf(details).find((one) => isObject(one) && one.modality === medium);
  return isObject(found) ? readCount(found.tokenCount) : undefined;
}
