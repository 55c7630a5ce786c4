import type { Counted } from "./upstream-behaviour.ts";

/**
 * Money, reckoned a second time and apart from the product: exact fractions of nano-units, rounded once, a half to the
 * even neighbour.
 */

/** Reads a decimal as nano-units. */
export function nano(text: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{1,9}))?$/.exec(text);
  if (!match) throw new Error(`${text} is no amount`);
  const magnitude = BigInt(match[2]!) * 1_000_000_000n + BigInt((match[3] ?? "").padEnd(9, "0"));
  return match[1] ? -magnitude : magnitude;
}

/** Rates per million tokens, decimals of at most nine places. */
export interface Rates {
  readonly input: string;
  readonly output: string;
  readonly cachedInput?: string;
  readonly reasoning?: string;
}

/** What these tokens cost, in nano-units. */
export function costOf(counted: Counted, rates: Rates): bigint {
  const parts: [number, string][] = [
    [counted.input, rates.input],
    [counted.cachedInput, rates.cachedInput ?? rates.input],
    [counted.output, rates.output],
    [counted.reasoning, rates.reasoning ?? rates.output],
  ];
  let exact = 0n;
  for (const [tokens, rate] of parts) exact += BigInt(tokens) * nano(rate);
  return halfEven(exact, 1_000_000n);
}

export function halfEven(numerator: bigint, denominator: bigint): bigint {
  const floor = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  if (twice > denominator) return floor + 1n;
  if (twice === denominator) return floor + (floor & 1n);
  return floor;
}

export function sum(amounts: Iterable<bigint>): bigint {
  let total = 0n;
  for (const amount of amounts) total += amount;
  return total;
}

/** Numbers that look random and are the same for the same seed (mulberry32). From 0 up to 1. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
