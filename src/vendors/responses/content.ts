import { responsesWords as words } from "../../base/messages/responses.ts";
import type {
  AnswerFormat,
  AssistantPart,
  Conversation,
  ImagePart,
  Message,
  ReasoningWish,
  TextPart,
  Tool,
  ToolChoice,
  UserPart,
} from "../conversation.ts";
import { isObject, type JsonObject, listOf, objectAt, stringOf } from "../json-values.ts";
import { readDataUrl } from "../openai/message-parts.ts";
import { unsupported } from "../translation/unsupported.ts";
import { argumentsOfInput, customAsFunction } from "./custom-tools.ts";
import { readSignature } from "./signatures.ts";

/** The fields that a conversation takes up, or that mean nothing to a vendor that keeps nothing. */
const KNOWN: ReadonlySet<string> = new Set([
  "model",
  "input",
  "instructions",
  "stream",
  "stream_options",
  "max_output_tokens",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "temperature",
  "top_p",
  "reasoning",
  "text",
  "user",
  "safety_identifier",
  "store",
  "include",
  "truncation",
  "prompt_cache_key",
  "prompt_cache_retention",
  "client_metadata",
  "max_tool_calls",
  "service_tier",
]);

/** What a request for a response asks for. Throws `unsupported` where only OpenAI can answer it. */
export function readContent(body: Buffer): Conversation {
  const document = JSON.parse(body.toString("utf8")) as JsonObject;
  for (const field of ["previous_response_id", "conversation", "prompt"]) {
    if (document[field] !== undefined && document[field] !== null) throw unsupported(words.noState(field), field);
  }
  if (document.background === true) throw unsupported(words.noBackground(), "background");
  const instructions = stringOf(document.instructions) ?? "";
  const system: Message[] =
    instructions === "" ? [] : [{ role: "system", parts: [{ type: "text", text: instructions }] }];
  return {
    operation: "chat",
    messages: [...system, ...readInput(document.input)],
    tools: listOf(document.tools).filter(isObject).map(readTool),
    toolChoice: readToolChoice(document.tool_choice),
    parallelToolCalls: booleanOf(document.parallel_tool_calls),
    maxOutputTokens: numberOf(document.max_output_tokens),
    temperature: numberOf(document.temperature),
    topP: numberOf(document.top_p),
    topK: undefined,
    presencePenalty: undefined,
    frequencyPenalty: undefined,
    seed: undefined,
    stop: [],
    choices: 1,
    reasoning: readReasoning(document.reasoning),
    format: readFormat(objectAt(document.text, "format")),
    user: stringOf(document.user) ?? stringOf(document.safety_identifier),
    extra: Object.fromEntries(Object.entries(document).filter(([name]) => !KNOWN.has(name))),
  };
}

function readInput(input: unknown): Message[] {
  if (typeof input === "string") return [{ role: "user", parts: [{ type: "text", text: input }] }];
  const messages: Message[] = [];
  const names = new Map<string, string>();
  for (const item of listOf(input)) {
    const message = isObject(item) ? readItem(item, names) : undefined;
    if (!message) continue;
    const last = messages.at(-1);
    // What the model wrote in one turn stands in several items.
    if (message.role === "assistant" && last?.role === "assistant") {
      messages[messages.length - 1] = { role: "assistant", parts: [...last.parts, ...message.parts] };
    } else messages.push(message);
  }
  return messages;
}

function readItem(item: JsonObject, names: Map<string, string>): Message | undefined {
  const type = item.type ?? "message";
  switch (type) {
    case "message":
      return readMessage(item);
    case "function_call":
    case "custom_tool_call":
      return { role: "assistant", parts: [readCall(item, names)] };
    case "function_call_output":
    case "custom_tool_call_output":
      return readOutput(item, names);
    case "reasoning":
      return { role: "assistant", parts: readThought(item) };
    default:
      throw unsupported(words.noItem(String(type)), "input");
  }
}

function readMessage({ role, content }: JsonObject): Message {
  const parts = readParts(content);
  switch (role) {
    case "assistant":
      return { role, parts: parts.filter((part) => part.type === "text") };
    case "system":
    case "developer":
      return { role: "system", parts: parts.filter((part) => part.type === "text") };
    default:
      return { role: "user", parts };
  }
}

function readParts(content: unknown): UserPart[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return listOf(content).flatMap((part) => (isObject(part) ? (readPart(part) ?? []) : []));
}

function readPart(part: JsonObject): UserPart | undefined {
  switch (part.type) {
    case "input_image":
      return readImage(part);
    case "input_file": {
      const { file_data: data, file_url: url, file_id: id, filename } = part;
      const name = typeof filename === "string" ? { name: filename } : {};
      if (typeof data === "string") return { type: "file", ...(readDataUrl(data) ?? { base64: data }), ...name };
      if (typeof url === "string") return { type: "file", url, ...name };
      return typeof id === "string" ? { type: "file", id, ...name } : undefined;
    }
    case "input_audio": {
      const { data, format } = objectAt(part, "input_audio");
      return typeof data === "string" ? { type: "audio", base64: data, format: stringOf(format) ?? "wav" } : undefined;
    }
    default: {
      const text = stringOf(part.text) ?? stringOf(part.refusal);
      return text === undefined ? undefined : { type: "text", text };
    }
  }
}

function readImage({ image_url: url, detail }: JsonObject): ImagePart | undefined {
  if (typeof url !== "string") throw unsupported(words.noState("file_id"), "input");
  const shown = typeof detail === "string" && detail !== "auto" ? { detail } : {};
  const inline = readDataUrl(url);
  return inline ? { type: "image", ...inline, ...shown } : { type: "image", url, ...shown };
}

function readCall(item: JsonObject, names: Map<string, string>): AssistantPart {
  const id = stringOf(item.call_id) ?? stringOf(item.id) ?? "";
  const name = stringOf(item.name) ?? "";
  names.set(id, name);
  const given =
    item.type === "custom_tool_call" ? argumentsOfInput(stringOf(item.input) ?? "") : stringOf(item.arguments);
  return { type: "tool-call", id, name, arguments: given ?? "" };
}

function readOutput({ call_id: id, output }: JsonObject, names: ReadonlyMap<string, string>): Message {
  const callId = stringOf(id) ?? "";
  const parts = readParts(output).filter(
    (part): part is TextPart | ImagePart => part.type === "text" || part.type === "image",
  );
  const kept: (TextPart | ImagePart)[] =
    parts.length > 0 || output === "" ? parts : [{ type: "text", text: JSON.stringify(output) ?? "" }];
  return { role: "tool", callId, name: names.get(callId), parts: kept };
}

/** What it thought, as far as it is shown, and what its vendor wants back with it. */
function readThought(item: JsonObject): AssistantPart[] {
  const shown = [...listOf(item.summary), ...listOf(item.content)].filter(isObject);
  const text = shown.map((part) => stringOf(part.text) ?? "").join("");
  const signature = readSignature(item.encrypted_content);
  return text === "" && !signature ? [] : [{ type: "reasoning", text, ...signature }];
}

function readTool(tool: JsonObject): Tool {
  if (tool.type === "custom") return customAsFunction(tool);
  if (tool.type !== "function") throw unsupported(words.noTool(String(tool.type)), "tools");
  const { name, description, parameters, strict } = tool;
  return {
    name: stringOf(name) ?? "",
    description: stringOf(description),
    parameters: isObject(parameters) ? parameters : undefined,
    ...(typeof strict === "boolean" && { strict }),
  };
}

function readToolChoice(choice: unknown): ToolChoice | undefined {
  if (choice === "auto" || choice === "none" || choice === "required") return choice;
  if (!isObject(choice)) return undefined;
  if (choice.type === "function" || choice.type === "custom") return { tool: stringOf(choice.name) ?? "" };
  return choice.mode === "required" ? "required" : "auto";
}

const EFFORTS: ReadonlySet<unknown> = new Set(["none", "minimal", "low", "medium", "high", "xhigh", "max"]);

function readReasoning(reasoning: unknown): ReasoningWish | undefined {
  const effort = isObject(reasoning) ? reasoning.effort : undefined;
  return EFFORTS.has(effort) ? { effort: effort as NonNullable<ReasoningWish["effort"]> } : undefined;
}

function readFormat(format: JsonObject): AnswerFormat | undefined {
  if (format.type === "json_object") return { type: "json" };
  if (format.type !== "json_schema") return undefined;
  return {
    type: "schema",
    name: stringOf(format.name) ?? "answer",
    schema: objectAt(format, "schema"),
    strict: booleanOf(format.strict),
    description: stringOf(format.description),
  };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function booleanOf(value: unknown): boolean | undefined {
  return typeof value === "boolean" ? value : undefined;
}
