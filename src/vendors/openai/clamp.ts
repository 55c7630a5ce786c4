import { type NumberBounds, type RequestClamps, withinBounds } from "../clamps.ts";
import type { Splice } from "../json-fields.ts";
import type { FieldSpan } from "../spec.ts";
import { isRecord } from "./input-size.ts";

type Fields = ReadonlyMap<string, FieldSpan>;

/** What has to change in a body for a vendor that takes no other values, and how clients are told. */
export interface Clamped {
  readonly pieces: readonly Splice[];
  readonly adjusted: readonly string[];
}

const NUMBERS = ["temperature", "top_p", "top_k", "max_tokens", "frequency_penalty", "presence_penalty", "n"] as const;

/**
 * `fields`: those of the object that begins at `brace`. What is changed already (its values begin at `changed`) was changed for
 * the budget's sake, and stays.
 */
export function clampFields(
  body: Buffer,
  fields: Fields,
  brace: number,
  clamps: RequestClamps,
  changed: ReadonlySet<number>,
): Clamped {
  const pieces: Splice[] = [];
  const adjusted: string[] = [];
  const isFree = (name: string): boolean => fields.has(name) && !changed.has(fields.get(name)!.start);
  const omitted = (clamps.omit ?? []).filter(isFree);
  const change = (name: string, value: unknown): void => {
    if (omitted.includes(name) || !isFree(name)) return;
    const text = JSON.stringify(value);
    pieces.push({ ...fields.get(name)!, text });
    adjusted.push(`${name}=${text}`);
  };
  for (const name of NUMBERS) clampNumber(body, fields, name, clamps[name], change);
  clampStop(body, fields, clamps.stop, change);
  clampToolChoice(body, fields, clamps.tool_choice, change);
  pieces.push(...removals(body, fields, brace, omitted));
  return { pieces, adjusted: [...adjusted, ...omitted.map((name) => `-${name}`)] };
}

type Change = (name: string, value: unknown) => void;

function clampNumber(
  body: Buffer,
  fields: Fields,
  name: string,
  bounds: NumberBounds | undefined,
  change: Change,
): void {
  if (!bounds) return;
  const names = name === "max_tokens" ? ["max_tokens", "max_completion_tokens"] : [name];
  for (const one of names) {
    const value = read(body, fields.get(one));
    if (typeof value !== "number") continue;
    const within = withinBounds(value, bounds);
    if (within !== value) change(one, within);
  }
}

function clampStop(body: Buffer, fields: Fields, rule: RequestClamps["stop"], change: Change): void {
  const value = rule && read(body, fields.get("stop"));
  if (!Array.isArray(value)) return;
  const { max = Number.POSITIVE_INFINITY, bytes = Number.POSITIVE_INFINITY } = rule!;
  const taken = value.filter((one) => typeof one !== "string" || Buffer.byteLength(one) <= bytes).slice(0, max);
  if (taken.length < value.length) change("stop", taken);
}

function clampToolChoice(body: Buffer, fields: Fields, taken: RequestClamps["tool_choice"], change: Change): void {
  const value = taken && read(body, fields.get("tool_choice"));
  if (value === undefined || value === null) return;
  const kind = isRecord(value) ? "function" : value;
  if (!(taken as readonly unknown[]).includes(kind)) change("tool_choice", "auto");
}

function read(body: Buffer, span: FieldSpan | undefined): unknown {
  return span ? JSON.parse(body.toString("utf8", span.start, span.end)) : undefined;
}

/** Takes fields out, each with the comma that divides it from its neighbour. */
function removals(body: Buffer, fields: Fields, brace: number, names: readonly string[]): Splice[] {
  if (names.length === 0) return [];
  const gone = new Set(names);
  const all = [...fields].sort(([, one], [, other]) => one.start - other.start);
  const firstKept = all.findIndex(([name]) => !gone.has(name));
  const leading = firstKept < 0 ? all.length : firstKept;
  const pieces: Splice[] = [];
  if (leading > 0) {
    const { end } = all[leading - 1]![1];
    const comma = body.indexOf(",", end);
    pieces.push({ start: brace + 1, end: leading < all.length ? comma + 1 : end, text: "" });
  }
  for (let index = leading; index < all.length; index++) {
    const [name, { end }] = all[index]!;
    if (gone.has(name)) pieces.push({ start: all[index - 1]![1].end, end, text: "" });
  }
  return pieces;
}
