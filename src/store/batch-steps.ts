import { type Batch, ENTRY_FIELDS, ENTRY_HEAD, KEPT_FIELDS, OP, type Value } from "./batch.ts";
import { type Circumstances, type KnownCircumstances, sharesJson } from "./circumstances.ts";
import { PHASE } from "./spec.ts";

/** An entry of a batch that is no plain one. */
export interface OtherEntry {
  /** As `ENTRY_HEAD` has them. */
  readonly values: readonly Value[];
  readonly circumstances: Circumstances;
  readonly amounts: readonly string[];
}

/** What the others of a batch come to when they have been done one after the other: the last word on each name. */
export interface OtherSteps {
  readonly entries: readonly OtherEntry[];
  /** By id: the values of the answer, and the entry that must be new for it to be kept; undefined where it is forgotten. */
  readonly kept: readonly KeptStep[];
  readonly marks: ReadonlyMap<string, string>;
}

interface KeptStep {
  readonly id: string;
  readonly values: readonly Value[] | undefined;
  readonly entry: OtherEntry | undefined;
}

/** Reads `others`, and changes nothing in it: a batch may have to be written again. */
export function readOthers(others: readonly Value[], known: KnownCircumstances): OtherSteps {
  const entries: OtherEntry[] = [];
  const kept: KeptStep[] = [];
  const marks = new Map<string, string>();
  for (let at = 0; at < others.length; ) {
    const op = others[at++];
    if (op === OP.entry) {
      const circumstances = known.find(others[at + ENTRY_HEAD.circumstances]);
      const values = others.slice(at, at + ENTRY_FIELDS);
      at += ENTRY_FIELDS;
      const amounts = others.slice(at, at + circumstances.books.length) as string[];
      at += amounts.length;
      entries.push({ values, circumstances, amounts });
    } else if (op === OP.kept || op === OP.keptWithEntry) {
      const values = others.slice(at, at + KEPT_FIELDS);
      at += KEPT_FIELDS;
      kept.push({ id: values[0] as string, values, entry: op === OP.kept ? undefined : entries.at(-1) });
    } else if (op === OP.forgetKept) {
      kept.push({ id: others[at++] as string, values: undefined, entry: undefined });
    } else if (op === OP.mark) {
      marks.set(others[at] as string, others[at + 1] as string);
      at += 2;
    } else {
      throw new Error(`a batch holds an unknown operation (${String(op)})`);
    }
  }
  return { entries, kept, marks };
}

/**
 * An entry (attempt, phase, n, kind) that nobody but the node whose batch this is can have written. Undefined where there is
 * none: whoever ends a seat leaves in doubt what it had open, and a batch that does nothing else is the same twice.
 */
export function witnessOf({ holds, settlements }: Batch, { entries }: OtherSteps): readonly Value[] | undefined {
  if (holds.length > 0) return [holds[0]!, PHASE.hold, 0, "hold"];
  if (settlements.length > 0) return [settlements[0]!, PHASE.close, 0, "settle"];
  const own = entries.find(({ values }) => values[ENTRY_HEAD.kind] !== "unsettled");
  return own?.values.slice(ENTRY_HEAD.attempt, ENTRY_HEAD.kind + 1);
}

/** Tells the key of an entry among all: attempt, phase, n. */
export function keyOf(attempt: Value, phase: Value, n: Value): string {
  return `${attempt} ${phase} ${n}`;
}

export function keyOfEntry({ values }: OtherEntry): string {
  return keyOf(values[ENTRY_HEAD.attempt]!, values[ENTRY_HEAD.phase]!, values[ENTRY_HEAD.n]!);
}

/** As the column `shares` has them. */
export function sharesOf({ circumstances: { books, windows }, amounts }: OtherEntry): string {
  return sharesJson(books, windows, amounts);
}
