import type { AnswerPiece } from "../answer-pieces.ts";
import type { JsonObject } from "../json-values.ts";
import type { ModelRequest, Naming } from "../spec.ts";
import { askedOf, endOf, lastStatus, makeResponse, usageOf } from "./answer-shape.ts";
import { callItem, type ItemStatus, messageItem, reasoningItem } from "./items.ts";
import { Toolbox } from "./toolbox.ts";

/** A buffered answer as a response. */
export function writeBody(request: ModelRequest, pieces: readonly AnswerPiece[], naming: Naming): Buffer {
  const start = pieces.find((piece) => piece.type === "start");
  const finish = pieces.find((piece) => piece.type === "finish" && piece.choice === 0) as Finish | undefined;
  const usage = pieces.findLast((piece) => piece.type === "usage")?.usage;
  const asked = askedOf(request);
  const document = {
    ...makeResponse(asked, start, naming),
    ...endOf(finish?.reason ?? "error", finish?.raw),
    output: itemsOf(pieces, naming, new Toolbox(asked.tools), lastStatus(finish?.reason)),
    usage: usageOf(usage, undefined),
  };
  return Buffer.from(JSON.stringify(document));
}

type Finish = AnswerPiece & { readonly type: "finish" };

/** @param last how far the last item came; those before it are whole */
function itemsOf(
  pieces: readonly AnswerPiece[],
  { call }: Naming,
  tools: Toolbox,
  last: ItemStatus,
): readonly JsonObject[] {
  const items: JsonObject[] = [];
  const next = (kind: string): string => `${kind}_${call.replace(/^call_/, "")}_${items.length}`;
  let text = "";
  let thought = "";
  const closeText = (): void => {
    if (text !== "") items.push(messageItem(next("msg"), text, "completed"));
    text = "";
  };
  const closeThought = (end: Partial<AnswerPiece & { type: "reasoning-end" }>): void => {
    if (thought !== "" || end.signature !== undefined || end.redacted !== undefined) {
      items.push(reasoningItem(next("rs"), thought, end));
    }
    thought = "";
  };
  const calls = new Map<number, string>();
  for (const piece of pieces) {
    if (piece.type === "tool-call-delta" && piece.choice === 0) {
      calls.set(piece.index, (calls.get(piece.index) ?? "") + piece.text);
    }
  }
  for (const piece of pieces) {
    if (!("choice" in piece) || piece.choice !== 0) continue;
    if (piece.type === "text-delta") {
      closeThought({});
      text += piece.text;
    } else if (piece.type === "reasoning-delta") {
      closeText();
      thought += piece.text;
    } else if (piece.type === "reasoning-end") closeThought(piece);
    else if (piece.type === "tool-call-start") {
      closeThought({});
      closeText();
      items.push(callItem(next("fc"), piece, calls.get(piece.index) ?? "", tools, "completed"));
    }
  }
  closeThought({});
  closeText();
  const end = items.at(-1);
  if (end?.status !== undefined) end.status = last;
  return items;
}
