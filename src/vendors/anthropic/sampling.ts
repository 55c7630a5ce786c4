import { clampsFor, type NumberBounds, type RequestClamps, withinBounds } from "../clamps.ts";
import type { Conversation } from "../conversation.ts";
import type { Quirks } from "../spec.ts";
import { refusesSampling, takesOneOfTemperatureAndTopP } from "./model-versions.ts";

/** Numbers and words of a request as the vendor takes them, by this protocol's names. */
export interface Sampling {
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: number;
  readonly stop_sequences?: readonly string[];
  readonly adjusted: readonly string[];
}

/** The protocol's own range. */
const OWN: RequestClamps = { temperature: { min: 0, max: 1 } };

/** @param thinks with thinking on, the vendor takes no other than its own temperature */
export function samplingOf(chat: Conversation, model: string, quirks: Quirks, thinks: boolean): Sampling {
  const clamps: RequestClamps = { ...OWN, ...clampsFor(quirks.clamps, model) };
  const adjusted: string[] = [];
  const fixed = refusesSampling(model) || thinks;
  const take = (name: "temperature" | "top_p" | "top_k", value: number | undefined, refused: boolean) => {
    if (value === undefined) return {};
    if (refused || clamps.omit?.includes(name)) {
      adjusted.push(`-${name}`);
      return {};
    }
    const taken = bounded(value, clamps[name]);
    if (taken !== value) adjusted.push(`${name}=${taken}`);
    return { [name]: taken };
  };
  const both = chat.temperature !== undefined && takesOneOfTemperatureAndTopP(model);
  const sampling = {
    ...take("temperature", chat.temperature, fixed),
    ...take("top_p", chat.topP, fixed || both),
    ...take("top_k", chat.topK, fixed),
    ...stopOf(chat, clamps, adjusted),
  };
  for (const [name, value] of [
    ["seed", chat.seed],
    ["presence_penalty", chat.presencePenalty],
    ["frequency_penalty", chat.frequencyPenalty],
  ] as const) {
    if (value !== undefined) adjusted.push(`-${name}`);
  }
  return { ...sampling, adjusted };
}

function bounded(value: number, bounds: NumberBounds | undefined): number {
  return bounds ? withinBounds(value, bounds) : value;
}

/** A stop sequence of nothing but space is refused by the vendor. */
function stopOf(chat: Conversation, { stop: bounds }: RequestClamps, adjusted: string[]): object {
  const { max = Number.POSITIVE_INFINITY, bytes = Number.POSITIVE_INFINITY } = bounds ?? {};
  const taken = chat.stop
    .filter((sequence) => sequence.trim() !== "" && Buffer.byteLength(sequence) <= bytes)
    .slice(0, max);
  if (taken.length < chat.stop.length) adjusted.push(`stop_sequences=${taken.length}`);
  return taken.length > 0 ? { stop_sequences: taken } : {};
}
