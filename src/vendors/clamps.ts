/**
 * What a vendor takes no other values of, as data. Fields are named as OpenAI's chat completions name them, whatever
 * the protocol: each encoder applies them to the field of its own that means the same, and tells the client what it
 * changed (`x-maidan-adjusted`).
 */
export interface RequestClamps {
  readonly temperature?: NumberBounds;
  readonly top_p?: NumberBounds;
  readonly top_k?: NumberBounds;
  readonly max_tokens?: NumberBounds;
  readonly frequency_penalty?: NumberBounds;
  readonly presence_penalty?: NumberBounds;
  readonly n?: NumberBounds;
  /** The most stop sequences, and the longest of them in bytes. */
  readonly stop?: { readonly max?: number; readonly bytes?: number };
  /** The choices of tools that are taken; another one becomes `auto`. */
  readonly tool_choice?: readonly ("auto" | "none" | "required" | "function")[];
  /** Fields that must not be sent at all. */
  readonly omit?: readonly string[];
}

export interface Clamps extends RequestClamps {
  /** Rules of some models, beside those of all: of the rows whose `models` fit, later ones win field by field. */
  readonly byModel?: readonly ModelClamps[];
}

export interface ModelClamps extends RequestClamps {
  /** Names as the vendor knows them; `*` at the end for any that begin so. */
  readonly models: readonly string[];
}

export interface NumberBounds {
  readonly min?: number;
  readonly max?: number;
  /** The bound itself is not taken: the next value that is stands `step` beside it. */
  readonly exclusiveMin?: boolean;
  readonly exclusiveMax?: boolean;
  /** The finest difference that is taken; default 0.01. Values are rounded to it only where it is given. */
  readonly step?: number;
  /** The vendor's range is this many times OpenAI's: multiplied before all else. */
  readonly scale?: number;
}

const FINEST = 0.01;

/** The rules for one model: those of all models, and those that name it. */
export function clampsFor(clamps: Clamps | undefined, model: string): RequestClamps | undefined {
  if (clamps?.byModel === undefined) return clamps;
  const { byModel, ...general } = clamps;
  let found: RequestClamps = general;
  for (const { models, ...rules } of byModel)
    if (models.some((name) => names(name, model))) found = { ...found, ...rules };
  return found;
}

function names(pattern: string, model: string): boolean {
  return pattern.endsWith("*") ? model.startsWith(pattern.slice(0, -1)) : model === pattern;
}

/** The nearest value that the vendor takes: `value` itself where it takes that. */
export function withinBounds(value: number, bounds: NumberBounds): number {
  const { min, max, exclusiveMin, exclusiveMax, step, scale = 1 } = bounds;
  const fine = step ?? FINEST;
  let clamped = value * scale;
  if (step !== undefined) clamped = Math.round(clamped / step) * step;
  if (min !== undefined) clamped = exclusiveMin ? (clamped <= min ? min + fine : clamped) : Math.max(clamped, min);
  if (max !== undefined) clamped = exclusiveMax ? (clamped >= max ? max - fine : clamped) : Math.min(clamped, max);
  // Whole multiples of a step are no binary fractions: 0.1 + 0.2.
  return clamped === value ? value : Number(clamped.toPrecision(12));
}
