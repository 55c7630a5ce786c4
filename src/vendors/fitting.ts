import { clampsFor, type RequestClamps, withinBounds } from "./clamps.ts";
import type { ToolChoice } from "./conversation.ts";
import type { Quirks } from "./spec.ts";

type NumberField = {
  [K in keyof RequestClamps]-?: RequestClamps[K] extends { readonly scale?: number } | undefined ? K : never;
}[keyof RequestClamps];

/**
 * Fits what a client asked to what a vendor takes, for encoders that write requests anew, and notes what was changed.
 * Fields are told by the names that OpenAI's chat completions have for them.
 */
export class Fitting {
  /** For `WireRequest.adjusted`. */
  readonly adjusted: string[] = [];
  readonly #rules: RequestClamps;

  /** @param own what the vendor takes by its documentation; an endpoint's own `clamps` go before it, field by field */
  constructor(own: RequestClamps, quirks: Quirks, model: string) {
    this.#rules = { ...own, ...clampsFor(quirks.clamps, model) };
  }

  number(name: NumberField, value: number | undefined): number | undefined {
    if (value === undefined || this.#rules.omit?.includes(name)) return this.leaveOut(name, value);
    const bounds = this.#rules[name];
    return bounds ? this.change(name, value, withinBounds(value, bounds)) : value;
  }

  stop(sequences: readonly string[]): readonly string[] | undefined {
    if (sequences.length === 0) return undefined;
    const { max = Number.POSITIVE_INFINITY, bytes = Number.POSITIVE_INFINITY } = this.#rules.stop ?? {};
    const taken = sequences.filter((one) => one !== "" && Buffer.byteLength(one) <= bytes).slice(0, max);
    if (taken.length < sequences.length) this.adjusted.push(`stop=${JSON.stringify(taken)}`);
    return taken.length > 0 ? taken : undefined;
  }

  toolChoice(choice: ToolChoice | undefined): ToolChoice | undefined {
    const taken = this.#rules.tool_choice;
    if (choice === undefined || !taken || taken.includes(typeof choice === "object" ? "function" : choice))
      return choice;
    this.adjusted.push("tool_choice=auto");
    return "auto";
  }

  /** Takes note of another value than the one that was asked for. */
  change<T>(name: string, asked: T, taken: T): T {
    if (taken !== asked) this.adjusted.push(`${name}=${String(taken)}`);
    return taken;
  }

  /** Takes note of what the vendor has no place for. */
  leaveOut(name: string, value: unknown): undefined {
    if (value !== undefined) this.adjusted.push(`-${name}`);
    return undefined;
  }
}
