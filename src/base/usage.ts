/**
 * What a vendor reports, or Maidan counts, for one attempt. The token classes are disjoint: every token is in exactly
 * one of them, so that a cost is the sum of class × price and no token is billed twice. `undefined` means unknown,
 * never zero.
 */
export interface Usage {
  /** Fresh text tokens of the input: neither read from a cache nor written to one, neither audio nor image. */
  readonly input?: number | undefined;
  readonly cachedInput?: number | undefined;
  readonly cacheWrite5m?: number | undefined;
  readonly cacheWrite1h?: number | undefined;
  readonly inputAudio?: number | undefined;
  readonly inputImage?: number | undefined;
  /** Tokens of the visible answer and of its tool calls. */
  readonly output?: number | undefined;
  /** Tokens of hidden or shown reasoning, not in `output`. */
  readonly reasoning?: number | undefined;
  readonly outputAudio?: number | undefined;
  readonly images?: number | undefined;
  readonly seconds?: number | undefined;
  readonly toolCalls?: number | undefined;
}

/** The token classes of the input, in the order in which costs are listed. */
export const INPUT_CLASSES = [
  "input",
  "cachedInput",
  "cacheWrite5m",
  "cacheWrite1h",
  "inputAudio",
  "inputImage",
] as const satisfies readonly (keyof Usage)[];

/** The token classes of the output. */
export const OUTPUT_CLASSES = ["output", "reasoning", "outputAudio"] as const satisfies readonly (keyof Usage)[];

/** What is billed by piece rather than by token. */
export const COUNT_CLASSES = ["images", "seconds", "toolCalls"] as const satisfies readonly (keyof Usage)[];

export const USAGE_CLASSES = [...INPUT_CLASSES, ...OUTPUT_CLASSES, ...COUNT_CLASSES] as const;
export type UsageClass = (typeof USAGE_CLASSES)[number];

/**
 * A count as a vendor reports it, or undefined where it is none: missing, negative, broken or too large to be exact.
 * What cannot be counted is unknown, and unknown is not zero.
 */
export function readCount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** All input tokens, or undefined where none of their classes is known. */
export function inputTokens(usage: Usage): number | undefined {
  const { input, cachedInput, cacheWrite5m, cacheWrite1h, inputAudio, inputImage } = usage;
  const text = sum(input, sum(cachedInput, sum(cacheWrite5m, cacheWrite1h)));
  return sum(text, sum(inputAudio, inputImage));
}

/** All output tokens, or undefined where none of their classes is known. */
export function outputTokens(usage: Usage): number | undefined {
  return sum(usage.output, sum(usage.reasoning, usage.outputAudio));
}

/** Unknown and unknown is unknown; unknown and known is what is known. */
function sum(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined ? other : one + (other ?? 0);
}

/** How a settled cost is known. */
export type Basis = "reported" | "estimated" | "vendor-bill";
