import type { Clock } from "../../base/clock.ts";
import type { Text } from "../../base/language.ts";
import type { LedgerAudit, UnsettledAttempt } from "../../ledger/spec.ts";
import type { EndpointProbe } from "./probe.ts";

/** `warning`: it works, but not as it should, or not for long. `problem`: something fails, or will be wrong. */
export type CheckState = "ok" | "warning" | "problem";

/** What is examined, in the order in which it is shown. */
export const CHECKS = [
  "runtime",
  "data-folder",
  "lock",
  "disk-space",
  "disk-speed",
  "store",
  "ledger",
  "unsettled",
  "clock",
  "endpoint-credential",
  "endpoint-reachable",
  "price",
  "output-limit",
  "rate",
  "key",
] as const;

export type CheckId = (typeof CHECKS)[number];

/** One thing that was found: a check that finds several things reports each. */
export interface Finding {
  readonly state: CheckState;
  /** What is so, with the figures. */
  readonly what: Text;
  /** Where: a folder, an endpoint, a model. */
  readonly where?: Text | undefined;
  /** What to do about it; absent only where all is well. */
  readonly remedy?: Text | undefined;
}

export interface DoctorCheck extends Finding {
  readonly id: CheckId;
  readonly title: Text;
}

export interface DoctorReport {
  /** When it was made, milliseconds. */
  readonly at: number;
  /** The worst state of all checks. */
  readonly state: CheckState;
  readonly checks: readonly DoctorCheck[];
}

/** From where a check warns, and from where it calls a problem. */
export interface DoctorBounds {
  readonly diskWarningBytes: number;
  readonly diskProblemBytes: number;
  /** Of one small write that waits for the disk. */
  readonly syncWarningMs: number;
  readonly clockWarningMs: number;
  readonly clockProblemMs: number;
  /** Before a key expires. */
  readonly keyWarningMs: number;
  /** For one check; what takes longer is reported as a problem of its own. */
  readonly checkMs: number;
  /** Findings shown of one check; the rest is counted. */
  readonly findings: number;
}

export const DOCTOR_BOUNDS: DoctorBounds = {
  diskWarningBytes: 2 * 1024 ** 3,
  diskProblemBytes: 256 * 1024 ** 2,
  syncWarningMs: 25,
  clockWarningMs: 60_000,
  clockProblemMs: 300_000,
  keyWarningMs: 7 * 24 * 3_600_000,
  checkMs: 30_000,
  findings: 20,
};

/** A model as the doctor looks at it. */
export interface ExaminedModel {
  /** `endpoint/model`. */
  readonly ref: string;
  /** The currency of its price in force now; undefined where it has none. */
  readonly priceCurrency: string | undefined;
  readonly allowUnpriced: boolean;
  readonly maxOutputTokens: number | undefined;
  /** Its price names a rate for what it writes: embeddings, and what is free, have none. */
  readonly billsOutput: boolean;
}

export interface ExaminedEndpoint {
  readonly id: string;
  /** Where it leads; undefined for vendors inside this process. */
  readonly address: string | undefined;
  /** Why it cannot be used at all: a credential that is missing or cannot be opened. */
  readonly fault: Text | undefined;
  readonly models: readonly ExaminedModel[];
}

export interface ExaminedKey {
  readonly id: string;
  readonly payer: string;
  /** Milliseconds. */
  readonly expiresAt: number | undefined;
  readonly revoked: boolean;
}

export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** The type of the file system, as `statfs` numbers it. */
  readonly type: number;
}

/** Everything that the doctor asks. It changes nothing, and sends vendors nothing that costs. */
export interface DoctorDependencies {
  readonly clock: Clock;
  readonly dataFolder: string;
  readonly bounds?: Partial<DoctorBounds> | undefined;
  readonly nodeVersion: string;
  endpoints(): readonly ExaminedEndpoint[];
  probeEndpoint(id: string): Promise<EndpointProbe>;
  keys(): readonly ExaminedKey[];
  budgetCurrencies(): readonly { readonly budget: string; readonly currency: string }[];
  /** Whether an amount in `from` can be told in `to` now. */
  hasRate(from: string, to: string): boolean;
  auditLedger(): Promise<Pick<LedgerAudit, "entries" | "problems">>;
  unsettled(): readonly UnsettledAttempt[];
  /** When the newest entry was made, milliseconds. */
  lastEntryAt(): Promise<number | undefined>;
  /** What `PRAGMA quick_check` says: `["ok"]` where all is well. Undefined of PostgreSQL, which answers and is not searched. */
  checkStore(): Promise<readonly string[] | undefined>;
  /** Waits for one small commit, where the ledger is on another machine's disk. Undefined where it is in the data folder. */
  readonly commitOnce?: (() => Promise<void>) | undefined;
  /** What an operator should know of the database's own settings. */
  storeWarnings(): readonly Text[];
  /** The file system that holds a folder. Default: `fs.statfs`. */
  readonly diskSpace?: ((folder: string) => Promise<DiskSpace>) | undefined;
  /** Whether `lock.db` can be taken although this process holds it. Default: tries it. */
  readonly lockIsFree?: ((file: string) => boolean) | undefined;
}
