import type { ModelFacts } from "./vendors/vendor.ts";

/**
 * What counts as a "large" model is disputed, so it is answered under each definition, from what the vendor has
 * published of the model's size. `unknown` where it has published none.
 */
export type Answer = "yes" | "no" | "unknown";

export interface Large {
  /** Ten billion parameters and more. */
  readonly tenBillion: Answer;
  /** A hundred million parameters and more, and used across domains. */
  readonly hundredMillionAcrossDomains: Answer;
}

export type LargeDefinition = keyof Large;

export const LARGE_DEFINITIONS = [
  "tenBillion",
  "hundredMillionAcrossDomains",
] as const satisfies readonly LargeDefinition[];

const TEN_BILLION = 10_000_000_000;
const HUNDRED_MILLION = 100_000_000;

export function largeUnderEach({ size, use }: Pick<ModelFacts, "size" | "use">): Large {
  return {
    tenBillion: reaches(size, TEN_BILLION),
    hundredMillionAcrossDomains: both(reaches(size, HUNDRED_MILLION), acrossDomains(use)),
  };
}

/** Where only the parameters at work for one token are known, the whole has no fewer. */
function reaches(size: ModelFacts["size"], least: number): Answer {
  if (size?.total !== undefined) return size.total >= least ? "yes" : "no";
  return size?.active !== undefined && size.active >= least ? "yes" : "unknown";
}

function acrossDomains(use: ModelFacts["use"]): Answer {
  if (use === undefined) return "unknown";
  return use === "general" ? "yes" : "no";
}

function both(one: Answer, other: Answer): Answer {
  if (one === "no" || other === "no") return "no";
  return one === "yes" && other === "yes" ? "yes" : "unknown";
}
