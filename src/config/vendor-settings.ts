import type { ModelSetting, Name, PriceSetting } from "./settings.ts";

/**
 * What an operator adds to the catalogue of vendors, or says otherwise than it: a vendor of the same id takes what it
 * does not say from the catalogue, a new id is a new vendor.
 */
export interface VendorSetting {
  readonly id: string;
  readonly name?: Name | undefined;
  readonly company?: Name | undefined;
  readonly family?: Name | undefined;
  readonly status?: VendorStatusSetting | undefined;
  readonly documentation?: string | undefined;
  readonly confidence?: ConfidenceSetting | undefined;
  /** Of its own price list. */
  readonly currency?: string | undefined;
  readonly protocol?: string | undefined;
  readonly baseUrl?: string | undefined;
  /** The environment variable of each credential. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly quirks?: Readonly<Record<string, unknown>> | undefined;
  readonly also?: readonly VendorWaySetting[] | undefined;
  /** Regions that are vendors of their own. */
  readonly regions?: Readonly<Record<string, string>> | undefined;
  readonly onDisconnect?: "drain" | "abort" | undefined;
  readonly billsOnAbort?: "generated" | "full" | undefined;
  readonly billsOnBreak?: "unknown" | "generated" | "nothing" | undefined;
  readonly price?: PriceSetting | undefined;
  readonly models?: readonly VendorModelSetting[] | undefined;
  readonly claims?: readonly ClaimSetting[] | undefined;
}

export type ConfidenceSetting = "high" | "medium" | "low";

export interface VendorStatusSetting {
  readonly state: "alive" | "unverified" | "merged" | "private";
  readonly note: Name;
  readonly day: string;
}

/** Another protocol of a vendor, or another region. */
export interface VendorWaySetting {
  readonly protocol: string;
  readonly region?: string | undefined;
  readonly baseUrl?: string | undefined;
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly quirks?: Readonly<Record<string, unknown>> | undefined;
  readonly confidence?: ConfidenceSetting | undefined;
}

export type ModalitySetting = "text" | "image" | "audio" | "video" | "vector";

export interface VendorModelSetting extends Omit<ModelSetting, "upstream" | "practice"> {
  readonly input?: readonly ModalitySetting[] | undefined;
  readonly output?: readonly ModalitySetting[] | undefined;
  readonly tools?: boolean | undefined;
  readonly reasoning?: boolean | undefined;
  /** In parameters. */
  readonly size?:
    | {
        readonly total?: number | undefined;
        readonly active?: number | undefined;
        readonly source: string;
        readonly confidence: ConfidenceSetting;
      }
    | undefined;
  readonly licence?: string | undefined;
  readonly use?: "general" | "special" | undefined;
  readonly confidence?: ConfidenceSetting | undefined;
  /** Prices of other times than `price`, each with its `since`. */
  readonly prices?: readonly PriceSetting[] | undefined;
  readonly claims?: readonly ClaimSetting[] | undefined;
}

export interface ClaimSetting {
  readonly about: "size" | "score" | "price" | "limit" | "status";
  readonly text: Name;
  readonly source: string;
  readonly confidence: ConfidenceSetting;
}
