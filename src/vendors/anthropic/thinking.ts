import type { Conversation, ReasoningWish } from "../conversation.ts";
import { toNative } from "./marks.ts";
import { isAdaptive } from "./model-versions.ts";

type Json = Record<string, unknown>;

/** How much a request lets the model think, as this protocol says it. */
export interface Thinking {
  readonly thinking: Json | undefined;
  readonly effort: string | undefined;
  readonly adjusted: readonly string[];
}

/** The least budget that the vendor takes. */
export const LEAST_BUDGET = 1_024;
/** Budgets for models that know no words for it. */
const BUDGETS: Readonly<Record<NonNullable<ReasoningWish["effort"]>, number>> = {
  none: 0,
  minimal: 1_024,
  low: 2_048,
  medium: 8_192,
  high: 16_384,
  xhigh: 32_768,
  max: 65_536,
};
/** A budget counts in the longest answer: this part of it is left for the answer proper. */
const PART_FOR_ANSWER = 0.2;

/**
 * Newer models of Claude decide themselves how much to think, within an effort (`adaptive`); the latest of them take nothing else.
 * Older ones, and other vendors of this protocol, take a budget of tokens.
 *
 * Thinking is left off where the vendor would refuse the request with it: no room for the least budget, a tool that must be
 * called, or a tool's result whose call came from another vendor (or lost its thinking on the way).
 */
export function thinkingOf(chat: Conversation, model: string, longest: number): Thinking {
  const wish = chat.reasoning;
  const asked = wish !== undefined && (wish.effort !== undefined || wish.budgetTokens !== undefined);
  if (wish === undefined) return { thinking: undefined, effort: undefined, adjusted: [] };
  if (wish.effort === "none") return { thinking: { type: "disabled" }, effort: undefined, adjusted: [] };
  if (isForced(chat)) return { thinking: undefined, effort: undefined, adjusted: ["-thinking"] };
  if (isAdaptive(model)) return adaptive(wish);
  const wanted = wish.budgetTokens ?? BUDGETS[wish.effort ?? "medium"];
  const room = Math.floor(longest * (1 - PART_FOR_ANSWER));
  const budget = Math.max(LEAST_BUDGET, Math.min(wanted, room));
  if (budget > room || lostThinking(chat)) return { thinking: undefined, effort: undefined, adjusted: ["-thinking"] };
  const adjusted = asked && budget < wanted ? [`thinking.budget_tokens=${budget}`] : [];
  return { thinking: { type: "enabled", budget_tokens: budget }, effort: undefined, adjusted };
}

function adaptive({ effort, budgetTokens }: ReasoningWish): Thinking {
  const known = effort === "minimal" ? "low" : effort;
  return {
    thinking: { type: "adaptive" },
    effort: known,
    adjusted:
      budgetTokens === undefined ? (known === effort ? [] : ["output_config.effort=low"]) : ["thinking=adaptive"],
  };
}

function isForced({ toolChoice }: Conversation): boolean {
  return toolChoice === "required" || typeof toolChoice === "object";
}

/** The vendor wants its own thinking back before the calls of a turn that goes on with their results. */
function lostThinking({ messages }: Conversation): boolean {
  const turn = messages.findLastIndex(({ role }) => role === "assistant");
  const last = messages[turn];
  if (messages.at(-1)?.role !== "tool" && !messages.slice(turn + 1).some(({ role }) => role === "tool")) return false;
  if (last?.role !== "assistant") return false;
  const [first] = last.parts;
  const isOwn = first?.type === "reasoning" && toNative(first.signature ?? first.redacted) !== undefined;
  return !isOwn;
}
