import type { RequestClamps } from "../clamps.ts";
import type { AnswerFormat, Conversation, Tool } from "../conversation.ts";
import { Fitting } from "../fitting.ts";
import { isObject } from "../json-values.ts";
import { clean, lower } from "../openai/compose.ts";
import type { Changes, Target } from "../spec.ts";
import { composeContents } from "./contents.ts";
import { isThirdGeneration } from "./model-versions.ts";
import { thinkingConfig } from "./thinking.ts";

/** What the vendor takes, by its documentation. */
const OWN: RequestClamps = {
  temperature: { min: 0, max: 2 },
  top_p: { min: 0, max: 1 },
  presence_penalty: { min: -2, max: 2, exclusiveMax: true },
  frequency_penalty: { min: -2, max: 2, exclusiveMax: true },
  stop: { max: 5 },
};

export interface Composed {
  readonly document: object;
  readonly adjusted: readonly string[];
}

/** A request of `generateContent`. Deterministic in its order. */
export function composeGenerate(chat: Conversation, changes: Changes, target: Target): Composed {
  const { model } = changes;
  const fitting = new Fitting(OWN, target.quirks, model);
  const to = { wantsSignatures: isThirdGeneration(model), filesUrl: target.baseUrl ?? "" };
  const { systemInstruction, contents } = composeContents(chat.messages, to);
  const google = googleFields(chat.extra);
  const document = clean({
    ...target.quirks.defaults,
    systemInstruction,
    contents,
    ...toolFields(chat, fitting),
    safetySettings: google.safetySettings ?? google.safety_settings,
    cachedContent: google.cachedContent ?? google.cached_content,
    generationConfig: generationConfig(chat, changes, fitting),
  });
  return { document, adjusted: fitting.adjusted };
}

/** Fields of this vendor's own that clients of another protocol may send along: at the top, or in `extra_body.google`. */
function googleFields(extra: Conversation["extra"]): Readonly<Record<string, unknown>> {
  const within = isObject(extra.extra_body) ? extra.extra_body.google : extra.google;
  return { ...extra, ...(isObject(within) && within) };
}

function generationConfig(chat: Conversation, changes: Changes, fitting: Fitting): object | undefined {
  const config = clean({
    candidateCount: chat.choices > 1 ? fitting.number("n", chat.choices) : undefined,
    maxOutputTokens: lower(fitting.number("max_tokens", chat.maxOutputTokens), changes.maxOutputTokens),
    temperature: fitting.number("temperature", chat.temperature),
    topP: fitting.number("top_p", chat.topP),
    topK: fitting.number("top_k", chat.topK),
    seed: chat.seed,
    presencePenalty: fitting.number("presence_penalty", chat.presencePenalty),
    frequencyPenalty: fitting.number("frequency_penalty", chat.frequencyPenalty),
    stopSequences: fitting.stop(chat.stop),
    ...formatFields(chat.format),
    thinkingConfig: thinkingConfig(chat, changes.model, fitting),
  });
  return Object.keys(config).length > 0 ? config : undefined;
}

function formatFields(format: AnswerFormat | undefined): object {
  if (!format) return {};
  const responseMimeType = "application/json";
  return format.type === "json" ? { responseMimeType } : { responseMimeType, responseJsonSchema: format.schema };
}

function toolFields(chat: Conversation, fitting: Fitting): object {
  if (chat.tools.length === 0) return {};
  if (chat.parallelToolCalls === false) fitting.leaveOut("parallel_tool_calls", false);
  const choice = fitting.toolChoice(chat.toolChoice);
  const functionCallingConfig =
    typeof choice === "object"
      ? { mode: "ANY", allowedFunctionNames: [choice.tool] }
      : choice && { mode: { auto: "AUTO", none: "NONE", required: "ANY" }[choice] };
  return {
    tools: [{ functionDeclarations: chat.tools.map(declare) }],
    toolConfig: functionCallingConfig && { functionCallingConfig },
  };
}

function declare({ name, description, parameters }: Tool): object {
  return clean({ name, description, parametersJsonSchema: parameters });
}
