import type { VendorErrorClass } from "../vendors/spec.ts";

/** Why a request is refused, in the vendor's words. */
export interface Refused {
  readonly errorClass: VendorErrorClass;
  readonly message: string;
}

// biome-ignore lint/suspicious/noExplicitAny: a request is looked at whatever it holds
type Loose = any;

/** The signature of the simulated model's thinking: any other is not its own. */
const SIGNATURE = "c2lnbmVkIGJ5IG5vYm9keQ==";
const ID = /^[a-zA-Z0-9_-]+$/;
const TOOL_NAME = /^[a-zA-Z0-9_-]{1,128}$/;
/** Fields of other protocols. Those that nobody knows yet may belong to a beta. */
const OTHERS_FIELDS: ReadonlySet<string> = new Set([
  "n",
  "seed",
  "stop",
  "user",
  "logprobs",
  "functions",
  "presence_penalty",
  "frequency_penalty",
  "response_format",
  "reasoning_effort",
  "max_completion_tokens",
  "stream_options",
  "parallel_tool_calls",
]);

/** What Anthropic's server insists on. Undefined where the request is well-formed. */
export function checkMessages(body: Loose, counting: boolean): Refused | undefined {
  const message =
    checkFields(body, counting) ??
    checkTools(body) ??
    checkThinking(body) ??
    body.messages.map((turn: Loose, index: number) => checkTurn(body, turn, index)).find(Boolean) ??
    checkCalls(body.messages) ??
    checkTurnInProgress(body);
  return message === undefined ? undefined : { errorClass: "invalid_request", message };
}

function checkFields(body: Loose, counting: boolean): string | undefined {
  const other = Object.keys(body).find((name) => OTHERS_FIELDS.has(name));
  if (other !== undefined) return `${other}: Extra inputs are not permitted`;
  if (typeof body.model !== "string") return "model: Field required";
  if (!counting && !(Number.isSafeInteger(body.max_tokens) && body.max_tokens >= 0))
    return "max_tokens: Field required";
  if (!Array.isArray(body.messages) || body.messages.length === 0) return "messages: at least one message is required";
  const { temperature, stop_sequences: stops = [] } = body;
  if (temperature !== undefined && !(temperature >= 0 && temperature <= 1)) return "temperature: range: 0..1";
  if (stops.some((stop: string) => stop.trim() === "")) {
    return "stop_sequences: each stop sequence must contain non-whitespace";
  }
  return undefined;
}

function checkTools({ tools = [], tool_choice: choice }: Loose): string | undefined {
  for (const [index, tool] of tools.entries()) {
    if (!TOOL_NAME.test(tool.name)) return `tools.${index}.name: String should match pattern '${TOOL_NAME.source}'`;
    if (tool.type === undefined || tool.type === "custom") {
      if (tool.input_schema?.type !== "object") return `tools.${index}.custom.input_schema.type: Field required`;
    }
  }
  if (new Set(tools.map(({ name }: Loose) => name)).size < tools.length) return "tools: Tool names must be unique.";
  if (choice?.type === "tool" && !tools.some(({ name }: Loose) => name === choice.name)) {
    return `Tool '${choice.name}' not found in provided tools`;
  }
  return undefined;
}

function checkThinking({
  thinking,
  max_tokens: most,
  temperature,
  top_k,
  tool_choice: choice,
}: Loose): string | undefined {
  if (thinking?.type !== "enabled") return undefined;
  if (!(thinking.budget_tokens >= 1024)) {
    return "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024";
  }
  if (thinking.budget_tokens >= most) return "`max_tokens` must be greater than `thinking.budget_tokens`.";
  if (temperature !== undefined && temperature !== 1)
    return "`temperature` may only be set to 1 when thinking is enabled";
  if (top_k !== undefined) return "`top_k` must be unset when thinking is enabled";
  if (choice?.type === "any" || choice?.type === "tool") {
    return "Thinking may not be enabled when tool_choice forces tool use.";
  }
  return undefined;
}

function checkTurn(body: Loose, turn: Loose, at: number): string | undefined {
  if (turn.role !== "user" && turn.role !== "assistant")
    return `messages.${at}.role: Input should be 'user' or 'assistant'`;
  const { content } = turn;
  const isLast = at === body.messages.length - 1;
  if (content.length === 0 && !(isLast && turn.role === "assistant")) {
    return `messages.${at}: all messages must have non-empty content except for the optional final assistant message`;
  }
  if (typeof content === "string") return undefined;
  for (const [index, block] of content.entries()) {
    const place = `messages.${at}.content.${index}`;
    if (block.type === "text" && block.text === "") return `${place}: text content blocks must be non-empty`;
    if (block.type === "thinking" && block.signature !== SIGNATURE) {
      return `${place}: Invalid \`signature\` in \`thinking\` block`;
    }
    if (block.type === "redacted_thinking") return `${place}: Invalid \`data\` in \`redacted_thinking\` block`;
    if (block.type === "tool_use") {
      if (!ID.test(block.id)) return `${place}.tool_use.id: String should match pattern '${ID.source}'`;
      if (typeof block.input !== "object") return `${place}.tool_use.input: Input should be a valid dictionary`;
    }
  }
  return undefined;
}

/** Each call has its result in the next turn, before all else there, and each result its call. */
function checkCalls(turns: readonly Loose[]): string | undefined {
  const ids = new Set<string>();
  for (const [at, turn] of turns.entries()) {
    const calls = blocksOf(turn).filter(({ type }) => type === "tool_use");
    for (const { id } of calls) {
      if (ids.has(id)) return `messages.${at}: \`tool_use\` ids must be unique`;
      ids.add(id);
    }
    const results = blocksOf(turns[at + 1]).filter(({ type }) => type === "tool_result");
    const answered = new Set(results.map((result) => result.tool_use_id));
    const missing = calls.find(({ id }) => !answered.has(id));
    if (missing) {
      return `messages.${at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${missing.id}.`;
    }
    const strange = results.find((result) => !calls.some(({ id }) => id === result.tool_use_id));
    if (strange)
      return `messages.${at + 1}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${strange.tool_use_id}.`;
  }
  return undefined;
}

/** With thinking on, a turn that goes on with results of tools must have begun with thinking. */
function checkTurnInProgress({ thinking, messages }: Loose): string | undefined {
  const at = messages.findLastIndex(({ role }: Loose) => role === "assistant");
  const goesOn = blocksOf(messages[at + 1]).some(({ type }) => type === "tool_result");
  if (thinking?.type !== "enabled" || !goesOn) return undefined;
  const first = blocksOf(messages[at])[0]?.type;
  if (first === "thinking" || first === "redacted_thinking") return undefined;
  return `messages.${at}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${first}\`.`;
}

function blocksOf(turn: Loose): Loose[] {
  return Array.isArray(turn?.content) ? turn.content : [];
}
