import type { ModelSetting, Name, PriceRates, PriceSetting } from "../../config/settings.ts";
import type { Quirks } from "../../vendors/spec.ts";

/** One row of the catalogue: who sells, how it is reached, and what it bills. Facts only; unknown is left out. */
export interface Vendor {
  readonly id: string;
  readonly name: Name;
  readonly protocol: string;
  /** Undefined for vendors inside this process. */
  readonly baseUrl?: string | undefined;
  /** The environment variable of each credential, by the credential's name. */
  readonly environment: Readonly<Record<string, string>>;
  /** Credentials without which it answers nothing. */
  readonly required: readonly string[];
  readonly quirks: Quirks;
  /** Where its own documentation stands. */
  readonly documentation?: string | undefined;
  readonly billing: VendorBilling;
  /** How well address and protocol are known: read in the vendor's own documentation, or in others' clients. */
  readonly confidence: "high" | "medium";
  readonly models: readonly ModelSetting[];
  /** The price of every model that has none of its own. */
  readonly price?: PriceSetting | undefined;
  /** How a server on this machine is told apart. */
  readonly detection?: Detection | undefined;
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

/** A model's row: its context and longest answer in tokens where they are known, and its price where it has one. */
export function model(
  id: string,
  contextTokens: number | undefined,
  maxOutputTokens: number | undefined,
  price?: PriceSetting,
): ModelSetting {
  return {
    id,
    ...(contextTokens !== undefined && { contextTokens }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(price && { price }),
  };
}

/** A vendor on the `openai` protocol that wants one API key. */
export function compatibleVendor(
  row: Pick<Vendor, "id" | "name" | "baseUrl" | "documentation" | "confidence" | "models" | "price"> & {
    readonly variable?: string;
    readonly quirks?: Quirks;
  },
): Vendor {
  const { variable, quirks = {}, ...rest } = row;
  return {
    ...rest,
    protocol: "openai",
    environment: variable === undefined ? {} : { apiKey: variable },
    required: ["apiKey"],
    quirks,
    billing: PAID,
  };
}
