import type { Conversation, ReasoningWish } from "../conversation.ts";
import type { Fitting } from "../fitting.ts";
import { isPro, isThirdGeneration, thinks } from "./model-versions.ts";

type Effort = NonNullable<ReasoningWish["effort"]>;

/** Tokens for the words of other vendors, as Google's own compatible interface translates them. */
const BUDGETS: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 1_024,
  low: 1_024,
  medium: 8_192,
  high: 24_576,
  xhigh: 24_576,
  max: 24_576,
};
/** Generation 2.5: the least and the largest budgets that are taken. */
const PRO_BUDGETS = { min: 128, max: 32_768 };
const FLASH_BUDGETS = { min: 0, max: 24_576 };
const LITE_BUDGETS = { min: 512, max: 24_576 };

/**
 * How a model shall think. Thoughts are asked for wherever there are some: they cost the same when they are not shown, and
 * a stream that shows them is never silent for long.
 */
export function thinkingConfig(chat: Conversation, model: string, fitting: Fitting): object | undefined {
  const wish = chat.reasoning;
  if (!thinks(model)) {
    if (wish?.effort !== "none") fitting.leaveOut("reasoning_effort", wish);
    return undefined;
  }
  const asked = wish?.effort !== undefined || wish?.budgetTokens !== undefined;
  if (!asked) return { includeThoughts: true };
  return isThirdGeneration(model) ? levelOf(wish, model, fitting) : budgetOf(wish, model, fitting);
}

/** The third generation takes a word. Large models know neither to think minimally nor not at all. */
function levelOf(wish: ReasoningWish, model: string, fitting: Fitting): object {
  const effort = wish.effort ?? effortOf(wish.budgetTokens!);
  let level = effort;
  if (effort === "none") level = "minimal";
  if (effort === "xhigh" || effort === "max") level = "high";
  if (level === "minimal" && isPro(model)) level = "low";
  fitting.change("reasoning_effort", wish.effort, level);
  return { thinkingLevel: level, ...(effort !== "none" && { includeThoughts: true }) };
}

function effortOf(budget: number): Effort {
  if (budget === 0) return "none";
  if (budget <= BUDGETS.low) return "low";
  return budget <= BUDGETS.medium ? "medium" : "high";
}

function budgetOf({ effort, budgetTokens }: ReasoningWish, model: string, fitting: Fitting): object {
  const asked = budgetTokens ?? BUDGETS[effort!];
  const { min, max } = isPro(model) ? PRO_BUDGETS : model.includes("lite") ? LITE_BUDGETS : FLASH_BUDGETS;
  const off = asked === 0 && !isPro(model);
  const thinkingBudget = off ? 0 : Math.min(max, Math.max(min, asked));
  fitting.change("thinking_budget", asked, thinkingBudget);
  return { thinkingBudget, ...(asked > 0 && { includeThoughts: true }) };
}
