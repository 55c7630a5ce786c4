/** What Google's documentation says of the generations of its models. A name that tells no generation is taken for a new one. */

/** `gemini-2.5-flash` is of generation 2.5; `gemini-flash-latest` tells none. */
function generationOf(model: string): number {
  const version = /(?:^|\/)gemini-(\d+(?:\.\d+)?)\b/.exec(model)?.[1];
  return version === undefined ? Number.POSITIVE_INFINITY : Number(version);
}

/** Small open models, and models of pictures and voices, take no `thinkingConfig`. */
const OTHERS = /(?:^|\/)(?:gemma|learnlm)|image|tts|audio|live|embedding/;

/** Whether the model thinks; those that do not refuse to be asked about it. */
export function thinks(model: string): boolean {
  return generationOf(model) >= 2.5 && !OTHERS.test(model);
}

/** From the third generation on it is told in words how much to think, and wants its signatures back. */
export function isThirdGeneration(model: string): boolean {
  return generationOf(model) >= 3 && !OTHERS.test(model);
}

/** The larger models cannot be kept from thinking. */
export function isPro(model: string): boolean {
  return /\bpro\b/.test(model);
}
