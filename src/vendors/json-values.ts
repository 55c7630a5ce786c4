import { readCount } from "../base/usage.ts";
import { isTooDeep } from "./json-syntax.ts";

/** A JSON object whose fields are not known yet. */
export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value of a JSON text; undefined where it is none, or deeper than anybody could write it again. */
export function parseJson(text: string): unknown {
  if (isTooDeep(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An object's field that is an object itself; an empty one where it is none. */
export function objectAt(value: unknown, name: string): JsonObject {
  const field = isObject(value) ? value[name] : undefined;
  return isObject(field) ? field : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function stringOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** A text, or a number or truth value as it is written; "" for all else, which not every value can be made a text of. */
export function wordOf(value: unknown): string {
  return typeof value === "string"
    ? value
    : typeof value === "number" || typeof value === "boolean"
      ? String(value)
      : "";
}

/** The place of an item in its list as the vendor counts it; the one at which it stands where that is no count. */
export function placeOf(index: unknown, position: number): number {
  return readCount(index) ?? position;
}

/** As `Number` reads it, but NaN for an object or a list: not every one of them can be made a number of. */
export function numberOf(value: unknown): number {
  return typeof value === "object" && value !== null ? Number.NaN : Number(value);
}
