import { USAGE_CLASSES } from "../base/usage.ts";

/** The columns of the classes of usage, in their order: `cacheWrite5m` is `cache_write_5m`. */
export const USAGE_COLUMNS: readonly string[] = USAGE_CLASSES.map((name) =>
  name
    .replace(/([A-Z])/g, "_$1")
    .replace(/(\d+)/g, "_$1")
    .toLowerCase(),
);
