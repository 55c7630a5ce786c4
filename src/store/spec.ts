import type { Kysely } from "kysely";
import { Fault } from "../base/faults.ts";
import type { Text } from "../base/language.ts";
import type { Limits } from "../base/limits.ts";
import { storeWords } from "../base/messages/ledger.ts";
import type { Schema } from "./schema.ts";

/** The bounds that a store keeps itself. */
export type StoreLimits = Pick<Limits, "journalQueue" | "storeAwayMs">;

/**
 * What every store offers: a journal that commits in groups for the ledger's path, and a query layer for reports and
 * administration. One contract suite runs against each implementation.
 */
export interface Store {
  readonly engine: "sqlite" | "postgres";
  /** Reports and administration. Writes go through the one writer and are durable when they resolve. */
  readonly query: Kysely<Schema>;
  readonly journal: Journal;
  /** What an operator should know of the database as it was when the store was opened; mostly nothing. */
  readonly warnings: readonly Text[];
  /** From now on these bounds hold: they are settings, which are read from the store. */
  setLimits(limits: StoreLimits): void;
  /** Commits what is queued, then closes. */
  close(): Promise<void>;
}

/** The ledger's way to the disk: rows queue up, and one transaction after the other takes all that are waiting. */
export interface Journal {
  /**
   * Queues a row. The promise resolves once it is durable; all rows of one group share one promise. A row whose key is
   * in the ledger already changes nothing. Rejects with `internal_error` once the disk has failed.
   */
  append(row: JournalRow): Promise<void>;
  /** Rows that wait for the disk. */
  readonly depth: number;
  /** More rows wait than `limits.journalQueue`: nothing new may begin, though what is open may be closed. */
  readonly full: boolean;
  /**
   * From now on rows are written under a seat: each group only if the seat is still this node's, and with its totals.
   * Once a group was refused, `append` rejects with `Fenced` until a seat is taken anew.
   */
  sit(seat: Seated): void;
  /** Called when a group was refused because another node took this one's seat away. */
  onFenced(listener: () => void): void;
  /** Called once, when the disk failed: nothing more can be promised, the process must stop. */
  onFailure(listener: (cause: unknown) => void): void;
  /** Told of each group that became durable: how long the disk took for it, in milliseconds. */
  onCommit(listener: (milliseconds: number) => void): void;
}

/** The place of a node among those that share a store. */
export interface Seat {
  /** From 1. */
  readonly number: number;
  readonly epoch: number;
}

/** What a node's use of one window of a budget's book has come to since it took its seat. */
export interface WindowTotal {
  readonly book: string;
  readonly window: number;
  readonly settled: bigint;
  /** Bounds of the attempts in flight. */
  readonly held: bigint;
}

export interface Seated extends Seat {
  /** Asked as each group leaves for the disk: the windows whose totals changed since it was asked last. */
  totals(): readonly WindowTotal[];
}

/** The seat is another node's by now: nothing was written, and what was in flight here is in doubt. */
export class Fenced extends Fault {
  constructor() {
    super("overloaded", storeWords.fenced(), { retryAfterMs: 1_000 });
  }
}

export type EntryKind = "hold" | "top-up" | "settle" | "release" | "unsettled" | "adjust";

/**
 * The life of an attempt in the ledger. The key (attempt, phase, n) makes every step idempotent: an attempt has one
 * hold, at most one close, at most one resolution of an `unsettled` close, and numbered top-ups and adjustments.
 */
export const PHASE = { hold: 0, close: 1, resolve: 2, adjust: 3 } as const;

/** What an entry adds to (or takes from) one budget in one window, in nano-units of the budget's currency. */
export interface BudgetShare {
  /** The budget's book: its id, until the budget was given another payer, currency, window or zone. */
  readonly budget: string;
  /** Start of the budget's window, milliseconds; 0 for `total`. */
  readonly window: number;
  readonly amount: bigint;
}

/** One append-only row of the ledger. Every row tells its own story: nothing else is needed to check it. */
export interface EntryRow {
  readonly attempt: string;
  readonly phase: number;
  readonly n: number;
  readonly kind: EntryKind;
  readonly at: number;
  readonly payer: string;
  readonly key: string;
  readonly route: string;
  /** `endpoint/model`. */
  readonly model: string;
  readonly currency: string;
  /** hold, top-up: what is set aside. settle, adjust: the cost. release: 0. unsettled: what goes on counting. */
  readonly amount: bigint;
  /** hold, top-up: the provable bound. settle, release, unsettled: the hold that is given back. */
  readonly held: bigint;
  readonly shares: readonly BudgetShare[];
  /** The price document, and the exchange rates (`CNY:7.1`) by which the shares were computed. */
  readonly price: string;
  readonly rates: string;
  readonly basis: string | undefined;
  readonly overrun: boolean;
  /** Token classes, known or not. */
  readonly input: number | undefined;
  readonly cachedInput: number | undefined;
  readonly cacheWrite5m: number | undefined;
  readonly cacheWrite1h: number | undefined;
  readonly inputAudio: number | undefined;
  readonly inputImage: number | undefined;
  readonly output: number | undefined;
  readonly reasoning: number | undefined;
  readonly outputAudio: number | undefined;
  readonly images: number | undefined;
  readonly seconds: number | undefined;
  readonly toolCalls: number | undefined;
  /** JSON: what a person may want to know (timing, finish, fault, the vendor's request id), never a body or a secret. */
  readonly detail: string;
}

/** An answer kept for an `Idempotency-Key`. `answer` is sealed. */
export interface KeptAnswerRow {
  /** Key id and a hash of the client's `Idempotency-Key`. */
  readonly id: string;
  readonly requestHash: string;
  readonly call: string;
  readonly state: "pending" | "kept" | "doubt" | "too-large";
  readonly at: number;
  readonly status: number;
  readonly headers: string;
  readonly answer: Uint8Array | undefined;
}

export type JournalRow =
  | { readonly op: "entry"; readonly entry: EntryRow; readonly kept?: KeptAnswerRow | undefined }
  | { readonly op: "kept"; readonly kept: KeptAnswerRow }
  | { readonly op: "forget-kept"; readonly id: string }
  /** Sets a row of `meta`, in the order of the queue. */
  | { readonly op: "mark"; readonly name: string; readonly value: string };

/** The row of `meta` that says from which attempt on the ledger may hold open attempts. */
export const OPEN_SINCE = "open-since";

/** The same of one seat, where nodes share the store. */
export function openSinceOf(seat: number): string {
  return `${OPEN_SINCE}/${seat}`;
}
