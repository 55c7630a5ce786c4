import type { Nano } from "../base/money.ts";
import type { Basis, Usage } from "../base/usage.ts";
import { type EntryRow, PHASE } from "../store/spec.ts";
import { callOfAttempt, detailOfEntry, pricedAt, usageOfEntry } from "./entry-rows.ts";

export type RecordState = "held" | "settled" | "released" | "unsettled";

/** One attempt, told from its entries. Amounts in `currency`, the price's own. */
export interface AttemptRecord {
  readonly id: string;
  readonly call: string;
  readonly payer: string;
  readonly key: string;
  readonly route: string;
  /** `endpoint/model`. */
  readonly model: string;
  readonly state: RecordState;
  /** Milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  /** What was set aside, top-ups included: the close estimate, and the provable bound. */
  readonly hold: Nano;
  readonly bound: Nano;
  /** What it cost, adjustments included; undefined while nobody knows. */
  readonly cost: Nano | undefined;
  readonly currency: string;
  readonly usage: Usage | undefined;
  readonly basis: Basis | undefined;
  readonly priceId: string;
  /** The instant by which it was priced, milliseconds. */
  readonly pricedAt: number;
  readonly overrun: boolean;
  readonly adjustments: readonly Adjustment[];
  /** What the entries say beside the money: timing, finish, fault, the vendor's request id. */
  readonly detail: Readonly<Record<string, unknown>>;
  /** The entry that says what it cost before adjustments, where there is one: from it alone the cost is computed again. */
  readonly settlement: EntryRow | undefined;
  /** The entry with which it began, where it is known. */
  readonly opening: EntryRow | undefined;
}

export interface Adjustment {
  readonly at: number;
  readonly amount: Nano;
  readonly reason: string | undefined;
}

/** Tells an attempt's story from all its entries, in the order (phase, n). */
export function recordAttempt(entries: readonly EntryRow[]): AttemptRecord {
  const first = entries[0]!;
  const close = entries.find((entry) => entry.phase === PHASE.close);
  const resolution = entries.find((entry) => entry.phase === PHASE.resolve);
  const opening = entries.find((entry) => entry.phase === PHASE.hold);
  const last = resolution ?? close;
  const state = stateOf(last);
  const settlement = state === "settled" ? last : undefined;
  const holds = entries.filter((entry) => entry.phase === PHASE.hold);
  const adjusting = entries.filter((entry) => entry.phase === PHASE.adjust);
  const adjusted = sum(adjusting, (entry) => entry.amount);
  return {
    id: first.attempt,
    call: callOfAttempt(first.attempt),
    payer: first.payer,
    key: first.key,
    route: first.route,
    model: first.model,
    state,
    startedAt: first.at,
    endedAt: last?.at,
    hold: sum(holds, (entry) => entry.amount),
    bound: sum(holds, (entry) => entry.held),
    cost: settlement ? settlement.amount + adjusted : state === "released" ? adjusted : undefined,
    currency: last?.currency ?? first.currency,
    usage: last && usageOfEntry(last),
    basis: settlement?.basis as Basis | undefined,
    priceId: first.price,
    pricedAt: pricedAt(entries.toReversed()),
    overrun: entries.some((entry) => entry.overrun),
    adjustments: adjusting.map((entry) => ({
      at: entry.at,
      amount: entry.amount,
      reason: textOf(detailOfEntry(entry).reason),
    })),
    detail: Object.assign({}, ...[opening, close, resolution].map((entry) => (entry ? detailOfEntry(entry) : {}))),
    settlement,
    opening,
  };
}

function stateOf(last: EntryRow | undefined): RecordState {
  if (!last) return "held";
  if (last.kind === "settle") return "settled";
  return last.kind === "release" ? "released" : "unsettled";
}

function sum(entries: readonly EntryRow[], of: (entry: EntryRow) => bigint): bigint {
  let total = 0n;
  for (const entry of entries) total += of(entry);
  return total;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
