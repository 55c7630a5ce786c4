import { USAGE_CLASSES } from "../base/usage.ts";

/** The columns of the classes of usage, in their order: `cacheWrite5m` is `cache_write_5m`. */
export const USAGE_COLUMNS: readonly string[] = USAGE_CLASSES.map((name) =>
  name
    .replace(/([A-Z])/g, "_$1")
    .replace(/(\d+)/g, "_$1")
    .toLowerCase(),
);

/** What makes up input and output tokens, where the classes are not told apart. */
export const INPUT_COLUMNS = [
  "input",
  "cached_input",
  "cache_write_5m",
  "cache_write_1h",
  "input_audio",
  "input_image",
] as const;
export const OUTPUT_COLUMNS = ["output", "reasoning", "output_audio"] as const;

/** What a day's row has of each of its thirds: `calls_1` is of the first. */
export const DAY_FIGURES = ["calls", "attempts", "estimated", "cost", "input_tokens", "output_tokens"] as const;
export const THIRDS = [1, 2, 3] as const;
