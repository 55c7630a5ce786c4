import type { AnswerPiece } from "../answer-pieces.ts";
import type { JsonObject } from "../json-values.ts";
import { inputOfArguments } from "./custom-tools.ts";
import { writeSignature } from "./signatures.ts";

type CallStart = AnswerPiece & { readonly type: "tool-call-start" };
type ThoughtEnd = AnswerPiece & { readonly type: "reasoning-end" };

/** The items of a response's output, as they stand when they are whole. */

export function messageItem(id: string, text: string, status = "completed"): JsonObject {
  return { id, type: "message", role: "assistant", status, content: [textPart(text)] };
}

export function textPart(text: string): JsonObject {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

export function reasoningItem(id: string, text: string, end: Partial<ThoughtEnd>): JsonObject {
  const encrypted = writeSignature(end);
  return {
    id,
    type: "reasoning",
    summary: text === "" ? [] : [{ type: "summary_text", text }],
    ...(encrypted !== undefined && { encrypted_content: encrypted }),
  };
}

/** A call of a function, or of a custom tool where the client has declared it so. */
export function callItem(
  id: string,
  start: CallStart,
  given: string,
  custom: ReadonlySet<string>,
  status = "completed",
): JsonObject {
  const { id: call_id, name } = start;
  if (!custom.has(name)) return { id, type: "function_call", call_id, name, arguments: given, status };
  return {
    id,
    type: "custom_tool_call",
    call_id,
    name,
    input: status === "completed" ? inputOfArguments(given) : "",
    status,
  };
}
