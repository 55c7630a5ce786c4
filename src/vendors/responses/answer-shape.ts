import { responsesWords as words } from "../../base/messages/responses.ts";
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

/** The request as the client wrote it. */
export function askedOf({ body }: ModelRequest): JsonObject {
  const document = parseJson(body.toString("utf8"));
  return isObject(document) ? document : {};
}

/** A response without its output: what stands in every event that carries one. */
export function makeResponse(
  asked: JsonObject,
  start: (AnswerPiece & { readonly type: "start" }) | undefined,
  naming: Naming,
): JsonObject {
  const repeated = Object.entries(REPEATED).map(([name, otherwise]) => [name, asked[name] ?? otherwise]);
  return {
    id: `resp_${naming.call.replace(/^call_/, "")}`,
    object: "response",
    created_at: start?.created ?? Math.floor(naming.at / 1000),
    status: "in_progress",
    background: false,
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

/** How a response ended: whole, cut short and by what, or given up by its vendor in the middle. */
export function endOf(finish: FinishReason, raw: string | undefined): JsonObject {
  if (finish === "stop" || finish === "tool_calls") return { status: "completed" };
  if (finish === "error") return failureOf("server_error", words.gaveUp(raw ?? "?")("en"));
  const reason = finish === "content_filter" ? "content_filter" : "max_output_tokens";
  return { status: "incomplete", incomplete_details: { reason } };
}

/** How far the item came that was written last. */
export function lastStatus(finish: FinishReason | undefined): "completed" | "incomplete" {
  return finish === "stop" || finish === "tool_calls" ? "completed" : "incomplete";
}

export function failureOf(code: string, message: string): JsonObject {
  return { status: "failed", error: { code, message } };
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
