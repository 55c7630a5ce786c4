import type {
  AnswerFormat,
  AssistantPart,
  Conversation,
  EmbeddingsInput,
  ImageOrder,
  Message,
  ReasoningWish,
  RequestContent,
  Tool,
  ToolChoice,
  UserPart,
} from "../conversation.ts";
import type { Operation } from "../spec.ts";
import { isRecord } from "./input-size.ts";
import { readAssistantParts, readParts, textParts } from "./message-parts.ts";

type Json = Record<string, unknown>;

/** The fields that a conversation takes up; all others are `extra`. */
const CHAT_FIELDS: ReadonlySet<string> = new Set([
  "model",
  "messages",
  "stream",
  "stream_options",
  "max_tokens",
  "max_completion_tokens",
  "n",
  "tools",
  "tool_choice",
  "functions",
  "function_call",
  "parallel_tool_calls",
  "temperature",
  "top_p",
  "top_k",
  "presence_penalty",
  "frequency_penalty",
  "seed",
  "stop",
  "reasoning_effort",
  "reasoning",
  "thinking",
  "thinking_budget",
  "enable_thinking",
  "response_format",
  "user",
]);

/** What a request in OpenAI's protocol asks for. `body` has been read once already: it is a JSON object. */
export function readContent(operation: Operation, body: Buffer): RequestContent {
  const document = JSON.parse(body.toString("utf8")) as Json;
  if (operation === "embeddings") return readEmbeddingsInput(document);
  if (operation === "images") return readImageOrder(document);
  return readConversation(document);
}

function readConversation(document: Json): Conversation {
  return {
    operation: "chat",
    messages: readMessages(document.messages),
    tools: readTools(document),
    toolChoice: readToolChoice(document),
    parallelToolCalls: boolean(document.parallel_tool_calls),
    maxOutputTokens: number(document.max_completion_tokens) ?? number(document.max_tokens),
    temperature: number(document.temperature),
    topP: number(document.top_p),
    topK: number(document.top_k),
    presencePenalty: number(document.presence_penalty),
    frequencyPenalty: number(document.frequency_penalty),
    seed: number(document.seed),
    stop: readStop(document.stop),
    choices: number(document.n) ?? 1,
    reasoning: readReasoning(document),
    format: readFormat(document.response_format),
    user: string(document.user),
    extra: rest(document, CHAT_FIELDS),
  };
}

function readMessages(messages: unknown): Message[] {
  const names = new Map<string, string>();
  const read: Message[] = [];
  for (const message of messages as readonly Json[]) {
    const one = readMessage(message, names);
    if (one.role === "assistant") {
      for (const part of one.parts) if (part.type === "tool-call") names.set(part.id, part.name);
    }
    read.push(one);
  }
  return read;
}

function readMessage(message: Json, names: ReadonlyMap<string, string>): Message {
  const { role, content } = message;
  switch (role) {
    case "system":
    case "developer":
      return { role: "system", parts: textParts(content) };
    case "assistant":
      return { role: "assistant", parts: readAssistantParts(message) as AssistantPart[] };
    case "tool":
    case "function": {
      const callId = string(message.tool_call_id) ?? string(message.name) ?? "";
      const parts = readParts(content).filter((part) => part.type === "text" || part.type === "image");
      return { role: "tool", callId, name: names.get(callId) ?? string(message.name), parts };
    }
    default: {
      const name = string(message.name);
      const parts: UserPart[] = readParts(content);
      return { role: "user", parts, ...(name !== undefined && { name }) };
    }
  }
}

function readTools(document: Json): Tool[] {
  const listed = Array.isArray(document.tools) ? document.tools : [];
  const older = Array.isArray(document.functions) ? document.functions.map((one) => ({ function: one })) : [];
  const tools: Tool[] = [];
  for (const tool of [...listed, ...older] as unknown[]) {
    const declared = isRecord(tool) ? tool.function : undefined;
    if (!isRecord(declared) || typeof declared.name !== "string") continue;
    const { name, description, parameters, strict } = declared;
    tools.push({
      name,
      description: string(description),
      parameters: isRecord(parameters) ? parameters : undefined,
      ...(typeof strict === "boolean" && { strict }),
    });
  }
  return tools;
}

function readToolChoice(document: Json): ToolChoice | undefined {
  const choice = document.tool_choice ?? document.function_call;
  if (choice === "auto" || choice === "none" || choice === "required") return choice;
  if (!isRecord(choice)) return undefined;
  const named = isRecord(choice.function) ? choice.function.name : choice.name;
  return typeof named === "string" ? { tool: named } : undefined;
}

const EFFORTS: ReadonlySet<unknown> = new Set(["none", "minimal", "low", "medium", "high", "xhigh", "max"]);

/** Said in several ways by several vendors' clients: `reasoning_effort`, `reasoning`, `thinking`, `enable_thinking`. */
function readReasoning(document: Json): ReasoningWish | undefined {
  const { thinking, reasoning, enable_thinking: enabled } = document;
  const nested = isRecord(reasoning) ? reasoning : {};
  const effort = document.reasoning_effort ?? nested.effort;
  const budgetTokens =
    number(document.thinking_budget) ??
    number(nested.max_tokens) ??
    (isRecord(thinking) ? number(thinking.budget_tokens) : undefined);
  const off = (isRecord(thinking) && thinking.type === "disabled") || enabled === false;
  const on = (isRecord(thinking) && thinking.type === "enabled") || enabled === true;
  if (EFFORTS.has(effort)) return { effort: effort as NonNullable<ReasoningWish["effort"]>, budgetTokens };
  if (off) return { effort: "none" };
  return on || budgetTokens !== undefined ? { budgetTokens } : undefined;
}

function readFormat(format: unknown): AnswerFormat | undefined {
  if (!isRecord(format)) return undefined;
  if (format.type === "json_object") return { type: "json" };
  const { json_schema: declared } = format;
  if (format.type !== "json_schema" || !isRecord(declared)) return undefined;
  return {
    type: "schema",
    name: string(declared.name) ?? "answer",
    schema: isRecord(declared.schema) ? declared.schema : {},
    strict: boolean(declared.strict),
    description: string(declared.description),
  };
}

function readStop(stop: unknown): string[] {
  if (typeof stop === "string") return [stop];
  return Array.isArray(stop) ? stop.filter((one): one is string => typeof one === "string") : [];
}

const EMBEDDINGS_FIELDS: ReadonlySet<string> = new Set(["model", "input", "dimensions", "encoding_format", "user"]);

function readEmbeddingsInput(document: Json): EmbeddingsInput {
  const { input } = document;
  const list =
    typeof input === "string" || typeof (input as unknown[])[0] === "number" ? [input] : (input as unknown[]);
  return {
    operation: "embeddings",
    inputs: list.map((one) => (isRecord(one) ? (string(one.text) ?? "") : (one as string | number[]))),
    dimensions: number(document.dimensions),
    encoding: document.encoding_format === "base64" ? "base64" : "float",
    user: string(document.user),
    extra: rest(document, EMBEDDINGS_FIELDS),
  };
}

const IMAGE_FIELDS: ReadonlySet<string> = new Set([
  "model",
  "prompt",
  "n",
  "size",
  "quality",
  "style",
  "response_format",
  "user",
]);

function readImageOrder(document: Json): ImageOrder {
  const wanted = document.response_format;
  return {
    operation: "images",
    prompt: string(document.prompt) ?? "",
    count: number(document.n) ?? 1,
    size: string(document.size),
    quality: string(document.quality),
    style: string(document.style),
    format: wanted === "b64_json" ? "base64" : wanted === "url" ? "url" : undefined,
    user: string(document.user),
    extra: rest(document, IMAGE_FIELDS),
  };
}

function rest(document: Json, known: ReadonlySet<string>): Json {
  return Object.fromEntries(Object.entries(document).filter(([name]) => !known.has(name)));
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function string(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function boolean(value: unknown): boolean | undefined {
  return typeof value === "boolean" ? value : undefined;
}
