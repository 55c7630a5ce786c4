import type { AnswerPiece, FinishReason } from "../vendors/answer-pieces.ts";
import type { VendorErrorClass } from "../vendors/spec.ts";

/** What a simulator has read of a native request: all that a scene depends on, so that every protocol plays the same. */
export interface Question {
  /** Every text of the conversation, system, user, assistant and tool results alike: what is counted as input. */
  readonly texts: readonly string[];
  /** The text of the last user message, without tool results. */
  readonly last: string;
  /** What tools gave back after the model's last turn; empty where the user spoke last. */
  readonly toolResults: readonly string[];
  /** Names of the tools that the model may call. */
  readonly tools: readonly string[];
  readonly images: number;
  readonly maxOutputTokens: number | undefined;
  readonly stop: readonly string[];
}

/** Tokens, in disjoint classes, as a simulator's vendor would count them. */
export interface SceneUsage {
  readonly input: number;
  readonly cachedInput: number;
  readonly output: number;
  readonly reasoning: number;
}

/** What the simulated vendor does: refuses before anything, or answers, perhaps not to the end. */
export type Scene =
  | { readonly type: "refusal"; readonly errorClass: VendorErrorClass }
  | {
      readonly type: "answer";
      /** What the model writes, and its `finish`; choice 0 only. */
      readonly pieces: readonly AnswerPiece[];
      readonly usage: SceneUsage;
      /** After the pieces an error comes in the place of the end. */
      readonly failure: VendorErrorClass | undefined;
      /** After the pieces the connection breaks. */
      readonly cut: boolean;
      /** Milliseconds between pieces. */
      readonly paceMs: number;
    };

/** Code points in one piece of a stream: a "token" of every simulator. */
const TOKEN_CHARACTERS = 4;
const IMAGE_TOKENS = 100;
const LONG_ANSWER_TOKENS = 400;
const SLOW_MS = 40;
/** The arguments of every call but an empty one. */
export const TOOL_ARGUMENTS = '{"city":"北京 🌆","days":3}';
export const REASONING = "先想一想 🤔 then answer. ";

/**
 * What the last user message asks for. It is echoed, unless it begins with one of these words:
 *
 * `#tool` calls the first tool, `#tools` the first two (or the first twice), `#tool-empty` the first without arguments;
 * `#reason` thinks first; `#long` goes on until it is stopped; `#slow` pauses between pieces; `#cached` reports half
 * of the input as read from a cache; `#moderated` is refused for its content, `#moderated-later` in the middle;
 * `#error <class>` fails with that class of error, `#error-later <class>` after some text; `#cut` breaks off.
 *
 * A conversation that ends in tool results is answered with them.
 */
export function sceneOf(question: Question): Scene {
  const [, command = "", rest = ""] = /^#([a-z-]+)\s*([\s\S]*)$/.exec(question.last.trim()) ?? [];
  if (question.toolResults.length > 0) return answer(question, texts(`Tool says: ${question.toolResults.join(" | ")}`));
  switch (command) {
    case "tool":
      return answer(question, calls(question.tools.slice(0, 1), TOOL_ARGUMENTS));
    case "tools":
      return answer(question, calls([question.tools[0], question.tools[1] ?? question.tools[0]], TOOL_ARGUMENTS));
    case "tool-empty":
      return answer(question, calls(question.tools.slice(0, 1), "{}"));
    case "reason":
      return answer(question, [...reasoning(REASONING), ...texts(rest || "42")]);
    case "long":
      return answer(question, texts("long ".repeat((LONG_ANSWER_TOKENS * TOKEN_CHARACTERS) / 5)));
    case "slow":
      return answer(question, texts(rest || "one two three four five six seven eight nine ten"), { paceMs: SLOW_MS });
    case "cached":
      return answer(question, texts(rest || "from the cache"), { cached: true });
    case "moderated":
      return { type: "refusal", errorClass: "content_filter" };
    case "moderated-later":
      return answer(question, texts("Some of it "), { finish: "content_filter" });
    case "error":
      return { type: "refusal", errorClass: (rest.trim() || "server_error") as VendorErrorClass };
    case "error-later":
      return answer(question, texts("Some of it "), { failure: (rest.trim() || "server_error") as VendorErrorClass });
    case "cut":
      return answer(question, texts("Some of it "), { cut: true });
    default:
      return answer(question, texts(question.last));
  }
}

interface Turn {
  readonly cached?: boolean;
  readonly finish?: FinishReason;
  readonly failure?: VendorErrorClass;
  readonly cut?: boolean;
  readonly paceMs?: number;
}

function answer(question: Question, written: readonly AnswerPiece[], turn: Turn = {}): Scene {
  const { pieces, finish } = bounded(written, question);
  const input = Math.max(1, countPoints(question.texts)) + question.images * IMAGE_TOKENS;
  const cachedInput = turn.cached ? Math.floor(input / 2) : 0;
  const reasoned = pieces.filter((piece) => piece.type === "reasoning-delta").length;
  const deltas = pieces.filter((piece) => piece.type === "text-delta" || piece.type === "tool-call-delta").length;
  const broken = turn.failure !== undefined || turn.cut === true;
  return {
    type: "answer",
    pieces: broken ? pieces : [...pieces, { type: "finish", choice: 0, reason: turn.finish ?? finish }],
    usage: { input: input - cachedInput, cachedInput, output: Math.max(1, deltas), reasoning: reasoned },
    failure: turn.failure,
    cut: turn.cut ?? false,
    paceMs: turn.paceMs ?? 0,
  };
}

/** Ends what is written at a stop sequence, or at the longest answer. */
function bounded(
  written: readonly AnswerPiece[],
  { maxOutputTokens = Number.POSITIVE_INFINITY, stop }: Question,
): { pieces: readonly AnswerPiece[]; finish: FinishReason } {
  const whole = written.map((piece) => (piece.type === "text-delta" ? piece.text : "")).join("");
  const stops = stop.map((sequence) => whole.indexOf(sequence)).filter((at) => at >= 0);
  const cutPieces = stops.length > 0 ? texts(whole.slice(0, Math.min(...stops))) : written;
  const deltas = cutPieces.filter((piece) => piece.type.endsWith("-delta"));
  if (deltas.length > maxOutputTokens) {
    return { pieces: cutPieces.slice(0, cutPieces.indexOf(deltas[maxOutputTokens]!)), finish: "length" };
  }
  const called = cutPieces.some((piece) => piece.type === "tool-call-start");
  return { pieces: cutPieces, finish: called ? "tool_calls" : "stop" };
}

function texts(text: string): AnswerPiece[] {
  return tokens(text).map((token) => ({ type: "text-delta", choice: 0, text: token }));
}

function reasoning(text: string): AnswerPiece[] {
  const pieces: AnswerPiece[] = tokens(text).map((token) => ({ type: "reasoning-delta", choice: 0, text: token }));
  return [...pieces, { type: "reasoning-end", choice: 0, signature: "c2lnbmVkIGJ5IG5vYm9keQ==" }];
}

function calls(names: readonly (string | undefined)[], given: string): AnswerPiece[] {
  return names.flatMap((name, index): AnswerPiece[] => {
    if (name === undefined) return [];
    const id = `call_simulated_${index}`;
    const deltas = tokens(given).map((text): AnswerPiece => ({ type: "tool-call-delta", choice: 0, index, text }));
    return [{ type: "tool-call-start", choice: 0, index, id, name }, ...deltas];
  });
}

function tokens(text: string): string[] {
  const points = [...text];
  const pieces: string[] = [];
  for (let at = 0; at < points.length; at += TOKEN_CHARACTERS) {
    pieces.push(points.slice(at, at + TOKEN_CHARACTERS).join(""));
  }
  return pieces;
}

function countPoints(all: readonly string[]): number {
  let count = 0;
  for (const text of all) for (const _ of text) count += 1;
  return count;
}
