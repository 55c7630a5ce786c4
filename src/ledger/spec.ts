import type { Text } from "../base/language.ts";
import type { ExchangeRate, Nano } from "../base/money.ts";
import type { Basis, Usage } from "../base/usage.ts";
import type { BudgetSetting } from "../config/settings.ts";
import type { KeptAnswerRow } from "../store/spec.ts";

/** What an attempt may cost, in the price's currency. */
export interface HoldSize {
  /** A close estimate of the most it will cost: set aside, and shown as held. amount ≤ bound. */
  readonly amount: Nano;
  /** The provable most: what the budget must have room for. */
  readonly bound: Nano;
}

/** A way to make an attempt smaller, so that it fits in `left`. */
export interface SmallerHold extends HoldSize {
  /** The longest answer that this pays for, in tokens for each choice: the request's limit is lowered to it. */
  readonly outputTokens: number;
}

/** What the ledger is asked to set aside before an attempt is sent. */
export interface HoldAsk {
  /** `<call id>.<number>`. */
  readonly attempt: string;
  readonly payer: string;
  readonly key: string;
  readonly route: string;
  /** `endpoint/model`. */
  readonly model: string;
  readonly currency: string;
  /** The price document's id. */
  readonly price: string;
  /** Ids of the payers from the caller's to the root: every budget of each is asked. */
  readonly path: readonly string[];
  readonly full: HoldSize;
  /** For streams whose abort stops the bill: the first step, held in place of `full` when `full` does not fit. */
  readonly step?: HoldSize | undefined;
  /** The request with a shorter answer, costing at most `left` (price currency), or undefined when that is not useful. */
  readonly shrink: (left: Nano) => SmallerHold | undefined;
  /** The exchange rate from the price's currency, exact, with the text that identifies it (`7.1`); undefined when unknown. */
  readonly rateTo: (currency: string) => ExchangeRate | undefined;
  /** Facts for the record: goes into the entry's detail. */
  readonly detail: Readonly<Record<string, unknown>>;
  /** Aborted when nobody waits for this call any more. */
  readonly signal?: AbortSignal | undefined;
  /** The client's `Idempotency-Key`, to be kept in the hold's own transaction. */
  readonly kept?: KeptAnswerRow | undefined;
}

export type { ExchangeRate } from "../base/money.ts";

/** What the ledger must know of the world around it: replaced as a whole when a setting changes. */
export interface LedgerWorld {
  /** Ids from the payer to the root; empty where there is no such payer. */
  pathOf(payer: string): readonly string[];
  /** One unit of `from` in units of `to`, at an instant in milliseconds; undefined where no rate is known. */
  rate(from: string, to: string, at: number): ExchangeRate | undefined;
}

/** Something set aside, until it is settled, released or left unsettled: exactly one of these, once. */
export interface Hold {
  readonly attempt: string;
  readonly ask: HoldAsk;
  /** What is held now, top-ups included, in the price's currency. */
  readonly amount: Nano;
  readonly bound: Nano;
  /** Set where the hold is smaller than asked for. */
  readonly outputTokens: number | undefined;
  /** Whether only a step is held, to be topped up as the stream goes on. */
  readonly stepped: boolean;
  /** Resolves when the hold is on the disk: only then may the vendor see the request. */
  readonly durable: Promise<void>;
}

export interface Settlement {
  readonly cost: Nano;
  readonly usage: Usage;
  readonly basis: Basis;
  /** What the vendor says it charged, in the price's currency, where it says so. */
  readonly vendorCost?: string | undefined;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly kept?: KeptAnswerRow | undefined;
}

/** A budget as it stands. Amounts in its currency. */
export interface BudgetState {
  readonly setting: BudgetSetting;
  readonly limit: Nano;
  readonly settled: Nano;
  /** Set aside for attempts in flight and attempts in doubt. */
  readonly held: Nano;
  /** limit − settled − held; below zero only for soft budgets, overruns, or a limit lowered since. */
  readonly left: Nano;
  /** When the window began and ends, milliseconds; undefined for `total`. */
  readonly windowStart: number | undefined;
  readonly resetsAt: number | undefined;
}

export interface UnsettledAttempt {
  readonly attempt: string;
  readonly payer: string;
  readonly key: string;
  readonly model: string;
  readonly amount: Nano;
  readonly currency: string;
  readonly since: number;
  /** `crash`, `timeout`, `broken`, … */
  readonly reason: string;
  /** What the attempt probably cost, where something is known of it. */
  readonly estimate?: Nano | undefined;
}

/** A correction of what an attempt cost, signed, in the currency of its price. */
export interface Adjustment {
  readonly attempt: string;
  readonly amount: Nano;
  readonly currency: string;
  readonly reason: string;
}

/** What the ledger found and did when it was opened. */
export interface RecoveryReport {
  /** Attempts that a crash left open: they are in doubt now. */
  readonly crashed: readonly string[];
  /** All attempts in doubt. */
  readonly unsettled: number;
  /** What could not be made good. */
  readonly problems: readonly Text[];
}

/** One leg of an entry: what it moves into (or out of) an account. The legs of an entry sum to zero. */
export interface Posting {
  /** `held:<payer>`, `committed:<endpoint>`, `spent:<payer>`, `owed:<endpoint>`, `unsettled:<payer>`, `contingent:<endpoint>`. */
  readonly account: string;
  readonly amount: Nano;
  readonly currency: string;
}

/** Whether the books balance. */
export interface LedgerAudit {
  readonly entries: number;
  /** One a thing that does not add up, with the attempt, budget or hour that it is about; the first hundred. */
  readonly problems: readonly { readonly where: string; readonly what: Text }[];
  /** The trial balance, by currency: in flight, in doubt, and spent. */
  readonly balances: readonly {
    readonly currency: string;
    readonly held: Nano;
    readonly unsettled: Nano;
    readonly spent: Nano;
  }[];
}

/** How a person (or an invoice) resolves an attempt in doubt. */
export type Resolution =
  | {
      readonly action: "settle";
      readonly cost: Nano;
      readonly usage?: Usage;
      readonly basis: Basis;
      readonly reason: string;
      /** Facts for the record. */
      readonly detail?: Readonly<Record<string, unknown>>;
    }
  | { readonly action: "release"; readonly reason: string };
