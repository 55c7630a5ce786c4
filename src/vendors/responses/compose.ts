import { responsesWords as words } from "../../base/messages/responses.ts";
import type { AnswerFormat, AssistantPart, Conversation, Message, Tool, UserPart } from "../conversation.ts";
import { Fitting } from "../fitting.ts";
import type { JsonObject } from "../json-values.ts";
import { clean, imageUrl, lower } from "../openai/compose.ts";
import type { Changes, Quirks } from "../spec.ts";
import { unsupported } from "../translation/unsupported.ts";

/** Fields of this protocol that clients of chat completions may name, too. */
const PASSED = ["metadata", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "top_logprobs"] as const;

/** A request for a response, written from what a client asked in another protocol. */
export function compose(
  chat: Conversation,
  stream: boolean,
  changes: Changes,
  quirks: Quirks,
): { readonly body: Buffer; readonly adjusted: readonly string[] } {
  if (chat.choices > 1) throw unsupported(words.oneChoice(), "n");
  if (chat.stop.length > 0) throw unsupported(words.noStop(), "stop");
  const fitting = new Fitting({}, quirks, changes.model);
  for (const [name, value] of Object.entries({
    presence_penalty: chat.presencePenalty,
    frequency_penalty: chat.frequencyPenalty,
    seed: chat.seed,
    top_k: chat.topK,
  })) {
    fitting.leaveOut(name, value);
  }
  const document = clean({
    ...quirks.defaults,
    model: changes.model,
    instructions: instructionsOf(chat.messages),
    input: chat.messages.slice(leadingSystems(chat.messages)).flatMap(composeItems),
    tools: chat.tools.length > 0 ? chat.tools.map(composeTool) : undefined,
    tool_choice: chat.tools.length > 0 ? composeToolChoice(chat.toolChoice) : undefined,
    parallel_tool_calls: chat.tools.length > 0 ? chat.parallelToolCalls : undefined,
    max_output_tokens: lower(chat.maxOutputTokens, changes.maxOutputTokens),
    temperature: fitting.number("temperature", chat.temperature),
    top_p: fitting.number("top_p", chat.topP),
    reasoning: chat.reasoning?.effort && { effort: chat.reasoning.effort, summary: "auto" },
    text: composeText(chat),
    user: chat.user,
    ...Object.fromEntries(PASSED.map((name) => [name, chat.extra[name]])),
    store: false,
    stream: stream ? true : undefined,
  });
  return { body: Buffer.from(JSON.stringify(document)), adjusted: fitting.adjusted };
}

function leadingSystems(messages: readonly Message[]): number {
  const first = messages.findIndex(({ role }) => role !== "system");
  return first < 0 ? messages.length : first;
}

function instructionsOf(messages: readonly Message[]): string | undefined {
  const systems = messages.slice(0, leadingSystems(messages));
  const texts = systems.flatMap(({ parts }) => (parts as readonly { readonly text: string }[]).map(({ text }) => text));
  return texts.length > 0 ? texts.join("\n") : undefined;
}

function composeItems(message: Message): JsonObject[] {
  switch (message.role) {
    case "system":
      return [{ type: "message", role: "system", content: message.parts.map(({ text }) => inputText(text)) }];
    case "user":
      return [{ type: "message", role: "user", content: message.parts.map(composePart) }];
    case "assistant":
      return composeAssistant(message.parts);
    case "tool": {
      const plain = message.parts.every((part) => part.type === "text");
      const output = plain
        ? message.parts.map((part) => (part as { text: string }).text).join("")
        : message.parts.map(composePart);
      return [{ type: "function_call_output", call_id: message.callId, output }];
    }
  }
}

function inputText(text: string): JsonObject {
  return { type: "input_text", text };
}

function composePart(part: UserPart): JsonObject {
  switch (part.type) {
    case "text":
      return inputText(part.text);
    case "image":
      return { type: "input_image", image_url: imageUrl(part), detail: part.detail ?? "auto" };
    case "file": {
      const data =
        part.base64 === undefined ? undefined : `data:${part.mediaType ?? "application/pdf"};base64,${part.base64}`;
      return clean({ type: "input_file", file_data: data, file_url: part.url, file_id: part.id, filename: part.name });
    }
    case "audio":
      throw unsupported(words.noAudio(), "messages");
  }
}

/** What the model thought on another interface cannot be played back: only OpenAI can sign it. */
function composeAssistant(parts: readonly AssistantPart[]): JsonObject[] {
  const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  const said = text === "" ? [] : [{ type: "message", role: "assistant", content: [{ type: "output_text", text }] }];
  const calls = parts.flatMap((part) => {
    if (part.type !== "tool-call") return [];
    const { id, name, arguments: given } = part;
    return [{ type: "function_call", call_id: id, name, arguments: given || "{}" }];
  });
  return [...said, ...calls];
}

function composeTool({ name, description, parameters, strict }: Tool): JsonObject {
  const schema = parameters ?? { type: "object", properties: {} };
  // Without a word of it this interface takes every schema for a strict one.
  return clean({ type: "function", name, description, parameters: schema, strict: strict ?? false });
}

function composeToolChoice(choice: Conversation["toolChoice"]): unknown {
  return typeof choice === "object" ? { type: "function", name: choice.tool } : choice;
}

function composeText({ format, extra: { verbosity } }: Conversation): JsonObject | undefined {
  const text = clean({ format: format && composeFormat(format), verbosity });
  return Object.keys(text).length > 0 ? text : undefined;
}

function composeFormat(format: AnswerFormat): JsonObject {
  if (format.type === "json") return { type: "json_object" };
  const { name, schema, strict, description } = format;
  return clean({ type: "json_schema", name, schema, strict, description });
}
