import { createHash } from "node:crypto";
import type { PracticeSetting } from "../../config/settings.ts";
import { firstPieces, repeatPieces } from "../inside/pieces.ts";
import type { Question } from "../inside/question.ts";

export type PracticeFailure = NonNullable<PracticeSetting["failure"]>;

/** What a practice model says, and what it counts for it. Tokens are those of one choice. */
export interface Saying {
  readonly reasoning: string;
  readonly output: string;
  readonly tool: string | undefined;
  readonly reasoningTokens: number;
  readonly outputTokens: number;
  readonly finish: "stop" | "length" | "tool_calls";
}

const MOST_TOKENS = 1_000_000;
const THOUGHT = "hmm "; // four ASCII characters: one token

/** The answer to a question: what the settings say, cut at the longest answer that the question allows. */
export function say(setting: PracticeSetting, question: Question, maxOutputTokens: number | undefined): Saying {
  const most = Math.min(question.maxTokens ?? MOST_TOKENS, maxOutputTokens ?? MOST_TOKENS, MOST_TOKENS);
  const wantedThoughts = Math.min(setting.reasoningTokens ?? 0, MOST_TOKENS);
  const reasoningTokens = Math.min(wantedThoughts, most);
  const tool = setting.callTool ? question.tool : undefined;
  const whole = tool === undefined ? textOf(setting, question) : JSON.stringify({ text: question.lastText });
  const { text: output, tokens: outputTokens } = firstPieces(whole, most - reasoningTokens);
  const cut = reasoningTokens < wantedThoughts || output.length < whole.length;
  return {
    reasoning: THOUGHT.repeat(reasoningTokens),
    output,
    tool,
    reasoningTokens,
    outputTokens,
    finish: cut ? "length" : tool === undefined ? "stop" : "tool_calls",
  };
}

function textOf(setting: PracticeSetting, question: Question): string {
  const { answer = "echo", outputTokens } = setting;
  const text = answer === "echo" ? question.lastText : answer;
  return outputTokens === undefined ? text : repeatPieces(text, Math.min(outputTokens, MOST_TOKENS));
}

/** Draws which calls of a model fail: the same ones in the same order for the same seed. */
export class FailureDraw {
  readonly #rate: number;
  readonly #failure: PracticeFailure;
  #state: number;

  constructor(setting: PracticeSetting, seed: string) {
    this.#failure = setting.failure ?? "error";
    this.#rate = setting.failureRate ?? (setting.failure === undefined ? 0 : 1);
    this.#state = createHash("sha256").update(seed).digest().readUInt32LE();
  }

  /** How the next call fails, if it does. */
  next(): PracticeFailure | undefined {
    if (this.#rate <= 0) return undefined;
    return this.#random() < this.#rate ? this.#failure : undefined;
  }

  /** From 0 up to 1, by Tommy Ettinger's Mulberry32. */
  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
}
