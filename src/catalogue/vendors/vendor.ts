import type { ModelSetting, Name, PriceRates, PriceSetting } from "../../config/settings.ts";
import type { Quirks } from "../../vendors/spec.ts";

/**
 * How well a fact is known. `high`: read in the vendor's own documentation or client. `medium`: two independent sources
 * agree, or one careful recent one. `low`: one old or third source. What is known from memory only is not in the catalogue.
 */
export type Confidence = "high" | "medium" | "low";

/** One row of the catalogue: who sells, how it is reached, and what it bills. Facts only; unknown is left out. */
export interface Vendor {
  readonly id: string;
  readonly name: Name;
  readonly company?: Name | undefined;
  /** The names of its models: families and products. */
  readonly family?: Name | undefined;
  readonly status?: VendorStatus | undefined;
  /** The protocol by which it is reached unless an endpoint says another; `also` has the others. */
  readonly protocol: string;
  /** Undefined for vendors inside this process, and where every customer has an address of its own. */
  readonly baseUrl?: string | undefined;
  /** The environment variable of each credential, by the credential's name. */
  readonly environment: Readonly<Record<string, string>>;
  /** Credentials without which it answers nothing. */
  readonly required: readonly string[];
  readonly quirks: Quirks;
  readonly also?: readonly VendorProtocol[] | undefined;
  /** Regions that are rows of their own, because accounts, models or prices differ there: `{ intl: "alibaba-intl" }`. */
  readonly regions?: Readonly<Record<string, string>> | undefined;
  /** Where its own documentation stands. */
  readonly documentation?: string | undefined;
  readonly billing: VendorBilling;
  /** How well address and protocol are known. */
  readonly confidence: Confidence;
  /** The currency of its own price list. */
  readonly currency?: string | undefined;
  readonly models: readonly CatalogueModel[];
  /** Models that it published or sold, and that cannot be called here by this name. */
  readonly published?: readonly PublishedModel[] | undefined;
  /** What it, or others, say of it, and nobody here has measured. */
  readonly claims?: readonly Claim[] | undefined;
  /** The price of every model that has none of its own. */
  readonly price?: PriceSetting | undefined;
  /** How a server on this machine is told apart. */
  readonly detection?: Detection | undefined;
  /** Another name for this row: the vendor that took it over. */
  readonly sameAs?: string | undefined;
}

/** Another protocol, or the same in another region, by which a vendor is reached. */
export interface VendorProtocol {
  readonly protocol: string;
  readonly baseUrl?: string | undefined;
  /** An endpoint must ask for it. What models cost there is not known, unless `regions` has a row for it. */
  readonly region?: string | undefined;
  /** Default: the vendor's own. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly quirks?: Quirks | undefined;
  /** The models that are sold this way, where they are not the vendor's own. */
  readonly models?: readonly CatalogueModel[] | undefined;
  readonly confidence: Confidence;
}

/** What became of a vendor, as of a day. */
export interface VendorStatus {
  readonly state: "alive" | "unverified" | "merged" | "private";
  readonly note: Name;
  /** The day of the newest source. */
  readonly day: string;
}

export type Modality = "text" | "image" | "audio" | "video" | "vector";

/** A model that can be called. `undefined` is unknown, never "no". */
export interface CatalogueModel extends ModelSetting, ModelFacts {
  /** Prices in force at other times than `price`: each with its `since`. */
  readonly prices?: readonly PriceSetting[] | undefined;
}

export interface ModelFacts {
  readonly input?: readonly Modality[] | undefined;
  readonly output?: readonly Modality[] | undefined;
  readonly tools?: boolean | undefined;
  readonly reasoning?: boolean | undefined;
  readonly size?: ModelSize | undefined;
  readonly licence?: string | undefined;
  /** `special`: made for one task, such as embeddings. Default where it takes text and writes text: `general`. */
  readonly use?: "general" | "special" | undefined;
  readonly claims?: readonly Claim[] | undefined;
  /** How well its row is known. Default: as its vendor's. */
  readonly confidence?: Confidence | undefined;
}

/** Parameters as the vendor published them. */
export interface ModelSize {
  readonly total?: number | undefined;
  /** Of a mixture of experts: those at work for one token. */
  readonly active?: number | undefined;
  readonly source: string;
  readonly confidence: Confidence;
}

export interface PublishedModel extends ModelFacts {
  readonly id: string;
  readonly year?: number | undefined;
}

/** Something said by somebody with an interest, kept apart from facts. */
export interface Claim {
  readonly about: "size" | "score" | "price" | "limit" | "status";
  readonly text: Name;
  readonly source: string;
  readonly confidence: Confidence;
}

/** What is billed when an answer does not come to its end, as far as the vendor says so. */
export interface VendorBilling {
  readonly onDisconnect: "drain" | "abort";
  readonly billsOnAbort: "generated" | "full";
  readonly billsOnBreak: "unknown" | "generated" | "nothing";
}

/** A GET of `path` on one of `ports` of this machine that answers 200 with `sign` in its body, spaces aside, means this vendor. */
export interface Detection {
  readonly ports: readonly number[];
  readonly path: string;
  readonly sign: string;
}

/** Vendors say nothing reliable of broken answers: read on to the end, and leave in doubt what breaks. */
export const PAID: VendorBilling = { onDisconnect: "drain", billsOnAbort: "full", billsOnBreak: "unknown" };

/** One's own server: what it did not generate costs nothing. */
export const OWN: VendorBilling = { onDisconnect: "drain", billsOnAbort: "generated", billsOnBreak: "nothing" };

export type PriceConditions = PriceRates & Pick<PriceSetting, "tiers" | "hours" | "batch">;

/** Makes the prices of one list: they share currency, source and the day on which the list was read. */
export function priceList(
  currency: string,
  source: string,
  checked?: string,
): (rates: PriceConditions) => PriceSetting {
  return (rates) => ({ currency, ...rates, source, ...(checked !== undefined && { checked }) });
}

/** A model's row: its context and longest answer in tokens where they are known, its price where it has one, and what it can do. */
export function model(
  id: string,
  contextTokens: number | undefined,
  maxOutputTokens: number | undefined,
  price?: PriceSetting,
  facts: ModelFacts = {},
): CatalogueModel {
  return {
    id,
    ...(contextTokens !== undefined && { contextTokens }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(price && { price }),
    ...facts,
  };
}

const TEXT: Pick<ModelFacts, "input" | "output"> = { input: ["text"], output: ["text"] };

/** What models of a kind can do. Each is a set of facts that a row may add to. */
export const CHAT: ModelFacts = { ...TEXT, use: "general" };
export const TOOLS: ModelFacts = { ...CHAT, tools: true };
export const THINKS: ModelFacts = { ...TOOLS, reasoning: true };
export const SEES: ModelFacts = { ...CHAT, input: ["text", "image"] };
export const SEES_TOOLS: ModelFacts = { ...SEES, tools: true };
export const SEES_THINKS: ModelFacts = { ...SEES_TOOLS, reasoning: true };
export const EMBEDS: ModelFacts = {
  input: ["text"],
  output: ["vector"],
  use: "special",
  tools: false,
  reasoning: false,
};
export const DRAWS: ModelFacts = { ...EMBEDS, output: ["image"] };

const BILLION = 1_000_000_000;

/** A size in billions of parameters; `active` of a mixture of experts. */
export function billions(
  total: number | undefined,
  source: string,
  confidence: Confidence,
  active?: number,
): Pick<ModelFacts, "size"> {
  return {
    size: {
      ...(total !== undefined && { total: Math.round(total * BILLION) }),
      ...(active !== undefined && { active: Math.round(active * BILLION) }),
      source,
      confidence,
    },
  };
}

type VendorRow = Omit<Vendor, "protocol" | "environment" | "required" | "quirks" | "billing"> & {
  readonly variable?: string;
  readonly protocol?: string;
  readonly quirks?: Quirks;
};

/** A vendor that wants one API key; on the `openai` protocol unless told. */
export function vendor(row: VendorRow): Vendor {
  const { variable, quirks = {}, protocol = "openai", ...rest } = row;
  return {
    ...rest,
    protocol,
    environment: variable === undefined ? {} : { apiKey: variable },
    required: ["apiKey"],
    quirks,
    billing: PAID,
  };
}

/** A vendor on the `openai` protocol that wants one API key. */
export const compatibleVendor = vendor;
