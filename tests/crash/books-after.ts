import { costOf, nano } from "../harness/arithmetic.ts";
import { DEAR_RATES } from "../harness/settings.ts";
import type { TallyRow } from "../harness/upstream-behaviour.ts";

/** A call as the operators' API shows it. Callers have a key each, and one call at a time. */
export interface Call {
  readonly id: string;
  readonly key: string;
  readonly state: string;
  readonly attempts: readonly Attempt[];
}

interface Attempt {
  readonly id: string;
  readonly state: string;
  readonly bound: string;
  readonly cost: string;
  readonly vendorRequestId?: string;
}

/** An attempt that the crash left in doubt, and what the vendor's books say of it. */
export interface Doubt {
  readonly attempt: string;
  /** What it goes on counting at, until somebody resolves it. */
  readonly bound: bigint;
  /** What the vendor bills for it; undefined: the vendor never saw it. */
  readonly bill: bigint | undefined;
}

/** What is found after a crash; texts are findings, and there must be none. */
export interface BooksAfter {
  readonly served: number;
  readonly settled: ReadonlySet<string>;
  readonly doubts: readonly Doubt[];
  /** Served, but neither settled nor in doubt. */
  readonly lost: readonly string[];
  /** Settled, but not served, or settled twice. */
  readonly doubled: readonly string[];
  /** Settled at another cost than the vendor counts, or in a state that no call may be in. */
  readonly wrong: readonly string[];
}

/** Lays the vendor's books beside the ledger, caller by caller. */
export function booksAfter(callers: readonly string[], rows: readonly TallyRow[], calls: readonly Call[]): BooksAfter {
  const settled = new Set<string>();
  const doubled: string[] = [];
  const wrong: string[] = [];
  const unclaimed = new Map(rows.map((row) => [row.id, row]));
  for (const { id, attempts, state } of calls) {
    if (attempts.length !== 1) wrong.push(`${id} has ${attempts.length} attempts`);
    if (!["settled", "unsettled", "released"].includes(state)) wrong.push(`${id} is ${state}`);
    if (state !== "settled") continue;
    settled.add(id);
    const { vendorRequestId, cost } = attempts[0]!;
    const row = unclaimed.get(vendorRequestId!);
    unclaimed.delete(vendorRequestId!);
    if (!row) doubled.push(`${id} is settled, but ${vendorRequestId} was never served, or is settled twice`);
    else if (nano(cost) !== billOf(row))
      wrong.push(`${id} costs ${cost}, by the vendor's books ${billOf(row)} nano-units`);
  }
  const doubts: Doubt[] = [];
  const lost: string[] = [];
  for (const caller of callers) {
    const missing = [...unclaimed.values()].filter((row) => callerOf(row) === caller);
    const doubtful = calls.filter(({ key, state }) => key === caller && state === "unsettled");
    // It had one call when the power went, so no more than one can be in doubt.
    if (doubtful.length > 1) wrong.push(`${caller} had one call, and ${doubtful.length} are in doubt`);
    for (const row of missing.splice(doubtful.length)) lost.push(`${row.id}, ${row.tag}`);
    for (const [n, { attempts }] of doubtful.entries()) {
      const { id, bound } = attempts[0]!;
      doubts.push({ attempt: id, bound: nano(bound), bill: missing[n] && billOf(missing[n]) });
    }
  }
  return { served: rows.length, settled, doubts, lost, doubled, wrong };
}

/** Tags are `round.caller.number`. */
function callerOf(row: TallyRow): string {
  return row.tag!.split(".")[1]!;
}

function billOf(row: TallyRow): bigint {
  return costOf(row.billed!, DEAR_RATES);
}
