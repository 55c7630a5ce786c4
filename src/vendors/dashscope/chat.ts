import { dashscopeWords as words } from "../../base/messages/dashscope.ts";
import type { RequestClamps } from "../clamps.ts";
import type { Conversation, Message, ReasoningWish, ToolChoice, UserPart } from "../conversation.ts";
import type { Fitting } from "../fitting.ts";
import {
  clean,
  composeFormat,
  composeMessage,
  composeTool,
  composeToolChoice,
  imageUrl,
  lower,
} from "../openai/compose.ts";
import type { Changes, Quirks } from "../spec.ts";
import { unsupported } from "../translation/unsupported.ts";

/** Models that know only lists of parts, whether there is a picture in them or not. */
const PICTURE_MODELS = /(^|[-/])(vl|omni|qvq|audio|ocr)([-.]|\d|$)|-vl-|^qvq/i;
const MOST_CHOICES = 4;
const LARGEST_SEED = 2 ** 31 - 1;
/** The only models for which thinking has degrees; for all others it is on or off. */
const DEGREES = /^qwen3\.8/i;
const EFFORTS: Readonly<Record<NonNullable<ReasoningWish["effort"]>, string>> = {
  none: "low",
  minimal: "low",
  low: "low",
  medium: "medium",
  high: "xhigh",
  xhigh: "xhigh",
  max: "xhigh",
};

/** By the platform's documentation. */
export const CLAMPS: RequestClamps = {
  temperature: { min: 0, max: 2, exclusiveMax: true },
  top_p: { min: 0, exclusiveMin: true, max: 1 },
};

/** Parameters of the platform's own, spelled as it spells them. */
const KNOWN_EXTRAS: ReadonlySet<string> = new Set([
  "enable_search",
  "search_options",
  "repetition_penalty",
  "preserve_thinking",
  "logprobs",
  "top_logprobs",
  "translation_options",
  "vl_high_resolution_images",
]);

/** Whether a conversation must go the way of pictures: for what is in it, or for its model. */
export function isMultimodal(chat: Conversation, model: string): boolean {
  if (PICTURE_MODELS.test(model)) return true;
  return chat.messages.some(({ parts }) =>
    (parts as readonly UserPart[]).some(({ type }) => type === "image" || type === "audio" || type === "file"),
  );
}

export function composeChat(
  chat: Conversation,
  stream: boolean,
  { model, maxOutputTokens }: Changes,
  quirks: Quirks,
  fitting: Fitting,
  multimodal: boolean,
): object {
  const thinking = thinkingOf(chat, model, fitting);
  const thinks = thinking.enable_thinking === true;
  const most = chat.tools.length > 0 || thinks ? 1 : MOST_CHOICES;
  if (chat.choices > most) throw unsupported(words.choices(most), "n");
  fitting.leaveOut("frequency_penalty", chat.frequencyPenalty);
  const extras = Object.entries(chat.extra).filter(([name]) => KNOWN_EXTRAS.has(name));
  // The older field has a bound of its own where a model thinks.
  const lengthField = quirks.maxOutputField ?? (thinks ? "max_completion_tokens" : "max_tokens");
  return {
    model,
    input: { messages: chat.messages.map(multimodal ? composeParts : composeText) },
    parameters: clean({
      result_format: "message",
      incremental_output: stream ? true : undefined,
      [lengthField]: lower(chat.maxOutputTokens, maxOutputTokens),
      temperature: fitting.number("temperature", chat.temperature),
      top_p: fitting.number("top_p", chat.topP),
      top_k: fitting.number("top_k", chat.topK),
      seed: seedOf(chat.seed, fitting),
      presence_penalty: fitting.number("presence_penalty", chat.presencePenalty),
      stop: fitting.stop(chat.stop),
      n: chat.choices > 1 ? chat.choices : undefined,
      ...composeTools(chat, thinks, fitting),
      response_format: composeFormat(chat.format),
      ...thinking,
      ...Object.fromEntries(extras),
    }),
  };
}

interface Thinking {
  readonly enable_thinking?: boolean;
  readonly thinking_budget?: number;
  readonly reasoning_effort?: string;
}

/** A number of tokens or a degree, not both; and no thinking beside JSON, which would be refused. */
function thinkingOf({ reasoning: wish, format }: Conversation, model: string, fitting: Fitting): Thinking {
  if (!wish) return {};
  const { effort, budgetTokens } = wish;
  if (effort === "none") return { enable_thinking: false };
  if (format?.type === "json") return { enable_thinking: fitting.change("enable_thinking", true, false) };
  if (budgetTokens !== undefined) return { enable_thinking: true, thinking_budget: budgetTokens };
  if (effort === undefined) return { enable_thinking: true };
  if (!DEGREES.test(model)) {
    fitting.adjusted.push("enable_thinking=true");
    return { enable_thinking: true };
  }
  const reasoning_effort = fitting.change<string>("reasoning_effort", effort, EFFORTS[effort]);
  return { enable_thinking: true, reasoning_effort };
}

function seedOf(seed: number | undefined, fitting: Fitting): number | undefined {
  if (seed === undefined) return undefined;
  return fitting.change("seed", seed, Math.min(Math.max(Math.trunc(seed), 0), LARGEST_SEED));
}

function composeTools(
  { tools, toolChoice, parallelToolCalls }: Conversation,
  thinks: boolean,
  fitting: Fitting,
): Record<string, unknown> {
  if (tools.length === 0) return {};
  const only: ToolChoice | undefined =
    toolChoice === "required" && tools.length === 1 ? { tool: tools[0]!.name } : toolChoice;
  let choice = fitting.toolChoice(only);
  if (choice === "required") throw unsupported(words.forcedTool(), "tool_choice");
  if (thinks && typeof choice === "object") {
    fitting.adjusted.push("tool_choice=auto");
    choice = "auto";
  }
  return {
    tools: tools.map(composeTool),
    tool_choice: composeToolChoice(choice),
    parallel_tool_calls: parallelToolCalls,
  };
}

/** The shape of texts: each content is one. */
function composeText(message: Message): object {
  const plain = composeMessage(message);
  return { ...plain, content: typeof plain.content === "string" ? plain.content : textOf(message) };
}

function textOf({ parts }: Message): string {
  return (parts as readonly UserPart[]).map((part) => (part.type === "text" ? part.text : "")).join("");
}

/** The shape in which pictures are said: every content is a list, each part under the name of its kind. */
function composeParts(message: Message): object {
  const plain = composeMessage(message);
  if (message.role === "assistant" || message.role === "system") {
    return { ...plain, content: [{ text: typeof plain.content === "string" ? plain.content : "" }] };
  }
  return { ...plain, content: message.parts.map(composePart) };
}

function composePart(part: UserPart): object {
  switch (part.type) {
    case "text":
      return { text: part.text };
    case "image":
      return { image: imageUrl(part) };
    case "audio":
      return { audio: `data:audio/${part.format};base64,${part.base64}` };
    case "file":
      if (part.url === undefined) throw unsupported(words.noFiles(), "messages");
      return { file: part.url };
  }
}
