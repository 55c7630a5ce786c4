import type { AnswerPiece } from "../answer-pieces.ts";
import type { JsonObject } from "../json-values.ts";
import { writeSignature } from "./signatures.ts";
import { inputOfArguments, type Toolbox } from "./toolbox.ts";

type CallStart = AnswerPiece & { readonly type: "tool-call-start" };
type ThoughtEnd = AnswerPiece & { readonly type: "reasoning-end" };

/** Of an item: `incomplete` where its answer was cut short in the middle of it. */
export type ItemStatus = "in_progress" | "completed" | "incomplete";

/** The items of a response's output, as they stand when they are whole. */

export function messageItem(id: string, text: string, status: ItemStatus): JsonObject {
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
export function callItem(id: string, start: CallStart, given: string, tools: Toolbox, status: ItemStatus): JsonObject {
  const { name, namespace, custom } = tools.toolOf(start.name);
  const called = { call_id: start.id, name, ...(namespace !== undefined && { namespace }) };
  const open = status === "in_progress";
  if (custom) {
    return { id, type: "custom_tool_call", ...called, input: open ? "" : inputOfArguments(given), status };
  }
  // A client reads the arguments as JSON, also those of a function that takes none.
  return { id, type: "function_call", ...called, arguments: given || (open ? "" : "{}"), status };
}
