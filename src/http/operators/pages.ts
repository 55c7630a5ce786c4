import { Fault } from "../../base/faults.ts";
import type { Limits } from "../../base/limits.ts";
import { operatorWords } from "../../base/messages/operators.ts";

/** Rows of a page when nobody says how many. */
const USUAL_ROWS = 100;
const LONGEST_CURSOR = 2_048;

/** The rows of a page: what was asked for, or 100. Throws `invalid_request` outside 1 … `limits.pageRows`. */
export function pageSize(asked: number | undefined, limits: Pick<Limits, "pageRows">): number {
  if (asked === undefined) return Math.min(USUAL_ROWS, limits.pageRows);
  if (Number.isInteger(asked) && asked >= 1 && asked <= limits.pageRows) return asked;
  throw new Fault("invalid_request", operatorWords.badNumber("limit", 1, limits.pageRows), { param: "limit" });
}

/** A place in a list, opaque to the one who asks. `list` keeps the cursor of one list from being used for another. */
export function writeCursor(list: string, place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([list, ...place])).toString("base64url");
}

/** The place that a cursor of this list means; its parts have the types of `shape`. Throws `invalid_request`. */
export function readCursor<const T extends readonly ("string" | "number")[]>(
  list: string,
  cursor: string,
  shape: T,
): { [I in keyof T]: T[I] extends "number" ? number : string } {
  const parts = cursor.length <= LONGEST_CURSOR ? parse(cursor) : undefined;
  const right =
    parts !== undefined &&
    parts.length === shape.length + 1 &&
    parts[0] === list &&
    shape.every((type, i) => (type === "number" ? Number.isSafeInteger(parts[i + 1]) : typeof parts[i + 1] === type));
  if (!right) throw new Fault("invalid_request", operatorWords.badCursor(), { param: "cursor" });
  return parts.slice(1) as never;
}

export interface Page<T> {
  readonly items: T[];
  readonly next: string | null;
}

/** One page of a list that is in memory, in the order of its ids. */
export function pageOf<T>(
  list: string,
  all: readonly T[],
  idOf: (one: T) => string,
  size: number,
  cursor: string | undefined,
): Page<T> {
  const sorted = [...all].sort((a, b) => compare(idOf(a), idOf(b)));
  const after = cursor === undefined ? undefined : readCursor(list, cursor, ["string"])[0];
  const rest = after === undefined ? sorted : sorted.filter((one) => compare(idOf(one), after) > 0);
  const items = rest.slice(0, size);
  return { items, next: rest.length > size ? writeCursor(list, [idOf(items.at(-1)!)]) : null };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function parse(cursor: string): unknown[] | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    return Array.isArray(parts) ? parts : undefined;
  } catch {
    return undefined;
  }
}
