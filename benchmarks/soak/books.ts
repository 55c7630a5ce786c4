import { costOf, nano, type Rates } from "../../tests/harness/arithmetic.ts";
import type { Admin } from "../../tests/harness/maidan.ts";
import { DEAR_RATES, RATES } from "../../tests/harness/settings.ts";
import type { TallyRow } from "../../tests/harness/upstream-behaviour.ts";
import { ask } from "./bounds.ts";
import { RESOLVED } from "./operator.ts";

const PAGE_SECONDS = 60;
const MOST_PAGES = 10_000;
const RATES_OF: Readonly<Record<string, Rates>> = { mini: RATES, shaky: RATES, dear: DEAR_RATES };

/** An attempt as the ledger has it in the end. */
export interface Attempt {
  readonly id: string;
  readonly call: string;
  readonly payer: string;
  /** The model's name at the vendor. */
  readonly model: string;
  readonly state: string;
  readonly cost: bigint | undefined;
  /** `reported`: the vendor itself told what it had counted. */
  readonly basis: string | undefined;
  /** The vendor's own id of it, where an answer began. */
  readonly request: string | undefined;
  /** It was in doubt, and an operator resolved it. */
  readonly resolved: boolean;
}

/** Every attempt of the ledger. */
export async function readAttempts(admin: Admin): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  let cursor = "";
  for (let page = 0; page < MOST_PAGES; page++) {
    const { items, next } = JSON.parse(await ask(admin, `calls?limit=1000${cursor}`, PAGE_SECONDS));
    for (const { id: call, payer, attempts: made } of items) {
      for (const { id, model, state, cost, basis, vendorRequestId, detail } of made) {
        attempts.push({
          id,
          call,
          payer,
          model: model.slice(model.indexOf("/") + 1),
          state,
          cost: cost === null ? undefined : nano(cost),
          basis: basis ?? undefined,
          request: vendorRequestId ?? undefined,
          resolved: detail.reason === RESOLVED,
        });
      }
    }
    if (next === null) return attempts;
    cursor = `&cursor=${encodeURIComponent(next)}`;
  }
  throw new Error("the list of calls has no last page");
}

/** The vendor's books beside the ledger. */
export interface Comparison {
  /** Requests that the vendor counts as money. */
  readonly served: number;
  /** How the attempt of each was found: by the vendor's id, by the client's tag, or only by their number. */
  readonly found: { readonly id: number; readonly tag: number; readonly number: number };
  /** What is wrong, each with what it is wrong about. */
  readonly defects: readonly string[];
}

/**
 * Each request that the vendor counts as money must have one attempt of its own in the ledger, which is settled or was in
 * doubt; and no attempt may be settled without one. Where no answer began the ledger has no id of the vendor's: there the
 * client's tag tells the call, and where the client left before it had learned its call, the numbers of a payer's
 * requests and attempts for one model must fit.
 */
export function compare(
  rows: readonly TallyRow[],
  attempts: readonly Attempt[],
  tags: ReadonlyMap<string, string>,
): Comparison {
  const defects: string[] = [];
  const found = { id: 0, tag: 0, number: 0 };
  const open = new Map(rows.map((row) => [row.id, row]));
  const pair = (row: TallyRow, attempt: Attempt, by: "id" | "tag"): void => {
    open.delete(row.id);
    if (row.billed) found[by] += 1;
    defects.push(...judge(row, attempt));
  };
  const unnamed: Attempt[] = [];
  for (const attempt of attempts) {
    const row = attempt.request === undefined ? undefined : open.get(attempt.request);
    if (row) pair(row, attempt, "id");
    else if (attempt.request === undefined) unnamed.push(attempt);
    else defects.push(`${attempt.id} is for ${attempt.request}, which another one is for, or which never was`);
  }
  const byTag = group(open.values(), (row) => `${row.tag} ${row.model}`);
  const unknown: Attempt[] = [];
  for (const attempt of unnamed) {
    const row = byTag.get(`${tags.get(attempt.call)} ${attempt.model}`)?.pop();
    if (row) pair(row, attempt, "tag");
    else unknown.push(attempt);
  }
  const charged = [...open.values()].filter((row) => row.billed);
  found.number = charged.length;
  defects.push(...compareNumbers(charged, unknown.filter(mayBeServed)));
  return { served: rows.filter((row) => row.billed).length, found, defects };
}

function compareNumbers(rows: readonly TallyRow[], attempts: readonly Attempt[]): string[] {
  const defects: string[] = [];
  const served = group(rows, (row) => `${row.tag?.split(" ")[0]} ${row.model}`);
  const booked = group(attempts, ({ payer, model }) => `${payer} ${model}`);
  for (const place of new Set([...served.keys(), ...booked.keys()])) {
    const those = served.get(place) ?? [];
    const these = booked.get(place) ?? [];
    const settled = these.filter(({ state, resolved }) => state === "settled" && !resolved);
    if (those.length > these.length) defects.push(`${place}: served ${ids(those)}, in the ledger ${ids(these)}`);
    if (settled.length > those.length) defects.push(`${place}: settled ${ids(settled)}, served ${ids(those)}`);
  }
  return defects;
}

/** Whether the vendor may have counted it: it is settled, or it was in doubt, however that was resolved. */
function mayBeServed({ state, resolved }: Attempt): boolean {
  return resolved || state === "settled" || state === "unsettled";
}

function judge(row: TallyRow, attempt: Attempt): string[] {
  const { id, state, cost, basis, resolved } = attempt;
  if (state === "held") return [`${id} is still in flight`];
  if (row.state === "running") return [`${row.id} is still being served`];
  if (row.billed && !mayBeServed(attempt)) return [`${id} is ${state}, but the vendor counts ${row.id}`];
  if (!row.billed && state === "settled" && !resolved) return [`${id} is settled, but ${row.id} was refused`];
  if (row.state !== "served" || basis !== "reported") return [];
  const right = costOf(row.billed!, RATES_OF[row.model]!);
  return cost === right ? [] : [`${id} costs ${cost} nano-units, by the vendor's count ${right}`];
}

function group<T>(items: Iterable<T>, by: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const members = groups.get(by(item));
    if (members) members.push(item);
    else groups.set(by(item), [item]);
  }
  return groups;
}

function ids(list: readonly { id: string }[]): string {
  const shown = list.slice(0, 5).map(({ id }) => id);
  return list.length === 0 ? "none" : `${shown.join(", ")}${list.length > 5 ? ` and ${list.length - 5} more` : ""}`;
}
