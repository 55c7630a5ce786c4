import { responsesWords as words } from "../../base/messages/responses.ts";
import type { AnswerFormat, Conversation, Message, ReasoningWish, Tool, ToolChoice } from "../conversation.ts";
import { isObject, type JsonObject, listOf, objectAt, stringOf, wordOf } from "../json-values.ts";
import { unsupported } from "../translation/unsupported.ts";
import { InputReader } from "./input-items.ts";
import { Toolbox } from "./toolbox.ts";

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
  "top_logprobs",
  "background",
]);

/** What a request for a response asks for. Throws `unsupported` where only OpenAI can answer it. */
export function readContent(body: Buffer): Conversation {
  const document = JSON.parse(body.toString("utf8")) as JsonObject;
  for (const field of ["previous_response_id", "conversation", "prompt"]) {
    if (document[field] !== undefined && document[field] !== null) throw unsupported(words.noState(field), field);
  }
  const leftOut = hintsIn(document);
  const tools = new Toolbox(document.tools);
  const choice = readToolChoice(document.tool_choice, tools);
  const instructions = stringOf(document.instructions) ?? "";
  const system: Message[] =
    instructions === "" ? [] : [{ role: "system", parts: [{ type: "text", text: instructions }] }];
  return {
    operation: "chat",
    messages: [...system, ...new InputReader(tools, leftOut).read(document.input)],
    tools: offered(tools, choice.among, leftOut),
    toolChoice: choice.wish,
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
    leftOut: [...leftOut],
  };
}

/** Wishes of this interface alone, without which the answer is the same in kind. */
function hintsIn(document: JsonObject): Set<string> {
  const { top_logprobs: logprobs, truncation, max_tool_calls: most, service_tier: tier } = document;
  const hints: Readonly<Record<string, boolean>> = {
    "text.verbosity": typeof objectAt(document, "text").verbosity === "string",
    top_logprobs: typeof logprobs === "number" && logprobs > 0,
    truncation: truncation === "auto",
    max_tool_calls: typeof most === "number",
    service_tier: typeof tier === "string" && tier !== "auto" && tier !== "default",
  };
  return new Set(Object.keys(hints).filter((name) => hints[name]));
}

/**
 * The tools that a model of another vendor is offered. Tools that OpenAI runs are an offer that a model may leave alone where the client
 * has tools of its own, as agents do: they are left out. Where there are no others, they are what is asked for.
 */
function offered(tools: Toolbox, among: ReadonlySet<string> | undefined, leftOut: Set<string>): readonly Tool[] {
  const { functions, hosted, strange } = tools;
  if (strange !== undefined) throw unsupported(words.noTool(strange), "tools");
  if (functions.length === 0 && hosted.length > 0) throw unsupported(words.noTool(hosted[0]!), "tools");
  for (const type of hosted) leftOut.add(`tools.${type}`);
  return among ? functions.filter(({ name }) => among.has(name)) : functions;
}

interface Choice {
  readonly wish: ToolChoice | undefined;
  /** The functions that the model is free to call, where not all of them. */
  readonly among?: ReadonlySet<string>;
}

function readToolChoice(choice: unknown, tools: Toolbox): Choice {
  if (choice === "auto" || choice === "none" || choice === "required") return { wish: choice };
  if (!isObject(choice)) return { wish: undefined };
  const nameOf = ({ name, namespace }: JsonObject): string => tools.nameOf(stringOf(name) ?? "", stringOf(namespace));
  switch (choice.type) {
    case "function":
    case "custom":
      return { wish: { tool: nameOf(choice) } };
    case "allowed_tools": {
      const names = listOf(choice.tools).filter(isObject).map(nameOf);
      return { wish: choice.mode === "required" ? "required" : "auto", among: new Set(names) };
    }
    default:
      throw unsupported(words.noTool(wordOf(choice.type)), "tool_choice");
  }
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
