import type { AnswerPiece } from "../answer-pieces.ts";
import type { ModelRequest, Naming } from "../spec.ts";
import { writtenBytes } from "../translation/written-bytes.ts";
import { guessOutput, messageOf, reasonFields, usageFields } from "./answer-shape.ts";
import { argumentsOf } from "./compose-messages.ts";
import { writeCallId, writeCallSignature, writeHidden, writeSignature } from "./marks.ts";

type Json = Record<string, unknown>;

/** A buffered answer in Anthropic's shape. */
export function writeMessage(request: ModelRequest, pieces: readonly AnswerPiece[], naming: Naming): Buffer {
  const usage = pieces.findLast((piece) => piece.type === "usage")?.usage;
  const bytes = pieces.reduce((sum, piece) => sum + writtenBytes(piece), 0);
  const guess = { input: request.inputTokens.estimate, output: guessOutput(0, bytes) };
  const start = pieces.find((piece) => piece.type === "start");
  const finish = pieces.find((piece) => piece.type === "finish" && piece.choice === 0);
  const message = {
    ...messageOf(start, naming, usageFields(usage, guess)),
    content: contentOf(pieces),
    ...reasonFields(finish?.type === "finish" ? finish : undefined),
  };
  return Buffer.from(JSON.stringify(message));
}

/** The blocks, in the order in which the model began them. */
function contentOf(pieces: readonly AnswerPiece[]): Json[] {
  const content: Json[] = [];
  const calls = new Map<number, Json & { given: string }>();
  for (const piece of pieces) {
    if (!("choice" in piece) || piece.choice !== 0) continue;
    const last = content.at(-1);
    switch (piece.type) {
      case "text-delta":
        if (last?.type === "text") last.text += piece.text;
        else content.push({ type: "text", text: piece.text });
        break;
      case "reasoning-delta":
        if (isOpenThinking(last)) last.thinking += piece.text;
        else content.push({ type: "thinking", thinking: piece.text });
        break;
      case "reasoning-end":
        content.push(...endThinking(last, piece));
        break;
      case "tool-call-start": {
        const { id, name, signature } = piece;
        if (signature !== undefined) {
          content.push({ type: "redacted_thinking", data: writeCallSignature(id, signature) });
        }
        const call = { type: "tool_use", id: writeCallId(id), name, given: "" };
        calls.set(piece.index, call);
        content.push(call);
        break;
      }
      case "tool-call-delta": {
        const call = calls.get(piece.index);
        if (call) call.given += piece.text;
      }
    }
  }
  return content.map(finished);
}

/** Signs the thinking that is open; returns the blocks that follow it. */
function endThinking(
  last: Json | undefined,
  { signature, redacted }: AnswerPiece & { readonly type: "reasoning-end" },
): Json[] {
  const blocks: Json[] = [];
  if (isOpenThinking(last)) last.signature = writeSignature(signature);
  else if (signature !== undefined) {
    blocks.push({ type: "thinking", thinking: "", signature: writeSignature(signature) });
  }
  if (redacted !== undefined) blocks.push({ type: "redacted_thinking", data: writeHidden(redacted) });
  return blocks;
}

function isOpenThinking(block: Json | undefined): block is Json {
  return block?.type === "thinking" && block.signature === undefined;
}

function finished(block: Json): Json {
  if (block.type === "thinking") return { ...block, signature: block.signature ?? writeSignature(undefined) };
  if (block.type !== "tool_use") return block;
  const { given, ...call } = block;
  return { ...call, input: argumentsOf(given as string) };
}
