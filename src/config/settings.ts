import type { Limits } from "../base/limits.ts";
import type { VendorSetting } from "./vendor-settings.ts";

/**
 * Every setting of an installation, as the store keeps it: one document a thing. The declarative file, the console and
 * the operators' API all write these; nothing else holds a setting.
 */

/** A name in one or both languages. */
export type Name = string | { readonly zh?: string | undefined; readonly en?: string | undefined };

/**
 * A credential at rest: sealed (encrypted) text, or the name of the environment variable that holds it.
 * `template` is what the operator wrote, such as `${DASHSCOPE_API_KEY}`.
 */
export type Credential = { readonly sealed: string } | { readonly template: string };

export interface EndpointSetting {
  readonly id: string;
  /** A vendor of the catalogue: fills in protocol, address, models, prices and billing rules. */
  readonly vendor?: string | undefined;
  readonly protocol?: string | undefined;
  /** Which of the vendor's regions, where it has several. */
  readonly region?: string | undefined;
  readonly baseUrl?: string | undefined;
  /** Other protocols that this endpoint speaks with the same credentials, for clients who speak them too. */
  readonly speaks?: readonly SpokenSetting[] | undefined;
  readonly credentials: Readonly<Record<string, Credential>>;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly models: readonly ModelSetting[];
  /** The price of every model of this endpoint that has none of its own. */
  readonly price?: PriceSetting | undefined;
  /** Serve models without a price, at no cost. */
  readonly allowUnpriced?: boolean | undefined;
  /** What to do when the client goes away mid-answer. */
  readonly onDisconnect?: "drain" | "abort" | undefined;
  /** What the vendor bills when Maidan closes a stream early. */
  readonly billsOnAbort?: "generated" | "full" | undefined;
  /** What the vendor bills when it breaks off by itself: no answer, or half of one. */
  readonly billsOnBreak?: "unknown" | "generated" | "nothing" | undefined;
  readonly timeouts?:
    | {
        readonly firstByteMs?: number | undefined;
        readonly betweenBytesMs?: number | undefined;
        readonly connectMs?: number | undefined;
      }
    | undefined;
  readonly quirks?: Readonly<Record<string, unknown>> | undefined;
  /** `recorded`: the folder of suites. */
  readonly suites?: string | undefined;
}

export interface SpokenSetting {
  readonly protocol: string;
  /** Default: the endpoint's own. */
  readonly baseUrl?: string | undefined;
}

export interface ModelSetting {
  readonly id: string;
  /** The name sent to the vendor; default: id. */
  readonly upstream?: string | undefined;
  readonly contextTokens?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
  /** The most input tokens that one image can cost. */
  readonly imageTokens?: number | undefined;
  readonly price?: PriceSetting | undefined;
  /** `practice`: how this model behaves. */
  readonly practice?: PracticeSetting | undefined;
}

/** How a practice model behaves. Delays in milliseconds, rates from 0 to 1. */
export interface PracticeSetting {
  /** `echo` (the last message comes back) or the text to answer with. */
  readonly answer?: string | undefined;
  /** The answer has this many tokens, whatever `answer` says (at most a million). One piece of a stream is one token. */
  readonly outputTokens?: number | undefined;
  readonly reasoningTokens?: number | undefined;
  readonly cachedInputTokens?: number | undefined;
  readonly firstByteMs?: number | undefined;
  readonly betweenChunksMs?: number | undefined;
  /** How many of the calls fail. Default: all where `failure` says how, else none. */
  readonly failureRate?: number | undefined;
  /** How they fail. Default `error`. */
  readonly failure?: "error" | "rate_limit" | "overloaded" | "reset" | "hang" | "garbage" | "cut" | undefined;
  /** Whether usage is reported. */
  readonly usage?: boolean | undefined;
  /** Calls the first function it is given, with the last message as the argument `text`. */
  readonly callTool?: boolean | undefined;
}

/** Rates per million tokens (or per piece), decimal strings in `currency`. */
export interface PriceRates {
  readonly input?: string | undefined;
  readonly cachedInput?: string | undefined;
  readonly cacheWrite5m?: string | undefined;
  readonly cacheWrite1h?: string | undefined;
  readonly output?: string | undefined;
  readonly reasoning?: string | undefined;
  readonly inputAudio?: string | undefined;
  readonly outputAudio?: string | undefined;
  readonly inputImage?: string | undefined;
  readonly perCall?: string | undefined;
  readonly perImage?: string | undefined;
  readonly perSecond?: string | undefined;
  readonly perToolCall?: string | undefined;
}

/** A price as an operator writes it: rates, and conditions that replace some of them. */
export interface PriceSetting extends PriceRates {
  readonly currency: string;
  /** Rates that replace others above a length. The last matching tier wins. */
  readonly tiers?: readonly PriceTier[] | undefined;
  /** Rates that replace others at times of day. */
  readonly hours?: readonly PriceHours[] | undefined;
  /** Rates of batch requests. */
  readonly batch?: PriceRates | undefined;
  /** From when it holds: a day (`2026-11-01`, midnight UTC) or an instant. Default: always. */
  readonly since?: string | undefined;
  readonly source?: string | undefined;
  /** The day on which somebody checked it against the source. */
  readonly checked?: string | undefined;
}

export interface PriceTier extends PriceRates {
  /** The tier holds for lengths above this many tokens … */
  readonly above: number;
  /** … of the input (default) or of the output, … */
  readonly of?: "input" | "output" | undefined;
  /** … for the whole request (default) or only for the tokens in excess. */
  readonly applies?: "request" | "excess" | undefined;
}

export interface PriceHours extends PriceRates {
  /** `09:00`; a window with `to` at or before `from` runs across midnight. */
  readonly from: string;
  readonly to: string;
  /** An IANA zone, such as `Asia/Shanghai`. */
  readonly timezone: string;
  /** Days of the week on which the window begins; default: all. */
  readonly days?: readonly ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[] | undefined;
  /** Dates (`2026-10-01`) in `timezone` on which it does not hold, such as public holidays. */
  readonly except?: readonly string[] | undefined;
}

export type RouteFault = "error" | "timeout" | "rate_limit" | "overloaded" | "auth" | "not_found" | "context_length";

export interface RouteSetting {
  readonly id: string;
  /** `endpoint/model`, in the order in which they are tried. */
  readonly to: readonly string[];
  /** The faults that move on to the next. Default: error, timeout, rate_limit, overloaded. */
  readonly on?: readonly RouteFault[] | undefined;
  /** Tries of the same endpoint before moving on. Default 1. */
  readonly tries?: number | undefined;
}

/** Limits of admission on one node of the tree (or one key): requests and tokens a minute, calls at once. */
export interface AdmissionLimits {
  readonly rpm?: number | undefined;
  readonly tpm?: number | undefined;
  readonly concurrency?: number | undefined;
}

export interface PayerSetting {
  readonly id: string;
  readonly name?: Name | undefined;
  readonly parent?: string | undefined;
  readonly limits?: AdmissionLimits | undefined;
}

export type BudgetWindow = "hour" | "day" | "week" | "month" | "total";

export interface BudgetSetting {
  readonly id: string;
  readonly payer: string;
  /** A decimal string. */
  readonly amount: string;
  readonly currency: string;
  readonly window: BudgetWindow;
  /** An IANA zone; default UTC. */
  readonly timezone?: string | undefined;
  /** A soft budget counts and warns, but never refuses. */
  readonly kind?: "hard" | "soft" | undefined;
}

export interface KeySetting {
  readonly id: string;
  readonly payer: string;
  /** SHA-256 of the secret, in hexadecimal. */
  readonly hash: string;
  readonly createdAt?: string | undefined;
  readonly expiresAt?: string | undefined;
  readonly revokedAt?: string | undefined;
  /** Routes or `endpoint/model` (with `*` at the end for any) that this key may call; default: all. */
  readonly routes?: readonly string[] | undefined;
  readonly limits?: AdmissionLimits | undefined;
}

/** One unit of `from` buys `rate` units of `to`, from `since` on. */
export interface RateSetting {
  readonly from: string;
  readonly to: string;
  readonly rate: string;
  readonly since: string;
  readonly source?: string | undefined;
}

/** A price of a model beside the endpoint's own: effective-dated, so that several may stand one after the other. */
export interface PriceEntrySetting extends PriceSetting {
  /** `endpoint/model`. */
  readonly model: string;
}

export interface GeneralSetting {
  /** What reports are shown in. */
  readonly currency: string;
  readonly limits?: Partial<Limits> | undefined;
}

/** All settings of an installation, flat: the tree of payers is in their `parent`. */
export interface Settings {
  readonly general: GeneralSetting;
  readonly rates: readonly RateSetting[];
  readonly vendors: readonly VendorSetting[];
  readonly endpoints: readonly EndpointSetting[];
  readonly prices: readonly PriceEntrySetting[];
  readonly routes: readonly RouteSetting[];
  readonly payers: readonly PayerSetting[];
  readonly budgets: readonly BudgetSetting[];
  readonly keys: readonly KeySetting[];
}

/** The kinds of settings that are documents with an id of their own. */
export type SettingKind = Exclude<keyof Settings, "general">;

/** Every kind of document that a store keeps: `general` is one document, with the id `general`. */
export type DocumentKind = keyof Settings;

export type DocumentOf<K extends DocumentKind> = K extends SettingKind ? Settings[K][number] : GeneralSetting;

/** In the order in which they depend on each other. */
export const SETTING_KINDS = [
  "rates",
  "vendors",
  "endpoints",
  "prices",
  "routes",
  "payers",
  "budgets",
  "keys",
] as const satisfies readonly SettingKind[];

/** Who wrote a document: a declarative file (which may take it away again), the operators' API, or the first start. */
export type DocumentSource = "file" | "api" | "start";

export const GENERAL_ID = "general";

/** What a document is called. Rates and prices have no name of their own: they are known by what they are for, and since when. */
export function idOf<K extends DocumentKind>(kind: K, document: DocumentOf<K>): string;
export function idOf(kind: DocumentKind, document: DocumentOf<DocumentKind>): string {
  if (kind === "general") return GENERAL_ID;
  if (kind === "rates") {
    const rate = document as RateSetting;
    return `${rate.from}-${rate.to}@${rate.since}`;
  }
  if (kind === "prices") {
    const price = document as PriceEntrySetting;
    return price.since === undefined ? price.model : `${price.model}@${price.since}`;
  }
  return (document as { readonly id: string }).id;
}

export const NO_SETTINGS: Settings = {
  general: { currency: "USD" },
  rates: [],
  vendors: [],
  endpoints: [],
  prices: [],
  routes: [],
  payers: [],
  budgets: [],
  keys: [],
};
