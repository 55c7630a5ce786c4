import { dashscopeWords as words } from "../../base/messages/dashscope.ts";
import type { RequestClamps } from "../clamps.ts";
import type { Conversation, EmbeddingsInput, ImageOrder, Message, UserPart } from "../conversation.ts";
import { Fitting } from "../fitting.ts";
import {
  clean,
  composeFormat,
  composeMessage,
  composeTool,
  composeToolChoice,
  imageUrl,
  lower,
} from "../openai/compose.ts";
import type { Changes, ModelRequest, Target, WireRequest } from "../spec.ts";
import { unsupported } from "../translation/unsupported.ts";

const TEXT = "/services/aigc/text-generation/generation";
const MULTIMODAL = "/services/aigc/multimodal-generation/generation";
const EMBEDDINGS = "/services/embeddings/text-embedding/text-embedding";
const IMAGES = "/services/aigc/text2image/image-synthesis";
/** Not documented for this interface, but the tasks of an account are: one that does not exist costs nothing to ask for. */
const PROBE = "/tasks/00000000-0000-0000-0000-000000000000";
/** Models that know only lists of parts, whether there is a picture in them or not. */
const PICTURE_MODELS = /(^|[-/])(vl|omni|qvq|audio|ocr)([-.]|\d|$)|-vl-|^qvq/i;
const MOST_CHOICES = 4;

/** By the platform's documentation. */
const CLAMPS: RequestClamps = {
  temperature: { min: 0, max: 2, exclusiveMax: true },
  top_p: { min: 0, exclusiveMin: true, max: 1 },
  n: { max: MOST_CHOICES },
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

export function encode(request: ModelRequest, changes: Changes, target: Target): WireRequest {
  const content = request.content();
  switch (content.operation) {
    case "embeddings":
      return send(EMBEDDINGS, composeEmbeddings(content, changes), target, request);
    case "images":
      return send(IMAGES, composeImages(content, changes), target, request, { "x-dashscope-async": "enable" });
    default: {
      const fitting = new Fitting(CLAMPS, target.quirks, changes.model);
      const multimodal = isMultimodal(content, changes.model);
      const body = composeChat(content, request.stream, changes, fitting, multimodal);
      const streaming: Record<string, string> = request.stream ? { "x-dashscope-sse": "enable" } : {};
      const wire = send(multimodal ? MULTIMODAL : TEXT, body, target, request, streaming);
      return fitting.adjusted.length > 0 ? { ...wire, adjusted: fitting.adjusted } : wire;
    }
  }
}

/** An account's task that does not exist: the answer proves address and key, and costs nothing. */
export function probe(target: Target): WireRequest {
  const headers = headersOf(target, "application/json", {});
  return { method: "GET", path: target.quirks.paths?.models ?? PROBE, headers, body: Buffer.alloc(0) };
}

function send(
  path: string,
  document: object,
  target: Target,
  { operation, stream }: ModelRequest,
  more: Record<string, string> = {},
): WireRequest {
  return {
    method: "POST",
    path: target.quirks.paths?.[operation] ?? path,
    headers: headersOf(target, stream ? "text/event-stream" : "application/json", more),
    body: Buffer.from(JSON.stringify(document)),
  };
}

function headersOf({ credentials, headers }: Target, accept: string, more: object): Record<string, string> {
  const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    accept,
    "content-type": "application/json",
    ...(credentials.apiKey && { authorization: `Bearer ${credentials.apiKey}` }),
    ...more,
    ...(Object.fromEntries(own) as Record<string, string>),
  };
}

function isMultimodal(chat: Conversation, model: string): boolean {
  if (PICTURE_MODELS.test(model)) return true;
  return chat.messages.some(({ parts }) =>
    (parts as readonly UserPart[]).some(({ type }) => type === "image" || type === "audio"),
  );
}

function composeChat(
  chat: Conversation,
  stream: boolean,
  changes: Changes,
  fitting: Fitting,
  multimodal: boolean,
): object {
  if (chat.toolChoice === "required") throw unsupported(words.forcedTool(), "tool_choice");
  if (chat.choices > MOST_CHOICES) throw unsupported(words.choices(MOST_CHOICES), "n");
  const { tools, reasoning } = chat;
  fitting.leaveOut("frequency_penalty", chat.frequencyPenalty);
  const extras = Object.entries(chat.extra).filter(([name]) => KNOWN_EXTRAS.has(name));
  const thinking = thinkingOf(reasoning, fitting);
  return {
    model: changes.model,
    input: { messages: chat.messages.map(multimodal ? composeParts : composeMessage) },
    parameters: clean({
      result_format: "message",
      incremental_output: stream ? true : undefined,
      max_tokens: lower(chat.maxOutputTokens, changes.maxOutputTokens),
      temperature: fitting.number("temperature", chat.temperature),
      top_p: fitting.number("top_p", chat.topP),
      top_k: fitting.number("top_k", chat.topK),
      seed: chat.seed,
      presence_penalty: fitting.number("presence_penalty", chat.presencePenalty),
      stop: fitting.stop(chat.stop),
      n: chat.choices > 1 ? chat.choices : undefined,
      tools: tools.length > 0 ? tools.map(composeTool) : undefined,
      tool_choice: tools.length > 0 ? composeToolChoice(fitting.toolChoice(chat.toolChoice)) : undefined,
      parallel_tool_calls: tools.length > 0 ? chat.parallelToolCalls : undefined,
      response_format: composeFormat(chat.format),
      ...thinking,
      ...Object.fromEntries(extras),
    }),
  };
}

/** Thinking is on or off here, and as long as a number of tokens says. */
function thinkingOf(wish: Conversation["reasoning"], fitting: Fitting): object {
  if (!wish) return {};
  if (wish.effort === "none") return { enable_thinking: false };
  if (wish.effort !== undefined) fitting.adjusted.push("enable_thinking=true");
  return clean({ enable_thinking: true, thinking_budget: wish.budgetTokens });
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

function composeEmbeddings({ inputs, dimensions, extra }: EmbeddingsInput, { model }: Changes): object {
  if (inputs.some((input) => typeof input !== "string")) throw unsupported(words.tokens(), "input");
  const parameters = clean({ dimension: dimensions, text_type: extra.text_type });
  return { model, input: { texts: inputs }, parameters };
}

function composeImages({ prompt, count, size, format, extra }: ImageOrder, { model }: Changes): object {
  if (format === "base64") throw unsupported(words.inline(), "response_format");
  const input = clean({ prompt, negative_prompt: extra.negative_prompt });
  const parameters = clean({ n: count, size: size?.replace("x", "*"), seed: extra.seed });
  return { model, input, parameters };
}
