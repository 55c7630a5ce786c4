import type {
  AnswerFormat,
  AssistantPart,
  Conversation,
  EmbeddingsInput,
  ImageOrder,
  Message,
  RequestContent,
  Tool,
  UserPart,
} from "../conversation.ts";
import type { Changes, Quirks } from "../spec.ts";

type Json = Record<string, unknown>;

/** A request in OpenAI's protocol, written from what a client asked in another one. Deterministic in its order. */
export function compose(content: RequestContent, stream: boolean, changes: Changes, quirks: Quirks): Buffer {
  return Buffer.from(JSON.stringify(document(content, stream, changes, quirks)));
}

function document(content: RequestContent, stream: boolean, changes: Changes, quirks: Quirks): Json {
  if (content.operation === "embeddings") return composeEmbeddings(content, changes);
  if (content.operation === "images") return composeImages(content, changes);
  return composeChat(content, stream, changes, quirks);
}

function composeChat(chat: Conversation, stream: boolean, changes: Changes, quirks: Quirks): Json {
  const longest = lower(chat.maxOutputTokens, changes.maxOutputTokens);
  return clean({
    model: changes.model,
    messages: chat.messages.map(composeMessage),
    tools: chat.tools.length > 0 ? chat.tools.map(composeTool) : undefined,
    tool_choice: composeToolChoice(chat.toolChoice),
    parallel_tool_calls: chat.tools.length > 0 ? chat.parallelToolCalls : undefined,
    [quirks.maxOutputField ?? "max_tokens"]: longest,
    temperature: chat.temperature,
    top_p: chat.topP,
    top_k: chat.topK,
    presence_penalty: chat.presencePenalty,
    frequency_penalty: chat.frequencyPenalty,
    seed: chat.seed,
    stop: chat.stop.length > 0 ? chat.stop : undefined,
    n: chat.choices > 1 ? chat.choices : undefined,
    reasoning_effort: chat.reasoning?.effort,
    response_format: composeFormat(chat.format),
    user: chat.user,
    stream: stream ? true : undefined,
    stream_options: stream && changes.includeUsage && !quirks.noStreamOptions ? { include_usage: true } : undefined,
  });
}

/** The shorter of what the client asks and what the budget can pay. */
export function lower(asked: number | undefined, affordable: number | undefined): number | undefined {
  if (asked === undefined || affordable === undefined) return asked ?? affordable;
  return Math.min(asked, affordable);
}

/** A conversation's message in OpenAI's shape; other vendors' shapes are often this one with other names. */
export function composeMessage(message: Message): Json {
  switch (message.role) {
    case "system":
      return { role: "system", content: message.parts.map(({ text }) => text).join("\n") };
    case "user":
      return clean({ role: "user", content: composeUserContent(message.parts), name: message.name });
    case "assistant":
      return composeAssistant(message.parts);
    case "tool": {
      const plain = message.parts.every((part) => part.type === "text");
      const content = plain ? joinTexts(message.parts) : message.parts.map(composePart);
      return { role: "tool", tool_call_id: message.callId, content };
    }
  }
}

function composeUserContent(parts: readonly UserPart[]): string | Json[] {
  const [only] = parts;
  if (parts.length === 1 && only!.type === "text") return only!.text;
  return parts.map(composePart);
}

function composePart(part: UserPart): Json {
  switch (part.type) {
    case "text":
      return { type: "text", text: part.text };
    case "image":
      return { type: "image_url", image_url: clean({ url: imageUrl(part), detail: part.detail }) };
    case "audio":
      return { type: "input_audio", input_audio: { data: part.base64, format: part.format } };
    case "file": {
      const data = part.base64 === undefined ? part.url : dataUrl(part.mediaType ?? "application/pdf", part.base64);
      return { type: "file", file: clean({ file_id: part.id, file_data: data, filename: part.name }) };
    }
  }
}

/** The address of a picture, its bytes in a `data:` address where they were sent along. */
export function imageUrl(part: {
  readonly url?: string | undefined;
  readonly base64?: string | undefined;
  readonly mediaType?: string | undefined;
}): string {
  return part.base64 === undefined ? (part.url ?? "") : dataUrl(part.mediaType ?? "image/png", part.base64);
}

function dataUrl(mediaType: string, base64: string): string {
  return `data:${mediaType};base64,${base64}`;
}

function composeAssistant(parts: readonly AssistantPart[]): Json {
  const texts = parts.filter((part) => part.type === "text");
  const thoughts = parts.filter((part) => part.type === "reasoning" && part.text !== "");
  const calls = parts.filter((part) => part.type === "tool-call");
  return clean({
    role: "assistant",
    content: texts.length > 0 ? joinTexts(texts) : calls.length > 0 ? null : "",
    reasoning_content: thoughts.length > 0 ? joinTexts(thoughts) : undefined,
    tool_calls:
      calls.length > 0
        ? calls.map((call) =>
            clean({
              id: call.id,
              type: "function",
              function: { name: call.name, arguments: call.arguments || "{}" },
              extra_content: call.signature && { google: { thought_signature: call.signature } },
            }),
          )
        : undefined,
  });
}

function joinTexts(parts: readonly object[]): string {
  return (parts as readonly { readonly text?: string }[]).map(({ text = "" }) => text).join("");
}

export function composeTool({ name, description, parameters, strict }: Tool): Json {
  const schema = parameters ?? { type: "object", properties: {} };
  return { type: "function", function: clean({ name, description, parameters: schema, strict }) };
}

export function composeToolChoice(choice: Conversation["toolChoice"]): unknown {
  return typeof choice === "object" ? { type: "function", function: { name: choice.tool } } : choice;
}

export function composeFormat(format: AnswerFormat | undefined): Json | undefined {
  if (!format) return undefined;
  if (format.type === "json") return { type: "json_object" };
  const { name, schema, strict, description } = format;
  return { type: "json_schema", json_schema: clean({ name, description, schema, strict }) };
}

function composeEmbeddings({ inputs, dimensions, user }: EmbeddingsInput, { model }: Changes): Json {
  return clean({ model, input: inputs.length === 1 ? inputs[0] : inputs, dimensions, user });
}

function composeImages({ prompt, count, size, quality, style, format, user }: ImageOrder, { model }: Changes): Json {
  const wanted = format === "base64" ? "b64_json" : format;
  const n = count > 1 ? count : undefined;
  return clean({ model, prompt, n, size, quality, style, response_format: wanted, user });
}

/** Without the fields that are not there. */
export function clean(fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
