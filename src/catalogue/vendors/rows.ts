import type { Quirks } from "../../vendors/spec.ts";
import {
  type CatalogueModel,
  type Claim,
  type Confidence,
  type ModelFacts,
  SEES_THINKS,
  type VendorProtocol,
  type VendorStatus,
} from "./vendor.ts";

/** Short ways to write what most rows have. */

/** @param day of the newest source that saw it */
export function alive(day: string, zh: string, en: string): VendorStatus {
  return { state: "alive", note: { zh, en }, day };
}

export function unverified(day: string, zh: string, en: string): VendorStatus {
  return { state: "unverified", note: { zh, en }, day };
}

export function claim(
  about: Claim["about"],
  zh: string,
  en: string,
  source: string,
  confidence: Confidence,
): Pick<ModelFacts, "claims"> & { readonly claims: readonly Claim[] } {
  return { claims: [{ about, text: { zh, en }, source, confidence }] };
}

/** Another protocol at an address of the vendor, with the vendor's own credentials and models. */
export function also(protocol: string, baseUrl: string, confidence: Confidence, quirks?: Quirks): VendorProtocol {
  return { protocol, baseUrl, confidence, ...(quirks && { quirks }) };
}

/** The vendor's own protocol at another place, where what its models cost is not known. */
export function region(
  name: string,
  baseUrl: string,
  confidence: Confidence,
  quirks: Quirks,
  models: readonly CatalogueModel[],
): VendorProtocol {
  return { ...also("openai", baseUrl, confidence, quirks), region: name, models: unpriced(models) };
}

/** Rows that are known less well than their vendor's address and protocol, where they do not say otherwise themselves. */
export function known(confidence: Confidence, models: readonly CatalogueModel[]): CatalogueModel[] {
  return models.map((model) => ({ confidence, ...model }));
}

export function unpriced(models: readonly CatalogueModel[]): CatalogueModel[] {
  return models.map(({ price: _, prices: __, ...model }) => model);
}

export const WATCHES_THINKS: ModelFacts = { ...SEES_THINKS, input: ["text", "image", "video"] };

/** Draws: text in, a picture out. */
export const DRAWS: ModelFacts = {
  input: ["text"],
  output: ["image"],
  use: "special",
  tools: false,
  reasoning: false,
};

/** Where sizes stand that are not in a model's name. */
export const OWN_PAGES = "the vendor's own documentation";
export const THIRD_PARTIES = "two independent third parties";

/** Listings by third parties from which abilities are taken where no page of the vendor was read. */
export const MODELS_DEV = "models.dev";
export const LOBEHUB = "lobehub model-bank, 2026";
