import { anthropicWords as words } from "../../base/messages/anthropic.ts";
import type { Conversation, RequestContent, Tool } from "../conversation.ts";
import { Fitting } from "../fitting.ts";
import type { Changes, Quirks } from "../spec.ts";
import { unsupported } from "../translation/unsupported.ts";
import { cacheControl, composeMessages } from "./compose-messages.ts";
import { OWN_CLAMPS, samplingOf } from "./sampling.ts";
import { thinkingOf } from "./thinking.ts";

type Json = Record<string, unknown>;

export interface Composed {
  readonly body: Buffer;
  readonly adjusted: readonly string[];
  /** Betas that the request stands on. */
  readonly betas: readonly string[];
}

/** The longest answer where neither the client nor the hold names one: every model in use writes so much. */
const UNNAMED_OUTPUT_TOKENS = 4_096;
/** Fields of this protocol that clients of others may name, too. */
const PASSED = ["cache_control", "container", "context_management", "inference_geo", "mcp_servers", "speed"] as const;
const FILES_BETA = "files-api-2025-04-14";

/** A request in Anthropic's protocol, written from what a client asked in another one. Deterministic in its order. */
export function compose(content: RequestContent, stream: boolean, changes: Changes, quirks: Quirks): Composed {
  if (content.operation !== "chat") throw unsupported(words.block(content.operation), "model");
  refuse(content);
  const { model } = changes;
  const fit = new Fitting(OWN_CLAMPS, quirks, model);
  const longest = fit.number("max_tokens", longestOf(content, changes))!;
  const choice = toolChoiceOf(content, fit);
  const wish = thinkingOf(content, model, longest);
  fit.adjusted.push(...wish.adjusted);
  const thinks = wish.thinking !== undefined && wish.thinking.type !== "disabled";
  const { system, messages } = composeMessages(content.messages);
  const document = clean({
    ...quirks.defaults,
    model,
    max_tokens: longest,
    system,
    messages,
    tools: content.tools.length > 0 ? content.tools.map(composeTool) : undefined,
    tool_choice: choice,
    thinking: wish.thinking,
    output_config: outputConfig(content, wish.effort),
    ...samplingOf(content, model, thinks, fit),
    metadata: content.user === undefined ? undefined : { user_id: content.user },
    ...Object.fromEntries(PASSED.map((name) => [name, content.extra[name]])),
    stream: stream ? true : undefined,
  });
  return {
    body: Buffer.from(JSON.stringify(document)),
    adjusted: fit.adjusted,
    betas: namesFiles(content) ? [FILES_BETA] : [],
  };
}

function refuse({ choices, format }: Conversation): void {
  if (choices > 1) throw unsupported(words.choices(choices), "n");
  if (format?.type === "json") throw unsupported(words.anyJson(), "response_format");
}

/** This protocol wants the longest answer named. */
function longestOf(chat: Conversation, { maxOutputTokens: most, unnamedOutputTokens }: Changes): number {
  const asked = chat.maxOutputTokens ?? unnamedOutputTokens ?? UNNAMED_OUTPUT_TOKENS;
  return Math.min(asked, most ?? asked);
}

function composeTool({ name, description, parameters, strict, cache }: Tool): Json {
  return clean({
    name,
    description,
    input_schema: { type: "object", ...(parameters ?? { properties: {} }) },
    strict: strict === true ? true : undefined,
    ...cacheControl(cache),
  });
}

function toolChoiceOf(chat: Conversation, fit: Fitting): Json | undefined {
  if (chat.tools.length === 0) return undefined;
  const choice = fit.toolChoice(chat.toolChoice);
  const single = chat.parallelToolCalls === false && choice !== "none";
  if (choice === undefined && !single) return undefined;
  return clean({
    type: typeof choice === "object" ? "tool" : choice === "required" ? "any" : (choice ?? "auto"),
    name: typeof choice === "object" ? choice.tool : undefined,
    disable_parallel_tool_use: single ? true : undefined,
  });
}

function outputConfig({ format }: Conversation, effort: string | undefined): Json | undefined {
  const schema = format?.type === "schema" ? { type: "json_schema", schema: format.schema } : undefined;
  return effort === undefined && schema === undefined ? undefined : clean({ effort, format: schema });
}

function namesFiles({ messages }: Conversation): boolean {
  return messages.some(
    (message) => message.role === "user" && message.parts.some((part) => part.type === "file" && part.id !== undefined),
  );
}

/** Without the fields that are not there. */
function clean(fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
