import type { VendorErrorClass } from "./spec.ts";

/** Codes of one class, for a table of codes. */
export function each(errorClass: VendorErrorClass, ...codes: readonly number[]): Record<string, VendorErrorClass> {
  return Object.fromEntries(codes.map((code) => [String(code), errorClass]));
}
