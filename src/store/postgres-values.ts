import type pg from "pg";
import { MONEY, narrow } from "./statements.ts";

/** The types whose values are whole numbers, by PostgreSQL's own numbers. Sums of bigints are numeric. */
const NUMBERS = new Set([20 /* int8 */, 21 /* int2 */, 23 /* int4 */, 26 /* oid */, 1700 /* numeric */]);

/** How the texts of the wire become values, as SQLite would have them: no dates, no objects, and truth is 1. */
export const TYPES: pg.CustomTypesConfig = {
  getTypeParser: ((type: number) => {
    switch (type) {
      case 16: // bool
        return (text: string) => (text === "t" ? 1 : 0);
      case 17: // bytea
        return bytesOf;
      case 700: // float4
      case 701: // float8
        return Number;
      default:
        return (text: string) => text;
    }
  }) as pg.CustomTypesConfig["getTypeParser"],
};

/** Rows as objects: money is bigint, all other whole numbers are numbers where that is exact. */
export function readRows({ rows, fields }: pg.QueryArrayResult): Record<string, unknown>[] {
  const readers = fields.map(({ name, dataTypeID }) =>
    NUMBERS.has(dataTypeID) ? (MONEY.has(name) ? moneyOf : numberOf) : undefined,
  );
  return rows.map((values) => {
    const row: Record<string, unknown> = {};
    for (let i = 0; i < fields.length; i++) {
      const value = values[i];
      row[fields[i]!.name] = value === null ? null : (readers[i]?.(value as string) ?? value);
    }
    return row;
  });
}

function moneyOf(text: string): bigint | number {
  return text.includes(".") ? Number(text) : BigInt(text);
}

function numberOf(text: string): bigint | number {
  return text.length < 16 || text.includes(".") ? Number(text) : narrow(BigInt(text));
}

/** `\x` and two digits a byte. */
function bytesOf(text: string): Uint8Array {
  const bytes = Buffer.from(text.slice(2), "hex");
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function parameterOf(value: unknown): unknown {
  if (value === undefined) return null;
  return typeof value === "boolean" ? Number(value) : value;
}
