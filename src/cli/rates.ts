import type { PriceRates } from "../config/settings.ts";

/** The rates of a price, by the names that the declarative file has for them, in the order in which they are shown. */
export const RATES = [
  "input",
  "cachedInput",
  "cacheWrite5m",
  "cacheWrite1h",
  "output",
  "reasoning",
  "inputAudio",
  "outputAudio",
  "inputImage",
  "perCall",
  "perImage",
  "perSecond",
  "perToolCall",
] as const satisfies readonly (keyof PriceRates)[];
