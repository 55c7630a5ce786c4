import { inputTokens, outputTokens, type Usage } from "../../base/usage.ts";
import type { AnswerPiece, FinishReason } from "../answer-pieces.ts";
import { isObject, type JsonObject, parseJson } from "../json-values.ts";
import type { ModelRequest, Naming, ShownCost } from "../spec.ts";

/** Fields of a request that a response repeats, and what it says where the request said nothing. */
const REPEATED: Readonly<Record<string, unknown>> = {
  instructions: null,
  max_output_tokens: null,
  metadata: {},
  parallel_tool_calls: true,
  reasoning: { effort: null, summary: null },
  temperature: null,
  text: { format: { type: "text" } },
  tool_choice: "auto",
  tools: [],
  top_p: null,
  truncation: "disabled",
  user: null,
};

/** A response without its output: what stands in every event that carries one. */
export function makeResponse(
  request: ModelRequest,
  start: (AnswerPiece & { readonly type: "start" }) | undefined,
  naming: Naming,
): JsonObject {
  const asked = parseJson(request.body.toString("utf8"));
  const said: JsonObject = isObject(asked) ? asked : {};
  const repeated = Object.entries(REPEATED).map(([name, otherwise]) => [name, said[name] ?? otherwise]);
  return {
    id: `resp_${naming.call.replace(/^call_/, "")}`,
    object: "response",
    created_at: start?.created ?? Math.floor(naming.at / 1000),
    status: "in_progress",
    error: null,
    incomplete_details: null,
    model: start?.model ?? naming.model,
    output: [],
    previous_response_id: null,
    store: false,
    ...Object.fromEntries(repeated),
    usage: null,
  };
}

/** How a response ended: whole, or cut short, and by what. Where the vendor gave up in the middle it is never whole. */
export function endOf(finish: FinishReason, raw: string | undefined): JsonObject {
  if (finish === "stop" || finish === "tool_calls") return { status: "completed" };
  const reason = finish === "content_filter" ? "content_filter" : "max_output_tokens";
  const said = finish === "error" && raw !== undefined ? { x_finish_reason: raw } : {};
  return { status: "incomplete", incomplete_details: { reason, ...said } };
}

export function usageOf(usage: Usage | undefined, cost: ShownCost | undefined): JsonObject | null {
  const input = usage && inputTokens(usage);
  const output = usage && outputTokens(usage);
  if (!usage || (input === undefined && output === undefined)) return null;
  return {
    input_tokens: input ?? 0,
    input_tokens_details: { cached_tokens: usage.cachedInput ?? 0 },
    output_tokens: output ?? 0,
    output_tokens_details: { reasoning_tokens: usage.reasoning ?? 0 },
    total_tokens: (input ?? 0) + (output ?? 0),
    ...(cost && { cost: Number(cost.amount), cost_currency: cost.currency }),
  };
}
