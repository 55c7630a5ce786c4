import { anthropicWords as words } from "../../base/messages/anthropic.ts";
import type {
  AnswerFormat,
  Conversation,
  Message,
  ReasoningWish,
  TextPart,
  Tool,
  ToolChoice,
} from "../conversation.ts";
import { wordOf } from "../json-values.ts";
import { isRecord } from "../openai/input-size.ts";
import { unsupported } from "../translation/unsupported.ts";
import { cacheMark, readAssistantParts, readTurnOfUser, textsOf } from "./blocks.ts";
import { isDefinedTool } from "./input-size.ts";

type Json = Readonly<Record<string, unknown>>;

/** The fields that a conversation takes up; all others are `extra`. */
const TAKEN: ReadonlySet<string> = new Set([
  "model",
  "messages",
  "system",
  "max_tokens",
  "stream",
  "tools",
  "tool_choice",
  "thinking",
  "output_config",
  "output_format",
  "stop_sequences",
  "temperature",
  "top_p",
  "top_k",
  "metadata",
  // Said to Anthropic's own machinery, and harmless to leave out elsewhere.
  "cache_control",
  "context_management",
  "diagnostics",
  "inference_geo",
  "service_tier",
  "speed",
]);

/**
 * What a request in Anthropic's protocol asks for, for a vendor of another one. `body` has been read once already. Throws
 * `unsupported` for what only Anthropic has: tools that it runs or defines itself.
 */
export function readConversation(body: Buffer): Conversation {
  const document = JSON.parse(body.toString("utf8")) as Json;
  refuseRemoteTools(document);
  const choice = isRecord(document.tool_choice) ? document.tool_choice : {};
  return {
    operation: "chat",
    messages: [...readSystem(document.system), ...readMessages(document.messages)],
    tools: readTools(document.tools),
    toolChoice: readToolChoice(choice),
    parallelToolCalls: choice.disable_parallel_tool_use === true ? false : undefined,
    maxOutputTokens: number(document.max_tokens),
    temperature: number(document.temperature),
    topP: number(document.top_p),
    topK: number(document.top_k),
    presencePenalty: undefined,
    frequencyPenalty: undefined,
    seed: undefined,
    stop: Array.isArray(document.stop_sequences) ? document.stop_sequences.filter(isString) : [],
    choices: 1,
    reasoning: readReasoning(document),
    format: readFormat(document),
    user: isRecord(document.metadata) ? string(document.metadata.user_id) : undefined,
    extra: Object.fromEntries(Object.entries(document).filter(([name]) => !TAKEN.has(name))),
  };
}

function refuseRemoteTools({ mcp_servers: servers }: Json): void {
  if (Array.isArray(servers) && servers.length > 0) throw unsupported(words.remoteTools(), "mcp_servers");
}

function readSystem(system: unknown): Message[] {
  const parts: TextPart[] = textsOf(system, "system");
  return parts.length > 0 ? [{ role: "system", parts }] : [];
}

function readMessages(messages: unknown): Message[] {
  const names = new Map<string, string>();
  const read: Message[] = [];
  for (const [index, message] of (messages as readonly Json[]).entries()) {
    const place = `messages[${index}].content`;
    if (message.role === "assistant") {
      const parts = readAssistantParts(message.content, place);
      for (const part of parts) if (part.type === "tool-call") names.set(part.id, part.name);
      if (parts.length > 0) read.push({ role: "assistant", parts });
    } else if (message.role === "system") {
      const parts = textsOf(message.content, place);
      if (parts.length > 0) read.push({ role: "system", parts });
    } else read.push(...readTurnOfUser(message.content, place, names));
  }
  return read;
}

function readTools(tools: unknown): Tool[] {
  if (!Array.isArray(tools)) return [];
  return (tools as readonly Json[]).map((tool, index) => {
    if (isDefinedTool(tool)) throw unsupported(words.serverTool(wordOf(tool.type)), `tools[${index}]`);
    const { name, description, input_schema: schema, strict } = tool;
    return {
      name: wordOf(name),
      description: string(description),
      parameters: isRecord(schema) ? schema : undefined,
      ...(typeof strict === "boolean" && { strict }),
      ...cacheMark(tool),
    };
  });
}

function readToolChoice({ type, name }: Json): ToolChoice | undefined {
  if (type === "auto" || type === "none") return type;
  if (type === "any") return "required";
  return type === "tool" && typeof name === "string" ? { tool: name } : undefined;
}

const EFFORTS: ReadonlySet<unknown> = new Set(["low", "medium", "high", "xhigh", "max"]);

/** `adaptive` leaves the amount to the model, unless `output_config.effort` says it. */
function readReasoning({ thinking, output_config: config }: Json): ReasoningWish | undefined {
  const effort =
    isRecord(config) && EFFORTS.has(config.effort) ? (config.effort as ReasoningWish["effort"]) : undefined;
  if (!isRecord(thinking)) return effort && { effort };
  if (thinking.type === "disabled") return { effort: "none" };
  return { effort, budgetTokens: number(thinking.budget_tokens) };
}

/** `output_format` is the field's name in older betas. */
function readFormat({ output_config: config, output_format: older }: Json): AnswerFormat | undefined {
  const format = isRecord(config) && isRecord(config.format) ? config.format : older;
  if (!isRecord(format) || format.type !== "json_schema") return undefined;
  return { type: "schema", name: "answer", schema: isRecord(format.schema) ? format.schema : {}, strict: true };
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function string(value: unknown): string | undefined {
  return isString(value) ? value : undefined;
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}
