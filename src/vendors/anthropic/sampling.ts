import type { RequestClamps } from "../clamps.ts";
import type { Conversation } from "../conversation.ts";
import type { Fitting } from "../fitting.ts";
import { refusesSampling, takesOneOfTemperatureAndTopP } from "./model-versions.ts";

/** The protocol's own range. */
export const OWN_CLAMPS: RequestClamps = { temperature: { min: 0, max: 1 } };

/** @param thinks with thinking on, the vendor takes no other than its own temperature */
export function samplingOf(chat: Conversation, model: string, thinks: boolean, fit: Fitting): Record<string, unknown> {
  const fixed = refusesSampling(model) || thinks;
  const both = chat.temperature !== undefined && takesOneOfTemperatureAndTopP(model);
  const take = (name: "temperature" | "top_p" | "top_k", value: number | undefined, refused: boolean) =>
    refused ? fit.leaveOut(name, value) : fit.number(name, value);
  const fields = {
    temperature: take("temperature", chat.temperature, fixed),
    top_p: take("top_p", chat.topP, fixed || both),
    top_k: take("top_k", chat.topK, fixed),
    stop_sequences: stopOf(chat.stop, fit),
  };
  fit.leaveOut("seed", chat.seed);
  fit.leaveOut("presence_penalty", chat.presencePenalty);
  fit.leaveOut("frequency_penalty", chat.frequencyPenalty);
  return fields;
}

/** A stop sequence of nothing but space is refused by the vendor. */
function stopOf(sequences: readonly string[], fit: Fitting): readonly string[] | undefined {
  const useful = sequences.filter((one) => one.trim() !== "");
  if (useful.length < sequences.length) fit.adjusted.push(`stop=${JSON.stringify(useful)}`);
  return fit.stop(useful);
}
