import type { Usage } from "../base/usage.ts";
import type { VendorFault } from "./vendor-fault.ts";

/**
 * A piece of an answer, whatever protocol it came in: a protocol reads its vendor's bytes into these, a dialect writes
 * them as its clients expect. A buffered answer is the same pieces at once. The order is that of the model: `start`, what
 * it wrote, a `finish` for each choice; `usage` may come anywhere, and the last one counts; `end` is the protocol's own end.
 */
export type AnswerPiece =
  | {
      readonly type: "start";
      readonly id?: string | undefined;
      readonly model?: string | undefined;
      readonly created?: number | undefined;
    }
  | { readonly type: "text-delta"; readonly choice: number; readonly text: string }
  | { readonly type: "reasoning-delta"; readonly choice: number; readonly text: string }
  /** The reasoning so far is over. `signature` or `redacted`: what its vendor wants back with it in the next turn. */
  | {
      readonly type: "reasoning-end";
      readonly choice: number;
      readonly signature?: string | undefined;
      readonly redacted?: string | undefined;
    }
  /** `index` counts the calls of one choice from 0. `id` is the vendor's, or made where it gives none (`toolCallId`). */
  | {
      readonly type: "tool-call-start";
      readonly choice: number;
      readonly index: number;
      readonly id: string;
      readonly name: string;
      readonly signature?: string | undefined;
    }
  /** A part of the call's arguments: JSON text, cut anywhere. */
  | { readonly type: "tool-call-delta"; readonly choice: number; readonly index: number; readonly text: string }
  /** `raw`: the vendor's own word, where it says more than `reason`. */
  | {
      readonly type: "finish";
      readonly choice: number;
      readonly reason: FinishReason;
      readonly raw?: string | undefined;
      /** The stop sequence that ended it, where the vendor names it. */
      readonly stopSequence?: string | undefined;
    }
  | {
      readonly type: "usage";
      /** The whole answer's so far, in disjoint classes: a later piece takes the place of an earlier one. */
      readonly usage: Usage | undefined;
      readonly estimated?: boolean | undefined;
      readonly vendorCost?: string | undefined;
    }
  | { readonly type: "embedding"; readonly index: number; readonly vector: readonly number[] }
  | {
      readonly type: "image";
      readonly index: number;
      readonly url?: string | undefined;
      readonly base64?: string | undefined;
      readonly revisedPrompt?: string | undefined;
    }
  /** The vendor reported an error inside an answer that had begun well. Nothing of worth follows. */
  | { readonly type: "fault"; readonly fault: VendorFault }
  | { readonly type: "end" };

/**
 * Why the model stopped. `error`: the vendor gave up in the middle (`network_error`, `insufficient_system_resource`, …); `raw` says
 * how, and clients must not take the answer for whole.
 */
export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter" | "error";

/** Reads a streamed answer piece by piece; the cuts of the chunks make no difference. */
export interface PieceReader {
  /** The pieces that are whole now. Throws `VendorFault` where an event is longer than it may be, or is no answer at all. */
  push(chunk: Buffer): readonly AnswerPiece[];
  /** The vendor has closed: what was left without its own end, where it is whole otherwise. */
  end(): readonly AnswerPiece[];
}

/** An id for a tool call whose vendor gives none: unique within an answer, and the same for the same answer. */
export function toolCallId(answer: string, choice: number, index: number): string {
  return `call_${answer.replace(/[^A-Za-z0-9]/g, "").slice(-24)}_${choice}_${index}`;
}
